"""Credentials in answers, and the header that an API wants them in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import unquote_plus

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.login_names import (
    KEY_NAMES,
    OPAQUE,
    PASSWORD,
    REFRESH_NAMES,
    TOKEN_HEADERS,
    in_headers,
    named,
    pairs,
    token_named,
    without_scheme,
)
from stopper.core.probe import Skipped
from stopper.core.probing.baseline import is_door, same
from stopper.core.secret import Secret
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import is_token, read_part
from stopper.scan.wire.courier import Courier

COOKIE_WORDS: Final = ("session", "token", "auth", "sid", "jwt", "csrf")

ASKED: Final = 12
"""How many reads are tried in the search for some that refuse nobody."""
DOORS: Final = 4
"""On how many of them a credential is tried."""
BRIEFLY: Final = 2
"""Ways in which a credential is shown to a view that fails without one: it mostly fails with one too."""

BARE: Final = 300
"""Characters of a sentence or a line of text in which a token is looked for."""
SAYS_MOST: Final = 500
"""Characters of a refusal in which the name of a header is looked for."""
_OWN_HEADER: Final = re.compile(r"(?i)(?=.*(session|token|auth|key|sid|jwt|ticket))x-(?!csrf|xsrf|request)")
_LIKE_A_TOKEN: Final = re.compile(r"token|auth|session|ticket|sid$|jwt|key|secret|credential|value")
_NAMED_HEADER: Final = re.compile(
    r"""(?i)\b(x-[a-z][a-z0-9-]{1,40})\b|['"`]?\b([a-z][a-z0-9-]{2,40})['"`]? header\b|\bheader ['"`]?([a-z][a-z0-9-]{2,40})\b"""
)
_NO_HEADER: Final = frozenset({
    "authorization", "missing", "the", "required", "your", "request", "http", "auth", "valid", "invalid", "this", "bearer", "authentication", "for", "with", "not", "named",
    "called", "was", "and", "that", "must", "has", "from",
})  # fmt: skip
_NAMED_SCHEME: Final = re.compile(r"""(?i)authorization:?\s*['"`]?([a-z][a-z-]{2,20})\s*[<{\[]""")
_HEADERS: Final = (
    "token",
    "X-Session-Token",
    "X-Session-Id",
    "X-Authorization",
    "X-API-Token",
    "X-Auth-Key",
    "X-User-Token",
)
_SCHEMES: Final = ("ApiKey", "Api-Key", "Session")

Way = tuple[tuple[str, Secret], ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What showing a credential came to: it ``opened`` something, it opened ``nothing`` that refuses nobody, or nothing could tell."""

    state: Literal["opened", "nothing", "unknown"]
    way: Way


@dataclass(frozen=True, slots=True)
class Held:
    """What one answer handed out: a bearer token, an API key or cookies."""

    token: Secret | None = None
    key: Secret | None = None
    cookies: Secret | None = None
    refresh: Secret | None = None
    by_name: bool = True
    """Whether its name says that it is a credential; a cookie of any other name counts only once it opened something."""


def credentials_in(response: Response, before: str = "", sent: bytes = b"") -> Held | None:
    """The credentials of an answer: in its JSON at any depth up to four, in a header, or in Set-Cookie.

    *before* is the Cookie header of the request: a browser keeps what the answer does not set anew.
    """
    said = response.json()
    token = token_named(said) or _bare(response) or in_headers(response)
    key = named(said, KEY_NAMES)
    cookies = merged(before, cookies_of(response))
    by_name = bool(token or key or cookies_of(response, COOKIE_WORDS))
    token = token or (None if by_name else odd_token(response, sent))
    if not (token or key or cookies):
        return None
    refresh = named(said, REFRESH_NAMES)
    return Held(
        Secret(token) if token else None,
        Secret(key) if key else None,
        Secret(cookies) if cookies else None,
        Secret(refresh) if refresh else None,
        by_name,
    )


def odd_token(response: Response, sent: bytes = b"") -> str | None:
    """What looks like a token in an answer whose names say nothing of one: whatever a member, a header of the application's own or a sentence
    holds that was made at random, and was not *sent* there."""
    own_words = unquote_plus(sent.decode("utf-8", "replace"))
    said = response.json()
    own = [(name.lower(), text) for name, text in response.headers if _OWN_HEADER.match(name)]
    told = [(name.lower(), without_scheme(text)) for name, text in (*pairs(said), *own)]
    told.sort(key=lambda pair: not _LIKE_A_TOKEN.search(pair[0]))
    bare = [one for one in cast("list[object]", said) if isinstance(one, str)] if isinstance(said, list) else [said]
    plain = [text for text in bare if isinstance(text, str)]
    if said is None and response.content_type.startswith("text/plain") and len(response.body) < BARE:
        plain.append(response.text.strip())
    sentences = [word.strip(".,:;'\"") for _, text in told if " " in text and len(text) < BARE for word in text.split()]
    return next(
        (
            text
            for text in (*(text for _, text in told), *plain, *sentences)
            if (OPAQUE.fullmatch(text) or is_token(text)) and text not in own_words
        ),
        None,
    )


def signed_cookie(held: Held) -> Secret | None:
    """The signed token that a cookie holds: what opens is the cookie, and what it says is the token's."""
    jar = (part.partition("=")[2] for part in held.cookies.reveal().split("; ")) if held.cookies is not None else ()
    return next((Secret(text) for text in jar if is_token(text) and "alg" in read_part(text.split(".")[0])), None)


def merged(before: str, after: str) -> str:
    """The Cookie header of a browser that held *before* and was given *after*."""
    jar = dict(part.split("=", 1) for part in f"{before}; {after}".split("; ") if "=" in part)
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def forms(held: Held, app: App) -> Iterator[Way]:
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
        kinds = {scheme.kind for scheme in (app.spec.schemes.values() if app.spec else ())}
        usual = [name.lower() == "authorization" for name in names]  # Swagger 2.0 has no other word for a bearer token
        first = held.token is not None and not (names and kinds == {"apiKey"} and not all(usual))
        if first:
            yield bearer
        for name in (*names, "X-API-Key", *TOKEN_HEADERS):
            yield ((name, value),)
        yield (("Authorization", value),)
        yield (("Authorization", Secret(f"Token {text}")),)
        yield (("Authorization", Secret(f"JWT {text}")),)
        if not first:
            yield bearer
    if cookie:
        yield cookie


def further_forms(held: Held, refusals: Sequence[Response]) -> Iterator[Way]:
    """More ways, for a credential that opened nothing: first those that the *refusals* name, then what some APIs call their header or scheme."""
    value = held.token or held.key
    if value is None:
        return
    texts = [text for one in refusals for text in (one.text[:SAYS_MOST], one.header("WWW-Authenticate") or "")]
    names = [name for text in texts for found in _NAMED_HEADER.finditer(text) for name in found.groups() if name]
    schemes = [found.group(1) for text in texts for found in _NAMED_SCHEME.finditer(text)]
    for name in dict.fromkeys((*(one for one in names if one.lower() not in _NO_HEADER), *_HEADERS)):
        yield ((name, value),)
    for scheme in dict.fromkeys((*schemes, *_SCHEMES)):
        yield (("Authorization", Secret(f"{scheme} {value.reveal()}")),)


_ADMINS: Final = re.compile(r"(?i)(^|[/_-])(admin\w*|staff|manage(ment)?|superuser|root)([/_-]|$)")


def shut_doors(app: App, courier: Courier, honest: HonestRequests) -> tuple[Exchange, ...]:
    """A few reads that refuse nobody, each with its refusal: what a credential is proven on. A view that fails without a credential is
    the last of them, where there are too few."""
    found: list[Exchange] = []
    failing: list[Exchange] = []
    for route in list(guarded_reads(app))[:ASKED]:
        try:
            exchange = courier.carry(honest(route, "GET"))
        except Skipped:
            continue
        if exchange.response.refused:
            found.append(exchange)
        elif exchange.response.status == 500:
            failing.append(exchange)
        if len(found) == DOORS:
            break
    if not found and courier.mode == "active":
        found.extend(_shut_writes(app, courier, honest))
    return (*found, *failing[: DOORS - len(found)][:1])


def _shut_writes(app: App, courier: Courier, honest: HonestRequests) -> Iterator[Exchange]:
    """Writes that refuse nobody, where no read does: what is refused has written nothing."""
    writes = [
        route
        for route in app.routes
        if "POST" in route.methods
        and not route.parameters
        and not is_door(route)
        and not any(PASSWORD.search(name) for name in route.fields)  # it opens an account, or changes one
    ]
    for route in writes[:DOORS]:
        try:
            exchange = courier.carry(honest(route, "POST"))
        except Skipped:
            continue
        if exchange.response.refused:
            yield exchange


def proven(shut: Sequence[Exchange], courier: Courier, ways: Sequence[Way]) -> Proof:
    """The first of *ways* that opens one of the *shut* doors.

    A door that says 403 where it said 401 to nobody knows who asks: that is a proof too, when no door opens.
    """
    known: Way | None = None
    for door in shut:
        for way in ways if door.response.refused else ways[:BRIEFLY]:
            try:
                response = courier.carry(request_as(door.request, way)).response
            except Skipped:
                return Proof("unknown", known or ways[0])
            if lets_in(response) or _is_past(door, response) or _finds_fault_with_the_id(door, way, response, courier):
                return Proof("opened", way)
            asked_more = response.status == 403 != door.response.status
            if asked_more or _turns_away_who_asks(door, way, response, courier):
                known = known or way
                break
    if known is not None:
        return Proof("opened", known)
    # A view that fails for everybody says nothing of a credential that it fails for too, and an ordinary person stays outside an administrator's door.
    telling = any(door.response.refused and not _ADMINS.search(door.request.target) for door in shut)
    return Proof("nothing" if telling else "unknown", ways[0])


_RIGHT: Final = re.compile(
    r"(?i)permission|privileg|insufficient|forbidden|not allowed|access denied|\badmins?\b|administrator|\brole\b|not authori[sz]ed to"
)
_CREDENTIAL: Final = re.compile(r"[^\s=;]{8,}={0,2}$")
"""The end of a header that is the credential itself."""
_OF_THE_TOKEN: Final = re.compile(r"(?i)token|signature|expired|invalid|missing|segments|credential|log ?in")


def _lacks_a_right(response: Response) -> bool:
    """Whether a refusal says that somebody may not do this, and nothing of who it is: then it knows who asks."""
    said = response.text[:SAYS_MOST]
    return _RIGHT.search(said) is not None and _OF_THE_TOKEN.search(said) is None


def _turns_away_who_asks(door: Exchange, way: Way, response: Response, courier: Courier) -> bool:
    """Whether a refusal is one of whoever has the credential, and neither of the credential nor of nobody: it speaks of a right, or says
    nothing of a token and is another than what a credential is answered that nobody issued."""
    if not response.refused or same(response, door.response):
        return False
    if _lacks_a_right(response):
        return True
    if _OF_THE_TOKEN.search(response.text[:SAYS_MOST]):
        return False
    other = _shown_nonsense(door, way, courier)
    return other is not None and other.status != 0 and not same(other, response)


def _shown_nonsense(door: Exchange, way: Way, courier: Courier) -> Response | None:
    """The answer at the door to a credential in this form that nobody issued; None where none may be asked for."""
    nonsense = tuple((name, Secret(_CREDENTIAL.sub("x" * 24, value.reveal()))) for name, value in way)
    try:
        return courier.carry(request_as(door.request, nonsense)).response
    except Skipped:
        return None


def _is_past(door: Exchange, response: Response) -> bool:
    """Whether a write that refused nobody now finds fault with what was sent, and with nobody any more."""
    return door.request.method == "POST" and not response.refused and response.status not in (0, 405, 415, 429)


def _finds_fault_with_the_id(door: Exchange, way: Way, response: Response, courier: Courier) -> bool:
    """Whether a reading by an id that refused nobody finds fault with the id (``/users/1`` where ids are UUIDs), and still refuses a credential
    that nobody issued: some guards call an unreadable credential a bad request."""
    if response.status not in (400, 422) or door.request.method != "GET" or not door.response.refused:
        return False
    other = _shown_nonsense(door, way, courier)
    return other is not None and other.refused and not same(other, response)


def lets_in(response: Response) -> bool:
    """Whether the answer is one of somebody who passed the door: neither a refusal nor an unreadable credential (422) nor a fault."""
    return not response.refused and response.status not in (0, 400, 422, 429) and response.status < 500


def guarded_reads(app: App) -> Iterator[Route]:
    """Routes to prove a credential on: GET, few parameters, known to be guarded first, an administrator's last."""

    def order(route: Route) -> tuple[bool, bool, int, str]:
        access = route.access.get("GET")
        known = bool(route.spec_security) or (access is not None and access.state == "guarded")
        return (not known, _ADMINS.search(route.path) is not None, len(route.parameters), route.path)

    yield from sorted((route for route in app.routes if "GET" in route.methods and not is_door(route)), key=order)


def _bare(response: Response) -> str | None:
    said = response.json()
    text = said if isinstance(said, str) else response.text.strip() if len(response.body) < 8192 else ""
    return text if is_token(text) else None


def request_as(request: Request, headers: Way) -> Request:
    """*request* with these credential headers."""
    return request.with_headers(*((name, value.reveal()) for name, value in headers))
