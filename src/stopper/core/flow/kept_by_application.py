"""What an application keeps under an attribute: ``app.tokens = Tokens(…)`` where it is made, ``current_app.tokens.key`` elsewhere."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.held_attributes import held_under
from stopper.core.values import Call, Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_APPLICATIONS: Final = frozenset({"flask.Flask", "flask.current_app"})


def kept_by_application(facts: "SourceFacts", value: Value) -> Iterator[Value]:
    """The object itself, or what it has under an attribute, where one place puts it there; nothing for any other value."""
    words = value.dotted.split(".") if isinstance(value, Name) and value.dotted.startswith("flask.") else []
    if len(words) not in (3, 4) or ".".join(words[:2]) not in _APPLICATIONS:
        return
    kept = facts.once("what applications keep", lambda: _kept(facts)).get(words[2], [])
    if len(kept) != 1:
        return
    if len(words) == 3:
        yield kept[0]
    else:
        yield from (held for held, _ in held_under(facts, kept[0], words[3]))


def _kept(facts: "SourceFacts") -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for one in facts.assignments():
        into = one.into.callee if isinstance(one.into, Call) else one.into.dotted if isinstance(one.into, Name) else ""
        if into in _APPLICATIONS and "[" not in one.target:
            found.setdefault(one.attribute, []).append(one.value)
    return found
