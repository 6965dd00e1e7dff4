"""The two cookies of a browser session: read strictly, written in one way only."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from flask import Request, Response, after_this_request

from stopper.core.errors import InvalidRequestError
from stopper.core.secret import Secret

_PENDING: Final = "_stopper_cookies"
_SET: Final = "_stopper_cookie_values"
_OURS: Final = re.compile(r"(?:[A-Za-z0-9_-]{22}\.)?[A-Za-z0-9_-]{43}")
"""A session id, or a CSRF token."""
_MOST_HELD: Final = 8
"""Two are usual; a header full of them must not fill the redactor."""


class Cookies(NamedTuple):
    """Their names, and whether browsers may send them over TLS alone.

    The prefix ``__Host-`` makes browsers refuse one that comes without Secure, with a Domain or with a narrower Path: a subdomain or a page
    over plain HTTP cannot plant it.
    """

    session: str = "__Host-stopper-session"
    csrf: str = "__Host-stopper-csrf"
    secure: bool = True


_PLAIN: Final = Cookies("stopper-session", "stopper-csrf", secure=False)


def cookies_for(mode: str, issuer: str) -> Cookies:
    """By mode and by the scheme of the own issuer, never by what a request says of itself."""
    return Cookies() if mode == "prod" or issuer.startswith("https://") else _PLAIN


def shown(environ: Mapping[str, object], name: str) -> str | None:
    """The value of the one cookie called *name*. Raises InvalidRequestError where there are two: one of them was planted."""
    found = _values(environ, name)
    if len(found) > 1:
        raise InvalidRequestError("two-session-cookies")
    return found[0] if found else None


def only(environ: Mapping[str, object], name: str) -> str | None:
    """The value of the one cookie called *name*; None where there is none or where there are two."""
    found = _values(environ, name)
    return found[0] if len(found) == 1 else None


def every(environ: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The values of the cookies called *name*, the first few where there are many."""
    return tuple(dict.fromkeys(_values(environ, name)[:_MOST_HELD]))


def held_back(environ: Mapping[str, object], cookies: Cookies) -> tuple[Secret, ...]:
    """What both cookies say, as secrets: while these live, no log line carries it. Nothing but what has the form of ours."""
    said = (*_values(environ, cookies.session), *_values(environ, cookies.csrf))
    return tuple(_secret(value) for value in said[:_MOST_HELD] if _OURS.fullmatch(value))


@lru_cache(maxsize=512)
def _secret(value: str) -> Secret:
    """*value* as a secret, the same for each request of one browser: to make one known to the redactor costs more than the rest of a request."""
    return Secret(value)


def _values(environ: Mapping[str, object], name: str) -> list[str]:
    header = environ.get("HTTP_COOKIE")
    if not isinstance(header, str) or name not in header:
        return []
    # Servers join two Cookie headers by a comma; no cookie that we read holds one.
    pairs = (pair.partition("=") for pair in header.replace(",", ";").split(";"))
    return [value.strip(" \t") for key, _, value in pairs if key.strip(" \t") == name]


def set_session(asked: Request, cookies: Cookies, value: str) -> None:
    """Have the answer to *asked* set the session's cookie; it ends with the browser, and in the store long before."""
    _answer_with(asked, cookies.session, f"{cookies.session}={value}; Path=/; HttpOnly; SameSite=Lax", cookies.secure)


def set_csrf(asked: Request, cookies: Cookies, value: str) -> None:
    """Have the answer to *asked* set the cookie from which the pages' own scripts read the CSRF token."""
    _answer_with(asked, cookies.csrf, f"{cookies.csrf}={value}; Path=/; SameSite=Lax", cookies.secure)


def clear(asked: Request, cookies: Cookies) -> None:
    """Have the answer to *asked* take both cookies away."""
    gone = "; Path=/; SameSite=Lax; Max-Age=0"
    _answer_with(asked, cookies.session, f"{cookies.session}={gone}; HttpOnly", cookies.secure)
    _answer_with(asked, cookies.csrf, f"{cookies.csrf}={gone}", cookies.secure)


def _answer_with(asked: Request, name: str, line: str, secure: bool) -> None:
    pending: dict[str, str] | None = asked.__dict__.get(_PENDING)
    if pending is None:
        pending = asked.__dict__[_PENDING] = {}
        lines = pending

        def write(answer: Response) -> Response:
            for cookie in lines.values():
                answer.headers.add("Set-Cookie", cookie)
            return answer

        after_this_request(write)
    pending[name] = line + ("; Secure" if secure else "")
    value = line.removeprefix(f"{name}=").partition(";")[0]
    if value:
        asked.__dict__.setdefault(_SET, []).append(_secret(value))  # known to the redactor until the answer is out
