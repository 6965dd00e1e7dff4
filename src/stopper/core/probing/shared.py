"""What several probes of one scan look for alike is looked for once: who comes meanwhile waits for it."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar, cast

from stopper.core.probe import Steps, Target, compute

T = TypeVar("T")
_own: Final = threading.local()


def found_once(target: Target, key: str, search: Callable[[], Steps[T]]) -> Steps[T]:
    """What *search* found, from ``target.notes`` where it is known. A search that breaks off leaves it to the next probe."""
    lock = cast("threading.Lock", target.notes.setdefault(f"{key}, being looked for", threading.Lock()))
    if not lock.acquire(blocking=False):
        yield from compute(lock.acquire)
    _own.searches = searches() + 1
    try:
        if key not in target.notes:
            target.notes[key] = yield from search()
        return cast("T", target.notes[key])
    finally:
        _own.searches -= 1
        lock.release()


def searches() -> int:
    """How many such searches the probe of this thread is in: others may wait for what it finds."""
    return int(getattr(_own, "searches", 0))
