"""What several probes of one scan look for alike is looked for once: who comes meanwhile waits for it."""

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from stopper.core.probe import Steps, Target, compute

T = TypeVar("T")


def found_once(target: Target, key: str, search: Callable[[], Steps[T]]) -> Steps[T]:
    """What *search* found, from ``target.notes`` where it is known. A search that breaks off leaves it to the next probe."""
    lock = cast("threading.Lock", target.notes.setdefault(f"{key}, being looked for", threading.Lock()))
    if not lock.acquire(blocking=False):
        yield from compute(lock.acquire)
    try:
        if key not in target.notes:
            target.notes[key] = yield from search()
        return cast("T", target.notes[key])
    finally:
        lock.release()
