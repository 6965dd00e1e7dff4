"""What looks at how a name ends and at nothing else of it."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.labels import UNTRUSTED
from stopper.core.values import Call, Constant, Format, Item, Member, Sequence, Unknown, Value, options, text_of

_SAME: Final = frozenset({"lower", "upper", "casefold", "strip", "lstrip", "removeprefix"})
_ENDING: Final = re.compile(r"\.[a-z][a-z0-9]{1,4}")
_JOINS: Final = frozenset({"os.path.join", "pathlib.Path", "pathlib.PurePath"})


def is_ending(value: Value) -> bool:
    """``splitext(name)[1]``, ``name.rsplit(".", 1)[1].lower()``: what is held against a list there says nothing of the rest of the name."""
    while isinstance(value, Call) and value.method in _SAME and value.receiver is not None:
        value = value.receiver
    if isinstance(value, Member):  # ``Path(name).suffix``
        return value.attribute == "suffix" and isinstance(value.owner, Call) and value.owner.callee in _JOINS
    if not isinstance(value, Item) or not isinstance(value.key, Constant) or not isinstance(value.owner, Call):
        return False
    cuts = value.owner.method == "splitext" or (
        value.owner.method in ("rsplit", "rpartition", "split") and text_of(value.owner.argument(0)) == "."
    )
    return cuts and value.key.value in (1, 2, -1)


def takes_ending_alone(facts: SourceFacts, value: Value) -> bool:
    """``f"latest{end}"``, ``os.path.join(FOLDER, f"latest{end}")``: all that comes from the request is the end of a name."""
    if is_ending(value):
        return True
    match value:
        case Format(parts=inside) | Unknown(parts=inside) | Sequence(items=inside):
            pass
        case Call(callee=callee, args=inside) if callee in _JOINS:
            pass
        case _:
            return False
    sent = [one for one in inside if facts.derives(one, *UNTRUSTED)]
    return bool(sent) and all(takes_ending_alone(facts, one) for one in sent)


def asks_for_ending(facts: SourceFacts, call: Call) -> bool:
    """``name.endswith(".png")``, and ``allowed_file(name)`` of the project, which looks at how it ends and at nothing else."""
    if _tests_end(call):
        return True
    asked = [one for one in facts.comparisons_in(call.callee) if not isinstance(one.left, Constant)]
    if not asked:
        given = [one.value for one in facts.returns_of(call.callee)]
        return bool(given) and all(isinstance(one, Call) and _tests_end(one) for one in given)
    return all(is_ending(one.left) for one in asked)


def _tests_end(call: Call) -> bool:
    """That a text is asked for the ending of a file; an address may end with a host as well."""
    given = call.argument(0) if call.method == "endswith" else None
    said = [text_of(one) for one in (given.items if isinstance(given, Sequence) else options(given))]
    return bool(said) and all(text is not None and _ENDING.fullmatch(text) for text in said)
