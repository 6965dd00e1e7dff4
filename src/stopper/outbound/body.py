"""What a call sends, and which kinds of reply it takes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from stopper.outbound.errors import CallRefusedError, OutboundError

_JSON_TYPE: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json\Z")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+\Z")
ANYTHING: Final = "*/*"


def encoded(json_value: object, form: Mapping[str, str] | None, data: bytes | None) -> tuple[bytes | None, str | None]:
    """The body with its content type. Raises CallRefusedError for two bodies at once, or one that cannot be written."""
    given = [part for part in (json_value, form, data) if part is not None]
    if len(given) > 1:
        raise CallRefusedError("body", "json, form and data are three ways to give one body; choose one")
    if json_value is not None:
        return _as_json(json_value), "application/json"
    if form is not None:
        return _as_form(form), "application/x-www-form-urlencoded"
    if data is not None and not isinstance(data, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CallRefusedError("body", "data must be bytes")
    return data, None


def _as_form(form: Mapping[str, str]) -> bytes:
    wrong: OutboundError | None = None
    found = b""
    try:
        found = urlencode(form).encode("ascii")
    except (TypeError, ValueError):
        wrong = CallRefusedError("body", "the body cannot be written as a form")
    if wrong is not None:
        raise wrong
    return found


def _as_json(value: object) -> bytes:
    wrong: OutboundError | None = None
    found = b""
    try:
        found = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        wrong = CallRefusedError("body", "the body cannot be written as JSON")
    if wrong is not None:
        raise wrong
    return found


def checked_accept(accept: str | Sequence[str]) -> tuple[str, ...]:
    """The media types that a call takes, in lower case. Raises CallRefusedError."""
    types = tuple(name.lower() for name in ((accept,) if isinstance(accept, str) else accept))
    if not types or not all(map(_TYPE.match, types)):
        raise CallRefusedError("accept", "accept is a media type such as application/json, or a list of them")
    return types


def is_accepted(content_type: str, accept: Sequence[str]) -> bool:
    """Whether a reply of *content_type* is one of *accept*. ``application/json`` stands for every JSON type."""
    said = content_type.partition(";")[0].strip().lower()
    for wanted in accept:
        if wanted in (ANYTHING, said) or (wanted.endswith("/*") and said.startswith(wanted[:-1])):
            return True
        if wanted == "application/json" and _JSON_TYPE.match(said):
            return True
    return False
