"""Security headers and exact-origin CORS for every answer, 404 and 500 too: one WSGI wrapper with a list made beforehand."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from stopper.core.errors import SettingError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID: Final = "stopper.request_id"
GUARDED: Final = "stopper.guarded"
"""Set in the environ when the answer belongs to one caller: no cache may keep it."""
LIMITS: Final = "stopper.limits"
"""In the environ: what the answer says of the limits that the request was counted by."""
Pair = tuple[str, str]

HSTS: Final = "max-age=63072000; includeSubDomains"
"""Two years, as browsers' preload lists ask."""
_USUAL: Final = ("Content-Type", "Content-Length")
"""What most answers of Flask have, and nothing else: none of it is ours."""
_LIMITS_SHOWN: Final = ("Access-Control-Expose-Headers", "RateLimit, RateLimit-Policy, Retry-After")
_PREFLIGHT_SECONDS: Final = "600"
_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"


def new_request_id() -> str:
    """32 random hexadecimal letters, drawn from the system 64 at a time. Safe for threads; a forked child draws its own."""
    try:
        return _ids.pop()
    except IndexError:
        block = os.urandom(16 * 64).hex()
        _ids.extend(block[start : start + 32] for start in range(32, len(block), 32))
        return block[:32]


_ids: Final[deque[str]] = deque()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.clear)


def request_id(environ: "Mapping[str, Any]") -> str:
    """The id of this request: random, of fixed length, never taken from the client."""
    found = environ.get(REQUEST_ID)
    return found if isinstance(found, str) else new_request_id()


def security_headers(content_security_policy: str, *, hsts: bool) -> tuple[Pair, ...]:
    """The headers that every answer gets unless it sets them itself."""
    always = (
        ("Content-Security-Policy", content_security_policy),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    )
    return (*always, ("Strict-Transport-Security", HSTS)) if hsts else always


def checked_origins(origins: tuple[str, ...], *, credentials: bool) -> frozenset[str]:
    """*origins*, each exact. Raises SettingError for patterns, paths, ``null``, and for ``*`` with credentials."""
    if "*" in origins and credentials:
        raise SettingError(
            "STOPPER_CORS_ORIGINS cannot be * while STOPPER_CORS_CREDENTIALS is on: every page could act as your users;"
            " name the origins",
            rule="cors-any-origin-with-credentials",
        )
    for origin in origins:
        if origin != "*" and not _is_origin(origin):
            raise SettingError(
                f"STOPPER_CORS_ORIGINS holds {origin!r}; write an exact origin such as https://app.example.com",
                rule="cors-origin-pattern-loose",
            )
    return frozenset(origins)


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    shown = f"{parts.scheme}://{parts.hostname or ''}" + (f":{port}" if port is not None else "")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "*" not in text and shown == text


class ResponseHeaders:
    """Wraps a WSGI application."""

    def __init__(
        self,
        app: "WSGIApplication",
        headers: tuple[Pair, ...],
        *,
        origins: frozenset[str] = frozenset(),
        credentials: bool = False,
        api_key_header: str = "X-API-Key",
        csrf_header: str = "X-CSRF-Token",
        proofs: bool = False,
        page_policy: str | None = None,
    ) -> None:
        """*page_policy*: the Content-Security-Policy of HTML pages instead of the one in *headers*. *proofs*: pages may send DPoP proofs, and read what refusals say of them."""
        self._app = app
        self._names = frozenset(name.lower() for name, _ in headers)
        self._origins = origins
        self._allow = (("Access-Control-Allow-Credentials", "true"),) if credentials else ()
        if proofs:
            self._allow = (*self._allow, ("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce"))
        with_proofs = ("DPoP",) if proofs else ()
        of_origin = (("Vary", "Origin"),) if origins else ()
        with_cookies = (csrf_header,) if credentials else ()
        self._open = (*headers, *of_origin)
        """What every answer gets; only the names in ``_names`` give way to what the application says."""
        self._guarded = (
            *headers, ("Cache-Control", "no-store"), ("Vary", f"Authorization, Cookie, {api_key_header}"), *of_origin,
        )  # fmt: skip
        self._open_page, self._guarded_page = (
            _with_policy(pairs, page_policy) for pairs in (self._open, self._guarded)
        )
        self._preflight = (
            ("Access-Control-Allow-Methods", _METHODS),
            (
                "Access-Control-Allow-Headers",
                ", ".join(("Authorization", "Content-Type", api_key_header, *with_cookies, *with_proofs)),
            ),
            ("Access-Control-Max-Age", _PREFLIGHT_SECONDS),
            ("Content-Length", "0"),
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        mark = environ[REQUEST_ID] = new_request_id()
        origin = environ.get("HTTP_ORIGIN")
        cors = self._cors(origin) if origin is not None and self._origins else ()

        # Annotations in quotes: this function is made anew for every request.
        def start(status: str, headers: "list[Pair]", exc_info: "Any" = None) -> "Callable[[bytes], object]":
            found = self._finished(headers, mark, cors, guarded=GUARDED in environ)
            if LIMITS in environ:
                found += environ[LIMITS]
                if cors:
                    found.append(_LIMITS_SHOWN)
            return start_response(status, found, exc_info) if exc_info else start_response(status, found)

        if environ.get("REQUEST_METHOD") == "OPTIONS" and cors and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
            start("204 No Content", list(self._preflight))
            return ()
        return self._app(environ, start)

    def _finished(self, headers: list[Pair], mark: str, cors: tuple[Pair, ...], *, guarded: bool) -> list[Pair]:
        if len(headers) == 2 and (headers[0][0], headers[1][0]) == _USUAL:
            return [*headers, *self._ours(headers[0][1], guarded=guarded), ("X-Request-Id", mark), *cors]
        present = {name.lower() for name, _ in headers}
        sort = next((value for name, value in headers if name.lower() == "content-type"), "")
        ours = self._ours(sort, guarded=guarded)
        if guarded and "cache-control" in present:
            headers = _not_stored(headers)
        if not present.isdisjoint(self._names):
            ours = tuple(pair for pair in ours if pair[0].lower() not in self._names or pair[0].lower() not in present)
        return [*headers, *ours, ("X-Request-Id", mark), *cors]

    def _ours(self, content_type: str, *, guarded: bool) -> tuple[Pair, ...]:
        if content_type[:9].lower() == "text/html" or content_type[:21].lower() == "application/xhtml+xml":
            return self._guarded_page if guarded else self._open_page
        return self._guarded if guarded else self._open

    def _cors(self, origin: str) -> tuple[Pair, ...]:
        if origin in self._origins:
            return (("Access-Control-Allow-Origin", origin), *self._allow)
        return (("Access-Control-Allow-Origin", "*"),) if "*" in self._origins else ()


def _with_policy(headers: tuple[Pair, ...], policy: str | None) -> tuple[Pair, ...]:
    if policy is None:
        return headers
    return tuple((name, policy) if name == "Content-Security-Policy" else (name, value) for name, value in headers)


def _not_stored(headers: list[Pair]) -> list[Pair]:
    """*headers* without what they say of caches: nothing that is for one caller may be kept."""
    return [pair for pair in headers if pair[0].lower() != "cache-control"]
