"""What a refused client reads: few bodies, made before the first request, the same bytes every time."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from flask import Response

from stopper.auth.dpop_nonce import DpopNonceRequiredError
from stopper.core.errors import RefusalError, StoreUnavailableError, ThrottledError

PROBLEM_JSON: Final = "application/problem+json"


class _Words(NamedTuple):
    title: str
    detail: str


_TITLES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        429: "Too Many Requests",
        500: "Internal Server Error",
        503: "Service Unavailable",
    }
)
_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "invalid-request": _Words(
            "Bad Request", "The request shows more than one credential, or one that cannot be read."
        ),
        "authentication-required": _Words("Unauthorized", "A credential is needed."),
        "invalid-credential": _Words("Unauthorized", "The credential is not valid."),
        "forbidden": _Words("Forbidden", "The credential does not allow this."),
        "step-up-required": _Words("Forbidden", "A more recent or a stronger log-in is needed."),
        "csrf": _Words("Forbidden", "The request must come from a page of this application and bring its CSRF token."),
        "throttled": _Words("Too Many Requests", "Too many requests; try again later."),
        "store-unavailable": _Words("Service Unavailable", "The request cannot be judged now; try again later."),
        "undeclared-route": _Words("Service Unavailable", "This service is not ready."),
    }
)


class Answers:
    """Makes the responses of one application, in its envelope."""

    def __init__(self, envelope: str) -> None:
        """*envelope*: ``problem`` or ``status``."""
        self._envelope = envelope
        self._bodies: dict[tuple[str, int], bytes] = {}

    def refusal(self, refusal: RefusalError, challenge: tuple[str, str] = ("Bearer", "")) -> Response:
        """The answer to a refused request. The reason is not in it. *challenge*: the scheme that was used, and its parameters."""
        answer = self._response(refusal.code, refusal.status)
        headers = answer.headers
        if refusal.status in (400, 401, 403):
            headers["WWW-Authenticate"] = _challenge(refusal, *challenge)
        if isinstance(refusal, DpopNonceRequiredError):
            headers["DPoP-Nonce"] = refusal.nonce
        if isinstance(refusal, (ThrottledError, StoreUnavailableError)):
            headers["Retry-After"] = str(refusal.retry_after)
        headers["Cache-Control"] = "no-store"
        return answer

    def closed(self) -> Response:
        """The answer of an application that has undeclared routes."""
        answer = self._response("undeclared-route", 503)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def plain(self, status: int) -> Response:
        """The answer of a status that says nothing about credentials, such as 404."""
        return self._response("", status)

    def body(self, code: str, status: int, title: str, detail: str | None) -> bytes:
        """One body. *code* is empty for what HTTP itself says."""
        if self._envelope == "status":
            word = code or title.lower().replace(" ", "-")
            return _json({"status": "failed", "error": {"code": word, "message": detail or title}})
        problem: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
        if detail:
            problem["detail"] = detail
        return _json(problem)

    @property
    def content_type(self) -> str:
        """The media type of every body."""
        return PROBLEM_JSON if self._envelope == "problem" else "application/json"

    def _response(self, code: str, status: int) -> Response:
        body = self._bodies.get((code, status))
        if body is None:
            words = _WORDS.get(code)
            title = words.title if words else _TITLES.get(status, "Error")
            body = self._bodies[code, status] = self.body(code, status, title, words.detail if words else None)
        return Response(body, status, content_type=self.content_type)


def _challenge(refusal: RefusalError, scheme: str, parameters: str) -> str:
    if isinstance(refusal, DpopNonceRequiredError):
        scheme = "DPoP"
    error = f'error="{refusal.error}"' if refusal.error else ""
    said = ", ".join(part for part in (error, parameters) if part)
    return f"{scheme} {said}" if said else scheme


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
