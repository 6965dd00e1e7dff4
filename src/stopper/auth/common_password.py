"""Which passwords everybody guesses first, offline: a list, and what people do to a listed word to make it look new."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

_PLAIN: Final = str.maketrans("013457@$!|", "oieastasil")
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
)
_LEFT_OVER: Final = 4
"""A password of at most two listed pieces and fewer other letters than this is as good as listed."""


@cache
def listed() -> frozenset[str]:
    """The entries of the list that comes with the package."""
    text = files("stopper.auth").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _pieces() -> dict[int, frozenset[str]]:
    sized: dict[int, set[str]] = {}
    for entry in listed():
        letters = _letters(entry.rstrip("0123456789"))
        if len(letters) >= 4:
            sized.setdefault(len(letters), set()).add(letters)
    return {size: frozenset(entries) for size, entries in sized.items()}


def is_common(password: str, context: Iterable[str] = ()) -> bool:
    """Whether *password* is a listed one, a dressed-up one, a walk over the keyboard, one unit repeated or made of *context*."""
    lowered = password.lower()[:256]
    solid = "".join(lowered.split())
    if lowered in listed() or solid in listed() or _repeats(solid) or _walks(solid):
        return True
    own = frozenset(letters for letters in map(_letters, context) if len(letters) >= 4)
    bare = "".join(char for char in solid if char.isalpha())
    return any(_made_of_pieces(letters, own) for letters in {_letters(solid), bare})


def _letters(text: str) -> str:
    return "".join(char for char in text.translate(_PLAIN) if char.isalpha())


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _walks(text: str) -> bool:
    """Nearly all of it lies along keyboard rows, the alphabet or the digits, forwards or backwards, in runs of four up."""
    rows = [row for one in _ROWS for row in (one, one[::-1])]
    left, at = 0, 0
    while at < len(text):
        run = next(
            (size for size in range(min(36, len(text) - at), 3, -1) if any(text[at : at + size] in r for r in rows)), 0
        )
        left += 0 if run else 1
        at += run or 1
    return left < _LEFT_OVER


def _made_of_pieces(letters: str, own: frozenset[str]) -> bool:
    left, used, at = 0, set[str](), 0
    while at < len(letters):
        piece = _longest_piece(letters, at, own)
        if piece:
            used.add(piece)
            at += len(piece)
        else:
            left += 1
            at += 1
    return left < _LEFT_OVER and len(used - own) <= 2


def _longest_piece(letters: str, at: int, own: frozenset[str]) -> str:
    pieces = _pieces()
    for size in range(min(64, len(letters) - at), 3, -1):
        part = letters[at : at + size]
        if part in own or part in pieces.get(size, ()):
            return part
    return ""
