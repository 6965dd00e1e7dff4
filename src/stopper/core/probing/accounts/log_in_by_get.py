"""A log-in by GET: the name and the password stand in the address."""

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.login_names import BEST, PASSWORD, SUBJECT
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.login import lets_in, refuses_the_account, says_anew_of_the_account

_NO_LOG_IN: Final = re.compile(
    r"(?i)regist|sign[-_]?up|join|subscri|enrol|create|(^|[/_-])(add|new|make|set|pay|ban|buy|end)|change|update|edit|delete|remove|close|closing|quit|leav|cancel|activ|disab|expel|block|lock|suspend"
    r"|terminate|forgot|reset|recover|invit|verif|confirm|transfer|withdraw|grant|promote|import|passw|pwd"
)
"""Paths at which an account is told for another reason."""
_OTHER_PASSWORD: Final = re.compile(r"(?i)new|old|current|confirm|repeat|again|admin|master|root")
_USUAL: Final = ("username", "email", "password")
ROUTES_MOST: Final = 2


@dataclass(frozen=True, slots=True)
class ByGet:
    """A route that judges an account in its address, and what showed that."""

    route: Route
    empty: Exchange
    """The same address without an account."""
    first: Exchange
    """An account that nobody has, refused."""

    @property
    def ref(self) -> RouteRef:
        return RouteRef("GET", self.route.path)

    def wrong(self) -> Request:
        """The same once more with another password."""
        return _with_account(self.route, self.empty.request)


def log_in_by_get(target: Target) -> Steps[ByGet | None]:
    """A log-in that reads an account from its address; None where there is none. A page that asks for one is none, unless its form is sent there
    by GET."""
    routes = [
        one
        for one in target.app.routes
        if "GET" in one.methods and "POST" not in one.methods and (BEST.search(one.path) or _reads_an_account(one))
    ]
    for route in [one for one in routes if not one.parameters][:ROUTES_MOST]:
        bare = target.request_for(route, "GET")
        empty = yield from send(Request("GET", bare.target.partition("?")[0], bare.headers, b"", "login"))
        asked = _reads_an_account(route)
        if not asked and (empty.response.succeeded or empty.response.status in (302, 303)):
            continue
        first = yield from send(_with_account(route, empty.request))
        answer = first.response
        refused = answer.status in (401, 403) or refuses_the_account(answer)
        refused = refused or (asked and says_anew_of_the_account(answer, empty.response))
        if (
            refused
            and not lets_in(answer)
            and (answer.status, answer.text) != (empty.response.status, empty.response.text)
        ):
            return ByGet(route, empty, first)
    return None


def _reads_an_account(route: Route) -> bool:
    """Whether a form or a document says that an account stands in the address, and nothing that something else is done with it: what registers
    or ends one, or gives it another password, is no log-in."""
    passwords = [name for name in route.names if PASSWORD.search(name)]
    one = len(passwords) == 1 and not _OTHER_PASSWORD.search(passwords[0])
    return one and any(map(SUBJECT.search, route.names)) and not _NO_LOG_IN.search(route.path)


def _with_account(route: Route, empty: Request) -> Request:
    known = [name for name in (*route.names, *_USUAL) if SUBJECT.search(name) or PASSWORD.search(name)]
    said = {name: secrets.token_hex(8) if PASSWORD.search(name) else "nobody" for name in dict.fromkeys(known)}
    return Request("GET", f"{empty.target}?{urlencode(said)}", empty.headers, b"", "login")
