"""What converters of paths let through: whether a part of the address may be any text."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.raising import raised_in
from stopper.core.values import text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_CONVERTER: Final = re.compile(r"werkzeug(?:\.routing)?(?:\.converters)?\.\w*Converter")
_CLOSED: Final = re.compile(r"werkzeug(?:\.routing)?(?:\.converters)?\.(?:Integer|Float|Number|UUID|Any)Converter")
_ANYTHING: Final = re.compile(r"(?<!\\)\.[*+]|\[\^|\\[SWD]")
"""A part of a pattern that most signs fit."""


def takes_any_text(facts: "SourceFacts", kind: str) -> bool:
    """That a parameter of this kind may be any text: no number, no word of a list, and nothing that a converter of the project refuses."""
    if kind in ("int", "uuid"):
        return False
    if kind != "any":
        return True
    return facts.once("converters", lambda: any(not _refuses(facts, one) for one in facts.classes() if _converts(one)))


def _converts(one: ClassFact) -> bool:
    return any(map(_CONVERTER.fullmatch, one.bases))


def _refuses(facts: "SourceFacts", one: ClassFact) -> bool:
    """``raise ValidationError()`` in ``to_python``, or a pattern of the class that is no more than some signs."""
    if any(map(_CLOSED.fullmatch, one.bases)) or raised_in(facts, f"{one.name}.to_python"):
        return True
    pattern = text_of(one.attributes.get("regex"))
    return pattern is not None and _ANYTHING.search(pattern) is None
