"""Templates that take what was flashed for markup: ``{% for text in get_flashed_messages() %}{{ text|safe }}``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_FLASHED: Final = "get_flashed_messages("
_KEPT: Final = re.compile(r"\b(\w+)\s*=\s*get_flashed_messages\(")
_LOOP: Final = re.compile(r"\{%-?\s*for\s+([\w\s,()]{1,80}?)\s+in\s+(\w+)")
_SHOWN: Final = re.compile(r"\{\{-?\s*(\w+)\s*\|\s*safe\b")


def flashed_as_markup(facts: "SourceFacts", *kinds: LabelKind) -> Iterator[Span]:
    """The lines of templates that show a flashed message without escaping it, where something of these kinds is flashed."""
    said = (call.argument(0, "message") for call in facts.calls("flask.flash"))
    if not any(not isinstance(one, Call) and facts.derives(one, *kinds, by_name=False) for one in said):
        return
    for file in facts.files_of("template"):
        if not any(_FLASHED in line for line in file.lines):
            continue
        text = "\n".join(file.lines)
        kept = {"get_flashed_messages", *_KEPT.findall(text)}
        names = {re.findall(r"\w+", said)[-1] for said, source in _LOOP.findall(text) if source in kept}
        for number, line in enumerate(file.lines, 1):
            if any(name in names for name in _SHOWN.findall(line)):
                yield Span(file.path, number, number, 0, len(line))
