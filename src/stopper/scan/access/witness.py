"""Remembers what the doors of an application answered to requests that carried no credential."""

import threading
from dataclasses import dataclass, replace
from typing import Any, Final

from stopper.core.exchange import Request, Response
from stopper.core.redactor import is_sensitive_name
from stopper.core.rule import Surface
from stopper.scan.access.trace import Key
from stopper.scan.running.read import openapi_path
from stopper.scan.wire.transport import Hold, Transport, at_once

_BARE: Final = frozenset(
    {"accept", "content-type", "content-length", "host", "origin", "user-agent", "accept-language", "accept-encoding"}
)
"""Headers that prove nobody's identity."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The first status that let nobody in, and the first that refused nobody; 0 where there was none."""

    let_in: int = 0
    refused: int = 0


class Witness:
    """A transport that listens to another one. ``flask`` tells which door an address leads to."""

    surface: Surface

    def __init__(self, transport: Transport, flask: Any) -> None:
        self._transport = transport
        self.surface = transport.surface
        self.base_url = transport.base_url
        self._map = flask.url_map
        self._lock = threading.Lock()
        self.answers: dict[Key, Answered] = {}

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        """Send *request* on, and remember the answer to nobody."""
        response = self._transport.send(request, timeout, hold)
        if is_bare(request):
            self._remember(request, response)
        return response

    def close(self) -> None:
        """Close the other one."""
        self._transport.close()

    def _remember(self, request: Request, response: Response) -> None:
        # A refused log-in says that a password was wrong, not that nobody may try.
        if not (response.succeeded or (response.refused and request.effect != "login")):
            return
        key = self._key(request)
        if key is None:
            return
        with self._lock:
            known = self.answers.get(key, Answered())
            if response.succeeded:
                known = replace(known, let_in=known.let_in or response.status)
            else:
                known = replace(known, refused=known.refused or response.status)
            self.answers[key] = known

    def _key(self, request: Request) -> Key | None:
        path = request.target.partition("?")[0]
        try:
            rule, _ = self._map.bind("localhost").match(path, request.method, return_rule=True)
        except Exception:  # noqa: BLE001 - no such address, another method, a redirect, a converter that broke
            return None
        return openapi_path(rule), request.method, str(rule.endpoint)


def is_bare(request: Request) -> bool:
    """Whether *request* carries nothing that could be a credential in its headers or its address."""
    if request.identity is not None or any(name.lower() not in _BARE for name, _ in request.headers):
        return False
    query = request.target.partition("?")[2]
    return not any(is_sensitive_name(pair.partition("=")[0]) for pair in query.split("&") if pair)
