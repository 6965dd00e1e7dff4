"""Where an API sends a reset or invitation, and what of it comes back in the answer instead of a mail."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.login_names import SUBJECT, pairs
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.account_body import PHONE, phone_of
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members

_ASKS: Final = re.compile(
    r"(?i)forgot|recover|magic[_-]?link|request[_-]?(a[_-])?(password[_-]?)?reset|(password|account)[/_-]?reset([/_-]request)?/?$|"
    r"reset[/_-]?(password|request)([/_-]request)?/?$|(^|[/_-])(send|resend|request|generate)[/_-]?(otp|code|pin)/?$|(^|[/_-])otp([/_-](send|request|new))?/?$"
)
_NAMED: Final = re.compile(
    r"(?i)^(reset|recovery|magic|verification|confirm\w*|invite|invitation|debug|dev|test|demo|temp\w*|password_?reset|sms|one_?time|security)?_?-?(token|code|key|otp|pin)$"
)
_CODE: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_=-]{4,256}")
"""What a field of GraphQL gives that is called as what it does: ``{"requestPasswordReset": "8F2C…"}``."""
_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>\\]+")
_IN_ADDRESS: Final = re.compile(r"(?i)[?&](?:\w*token|\w*code|key|t)=([^&#\s]+)|/([A-Za-z0-9_.~-]{4,})/?$")
_ON_HOST: Final = re.compile(
    r"(?i)(?<![\w/:.-])/(?:[\w-]{1,40}/){0,3}[\w-]{0,30}(?:reset|recover|magic|invit)[\w-]{0,30}(?:/|\?(?:\w{0,20}token|code|key|t)=)((?=[\w.~-]{0,60}\d)[\w.~-]{4,400})"
)
"""A link without a host, with what looks like a token in it."""
TEXT_MOST: Final = 50_000
"""Characters of an answer in which such a link is looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A reset that was asked for: who for, how, and the answer."""

    route: Route
    person: Identity | None
    request: Request
    exchange: Exchange


def asks_for_reset(route: Route) -> bool:
    """That the route sends somebody a reset, by its path."""
    return "POST" in route.methods and not route.parameters and bool(_ASKS.search(route.path))


def resets(target: Target, somebody: Identity | None = None) -> Steps[list[Asked]]:
    """Each route that sends resets, asked for one for *somebody* whom the probe has registered or registers now, or for nobody where none
    can be."""
    routes = [route for route in target.app.routes if asks_for_reset(route)][:2]
    person = somebody or ((yield from attempt(registered(target))) if routes else None)
    found: list[Asked] = []
    for route in routes:
        request = _request(target, route, person)
        answer = yield from attempt(send(request))
        if answer is not None and answer.response.succeeded:
            found.append(Asked(route, person, request, answer))
    return found


def _request(target: Target, route: Route, person: Identity | None) -> Request:
    nobody = f"{target.canary}@example.com"
    mail, user = (mail_of(person), name_of(person)) if person is not None else (nobody, nobody)
    honest = target.request_for(route, "POST")
    known = members(honest) or dict.fromkeys(("email", "username"), "")
    body = {
        name: mail
        if "mail" in name.lower()
        else user
        if SUBJECT.search(name)
        else phone_of(person.name, value)
        if person is not None and PHONE.search(name) and isinstance(value, str)
        else value
        for name, value in known.items()
    }
    return replace(honest, body=json.dumps(body).encode())


def mail_of(person: Identity) -> str:
    """The address with which a probe has registered somebody."""
    subject = person.subject or ""
    return subject if "@" in subject else f"{person.name}@example.com"


def name_of(person: Identity) -> str:
    """The name by which somebody logs in whom a probe has registered."""
    return person.subject or person.name


def links(response: Response) -> list[str]:
    """The absolute addresses in an answer."""
    return _ADDRESS.findall(response.text)


def shown_links(response: Response) -> Iterator[str]:
    """The links to a reset in an answer, as paths of the host itself."""
    for found in _ON_HOST.finditer(response.text[:TEXT_MOST]):
        yield found.group()


def reset_tokens(response: Response) -> Iterator[str]:
    """What an answer hands out to reset with: under a name of its own, or in a link."""
    for name, value in pairs(response.json()):
        if _NAMED.match(name) or (_ASKS.search(as_parameter(name)) and _CODE.fullmatch(value)):
            yield value
    for address in links(response):
        found = _IN_ADDRESS.search(address)
        if found:
            yield found.group(1) or found.group(2)
    for found in _ON_HOST.finditer(response.text[:TEXT_MOST]):
        yield found.group(1)
