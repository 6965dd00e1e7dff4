"""Answers that several probes may share: what one has just read, another need not ask for again."""

import threading
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Exchange, Request

MOST: Final = 512
"""Answers that are kept at once."""
LARGEST: Final = 65_536
"""Bytes of a body that is kept."""


class SharedAnswers:
    """Remembers readings until something is written. A probe that asks for the same thing again wants to see it anew, and does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Request, tuple[Exchange, set[str]]] = {}
        self._age = 0

    def read(self, asker: str, request: Request, send: Callable[[Request], Exchange]) -> Exchange:
        """The answer to *request*, which only reads, for the probe *asker*: what another probe got since the last writing, else anew."""
        with self._lock:
            age, known = self._age, self._known.get(request)
            if known is not None and asker not in known[1]:
                known[1].add(asker)
                return known[0]
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
        return exchange

    def writing(self) -> None:
        """Something is about to be written: an answer that is under way now may show half of it and is not kept."""
        with self._lock:
            self._age += 1

    def forget(self) -> None:
        """Something has been written, or may have been."""
        with self._lock:
            self._age += 1
            self._known.clear()
