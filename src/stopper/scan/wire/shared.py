"""Answers that several probes may share: what one has just read, another need not ask for again."""

import re
import threading
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.scan.wire.transport import READ_METHODS

MOST: Final = 512
"""Answers that are kept at once."""
LARGEST: Final = 65_536
"""Bytes of a body that is kept."""
SHUT: Final = frozenset({401, 403, 405})
"""Answers to whoever shows no credential that no writing changes."""
_VERSION: Final = re.compile(r"/v\d{1,3}(?=/|$)")
"""What is not there may be made later; nothing is called by a word that a list of usual names has."""
_PLAIN: Final = frozenset({"accept", "content-type", "user-agent"})
"""Headers that say nothing of who asks."""


class SharedAnswers:
    """Remembers readings until something is written. A probe that asks for the same thing again wants to see it anew, and does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Request, tuple[Exchange, set[str]]] = {}
        self._shut: dict[tuple[str, str], tuple[Exchange, set[str]]] = {}
        """Refusals of whoever shows no credential, by method and target: they outlast what is written."""
        self._old: dict[Request, tuple[Exchange, set[str]]] = {}
        """What was read before the last writing."""
        self._under_way: dict[Request, threading.Event] = {}
        self._age = 0

    def read(self, asker: str, request: Request, send: Callable[[Request], Exchange], *, old: bool = False) -> Exchange:
        """The answer to *request*, which only reads, for the probe *asker*: what another probe got since the last writing, else anew. With
        ``old`` what was read before it does as well: the probe looks at how an answer is made, and not at what is there."""
        found, age, under_way = self._look(asker, request, old)
        if found is None and under_way is not None:
            under_way.wait()  # once: an answer that is nobody else's is not worth standing in line for
            found, age, _ = self._look(asker, request, old)
        return found or self._anew(asker, request, send, age)

    def _look(self, asker: str, request: Request, old: bool) -> tuple[Exchange | None, int, threading.Event | None]:
        """What is known for *asker*, the age of it, and the sign that somebody is asking for it now."""
        with self._lock:
            known = self._known.get(request) or (self._old.get(request) if old else None)
            if known is None and shows_nothing(request):
                known = self._shut.get((request.method, request.target))
            if known is None or asker in known[1]:
                return None, self._age, self._under_way.get(request)
            known[1].add(asker)
            return Exchange(request, known[0].response), self._age, None

    def _anew(self, asker: str, request: Request, send: Callable[[Request], Exchange], age: int) -> Exchange:
        with self._lock:
            mine = threading.Event()
            self._under_way[request] = mine
        try:
            return self._asked(asker, request, send, age)
        finally:
            with self._lock:
                if self._under_way.get(request) is mine:
                    del self._under_way[request]
            mine.set()

    def _asked(self, asker: str, request: Request, send: Callable[[Request], Exchange], age: int) -> Exchange:
        exchange = send(request)
        response = exchange.response
        lasting = (
            response.status
            and not response.error
            and not response.truncated
            and response.status < 500
            and response.status != 429
        )
        with self._lock:
            if lasting and self._age == age and len(self._known) < MOST and len(response.body) <= LARGEST:
                self._known[request] = (exchange, {asker})
        return self.learn(exchange, asker)

    def learn(self, exchange: Exchange, asker: str = "") -> Exchange:
        """Keep *exchange* where it is a refusal that no writing changes, whoever has met it: *asker*, or a crawl before all probes."""
        request, response = exchange.request, exchange.response
        stays = (
            response.status in SHUT
            or (response.status in (302, 303, 307) and response.refused)
            or (response.status == 404 and not re.search(r"\d|\?", _VERSION.sub("", request.target)))
        )
        if stays and request.method in READ_METHODS and shows_nothing(request) and len(response.body) <= LARGEST:
            with self._lock:
                if len(self._shut) < MOST:
                    self._shut.setdefault((request.method, request.target), (exchange, {asker}))
        return exchange

    def writing(self) -> None:
        """Something is about to be written: an answer that is under way now may show half of it and is not kept."""
        with self._lock:
            self._age += 1

    def forget(self) -> None:
        """Something has been written, or may have been."""
        with self._lock:
            self._age += 1
            if len(self._old) < MOST:
                self._old.update(self._known)
            self._known.clear()


def shows_nothing(request: Request) -> bool:
    """Whether *request* is nobody's and has no header that could be a credential."""
    return request.identity is None and all(name.lower() in _PLAIN for name, _ in request.headers)
