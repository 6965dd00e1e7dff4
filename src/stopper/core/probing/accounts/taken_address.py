"""A registration that says whether an e-mail address has an account: the one that let a person of the scan in is asked for once more, under another name."""

import json
import re
from dataclasses import replace
from typing import Final, cast
from urllib.parse import urlencode

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.accounts import registered_address
from stopper.core.probing.accounts.login import REGISTERED
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members

_TAKEN: Final = re.compile(
    r"(?i)\b(?:e-?mail|address|account|user)\b.{0,60}\b(?:exists?|in use|taken|registered|used)\b|already (?:been )?(?:registered|exists?|in use|taken)|duplicate"
)
_NAME: Final = re.compile(r"(?i)^(?:user_?name|user|login|nick_?name|handle|display_?name)$")
_CONFLICT: Final = 409
_MOST: Final = 2000


def taken_address(target: Target, person: Identity) -> Steps[Verdict | None]:
    """The verdict on the registration by which *person* came; None where nobody was registered, no address was given, or the refusal says
    nothing of one."""
    entry = target.notes.get(REGISTERED + person.name)
    if target.mode != "active" or not isinstance(entry, tuple) or "@" not in registered_address(target, person):
        return None
    route, first = cast("tuple[Route, Exchange]", entry)
    again = yield from attempt(send(_under_another_name(first.request)))
    if again is None or again.response.succeeded or again.response.sends_on:
        return None
    refused = again.response.status in (400, _CONFLICT, 422)
    if not refused or not (again.response.status == _CONFLICT or _TAKEN.search(again.response.text[:_MOST])):
        return None
    ref = RouteRef("POST", route.path)
    evidence = [
        Evidence("exchange", "control: an address that nobody has is registered", first),
        Evidence("exchange", "the same address once more", again),
    ]
    return failed(f"{ref} says which addresses have an account", [ref], evidence)


def _under_another_name(request: Request) -> Request:
    """The same registration with another name beside the address: a name that everybody sees is told by the site itself."""
    known = members(request)
    changed = {
        name: f"{value}2" if isinstance(value, str) and _NAME.search(name) and "@" not in value else value
        for name, value in known.items()
    }
    if changed == known:
        return request
    is_json = request.body[:1] == b"{"
    texts = {name: str(value) for name, value in changed.items()}
    return replace(request, body=json.dumps(changed).encode() if is_json else urlencode(texts).encode())
