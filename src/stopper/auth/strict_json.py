"""JSON objects from strangers, read strictly (RFC 8259, RFC 7493): one text, one meaning, bounded work."""

import json
import re
from typing import Final, NoReturn, cast

MAX_DEPTH: Final = 16
MAX_MEMBERS: Final = 256
MAX_DIGITS: Final = 32
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]')
_UNFIT: Final = re.compile("[\0\ud800-\udfff]")


class NotStrictError(ValueError):
    """The text is not JSON that we take. The message is a short stable word, never a part of the text."""


def read_object(raw: bytes) -> dict[str, object]:
    """The JSON object in *raw*.

    Raises NotStrictError for anything but strict UTF-8 without BOM, for duplicate members, NaN and infinities, fractions of
    more than 32 digits, integers longer than Python converts (4300 digits), more than 16 levels, more than 256 members in one object, NUL and lone surrogates in texts.
    """
    return cast("dict[str, object]", _read(raw, dict, "json-object"))


def read_array(raw: bytes) -> list[object]:
    """The JSON array in *raw*. Raises NotStrictError as :func:`read_object` does."""
    return cast("list[object]", _read(raw, list, "json-array"))


def _read(raw: bytes, kind: type, other: str) -> object:
    # Errors are raised outside the handlers: the parser's own errors hold the text and must not travel along as context.
    try:
        text: str | None = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise NotStrictError("utf-8")
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _judge_depth(text)
    found: object
    try:
        found = _decode(text)
        wrong = None if type(found) is kind else other
    except NotStrictError as refusal:
        found, wrong = None, str(refusal)
    except (ValueError, RecursionError):
        found, wrong = None, "json"
    if wrong is not None:
        raise NotStrictError(wrong)
    if "\\u" in text:  # only an escape can bring NUL or half a surrogate pair through strict UTF-8
        _judge_texts(found)
    return found


def _judge_depth(text: str) -> None:
    depth = 0
    for token in _STRUCTURE.finditer(text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotStrictError("json-depth")
        elif mark in "]}":
            depth -= 1


def _judge_texts(value: object) -> None:
    if isinstance(value, str):
        if _UNFIT.search(value):
            raise NotStrictError("json-text")
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            _judge_texts(key)
            _judge_texts(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _judge_texts(item)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    size = len(pairs)
    if len(found) != size:
        raise NotStrictError("json-duplicate")
    if size > MAX_MEMBERS:
        raise NotStrictError("json-members")
    return found


def _fraction(digits: str) -> float:
    found = float(digits) if len(digits) <= MAX_DIGITS else float("inf")
    if found in (float("inf"), float("-inf")):
        raise NotStrictError("json-number")
    return found


def _constant(name: str) -> NoReturn:
    raise NotStrictError("json-number")


_decode: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_fraction, parse_constant=_constant).decode
