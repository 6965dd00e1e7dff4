"""A reset of a password is sent for accounts that the scan registered itself, and for nobody else."""

import json
import re
from collections.abc import Collection
from typing import Final, cast
from urllib.parse import parse_qsl

from stopper.core.exchange import Request, Response
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.probing.accounts.own_values import says_whose
from stopper.core.probing.accounts.reset import shown_links

PASSWORDS: Final = frozenset({"password", "passwords", "passwd", "pwd", "forgot", "forgotten"})
_OWN: Final = re.compile(r"(?:[a-z]{1,10}-)?stp[0-9a-f]{8,40}(?:@example\.com)?")
"""The names of people whom a scan registers."""


def resets_an_own_password(request: Request, words: Collection[str]) -> bool:
    """Whether a path that says ``reset`` is about a password, and the body names an account of the scan's own by its name, and nobody besides.
    No sign of a language may stand in it: whoever is named by a query could be everybody."""
    if PASSWORDS.isdisjoint(words) or any(character.isdigit() for character in request.target.rpartition("/")[2]):
        return False
    members = sent_members(request)
    named = [value for name, value in members.items() if names_somebody(name)]
    plain = all(isinstance(value, str) and re.fullmatch(r"[\w.@+!-]{0,200}", value) for value in members.values())
    return bool(named) and plain and all(isinstance(value, str) and _OWN.fullmatch(value) for value in named)


class OwnLinks:
    """Links to a reset that an answer shows which was asked for an account of the scan's own: what they lead to is about nobody else."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, request: Request, response: Response) -> None:
        """Keep the links of *response*, where *request* names an account of the scan's own and nobody besides."""
        if request.method != "POST" or not response.succeeded or b"stp" not in request.body:
            return
        text = request.body.decode("utf-8", "replace")
        said = (
            dict(parse_qsl(text, keep_blank_values=True)) if "=" in text and text[:1] != "{" else sent_members(request)
        )
        named = [value for name, value in said.items() if names_somebody(name)]
        if named and all(isinstance(value, str) and _OWN.fullmatch(value) for value in named):
            self._known.update(shown_links(response))

    def __contains__(self, target: str) -> bool:
        return target in self._known


def sent_members(request: Request) -> dict[str, object]:
    """The members of the request's JSON body; none where it has no object."""
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}


def names_somebody(name: str) -> bool:
    """Whether a member of that name says who is meant."""
    if PASSWORD.search(name):
        return False
    return SUBJECT.search(name) is not None or says_whose(name) or name.lower() in ("id", "uid")
