"""Which secrets are alive now, and how each may be written. The redactor reads it.

A text is looked at in windows of eight characters, one after the other; of every spelling of every secret, those eight windows are
kept of which one must be among them. So what a look costs does not grow with the number of secrets.
"""

import base64
import itertools
import json
import os
import re
import threading
import weakref
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

MOST_GONE: Final = 1024
"""So many dead secrets may wait for the next look at a text."""
SHORTEST: Final = 6
"""Shorter values are not looked for: masking every "admin" or "1234" would hide the log, not the secret."""
WINDOW: Final = 8
LONG: Final = 2 * WINDOW - 1
"""A spelling of at least so many characters holds one whole window of the text, wherever it begins."""

_lock = threading.Lock()
_serials = itertools.count()
_generation = 0
_new: "dict[int, str]" = {}
_gone: "deque[int]" = deque()
_forms_of: "dict[int, tuple[str, ...]]" = {}
_held: "Counter[str]" = Counter()
_short: "dict[str, None]" = {}
_short_forms: "tuple[str, ...]" = ()
_spaced: "dict[str, None]" = {}
# The windows of spellings that are one run, and of those with other signs in them, for which the whole text is looked at.
_windows: "dict[str, tuple[str, ...]]" = {}
_odd_windows: "dict[str, tuple[str, ...]]" = {}
_every_window: "set[str]" = set()
"""The windows of both: one question instead of two."""
_BLANK: Final = re.compile(r"\s")
_RUNS: Final = re.compile(r"[A-Za-z0-9_./+-]{16,}")
_cut: Final = re.compile(f".{{{WINDOW}}}", re.DOTALL).findall
"""A text in windows, one after the other; what is left at its end is shorter than a window. Quicker than slices."""


def remember(owner: object, value: str) -> None:
    """Look for *value* in everything that is masked, for as long as *owner* lives."""
    if len(value) < SHORTEST or value == "***":
        return
    serial = next(_serials)
    _new[serial] = value  # spelled out only when something is masked
    weakref.finalize(owner, _gone.append, serial).atexit = False
    # Where nothing is masked for long, the dead would pile up. Who holds the lock tidies up already.
    if len(_gone) >= MOST_GONE and _lock.acquire(blocking=False):
        try:
            _forget_gone()
        finally:
            _lock.release()


def runs_of(text: str) -> list[str]:
    """The long runs of *text*, in which most spellings stand."""
    return _RUNS.findall(text)


def found_in(text: str, runs: Sequence[str] | None = None) -> tuple[str, ...]:
    """The live spellings that stand in *text*, longest first, so that a part never hides less than the whole.

    *runs*: what :func:`runs_of` gave for the text, where it is known already.
    """
    if _new or _gone:
        _settle()
    found: set[str] = set()
    if _windows:
        for run in _RUNS.findall(text) if runs is None else runs:
            _look(run, _windows, found)
    if _odd_windows:
        _look(text, _odd_windows, found)
    if _short:
        found.update(form for form in _short_forms if form in text)
    return tuple(sorted((form for form in found if form in text), key=len, reverse=True)) if found else ()


def may_stand_in(text: str) -> bool:
    """Whether a live spelling may stand in *text*; False is certain. The quickest look there is."""
    if len(text) >= LONG and not _every_window.isdisjoint(_cut(text)):
        return True
    for form in _short_forms:  # noqa: SIM110 - a generator would cost more than all of this
        if form in text:
            return True
    return False


def _look(text: str, windows: Mapping[str, tuple[str, ...]], found: set[str]) -> None:
    # One window after the other; nearly always none of them is known.
    near = _cut(text)
    if not windows.keys().isdisjoint(near):
        for window in near:
            found.update(windows.get(window, ()))


def generation() -> int:
    """A number that grows when a secret becomes known."""
    if _new or _gone:
        _settle()
    return _generation


def stands_across_words(text: str) -> bool:
    """Whether a live spelling with a blank in it stands in *text*."""
    return bool(_spaced) and any(form in text for form in tuple(_spaced))


def holds_any() -> bool:
    """Whether any secret is alive that is looked for."""
    return bool(_held or _new)


def live_forms() -> tuple[str, ...]:
    """Every spelling of every live secret, longest first."""
    _settle()
    with _lock:
        return tuple(sorted(_held, key=len, reverse=True))


def _settle() -> None:
    global _generation, _short_forms
    with _lock:
        _forget_gone()  # first: what is dead before anything was masked is never spelled out
        for serial, value in list(_new.items()):
            forms = _forms_of[serial] = spellings(value)
            for form in forms:
                _held[form] += 1
                if _held[form] == 1:
                    _enter(form)
            _short_forms = tuple(_short)
            _generation += 1
            _new.pop(serial, None)  # last of all: who finds it gone may rely on its forms
        _forget_gone()


def _forget_gone() -> None:
    global _short_forms
    # Finalizers only append: they may run inside this very function.
    for _ in range(len(_gone)):
        serial = _gone.popleft()
        _new.pop(serial, None)
        for form in _forms_of.pop(serial, ()):
            _held[form] -= 1
            if not _held[form]:
                del _held[form]
                _leave(form)
    _short_forms = tuple(_short)


def _enter(form: str) -> None:
    if _BLANK.search(form):
        _spaced[form] = None
    windows = _home(form)
    if windows is None:
        _short[form] = None
        return
    for window in _first_windows(form):
        windows[window] = (*windows.get(window, ()), form)
        _every_window.add(window)


def _leave(form: str) -> None:
    _spaced.pop(form, None)
    windows = _home(form)
    if windows is None:
        _short.pop(form, None)
        return
    for window in _first_windows(form):
        left = tuple(other for other in windows.get(window, ()) if other != form)
        if left:
            windows[window] = left
            continue
        windows.pop(window, None)
        if window not in _windows and window not in _odd_windows:
            _every_window.discard(window)


def _home(form: str) -> "dict[str, tuple[str, ...]] | None":
    if _RUNS.fullmatch(form):
        return _windows
    return _odd_windows if len(form) >= LONG else None


def _first_windows(form: str) -> set[str]:
    return {form[at : at + WINDOW] for at in range(WINDOW)}


def _renew_lock() -> None:
    """In a forked child: the lock may be held by a thread that is not there."""
    global _lock
    _lock = threading.Lock()


def spellings(value: str) -> tuple[str, ...]:
    """The ways a value is commonly written: as it is, URL-quoted, escaped for JSON and HTML, hex, base64 at each of three offsets.

    In base64 behind other bytes a value of fewer than eight bytes cannot be told from chance.
    """
    raw = value.encode("utf-8", "surrogateescape")
    from html import escape  # with a table of two thousand names: only where a secret is held

    forms: set[str] = {value, raw.hex(), raw.hex().upper(), *_base64_cores(raw)}
    if not value.isalnum() or not value.isascii():
        forms |= {
            quote(raw, safe=""),
            quote_plus(raw),
            quote(raw, safe="/"),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            repr(value)[1:-1],
            ascii(value)[1:-1],
            repr(raw)[2:-1],
            escape(value),
            escape(value, quote=False),
            escape(value).replace("&#x27;", "&#39;"),
        }
        forms.update(
            re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in tuple(forms) if "%" in form
        )
    return tuple(form for form in forms if len(form) >= SHORTEST)


def _base64_cores(raw: bytes) -> Iterable[str]:
    """What base64 makes of *raw* whatever stands before and behind it: the characters that no neighbour changes."""
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        core = text[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        if len(core) >= 8:
            yield core
            yield core.replace("+", "-").replace("/", "_")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
