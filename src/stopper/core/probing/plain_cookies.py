"""Cookies, tokens and links that say in plain words who somebody is: whoever writes another number or name is somebody else."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast
from urllib.parse import quote, unquote

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import lets_in
from stopper.core.probing.baseline import Baseline, alike, attempt, protected, same, shown
from stopper.core.secret import Secret

NOBODY: Final = "987654321"
"""A number that no table of people reaches."""
NUMBERS: Final = ("1", "2")
"""The first people there are."""
LINKS_MOST: Final = 3
PARTS_MOST: Final = 7
Coded = Callable[[str], str]
_DIGESTED: Final = re.compile(r"(.{1,3000})([.:|-])([0-9a-f]{32,128})", re.DOTALL)
_DIGESTS: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""Digests by the length of their hexadecimal form."""
_MEMBER: Final = re.compile(
    r"(?i)^(user|account|customer|member|person|uid|id|sub|login|name|user_?name|user_?id|e?mail)$"
)
_LINK: Final = re.compile(r"(?i)(^|[/_-])(\w+-)?(log-?in|sign-?in|magic\w*|one-?click|impersonate|enter|sso|autologin|become|switch-?user)([/_-]|$)")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plain:
    """A text that stands in a cookie, and the cookie's value with another one in its place."""

    said: str
    with_other: Callable[[str], str]


def plain_cookie(target: Target) -> Steps[tuple[RouteRef, str, list[Evidence]] | None]:
    """The first cookie whose plain word decides who is calling: another person's opens a closed route, and nobody's does not."""
    known = yield from protected(target, ("protected",))
    if known is None:
        return None
    for name, value in jar_of(known.identity).items():
        for plain in plain_parts(value):
            for other in _others(target, known.identity, plain.said):
                found = yield from _is_believed(known, partial(_as, known, name), plain, other, "cookie")
                if found is not None:
                    return known.ref, name, found
    return None


def plain_token(target: Target) -> Steps[tuple[RouteRef, list[Evidence]] | None]:
    """A token that is no signed one, and whose plain word decides who is calling, as ``plain_cookie`` has it of cookies."""
    known = yield from protected(target, ("protected",))
    token = known.identity.token.reveal() if known is not None and known.identity.token is not None else ""
    if known is None or not token or target.forge.claims(token):
        return None
    for plain in (*plain_parts(token), *_parts(token)):
        for other in _others(target, known.identity, plain.said):
            found = yield from _is_believed(known, partial(shown, known), plain, other, "token")
            if found is not None:
                return known.ref, found
    return None


def _parts(value: str) -> Iterator[Plain]:
    """The words of a text in which several stand side by side, ``alice:1767225600`` and ``user-5-token``, also in base64."""
    for text, coded in _readings(value):
        words = re.split(r"([:|;,._-])", text)
        for place in range(0, min(len(words), PARTS_MOST), 2):
            if len(words) > 1 and words[place]:

                def made(other: str, place: int = place, words: list[str] = words, coded: Coded = coded) -> str:
                    return coded("".join((*words[:place], other, *words[place + 1 :])))

                yield Plain(words[place], made)


def _is_believed(
    known: Baseline, written: Callable[[str], Request], plain: Plain, other: str, what: str
) -> Steps[list[Evidence] | None]:
    answer = yield from attempt(send(written(plain.with_other(other))))
    if answer is None or not _let_in(known, answer) or same(answer.response, known.accepted.response):
        return None
    nonsense = NOBODY if plain.said.isdigit() else f"nobody-{NOBODY}"
    control = yield from attempt(send(written(plain.with_other(nonsense))))
    if control is None or control.response.error or _let_in(known, control):
        return None
    return [
        Evidence("exchange", f"control: with the {what} that the server gave", known.accepted),
        Evidence("exchange", "control: with one that names nobody", control),
        Evidence("exchange", "with one that was written by hand, somebody else is let in", answer),
    ]


def _let_in(known: Baseline, answer: Exchange) -> bool:
    """Whether it is the answer of somebody who was let in: of the form of the honest one, and not nobody's."""
    good, said = known.accepted.response, answer.response
    return alike(said, good) and not said.refused and not same(said, known.anonymous.response)


