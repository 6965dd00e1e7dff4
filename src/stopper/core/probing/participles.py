"""Deeds that a path says as done: ``/orders/5/cancelled`` for ``/orders/5/cancel``."""

from typing import Final

_IRREGULAR: Final = {
    "frozen": "freeze",
    "unfrozen": "unfreeze",
    "withdrawn": "withdraw",
    "sent": "send",
    "paid": "pay",
    "reset": "reset",
}
SHORT: Final = 5
"""Letters of the shortest participle that is looked at."""


def with_deeds(words: frozenset[str] | set[str]) -> set[str]:
    """*words* in small letters, with the verbs of those that may be participles; what is no verb no list of deeds holds."""
    found = set(words)
    for word in words:
        if word in _IRREGULAR:
            found.add(_IRREGULAR[word])
        elif word.endswith("ied"):
            found.add(f"{word[:-3]}y")
        elif word.endswith("ed") and len(word) >= SHORT:
            found |= {word[:-1], word[:-2]} | ({word[:-3]} if word[-3] == word[-4] else set())
    return found
