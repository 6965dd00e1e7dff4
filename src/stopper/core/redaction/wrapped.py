"""Finds live secrets behind encodings, and encodings behind encodings: URL-quoted, escaped, base64, hex, in any order."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core import registry

DEPTH: Final = 3
"""How many layers are taken off."""
Span = tuple[int, int]

# One layer is of one kind: a secret that has a "%41" of its own must not lose it while JSON is taken off.
_URL: Final = re.compile(r"(?P<url>(?:%[0-9A-Fa-f]{2})+)")
_BACKSLASH: Final = re.compile(
    r"(?P<utf16>(?:\\u[0-9A-Fa-f]{4})+)"
    r"|(?P<hex>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<wide>\\U000[0-9A-Fa-f]{5}|\\U0010[0-9A-Fa-f]{4})"
    r"|(?P<short>\\[\"'\\/bfnrt])"
)
_HTML: Final = re.compile(r"(?P<html>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)")
_KINDS: Final = (("%", _URL), ("\\", _BACKSLASH), ("&", _HTML))
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

# A run that an encoder may have made, also when a mailer broke its lines.
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*")
# In base64 three ASCII characters stand in four of these (the top bit of each byte is off); in hex one stands in two.
# Under two layers a secret has eight characters and more; under one it is a spelling that the registry knows.
_QUADS: Final = re.compile(r"(?:[I-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){2}")
_QUADS_OF_ANY_DIGITS: Final = re.compile(
    r"(?:[I-Za-f0-9][A-HQ-Xg-nw-z0-9][ABEFIJMNQRUVYZcdghklopstwx0-9][A-Za-z0-9+/_-]){2}"
)
_PAIRS: Final = re.compile(r"(?:[2-7][0-9A-Fa-f]){8}")
_NOT_HEX: Final = re.compile(r"[^0-9A-Fa-f-]")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e\r\n\t]{6,}")
_PLAIN_BASE64: Final = str.maketrans("-_", "+/", "\r\n")


def is_escaped(text: str) -> bool:
    """Whether *text* may hold an escape of a URL, of JSON or of HTML; False is certain. Cheap."""
    return any(sign in text and escapes.search(text) is not None for sign, escapes in _KINDS)


def may_hold(runs: Iterable[str]) -> bool:
    """Whether one of these long runs may be text in base64 or hex; False is certain. Cheap."""
    for run in runs:
        if _NOT_HEX.search(run) is None:
            if _PAIRS.search(run):
                return True
        elif _QUADS.search(run):
            return True
    return False


def may_be_hex(word: str) -> bool:
    """Whether *word* may hold text in hex; False is certain. Cheap."""
    return len(word) >= 16 and not (len(word) == 36 and word[8] == "-") and _PAIRS.search(word) is not None


def may_hold_with_any_digits(runs: Iterable[str]) -> bool:
    """As :func:`may_hold`, whatever digits stood in the place of those that are there."""
    return any(_NOT_HEX.search(run) is None or _QUADS_OF_ANY_DIGITS.search(run) for run in runs)


def spans(text: str, depth: int = DEPTH) -> list[Span]:
    """Where live secrets stand in *text* behind up to *depth* layers. A base64 or hex run that holds one is taken whole."""
    found: list[Span] = []
    for sign, escapes in _KINDS:
        if sign in text and escapes.search(text):
            found += _behind_escapes(text, escapes, depth)
    for run in _RUN.finditer(text):
        if _holds(run[0], depth):
            found.append(run.span())
    return found


def _every(text: str, depth: int) -> list[Span]:
    bare = [
        (found.start(), found.end()) for form in registry.found_in(text) for found in re.finditer(re.escape(form), text)
    ]
    return bare + (spans(text, depth) if depth else [])


def _behind_escapes(text: str, escapes: re.Pattern[str], depth: int) -> list[Span]:
    pieces = list(_pieces(text, escapes))
    plain = "".join(piece[2] for piece in pieces)
    found = _every(plain, depth - 1)
    if escapes is _URL and "+" in text:
        # A form's "+" is a blank; one that was quoted is none. Each of them is as long as the other.
        blanks = "".join(
            plain if end - start != len(plain) else plain.replace("+", " ") for start, end, plain in pieces
        )
        found += _every(blanks, depth - 1)
    return [_back(pieces, span) for span in found]


def _pieces(text: str, escapes: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """*text* cut into (start, end, plain text): what was escaped, and what stands between."""
    done = 0
    for escape in escapes.finditer(text):
        if escape.start() > done:
            yield done, escape.start(), text[done : escape.start()]
        yield escape.start(), escape.end(), _plain(escape)
        done = escape.end()
    if done < len(text):
        yield done, len(text), text[done:]


def _plain(escape: re.Match[str]) -> str:
    said = escape[0]
    match escape.lastgroup:
        case "url":
            return bytes.fromhex(said.replace("%", "")).decode("utf-8", "replace")
        case "hex":
            return bytes.fromhex(said.replace("\\x", "")).decode("utf-8", "replace")
        case "utf16":
            return bytes.fromhex(said.replace("\\u", "")).decode(
                "utf-16-be", "surrogatepass" if len(said) == 6 else "replace"
            )
        case "wide":
            return chr(int(said.removeprefix("\\U"), base=16))
        case "short":
            return _SHORT.get(said[1], said[1])
        case _:
            from html import unescape  # it brings a long list, which few texts need

            return unescape(said)


def _back(pieces: list[tuple[int, int, str]], span: Span) -> Span:
    """The place in the escaped text of a place in the plain one. A piece that was escaped is taken whole."""
    place, first, last = 0, 0, 0
    for start, end, plain in pieces:
        whole = end - start != len(plain)
        if place <= span[0] < place + len(plain):
            first = start if whole else start + span[0] - place
        if place < span[1] <= place + len(plain):
            last = end if whole else start + span[1] - place
            break
        place += len(plain)
    return first, last


def _holds(run: str, depth: int) -> bool:
    if _NOT_HEX.search(run):
        return _QUADS.search(run) is not None and _any(_from_base64(run), depth)
    return _PAIRS.search(run) is not None and _any(_from_hex(run), depth)


def _any(texts: Iterator[str], depth: int) -> bool:
    return any(_every(text, depth - 1) for text in texts)


def _from_base64(run: str) -> Iterator[str]:
    plain = run.translate(_PLAIN_BASE64)
    for offset in range(4):
        size = (len(plain) - offset) // 4 * 4
        rest = plain[offset + size :]
        # The last characters without their padding still hold one or two bytes.
        raw = base64.b64decode(plain[offset : offset + size]) + (_tail(rest) if len(rest) > 1 else b"")
        yield from _printable(raw)


def _tail(rest: str) -> bytes:
    return base64.b64decode(rest + "=" * (4 - len(rest)))


def _from_hex(run: str) -> Iterator[str]:
    for found in _HEX.finditer(run):
        for offset in range(2):
            size = (len(found[0]) - offset) // 2 * 2
            yield from _printable(binascii.unhexlify(found[0][offset : offset + size]))


def _printable(raw: bytes) -> Iterator[str]:
    if not raw.isascii():
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return
    for stretch in _PRINTABLE.findall(raw):
        yield stretch.decode("ascii")
