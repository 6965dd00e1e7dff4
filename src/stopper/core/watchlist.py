"""The secrets that a leak sensor looks for, and a search whose cost does not grow with their number."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from stopper.core import registry
from stopper.core.leak import Kind

REMEMBERED: Final = 128
"""Secrets of clients that are kept; the oldest is forgotten first."""
GRAM: Final = 8
WHOLE: Final = 2 * GRAM - 1
"""Every text of so many characters holds one aligned run of GRAM, wherever it stands: only those runs are looked up."""
LONGEST: Final = 16_384
"""Longer values are no credentials."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One secret. ``label`` names it without its value."""

    label: str
    kind: Kind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    secret: Watched
    long: tuple[str, ...] = field(repr=False)
    short: tuple[str, ...] = field(repr=False)


def is_distinctive(value: str) -> bool:
    """Whether finding *value* in a text means something: ``secret``, ``testing`` and ``password1`` stand everywhere by chance."""
    size = len(value)
    if not 8 <= size <= LONGEST or len(set(value)) < 6:
        return False
    classes = sum(
        (
            any(char.islower() for char in value),
            any(char.isupper() for char in value),
            any(char.isdigit() for char in value),
            any(not char.isalnum() for char in value),
        )
    )
    return size >= 20 or classes >= (3 if size < 12 else 2)


class Watchlist:
    """What is looked for. Values that are not distinctive are left out and named in ``unwatched``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Entry] = {}
        self._passing: OrderedDict[str, None] = OrderedDict()
        self._grams: dict[str, tuple[_Entry, ...]] = {}
        self._short: dict[str, _Entry] = {}
        self.unwatched: set[str] = set()

    def add(self, value: str, label: str, kind: Kind, *, stays: bool = False) -> Watched | None:
        """Look for *value*; what is known already keeps its label. *stays*: never forgotten. None where it is not distinctive."""
        known = self._known.get(value)
        if known is not None:
            return known.secret
        if not is_distinctive(value):
            if stays:
                self.unwatched.add(label)
            return None
        entry = _entry(Watched(label, kind, value))
        with self._lock:
            if value in self._known:  # another thread was faster
                return self._known[value].secret
            self._known[value] = entry
            self._index(entry)
            if not stays:
                self._passing[value] = None
                if len(self._passing) > REMEMBERED:
                    self._forget(self._passing.popitem(last=False)[0])
        return entry.secret

    def get(self, value: str) -> Watched | None:
        """What is known of exactly this value."""
        known = self._known.get(value)
        return known.secret if known is not None else None

    def find(self, text: str) -> tuple[Watched, ...]:
        """Every watched secret that stands in *text*, in any of its usual spellings."""
        found: dict[str, Watched] = {}
        # Nearly always no window is known, and the one comparison of sets is all there is to do.
        if not self._grams.keys().isdisjoint(windows := [text[at : at + GRAM] for at in range(0, len(text), GRAM)]):
            self._look(windows, text, found)
        for form, entry in list(self._short.items()):
            if form in text:
                found[entry.secret.value] = entry.secret
        if registry.holds_any():
            self._find_registered(text, found)
        return tuple(found.values())

    def _look(self, windows: list[str], text: str, found: dict[str, Watched]) -> None:
        for window in windows:
            for entry in self._grams.get(window, ()):
                if entry.secret.value not in found and any(form in text for form in entry.long):
                    found[entry.secret.value] = entry.secret

    def _find_registered(self, text: str, found: dict[str, Watched]) -> None:
        forms = registry.found_in(text)
        if not forms:
            return
        seen = "\n".join(form for value in found for form in (value, *self._forms(value)))
        for form in forms:
            if form not in seen and is_distinctive(form):
                found.setdefault(form, Watched("a registered Secret", "registered", form))
                return

    def _forms(self, value: str) -> tuple[str, ...]:
        known = self._known.get(value)
        return (*known.long, *known.short) if known is not None else ()

    def _index(self, entry: _Entry) -> None:
        for form in entry.long:
            for gram in _grams_of(form):
                here = self._grams.get(gram, ())
                if entry not in here:
                    self._grams[gram] = (*here, entry)
        for form in entry.short:
            self._short.setdefault(form, entry)

    def _forget(self, value: str) -> None:
        entry = self._known.pop(value)
        for form in entry.long:
            for gram in _grams_of(form):
                left = tuple(other for other in self._grams.get(gram, ()) if other is not entry)
                if left:
                    self._grams[gram] = left
                else:
                    self._grams.pop(gram, None)
        for form in entry.short:
            if self._short.get(form) is entry:
                del self._short[form]


def _entry(secret: Watched) -> _Entry:
    forms = set(registry.spellings(secret.value))
    return _Entry(
        secret,
        tuple(sorted(form for form in forms if len(form) >= WHOLE)),
        tuple(sorted(form for form in forms if len(form) < WHOLE)),
    )


def _grams_of(form: str) -> list[str]:
    # The end of a form: tokens begin alike and end differently.
    end = form[-WHOLE:]
    return [end[start : start + GRAM] for start in range(GRAM)]
