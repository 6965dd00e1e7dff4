"""The edits that leave out what nobody should see: a part of a formatted text, or a member of what is answered or signed."""

from collections.abc import Callable
from dataclasses import replace

from stopper.core.rule import Edit
from stopper.core.values import Constant, Format, Value


def stars_in(text: Value, shows: Callable[[Value], bool]) -> Edit | None:
    """Stars in place of each part of an f-string that *shows* says yes to; to be looked at, because somebody may read the text."""
    if not isinstance(text, Format) or text.span is None:
        return None
    places = [place for place, part in enumerate(text.parts) if not isinstance(part, Constant) and shows(part)]
    edits = [Edit(text.span, f"{place}/{len(text.parts)}", safe=False, how="left-out") for place in places]
    return replace(edits[0], also=tuple(edits[1:])) if edits else None
