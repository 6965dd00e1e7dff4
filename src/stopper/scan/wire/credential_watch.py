"""Watches the credentials of the scan's people: which of them stopped opening what they opened before."""

import threading
from dataclasses import replace
from typing import Final

from stopper.core.exchange import Headers, Request, Response

Key = tuple[str, str]

_UNREADABLE: Final = frozenset({400, 403, 422})
"""How some servers say that a token is over; most say 401."""


class CredentialWatch:
    """One per courier. It looks at requests that carry somebody's exact credential; a varied one says nothing of the good one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._headers: dict[str, Headers] = {}
        self._older: dict[str, list[tuple[int, Headers]]] = {}
        self._opened: dict[str, set[Key]] = {}
        self._settled: dict[str, set[Key]] = {}
        self._doubts: dict[str, set[Key]] = {}
        self.generation = 0
        """How many credentials were taken up so far."""

    def take_up(self, name: str, headers: Headers) -> None:
        """From now on *headers* are the credential of *name*."""
        with self._lock:
            self.generation += 1
            before = self._headers.get(name)
            if before is not None and before != headers:
                self._older.setdefault(name, []).append((self.generation, before))
            self._headers[name] = headers
            for marks in (self._opened, self._doubts, self._settled):
                marks[name] = set()

    def headers_of(self, name: str | None) -> Headers | None:
        """The credential of *name* that counts now."""
        with self._lock:
            return self._headers.get(name or "")

    def learn(self, request: Request, response: Response) -> None:
        """Note what a credential opened, and where it was turned away."""
        name = request.identity
        with self._lock:
            if name is None or name not in self._headers or not _carries(request, self._headers[name]):
                return
            key = _key(request)
            if response.succeeded:
                self._opened[name].add(key)
            elif self._turned_away(name, key, response) and key not in self._settled[name]:
                self._doubts[name].add(key)

    def _turned_away(self, name: str, key: Key, response: Response) -> bool:
        if response.status == 401 or (response.refused and response.status != 403):
            return True
        return response.status in _UNREADABLE and key in self._opened[name]

    def doubted(self, name: str) -> bool:
        """Whether something speaks for it that the credential of *name* is over."""
        with self._lock:
            return bool(self._doubts.get(name))

    def settle(self, name: str) -> None:
        """The credential of *name* is good after all: who was turned away there is turned away for other reasons."""
        with self._lock:
            self._settled.setdefault(name, set()).update(self._doubts.get(name, ()))
            self._doubts[name] = set()

    def turned_away_where_let_in(self, name: str) -> bool:
        """Whether *name* is now turned away where the same credential was let in."""
        with self._lock:
            return bool(self._doubts.get(name, set()) & self._opened.get(name, set()))

    def fresh(self, request: Request, since: int | None = None) -> Request:
        """*request* with the newest credential where it carries one that was replaced (by the generation *since*, when given)."""
        with self._lock:
            older = self._older.get(request.identity or "", ())
            for generation, headers in older:
                if (since is None or generation <= since) and _carries(request, headers):
                    return _swapped(request, headers, self._headers[request.identity or ""])
        return request


def _key(request: Request) -> Key:
    return request.method, request.target.partition("?")[0]


def _carries(request: Request, headers: Headers) -> bool:
    """Whether the request's headers of these names are exactly these."""
    names = {name.lower() for name, _ in headers}
    shown = [(name.lower(), value) for name, value in request.headers if name.lower() in names]
    return bool(headers) and sorted(shown) == sorted((name.lower(), value) for name, value in headers)


def _swapped(request: Request, old: Headers, new: Headers) -> Request:
    names = {name.lower() for name, _ in (*old, *new)}
    kept = tuple(pair for pair in request.headers if pair[0].lower() not in names)
    return replace(request, headers=(*kept, *new))
