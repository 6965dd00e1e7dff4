"""Notes what people and nobody got, while a scan runs: statuses by method, raw path and name, of what an honest client sends."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from stopper.core.exchange import Headers, Request, Response
from stopper.core.redactor import is_sensitive_name
from stopper.scan.reached import NOBODY, State

_HARMLESS_HEADERS: Final = frozenset({
    "accept", "accept-encoding", "accept-language", "content-type", "content-length", "connection", "host", "origin", "referer",
    "sec-fetch-site", "user-agent", "x-csrftoken", "x-csrf-token", "x-xsrf-token",
})  # fmt: skip
"""What any client may send. A request with another header is a probe's trick, and its answer says nothing of a person."""


@dataclass(slots=True)
class ReachLog:
    """One per courier. It keeps statuses alone: no header and no body."""

    origin: str = ""
    minted: dict[str, Headers] = field(default_factory=dict[str, Headers])
    """People whose credential the scan signed itself; the others are known to the watch of credentials."""
    _seen: dict[tuple[str, str, str], dict[State, set[int]]] = field(
        default_factory=dict[tuple[str, str, str], dict[State, set[int]]]
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, request: Request, response: Response, good: Headers | None) -> None:
        """Note the answer when *request* is what an honest client sends. ``good`` is the credential of the person whom it names."""
        who = self._asker(request, good or self.minted.get(request.identity or ""))
        if who is None or not response.status:
            return
        key = (request.method, request.target.partition("?")[0], who)
        with self._lock:
            self._seen.setdefault(key, {}).setdefault(state_of(response), set()).add(response.status)

    def _asker(self, request: Request, good: Headers | None) -> str | None:
        names = {name.lower() for name, _ in good or ()}
        mine = [(name.lower(), value) for name, value in request.headers if name.lower() in names]
        others = {name.lower() for name, _ in request.headers} - names
        if others - _HARMLESS_HEADERS or self._from_elsewhere(request) or _shows_in_query(request.target):
            return None
        if request.identity is None:
            return NOBODY
        exact = sorted(mine) == sorted((name.lower(), value) for name, value in good or ())
        return request.identity if good and exact else None

    def _from_elsewhere(self, request: Request) -> bool:
        origin = request.header("Origin")
        return origin is not None and bool(self.origin) and origin != self.origin

    def seen(self) -> dict[tuple[str, str, str], Mapping[State, frozenset[int]]]:
        """Method, raw path and name → what came of it."""
        with self._lock:
            return {
                key: {state: frozenset(statuses) for state, statuses in found.items()}
                for key, found in self._seen.items()
            }


def state_of(response: Response) -> State:
    """What an answer means for the one who asked. Only a 2xx lets in: a 400 or a redirect tells neither way."""
    if response.succeeded:
        return "in"
    if response.refused:
        return "refused"
    if response.status == 404:
        return "absent"
    return "failed" if response.status == 429 or response.status >= 500 else "other"


def _shows_in_query(target: str) -> bool:
    query = target.partition("?")[2]
    return any(is_sensitive_name(unquote(pair.partition("=")[0]).lower()) for pair in query.split("&") if pair)
