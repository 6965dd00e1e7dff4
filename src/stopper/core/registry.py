"""Which secrets are alive now, and how each may be written. The redactor reads it."""

import base64
import json
import threading
import weakref
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 6
"""Shorter values are not looked for: masking every "admin" or "1234" would hide the log, not the secret."""

_lock = threading.Lock()
_forms: dict[int, str | tuple[str, ...]] = {}
_snapshot: tuple[str, ...] | None = ()


def remember(owner: object, value: str) -> None:
    """Look for *value* in everything that is masked, for as long as *owner* lives."""
    if len(value) < SHORTEST or value == "***":
        return
    global _snapshot
    key = id(owner)
    with _lock:
        _forms[key] = value  # spelled out only when something is masked
        _snapshot = None
    weakref.finalize(owner, _forget, key).atexit = False


def _forget(key: int) -> None:
    global _snapshot
    # A finalizer can run inside remember() on the same thread: never wait for the lock here.
    _forms.pop(key, None)
    _snapshot = None


def live_forms() -> tuple[str, ...]:
    """Every spelling of every live secret, longest first, so that a part never masks less than the whole."""
    global _snapshot
    found = _snapshot
    if found is None:
        with _lock:
            for key, held in list(_forms.items()):
                if isinstance(held, str):
                    _forms[key] = spellings(held)
            every = {form for forms in list(_forms.values()) for form in forms}
            found = _snapshot = tuple(sorted(every, key=len, reverse=True))
    return found


def spellings(value: str) -> tuple[str, ...]:
    """The ways a value is commonly written: as it is, URL-quoted, JSON-escaped, hex, base64 at each of three offsets."""
    raw = value.encode("utf-8", "surrogateescape")
    forms: set[str] = {
        value,
        quote(raw, safe=""),
        quote_plus(raw),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        raw.hex(),
        raw.hex().upper(),
    }
    forms.update(_base64_cores(raw))
    return tuple(form for form in forms if len(form) >= SHORTEST)


def _base64_cores(raw: bytes) -> Iterable[str]:
    """What base64 makes of *raw* whatever stands before and behind it: the characters that no neighbour changes."""
    for offset in range(3):
        padded = b"\0" * offset + raw
        whole = len(padded) // 3 * 3
        text = base64.b64encode(padded[:whole]).decode("ascii")
        core = text[0 if offset == 0 else 4 :]
        if len(core) >= 8:
            yield core
            yield core.replace("+", "-").replace("/", "_")
