"""Tells most log lines from those worth a closer look: by words that were judged before.

A word is ordinary when nothing in it is a secret and nothing in it makes a secret of its neighbours, such as ``Bearer`` or
``password:``. A line of ordinary words is left alone. Logs say the same words again and again, so this is cheap.
"""

import re
from typing import Final

from stopper.core import registry
from stopper.core.redaction import names, shapes, wrapped

MOST: Final = 8192
"""So many words are remembered, each of at most LONGEST characters."""
LONGEST: Final = 128
_LONGEST_TEXT: Final = 4096

# Numbers, times, hashes and ids: no name of a credential and no mark of a key is made of these alone.
_PLAIN: Final = re.compile(r"[0-9a-f.,:;()\[\]{}<>'\"#@+*/|_-]*")
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")

_known: "set[str]" = set()
_known_at = 0
_quiet: "set[bytes]" = set()
"""Words with every digit as 0 in which, whatever the digits are, only a live secret could stand."""


def is_ordinary(text: str) -> bool:
    """Whether nothing in *text* needs masking. False is a guess, True is certain."""
    global _known, _known_at
    if len(text) > _LONGEST_TEXT:
        return False
    now = registry.generation()
    if now != _known_at or len(_known) > MOST:
        _known, _known_at = (
            set[str](),
            now,
        )  # a new set: whoever still judges by the old secrets writes into the old one
    known = _known
    words = text.split()
    if not known.issuperset(words):
        for word in words:
            if word not in known:
                if not _judge(word):
                    return False
                if len(word) <= LONGEST:
                    known.add(word)
    return not registry.stands_across_words(text)


def _judge(word: str) -> bool:
    size = len(word)
    if _PLAIN.fullmatch(word):
        return size < registry.SHORTEST or not (registry.may_stand_in(word) or wrapped.may_be_hex(word))
    template = word.encode("utf-8", "surrogatepass").translate(_DIGITS)  # bytes translate faster
    if template in _quiet:
        return size < registry.SHORTEST or not registry.may_stand_in(word)
    if "%" in word or "\\" in word or "&" in word or "---" in word or "://" in word:
        return False
    lowered = word.lower()
    if names.gives_away(lowered) or shapes.gives_away(lowered):
        return False
    if registry.may_stand_in(word):
        return False
    runs = registry.runs_of(word)
    if not runs or not (wrapped.may_hold_with_any_digits(runs) or shapes.words_of(runs)):
        if len(_quiet) > MOST:
            _quiet.clear()
        _quiet.add(template)
        return True
    return not (wrapped.may_hold(runs) or shapes.holds_key(word, runs))