def _as(known: Baseline, name: str, value: str) -> Request:
    jar = {**jar_of(known.identity), name: value}
    written = "; ".join(f"{one}={said}" for one, said in jar.items())
    headers = tuple((one, said) for one, said in known.identity.headers if one.lower() != "cookie")
    return replace(known.identity, headers=(*headers, ("Cookie", Secret(written)))).on(known.request)


def jar_of(person: Identity) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in person.cookies.split(";"))
    return {name: value for name, mark, value in pairs if mark and name}


def _others(target: Target, person: Identity, said: str) -> Iterator[str]:
    """Whom the word may name instead, where it names *person*: a number, or what the scan itself has typed in as a name."""
    if re.fullmatch(r"\d{1,9}", said):
        yield from (one for one in NUMBERS if one != said)
    elif person.subject and said.lower() in (person.subject.lower(), person.subject.partition("@")[0].lower()):
        whole = said.lower() == person.subject.lower()
        for other in target.identities:
            if other.subject and other.subject != person.subject:
                yield other.subject if whole else other.subject.partition("@")[0]
        yield "admin"


def plain_parts(value: str) -> Iterator[Plain]:
    """What a cookie's value may hold in plain: the text itself, JSON, either of them in base64, also beside a digest that needs no key."""
    for text, coded in _readings(value):
        yield from _members(text, coded)
        yield from _beside_a_digest(text, coded)


def _readings(value: str) -> Iterator[tuple[str, Coded]]:
    """The text of a value as it stands and as base64 has it, each with the way back."""
    bare = unquote(value.strip('"'))
    yield bare, quote
    try:
        inside = base64.urlsafe_b64decode(bare.replace("+", "-").replace("/", "_") + "=" * (-len(bare) % 4)).decode()
    except (binascii.Error, ValueError):
        return
    if inside.isprintable() and inside:
        yield inside, lambda text: base64.urlsafe_b64encode(text.encode()).decode()


def _beside_a_digest(text: str, coded: Coded) -> Iterator[Plain]:
    """What stands before its own digest, which anybody works out anew: ``{"user": "ann"}.9f86d0…``."""
    found = _DIGESTED.fullmatch(text)
    if found is None:
        return
    told, mark, digest = found.groups()
    algorithm = _DIGESTS.get(len(digest), "")
    if not algorithm or hashlib.new(algorithm, told.encode()).hexdigest() != digest:
        return

    def again(other: str) -> str:
        return coded(f"{other}{mark}{hashlib.new(algorithm, other.encode()).hexdigest()}")

    yield from _members(told, again)


def _members(text: str, coded: Callable[[str], str]) -> Iterator[Plain]:
    try:
        held: object = json.loads(text)
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        yield Plain(text, coded)
        return
    members = cast("Mapping[str, object]", held)
    for name, said in members.items():
        if _MEMBER.search(name) and isinstance(said, (str, int)) and not isinstance(said, bool):
            number = isinstance(said, int)

            def made(other: str, name: str = name, number: bool = number) -> str:
                return coded(json.dumps({**members, name: int(other) if number and other.isdigit() else other}))

            yield Plain(str(said), made)


def login_link(target: Target) -> Steps[tuple[RouteRef, list[Evidence]] | None]:
    """A link that lets in as whoever its number names, without a password; what it gives opens a closed route."""
    links = [
        route
        for route in target.app.routes
        if "GET" in route.methods and len(route.parameters) == 1 and _LINK.search(route.path.partition("{")[0])
    ]
    known = (yield from protected(target)) if links else None
    if known is None:
        return None
    for route in links[:LINKS_MOST]:
        control = yield from attempt(send(_link(target, route, NOBODY)))
        if control is None or control.response.error or lets_in(control.response):
            continue
        for number in NUMBERS:
            answer = yield from attempt(send(_link(target, route, number)))
            if answer is None or not lets_in(answer.response) or not (cookies := cookies_of(answer.response)):
                continue
            inside = yield from attempt(send(known.request.with_headers(("Cookie", cookies))))
            if inside is not None and _let_in(known, inside):
                return RouteRef("GET", route.path), [
                    Evidence("exchange", "control: a number that names nobody", control),
                    Evidence("exchange", "a small number is answered with a credential", answer),
                    Evidence("exchange", "which opens what is closed to nobody in particular", inside),
                ]
    return None


def _link(target: Target, route: Route, number: str) -> Request:
    return replace(target.request_for(route, "GET"), target=re.sub(r"\{[^{}]+\}", number, route.path))
