"""Credentials in answers, and the header that an API wants them in."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.login_names import KEY_NAMES, REFRESH_NAMES, TOKEN_HEADERS, TOKEN_NAMES, in_headers, named
from stopper.core.probe import Skipped
from stopper.core.probe_baseline import is_door
from stopper.core.secret import Secret
from stopper.scan.forge import is_token
from stopper.scan.honest import HonestRequests
from stopper.scan.wire.courier import Courier

COOKIE_WORDS: Final = ("session", "token", "auth", "sid", "jwt", "csrf")


@dataclass(frozen=True, slots=True)
class Held:
    """What one answer handed out: a bearer token, an API key or cookies."""

    token: Secret | None = None
    key: Secret | None = None
    cookies: Secret | None = None
    refresh: Secret | None = None


def credentials_in(response: Response) -> Held | None:
    """The credentials of an answer: in its JSON at any depth up to four, in a header, or in Set-Cookie."""
    said = response.json()
    token = named(said, TOKEN_NAMES) or _bare(response) or in_headers(response)
    key = named(said, KEY_NAMES)
    cookies = cookies_of(response)
    if not (token or key or cookies):
        return None
    refresh = named(said, REFRESH_NAMES)
    return Held(
        Secret(token) if token else None, Secret(key) if key else None, Secret(cookies) if cookies else None, Secret(refresh) if refresh else None
    )  # fmt: skip


def cookies_of(response: Response) -> str:
    """What a browser would send back of the answer's cookies, those that look like a session or token."""
    kept: list[str] = []
    for line in response.all_headers("Set-Cookie"):
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        kept.extend(
            f"{name}={morsel.coded_value}"
            for name, morsel in jar.items()
            if morsel.value and any(word in name.lower() for word in COOKIE_WORDS)
        )
    return "; ".join(kept)


def forms(held: Held, app: App) -> Iterator[tuple[tuple[str, Secret], ...]]:
    """The ways to show what is held, the usual ones first. Names of the spec's schemes come before guesses."""
    value = held.token or held.key
    cookie = (("Cookie", held.cookies),) if held.cookies else ()
    if value is not None:
        text = value.reveal()
        names = [
            scheme.parameter
            for scheme in (app.spec.schemes.values() if app.spec else ())
            if scheme.where == "header" and scheme.parameter
        ]
        bearer = (("Authorization", Secret(f"Bearer {text}")),)
        if held.token is not None:
            yield bearer
        for name in (*names, "X-API-Key", *TOKEN_HEADERS):
            yield ((name, value),)
        yield (("Authorization", value),)
        yield (("Authorization", Secret(f"Token {text}")),)
        if held.token is None:
            yield bearer
    if cookie:
        yield cookie


def credential_headers(
    app: App, courier: Courier, honest: HonestRequests, held: Held
) -> tuple[tuple[str, Secret], ...]:
    """The headers that let *held* in somewhere where nobody is let in; the most usual form when no route could tell."""
    ways = list(forms(held, app))
    for route in list(guarded_reads(app))[:6]:
        request = honest(route, "GET")
        try:
            if not courier.carry(request).response.refused:
                continue
            for way in ways:
                shown = request.with_headers(*((name, value.reveal()) for name, value in way))
                if lets_in(courier.carry(shown).response):
                    return way
        except Skipped:
            break
    if held.token is None and held.key is None:
        return ways[-1]
    return ways[0]


def lets_in(response: Response) -> bool:
    """Whether the answer is one of somebody who passed the door: neither a refusal nor an unreadable credential (422) nor a fault."""
    return not response.refused and response.status not in (0, 400, 422, 429) and response.status < 500


def guarded_reads(app: App) -> Iterator[Route]:
    """Routes to prove a credential on: GET, few parameters, known to be guarded first."""

    def order(route: Route) -> tuple[bool, int, str]:
        access = route.access.get("GET")
        known = bool(route.spec_security) or (access is not None and access.state == "guarded")
        return (not known, len(route.parameters), route.path)

    yield from sorted((route for route in app.routes if "GET" in route.methods and not is_door(route)), key=order)


def _bare(response: Response) -> str | None:
    said = response.json()
    text = said if isinstance(said, str) else response.text.strip() if len(response.body) < 8192 else ""
    return text if is_token(text) else None


def request_as(request: Request, headers: tuple[tuple[str, Secret], ...]) -> Request:
    """*request* with these credential headers."""
    return request.with_headers(*((name, value.reveal()) for name, value in headers))
