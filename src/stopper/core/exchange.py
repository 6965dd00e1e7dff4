"""One request with its response, as plain values that any transport can send and any report can show."""

import json
import re
from dataclasses import dataclass, field
from typing import Final, Literal, cast

Effect = Literal["read", "login", "write"]
"""What a request may change: nothing, a login's state, or the target's data. The scan's mode decides what is sent."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``target`` is the raw path and query as it goes on the wire; headers are pairs, kept in order and in number.

    ``identity`` names whose credential it carries (for the report), None for nobody's.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    effect: Effect = "read"
    identity: str | None = None

    def header(self, name: str) -> str | None:
        """The first header of that name in any letter case."""
        return _first(self.headers, name)

    @property
    def headers_without_body(self) -> Headers:
        """Its headers but for those that describe its body: what another request of the same person takes along."""
        return tuple(pair for pair in self.headers if pair[0].lower() not in ("content-type", "content-length"))

    def with_headers(self, *pairs: tuple[str, str]) -> "Request":
        """The same request with more headers, duplicates kept."""
        return Request(self.method, self.target, (*self.headers, *pairs), self.body, self.effect, self.identity)


REFUSAL_MOST: Final = 400
"""Bytes of an answer that may be nothing but a refusal."""
_REASONS: Final = ("error", "errors", "err", "msg", "message", "detail", "details", "reason", "response")
_FLAGS: Final = ("success", "ok", "status", "code", "status_code", "authenticated", "authorized", "valid", "result")
_WHAT: Final = r"(?:(?:api|access|auth|authentication|authorization|bearer|session|jwt)[ _-]?)*(?:token|key|credentials?|header|jwt)"
_REFUSES: Final = re.compile(
    rf"(?i)\bunauthori[sz]ed\b|\bunauthenticated\b|\bnot (?:logged|signed) in\b|\b(?:log ?in|authentication|authorization) (?:is )?(?:required|needed|failed)\b"
    rf"|\bplease (?:log|sign) ?in\b|\b(?:access|permission) denied\b|\bnot (?:authenticated|authori[sz]ed)\b|\bforbidden\b"
    r"|\bno (?:\w+ ){1,2}(?:found )?in (?:the |your )?session\b|\b(?:access level (?:of )?\w{1,20}|admin(?:istrator)? (?:role|access|privileges?|rights)) (?:is |are )?required\b"
    rf"|\b(?:invalid|missing|no|wrong|bad|expired) {_WHAT}\b|\b{_WHAT} (?:is |was |has )?(?:required|missing|needed|invalid|expired|not (?:given|provided|found|valid))\b"
)
"""How APIs say that they do not know who asks."""
_DONE: Final = re.compile(
    r"(?i)\bsuccess\w*|\b(?:registered|created|activated|verified|confirmed|reset|changed|updated|done)\b"
)
"""What was carried out before somebody is asked to log in."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. ``error`` is set (and status 0) when nothing usable did; ``truncated`` when the body was cut at the cap.

    ``seconds`` is the wall time from the first byte sent to the last byte read.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    seconds: float = 0.0
    truncated: bool = False
    error: str | None = None
    raised: str | None = field(default=None)
    """WSGI only: the type name of an exception that the application let through."""
    wire: "Exchange | None" = field(default=None, repr=False, compare=False)
    """What really went over the wire, where a request was put into other words."""

    def header(self, name: str) -> str | None:
        """The first header of that name in any letter case."""
        return _first(self.headers, name)

    def all_headers(self, name: str) -> tuple[str, ...]:
        """Every header of that name in any letter case."""
        lowered = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == lowered)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, or ``""``."""
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    def json(self) -> object | None:
        """The body as JSON, or None when it is not."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found

    @property
    def succeeded(self) -> bool:
        """A 2xx answer that is no refusal in words."""
        return 200 <= self.status < 300 and not self.refuses_in_words

    @property
    def sends_on(self) -> bool:
        """Whether it sends the client to another address: its body is shown to nobody."""
        return 300 <= self.status < 400 and bool(self.header("Location"))

    @property
    def refused(self) -> bool:
        """The ways a server says "not you": 401, 403, 407, 404 is not among them; a redirect to a login page is, and so is a 200 whose whole
        JSON says so in words."""
        if self.status in (401, 403, 407):
            return True
        if self.status == 200:
            return self.refuses_in_words
        return self.status in (302, 303, 307) and any(
            word in (self.header("Location") or "").lower() for word in ("login", "signin", "sign-in", "auth")
        )

    @property
    def refuses_in_words(self) -> bool:
        """That the status says yes and the whole JSON says "not you": ``200 {"error": "Invalid token"}``."""
        if (
            self.status != 200
            or len(self.body) > REFUSAL_MOST
            or self.body[:1] != b"{"
            or not _REFUSES.search(self.text)
        ):
            return False
        said = self.json()
        members = cast("dict[str, object]", said) if isinstance(said, dict) else {}
        reasons = [text for name, text in members.items() if name.lower() in _REASONS and isinstance(text, str)]
        if any(
            value is True or str(value).lower() in ("ok", "success")
            for name, value in members.items()
            if name.lower() in _FLAGS
        ):
            return False
        others = [value for name, value in members.items() if name.lower() not in (*_REASONS, *_FLAGS)]
        return bool(reasons) and not any(others) and any(map(_says_no, reasons))

    @property
    def went_through(self) -> bool:
        """Neither a refusal nor an error: what was asked for may be done."""
        return self.status < 400 and not self.refused and not self.error


def _says_no(text: str) -> bool:
    """Whether the text refuses; ``Registered. Please log in`` does not."""
    found = _REFUSES.search(text)
    return found is not None and not (
        found.group().lower().startswith("please") and _DONE.search(text[: found.start()])
    )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its response."""

    request: Request
    response: Response


def _first(headers: Headers, name: str) -> str | None:
    lowered = name.lower()
    for key, value in headers:
        if key.lower() == lowered:
            return value
    return None
