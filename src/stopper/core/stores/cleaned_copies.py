"""Copies of a row out of which somebody takes what nobody would choose to show."""

from typing import TYPE_CHECKING

from stopper.core.stores.whole_rows import SECRET
from stopper.core.values import Call, Value, options, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def cleaned_copies(facts: "SourceFacts", function: str, inside: list[Value]) -> frozenset[int]:
    """``held = dict(row.__dict__)`` out of which ``held.pop("password_hash")`` takes what nobody would choose to show."""
    found: set[int] = set()
    for one in inside:
        if not isinstance(one, Call) or one.span is None or not (one.callee == "dict" or one.method == "copy"):
            continue
        home = facts.function_around(one.span)
        for call in {id(each): each for name in (function, home) for each in facts.calls_in(name)}.values():
            takes = call.method == "pop" or call.callee == "operator.delitem"
            if takes and _is_taken_out_of(call, one) and call.span and facts.function_around(call.span) == home:
                said = any(SECRET.search(text_of(each) or "") for given in call.args for each in options(given))
                found |= {id(part) for part in walk(one, 4)} if said else set()
    return frozenset(found)


def _is_taken_out_of(call: Call, copy: Call) -> bool:
    """Of that copy itself: another copy of the same row keeps what this one loses."""
    held = call.receiver if call.method == "pop" else call.argument(0)
    return held is not None and any(getattr(one, "span", None) == copy.span for one in options(held))
