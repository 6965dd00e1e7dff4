"""What lies below one thing (``/orders/{id}/cancel``), found by asking what a path takes: that does nothing there."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stopper.core.probe import Identity
from stopper.scan.surface.allowed_methods import allowed_at
from stopper.scan.surface.more_words import SOME
from stopper.scan.surface.usual_things import parts_of
from stopper.scan.wire.courier import Courier

SECONDS: Final = 8.0
"""How long it is asked of a server that is slow; else the number of requests ends it."""
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def parts_below(
    courier: Courier, asked: Mapping[str, str], known: Iterable[str], word: str, who: Identity | None, most: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The templates of routes below single things that a server knows, each with what it takes. *asked* has the path at which the thing of
    each template was asked for, *known* the templates that are known, *word* is one that nothing is called. At the most *most* are asked."""
    until, before = time.monotonic() + SECONDS, courier.sent
    known = {one.rstrip("/") for one in known}
    for template, words in parts_of(asked, few=len(known) < SOME):
        there = asked[template]
        if _methods(courier, f"{there}/{word}", who):
            continue  # every word has an answer there
        for part in words:
            if time.monotonic() > until or courier.sent - before >= most:
                return
            if f"{template}/{part}" not in known and (methods := _methods(courier, f"{there}/{part}", who)):
                yield f"{template}/{part}", methods


def _methods(courier: Courier, path: str, who: Identity | None) -> tuple[str, ...]:
    return tuple(sorted(allowed_at(courier, path, who) & _METHODS))
