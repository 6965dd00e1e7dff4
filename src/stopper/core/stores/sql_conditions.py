"""What a statement compares its columns with, where values are bound to it and where it is put together of them."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Format, Mapping, Parameter, Sequence, Unknown, Value, options, text_of

PUT_IN: Final = "?"
"""What stands for a value that is put into the text of a statement."""
_ASKED: Final = re.compile(
    r"(?i)([\w.\"`\[\]]*\w)[\"`\]]?\s*(?:=|<>|!=|like|in)\s*\(?\s*(?:lower\s*\(\s*)?['\"%]*\s*(\?|%s|:\w+|%\(\w+\)s|\$\d+)"
)
_PLACE: Final = re.compile(r"\?|%s|:\w+|%\(\w+\)s|\$\d+")
_INSERT: Final = re.compile(
    r"(?is)\b(?:insert|replace)\s+(?:or\s+\w+\s+)?into\s+[^\s(]+\s*\(([^)]*)\)\s*values\s*\(((?:[^()]|\([^()]*\))*)\)"
)
_TEXTS: Final = ("sqlalchemy.text", "sqlalchemy.sql.text")


def statement_of(value: Value | None) -> str:
    """The text of a statement, with ``?`` in place of what is put into it; empty where nothing is written out."""
    for option in options(value):
        said = _said(option)
        if said:
            return said
    return ""


def _said(value: Value) -> str:
    if isinstance(value, Call) and value.callee in _TEXTS and value.args:
        return statement_of(value.args[0])
    if isinstance(value, Format):
        filled = _filled(value)
        if filled is not None:
            return filled[0]
        return "".join(text if (text := text_of(part)) is not None else PUT_IN for part in value.parts)
    return text_of(value) or ""


_GAP: Final = re.compile(r"%[sdri]|\{\w*\}")


def _filled(value: Format) -> tuple[str, tuple[Value, ...]] | None:
    """``"… VALUES ('%s')" % name``, ``"… {}".format(name)``: the text with ``?`` in its gaps, and what goes into them."""
    first, *given = value.parts or (value,)
    last = given.pop() if given else None
    if not isinstance(last, Unknown) or last.parts:
        return None  # an empty unknown is what ends a text that is filled by ``%`` or ``.format``
    said = text_of(first) or ""
    if given and len(_GAP.findall(said)) == len(given):
        return _GAP.sub(PUT_IN, said), tuple(given)
    return None


def compared(call: Call) -> Iterator[tuple[str, Value]]:
    """Each column of a statement with the value that it is compared with or set to: ``WHERE id = ?`` with ``(number,)``, ``f"… WHERE id = {number}"``."""
    said = statement_of(call.args[0] if call.args else None)
    values = _values(call, said)
    for found in _ASKED.finditer(said):
        value = values.get(found.start(2))
        if value is not None:
            yield found[1].rpartition(".")[2].strip('"`[]').lower(), value


def inserted(call: Call) -> Iterator[tuple[str, Value]]:
    """Each column of an INSERT, in lower case, with the value that is put into it."""
    said = statement_of(call.args[0] if call.args else None)
    found = _INSERT.search(said)
    if found is None:
        return
    values, place = _values(call, said), found.start(2)
    for column, written in zip(found[1].split(","), found[2].split(","), strict=False):
        end = place + len(written)
        value = next((one for at, one in values.items() if place <= at < end), None)
        if value is not None:
            yield column.strip().strip('"`[]').lower(), value
        place = end + 1


def _values(call: Call, said: str) -> dict[int, Value]:
    """What is put in or bound, by where it stands in the text."""
    put_in = put_into(call.args[0])
    places = list(_PLACE.finditer(said))
    if put_in:
        marks = [one.start() for one in places if one[0] == PUT_IN]
        return dict(zip(marks, put_in, strict=False)) if len(marks) == len(put_in) else {}
    if len(places) > 1 and len(call.args) == len(places) + 1:
        return dict(zip((one.start() for one in places), call.args[1:], strict=True))
    bound = next(iter(call.args[1:2]), None) or call.keyword("parameters", "params", "args", "vars", "values")
    for option in options(bound):
        if isinstance(option, Sequence) and not option.open and len(option.items) == len(places):
            return dict(zip((one.start() for one in places), option.items, strict=True))
        if isinstance(option, Mapping):
            named = {
                one.start(): option.get(re.sub(r"\W|s$", "", one[0]) if one[0][0] == "%" else one[0][1:])
                for one in places
            }
            return {place: value for place, value in named.items() if value is not None}
    return dict.fromkeys((places[0].start(),), bound) if len(places) == 1 and isinstance(bound, Parameter) else {}


def _parts(value: Value) -> tuple[Value, ...]:
    if isinstance(value, Call) and value.callee in _TEXTS and value.args:
        return tuple(part for option in options(value.args[0]) for part in _parts(option))
    if not isinstance(value, Format):
        return ()
    filled = _filled(value)
    return filled[1] if filled is not None else value.parts


def put_into(value: Value | None) -> tuple[Value, ...]:
    """What is put into the text of a statement, in its order."""
    return tuple(
        part for option in options(value) for part in _parts(option) if text_of(part) is None or _is_filled(option)
    )


def _is_filled(value: Value) -> bool:
    return isinstance(value, Format) and _filled(value) is not None
