"""What an account needs beside a name and a password, where the answers themselves tell it: a code, a link or a token that confirms it, or the
second step of a log-in. Development modes and applications that are weak on purpose show it in place of a mail."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, cast
from urllib.parse import quote, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.login_names import OPAQUE, PASSWORD, SUBJECT, pairs
from stopper.core.naming import as_parameter
from stopper.core.probe import Skipped
from stopper.core.probing.accounts.account_body import PHONE
from stopper.core.probing.told_missing import missing_in
from stopper.core.probing.turned_away import turned_away
from stopper.scan.people.doors import json_of
from stopper.scan.people.scene import Scene
from stopper.scan.people.step_on_a_page import typed_in

ROUTES_MOST: Final = 3
ROUNDS: Final = 5
TEXT_MOST: Final = 4000
_STEP: Final = re.compile(
    r"(?i)(^|[/_-])(verif(y|ication)|confirm(ation)?|activat(e|ion)|validate|otp|totp|mfa|2fa|two[-_]?factor|challenge|second|step-?2|code|pin)"
)
_OTHER: Final = re.compile(
    r"(?i)resend|send|set-?up|enable|disable|enroll?|reset|forgot|recover|passw|status|request|generate"
)
_SAYS_SO: Final = re.compile(
    r"(?i)otp|mfa|2fa|two.?factor|one.?time|challenge|verif|activat|confirm|\bcode\b|\bpin\b|next.?step"
)
_CODE: Final = re.compile(r"(?i)otp|code|(^|_)pin|digits|passcode")
_DIGITS: Final = re.compile(r"(?<![\w.:-])\d{4,8}(?![\w.:-])")
_LINK: Final = re.compile(r"(?i)(?:https?://[^\s\"'<>]+|/[\w./-]+(?:\?[\w=&.%-]+)?)")


def says_more(response: Response) -> bool:
    """Whether an answer that let nobody in yet speaks of something that is still to be done."""
    return not response.error and response.status < 500 and _SAYS_SO.search(response.text[:TEXT_MOST]) is not None


def confirmed(scene: Scene, made: Exchange, said: object) -> Exchange | None:
    """What confirmed an account that was *made*, by what the answer told: a link is followed, or a code sent to where it belongs. It may hand
    out a credential."""
    if not says_more(made.response):
        return None
    for link in islice(_links(scene, made.response), 2):
        answer = _sent(scene, Request("GET", link, (("Accept", "application/json"),), b"", "write"))
        if answer is not None and answer.response.went_through:
            return answer
    return typed_in(scene, made) or next(stepped(scene, made, said, is_own=True), None)


def stepped(scene: Scene, before: Exchange, said: object, *, is_own: bool) -> Iterator[Exchange]:
    """The answers of further steps that took what the answer *before* told of somebody who was *said* to be so. The password of nobody but
    the scan's own people is sent there: a step is no log-in."""
    own = dict(pairs(cast("object", said))) if isinstance(said, (dict, list)) else {}
    secret: set[str] = set() if is_own else {text for name, text in own.items() if PASSWORD.search(name)}
    own = {name: text for name, text in own.items() if text not in secret}
    told = {name: text for name, text in _members(before.response.json()) if text not in secret}
    codes = [text for name, text in told.items() if _CODE.search(name) and re.fullmatch(r"\w{3,12}", text)]
    codes += [found for _, text in told.items() if " " in text for found in _DIGITS.findall(text)]
    tokens = [text for text in told.values() if OPAQUE.fullmatch(text)]
    for route in islice(_steps(scene), ROUTES_MOST):
        if (answer := _through(scene, route, told, own, codes, tokens)) is not None:
            yield answer


def _steps(scene: Scene) -> Iterator[Route]:
    for route in scene.app.routes:
        place = route.path.partition("{")[0]
        if "POST" in route.methods and not route.parameters and _STEP.search(place) and not _OTHER.search(place):
            yield route


def _through(
    scene: Scene, route: Route, told: Mapping[str, str], own: Mapping[str, str], codes: list[str], tokens: list[str]
) -> Exchange | None:
    """The answer of *route* once it took what is known; its members are those that a reader or its refusals name."""
    names = list(scene.honest.body(route))
    target = scene.honest.prefix + scene.honest.path(route)
    for _ in range(ROUNDS):
        body = {name: value for name in names if (value := _value(name, told, own, codes, tokens)) is not None}
        if len(body) < len(names):
            return None
        answer = _sent(scene, json_of(target, dict(body), "login"))
        if answer is None or not turned_away(answer.response):
            return answer
        more = [name for name in missing_in(answer.response) if name not in names]
        if not more:
            return None
        names.extend(more)
    return None


def _value(
    name: str, told: Mapping[str, str], own: Mapping[str, str], codes: list[str], tokens: list[str]
) -> str | None:
    """What a member of that name says; None where nobody knows."""
    if name in told:
        return told[name]
    if _CODE.search(name) and codes:
        return codes[0]
    if PASSWORD.search(name):
        return next((text for key, text in own.items() if PASSWORD.search(key)), None)
    last = as_parameter(name).rpartition("_")[2]
    if last in ("token", "challenge", "session", "id", "key", "ticket", "hash", "code"):
        like = next((text for key, text in told.items() if as_parameter(key).rpartition("_")[2] == last), None)
        return like or next(iter((*tokens, *codes)), None)
    if name in own:
        return own[name]
    if "mail" in name.lower():
        return next((text for text in own.values() if "@" in text), None)
    if SUBJECT.search(name) or PHONE.search(name):
        return next((text for key, text in own.items() if not PASSWORD.search(key)), None)
    return None


def _members(value: object, depth: int = 4) -> Iterator[tuple[str, str]]:
    """Every name with its text or number in an answer."""
    if isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:20]:
            yield from _members(item, depth - 1)
    elif isinstance(value, dict) and depth:
        for name, item in cast("dict[str, object]", value).items():
            if isinstance(item, (str, int)) and not isinstance(item, bool):
                yield name, str(item)
            else:
                yield from _members(item, depth - 1)


def _links(scene: Scene, response: Response) -> Iterator[str]:
    """Paths of this application that confirm an account: those that an answer tells, and known ones that its token fills."""
    host = urlsplit(scene.courier.transport.base_url).netloc
    found = list(_members(response.json())) or [("", response.text[:TEXT_MOST])]
    links: list[str] = [link for _, text in found for link in _LINK.findall(text)]
    for parts in map(urlsplit, links):
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        confirms = _STEP.search(parts.path) and not _OTHER.search(parts.path)
        if parts.netloc in ("", host) and confirms and re.search(r"/[^/]*\d[^/]{3,}$|=", target):
            yield target
    tokens = [
        text for name, text in found if OPAQUE.fullmatch(text) or _CODE.search(name) or name.lower().endswith("token")
    ]
    for route in scene.app.routes:
        place = route.path.partition("{")[0]
        if (
            "GET" in route.methods
            and len(route.parameters) == 1
            and route.path.endswith("}")
            and _STEP.search(place)
            and not _OTHER.search(place)
        ):
            yield from (scene.honest.prefix + place + quote(token, safe="") for token in tokens[:1])


def _sent(scene: Scene, request: Request) -> Exchange | None:
    try:
        return scene.courier.carry(request)
    except Skipped:
        return None
