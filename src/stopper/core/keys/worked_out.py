"""Credentials that anybody can work out: a digest, or another spelling, of what is known of their owner, a small number, or the time."""

import base64
import binascii
import re
import time
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.exchange import Response

JOINTS: Final = ("", ":", "-", "_", ".", "|")
NUMBERS: Final = 400
"""Numbers of people that are tried, from zero on."""
SECONDS: Final = 15
"""How far from the clock of the answer a time is looked for."""
WORDS_MOST: Final = 8
_DIGEST: Final = re.compile(r"(?i)(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})")
_REST: Final = re.compile(r"[\W_]*\d{0,12}[\W_]*")


def clock_of(response: Response) -> int:
    """The server's time at an answer, by its own clock where that is told."""
    from email.utils import parsedate_to_datetime  # of probes alone, and dear to import

    try:
        return int(parsedate_to_datetime(response.header("Date") or "").timestamp())
    except (TypeError, ValueError):
        return int(time.time())


def how_made(text: str, words: Iterable[str], now: int) -> str | None:
    """In words, how *text* was made of one of *words*, a number or the time about *now*; None where no such way is known."""
    known = [word for word in dict.fromkeys(words) if len(word) >= 3][:WORDS_MOST]
    if _DIGEST.fullmatch(text):
        import hashlib  # it brings up OpenSSL

        wanted = text.lower()
        kind = {32: "md5", 40: "sha1", 64: "sha256"}[len(text)]
        for what, tried in _texts(known, now):
            if hashlib.new(kind, tried.encode(), usedforsecurity=False).hexdigest() == wanted:
                return f"it is the {kind} of {what}"
        return None
    plain = _decoded(text)
    for word in known:
        if word in plain and _REST.fullmatch(plain.replace(word, "", 1)):
            return "it is its owner's name in another spelling"
    return None


def _texts(words: list[str], now: int) -> Iterator[tuple[str, str]]:
    """What may have been digested, the likeliest first."""
    for word in words:
        yield "its owner's name", word
        yield from (
            ("two names of its owner", f"{word}{joint}{other}") for other in words if other != word for joint in JOINTS
        )
    clocks = [*range(now - SECONDS, now + SECONDS + 1)]
    for number, what in (*((one, "a small number") for one in range(NUMBERS)), *((one, "the time") for one in clocks)):
        yield what, str(number)
        for word in words:
            for joint in JOINTS:
                yield f"its owner's name and {what}", f"{word}{joint}{number}"
                yield f"its owner's name and {what}", f"{number}{joint}{word}"


def _decoded(text: str) -> str:
    """What base64 or hex holds, where that is a text of ordinary letters; the text itself where it is neither."""
    for decoded in (_base64(text), _hex(text)):
        if decoded is not None and len(decoded) >= 4 and decoded.isascii() and decoded.isprintable():
            return decoded
    return text


def _base64(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


def _hex(text: str) -> str | None:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return None
