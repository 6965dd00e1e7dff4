"""Which secrets are alive now, and how each may be written. The redactor reads it."""

import base64
import json
import re
import threading
import weakref
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST: Final = 6
"""Shorter values are not looked for: masking every "admin" or "1234" would hide the log, not the secret."""

_lock = threading.Lock()
_forms: dict[int, str | tuple[str, ...]] = {}
_snapshot: "_Forms | None" = None
FEW: Final = 24
"""So many forms are looked for one by one; beyond, every window of a text's long words is looked up in a set."""
LONG: Final = 15
"""Forms of at least so many characters without a blank are only looked for in texts that have such a run."""
_BLANK: Final = re.compile(r"\s")


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


class _Forms(NamedTuple):
    every: tuple[str, ...]
    short: tuple[str, ...]
    starts: frozenset[str]


def live_forms() -> tuple[str, ...]:
    """Every spelling of every live secret, longest first, so that a part never masks less than the whole."""
    return (_snapshot or _renew()).every


def short_forms() -> tuple[str, ...]:
    """The spellings that can stand in a text without a long word: short ones and ones with a blank in them."""
    return (_snapshot or _renew()).short


def may_stand_in(text: str) -> bool:
    """Whether some live form may stand in *text*; False is certain. What it costs does not grow with the number of secrets."""
    forms = _snapshot or _renew()
    if len(forms.every) <= FEW:
        return any(map(text.__contains__, forms.every))
    if any(map(text.__contains__, forms.short)):
        return True
    starts = forms.starts
    return any(
        word[start : start + LONG] in starts
        for word in text.split()
        if len(word) >= LONG
        for start in range(len(word) - LONG + 1)
    )


def _renew() -> _Forms:
    global _snapshot
    with _lock:
        for key, held in list(_forms.items()):
            if isinstance(held, str):
                _forms[key] = spellings(held)
        every = {form for forms in list(_forms.values()) for form in forms}
        short = frozenset(form for form in every if len(form) < LONG or _BLANK.search(form))
        found = _snapshot = _Forms(
            tuple(sorted(every, key=len, reverse=True)),
            tuple(sorted(short, key=len, reverse=True)),
            frozenset(form[:LONG] for form in every - short),
        )
    return found


def spellings(value: str) -> tuple[str, ...]:
    """The ways a value is commonly written: as it is, URL-quoted, JSON-escaped, hex, base64 at each of three offsets.

    In base64 behind other bytes a value of fewer than eight bytes cannot be told from chance.
    """
    raw = value.encode("utf-8", "surrogateescape")
    forms: set[str] = {
        value,
        quote(raw, safe=""),
        quote_plus(raw),
        quote(raw, safe="/"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        raw.hex(),
        raw.hex().upper(),
    }
    forms.update(re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in tuple(forms) if "%" in form)
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
