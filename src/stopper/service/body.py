"""JSON bodies, read strictly against a list of fields; everything else is told which field is wrong."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar, cast

from flask import Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from stopper.auth.strict_json import NotStrictError, read_array, read_object
from stopper.core.errors import StopperError
from stopper.core.secret import Secret

T = TypeVar("T")
MAX_BODY: Final = 64 * 1024
MAX_ITEM: Final = 128
"""Characters of one text in a list."""

_JSON_FAULTS: Final[Mapping[str, str]] = {
    "utf-8": "the body must be UTF-8",
    "json": "the body must be JSON",
    "json-object": "the body must be a JSON object",
    "json-array": "the body must be a JSON list",
    "json-duplicate": "the body has one member twice",
    "json-members": "the body has too many members",
    "json-depth": "the body is nested too deeply",
    "json-number": "the body holds a number that is out of range",
    "json-text": "the body holds a text with NUL or half a character",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One member that holds a text. ``longest`` is in characters; of a number it is the greatest, of texts it is how many."""

    name: str
    longest: int
    required: bool = True
    doc: str = ""
    format: str | None = None
    secret: bool = False
    """Whether it travels as a Secret, so that no log line can show it while the request lasts."""
    kind: Literal["text", "number", "texts"] = "text"


class BodyError(StopperError):
    """A body that an endpoint does not take. ``field`` is None where the body as a whole is wrong."""

    code = "invalid-body"

    def __init__(self, message: str, *, field: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.status = status


@dataclass(frozen=True, slots=True)
class Body:
    """The members of one body, each of them asked for."""

    texts: Mapping[str, str]
    secrets: Mapping[str, Secret]
    others: Mapping[str, int | tuple[str, ...]] = field(default_factory=dict[str, int | tuple[str, ...]])

    def number(self, name: str) -> int | None:
        """A whole number that may be missing."""
        found = self.others.get(name)
        return found if isinstance(found, int) else None

    def several(self, name: str) -> tuple[str, ...]:
        """A list of texts; none where it is missing."""
        found = self.others.get(name)
        return found if isinstance(found, tuple) else ()

    def text(self, name: str) -> str:
        """A member that must be there."""
        return self.texts[name]

    def optional(self, name: str) -> str | None:
        """A member that may be missing."""
        return self.texts.get(name)

    def secret(self, name: str) -> Secret:
        """A secret member that must be there."""
        return self.secrets[name]


def read_body(request: Request, fields: tuple[Field, ...]) -> Body:
    """The members of the request's body. Raises BodyError for anything that *fields* does not describe.

    No fields: no body, or an empty object.
    """
    raw = read_raw(request)
    if not raw and not any(field.required for field in fields):
        return Body({}, {})
    found = _read_json(request, raw, read_object)
    known = {field.name for field in fields}
    for name in found:
        if name not in known:
            raise BodyError("is not a field of this endpoint", field=_shown(name))
    texts = {field: text for field in fields if field.kind == "text" and (text := _text(found, field)) is not None}
    others = {field.name: _other(found, field) for field in fields if field.kind != "text" and field.name in found}
    return Body(
        {field.name: text for field, text in texts.items() if not field.secret},
        {field.name: Secret(text) for field, text in texts.items() if field.secret},
        others,
    )


def read_list(request: Request, most: int) -> list[object]:
    """The items of a body that is a JSON list of at most *most*. Raises BodyError."""
    found = _read_json(request, read_raw(request), read_array)
    if len(found) > most:
        raise BodyError(f"the body must not hold more than {most} items")
    return found


def _read_json(request: Request, raw: bytes, read: Callable[[bytes], T]) -> T:
    if request.mimetype != "application/json":
        raise BodyError("the body must be JSON; send Content-Type: application/json", status=415)
    try:
        return read(raw)
    except NotStrictError as wrong:
        raise BodyError(_JSON_FAULTS.get(str(wrong), "the body must be JSON")) from None


def read_raw(request: Request) -> bytes:
    """The bytes of the body. Raises BodyError where it is too long or cannot be read."""
    # Flask's own limit may be wider, or missing; this one holds for these endpoints. One byte more than is taken: a body
    # without a Content-Length is cut at the limit without a word, and the extra byte shows it.
    request.max_content_length = MAX_BODY + 1
    try:
        found = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_long() from None
    except ClientDisconnected:
        raise BodyError("the body ended early") from None
    except Exception:  # noqa: BLE001
        # Every server has errors of its own for broken chunks and lost connections; none of them is ours, or worth a 500.
        raise BodyError("the body cannot be read") from None
    if len(found) > MAX_BODY:
        raise _too_long()
    return found


def _too_long() -> BodyError:
    return BodyError(f"the body must not be longer than {MAX_BODY} bytes", status=413)


def _text(found: Mapping[str, object], field: Field) -> str | None:
    if field.name not in found:
        if field.required:
            raise BodyError("is missing", field=field.name)
        return None
    value = found[field.name]
    if not isinstance(value, str):
        raise BodyError("must be a text", field=field.name)
    if len(value) > field.longest:
        raise BodyError(f"must not be longer than {field.longest} characters", field=field.name)
    return value


def _other(found: Mapping[str, object], field: Field) -> int | tuple[str, ...]:
    value = found[field.name]
    if field.kind == "number":
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= field.longest:
            raise BodyError(f"must be a whole number from 1 to {field.longest}", field=field.name)
        return value
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or len(items) > field.longest:
        raise BodyError(f"must be a list of at most {field.longest} texts", field=field.name)
    texts = tuple(item for item in items if isinstance(item, str) and 0 < len(item) <= MAX_ITEM)
    if len(texts) != len(items):
        raise BodyError(f"must hold texts of 1 to {MAX_ITEM} characters", field=field.name)
    return texts


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:64])


def refusal(error: BodyError, envelope: str) -> Response:
    """The answer to a BodyError: problem+json (RFC 9457) with the field in ``errors``, never with its value."""
    said = f"{error.field} {error.message}" if error.field else error.message
    titles = {400: "Bad Request", 413: "Content Too Large", 415: "Unsupported Media Type"}
    if envelope == "status":
        failure: dict[str, object] = {"code": error.code, "message": said}
        if error.field:
            failure["field"] = error.field
        return _json({"status": "failed", "error": failure}, error.status, "application/json")
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": titles.get(error.status, "Bad Request"),
        "status": error.status,
        "detail": said,
    }
    if error.field:
        problem["errors"] = [{"field": error.field, "message": error.message}]
    return _json(problem, error.status, "application/problem+json")


def _json(value: object, status: int, content_type: str) -> Response:
    answer = Response(json.dumps(value), status, content_type=content_type)
    answer.headers["Cache-Control"] = "no-store"
    return answer
