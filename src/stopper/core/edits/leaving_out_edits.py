"""The edits that leave out what nobody should see: a part of a formatted text, or a member of what is answered or signed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from stopper.core.rule import Edit
from stopper.core.values import Call, Constant, Format, Mapping, Value, text_of, walk


def stars_in(text: Value, shows: Callable[[Value], bool]) -> Edit | None:
    """Stars in place of each part of an f-string that *shows* says yes to; to be looked at, because somebody may read the text."""
    if not isinstance(text, Format) or text.span is None:
        return None
    places = [place for place, part in enumerate(text.parts) if not isinstance(part, Constant) and shows(part)]
    edits = [Edit(text.span, f"{place}/{len(text.parts)}", safe=False, how="left-out") for place in places]
    return replace(edits[0], also=tuple(edits[1:])) if edits else None


def without_members(values: Iterable[Value], shows: Callable[[str, Value], bool]) -> Edit | None:
    """Displays and calls without the members that *shows* says yes to, by their name and value; to be looked at, because a client may read them."""
    edits = list(dict.fromkeys(edit for value in values for part in walk(value, 4) for edit in _left_out(part, shows)))
    return replace(edits[0], also=tuple(edits[1:])) if edits else None


def _left_out(value: Value, shows: Callable[[str, Value], bool]) -> Iterator[Edit]:
    members: Iterable[tuple[str | None, Value]] = ()
    if isinstance(value, Mapping):
        members = ((text_of(key), held) for key, held in value.items)
    elif isinstance(value, Call):
        members = value.keywords
    for name, held in members:
        if name and value.span is not None and shows(name, held):
            yield Edit(value.span, name, safe=False, how="left-out")
