"""Masks a log or a dump as it flows by: line by line, in bounded memory, without touching what it does not mask."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.secret import MASK

LONGEST_LINE: Final = 1 << 20
"""Characters; a longer line is taken in pieces, each cut where no secret stands."""
_AROUND: Final = 8192
"""A cut is good when masking so many characters before and behind it apart gives what masking them together gives."""
_KEY_LINES: Final = 400
"""A private key has fewer lines (RSA of 16384 bits: 200); what goes on longer without an end is no key."""
_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_END: Final = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
Mask = Callable[[str], str]


@dataclass(slots=True)
class Count:
    """What a run did so far."""

    lines: int = 0
    masked: int = 0


def scrub(chunks: Iterable[bytes], mask: Mask, count: Count | None = None) -> Iterator[bytes]:
    """The bytes of *chunks* with every line masked by *mask*; bytes that are no text come out as they went in.

    UTF-16 with its mark is read and written as such, anything else as UTF-8. A private key over several lines becomes one ``***``.
    """
    encoding, errors, flow = _encoding(iter(chunks))
    lines = _keyless(_lines(_decoded(flow, encoding, errors)), mask, count or Count())
    return (line.encode(encoding, errors) for line in lines)


def _encoding(chunks: Iterator[bytes]) -> tuple[str, str, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 2:
            break

    def flow() -> Iterator[bytes]:
        yield head
        yield from chunks

    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", "surrogatepass", flow()
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", "surrogatepass", flow()
    return "utf-8", "surrogateescape", flow()


def _decoded(chunks: Iterator[bytes], encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for chunk in chunks:
        yield decoder.decode(chunk)
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:  # half a sign of UTF-16 at the end of a file that was cut off
        return


def _lines(texts: Iterator[str]) -> Iterator[str]:
    """Whole lines with their ends; a line that is too long in pieces of LONGEST_LINE at most."""
    held = ""
    for text in texts:
        held += text
        *whole, held = held.split("\n")
        for line in whole:
            yield line + "\n"
        while len(held) > LONGEST_LINE:
            yield held[:LONGEST_LINE]
            held = held[LONGEST_LINE:]
    if held:
        yield held


def _keyless(lines: Iterator[str], mask: Mask, count: Count) -> Iterator[str]:
    inside = 0
    before = ""
    for line in lines:
        if inside and inside <= _KEY_LINES:
            inside = 0 if _END.search(line) else inside + 1
            continue
        inside = 0  # no key after all; what was left out stays out
        before += line
        if not line.endswith("\n") and len(before) < 2 * LONGEST_LINE:
            continue
        shown, before, inside = _shown(before, mask, count)
        yield shown
    if before:
        yield _masked(before, mask, count)


def _shown(text: str, mask: Mask, count: Count) -> tuple[str, str, int]:
    """What to write of *text*, what to keep for later, and whether a key has begun in it."""
    if text.endswith("\n"):
        begins = list(_BEGIN.finditer(text))
        begin = begins[-1] if begins else None
        if begin is not None and not _END.search(text, begin.end()):
            return _masked(text[: begin.start()], mask, count) + f"{begin[0]} {MASK}\n", "", 1
        return _masked(text, mask, count), "", 0
    cut = _cut(text, mask)
    return _masked(text[:cut], mask, count), text[cut:], 0


def _cut(text: str, mask: Mask) -> int:
    cut = LONGEST_LINE
    while cut > _AROUND:
        before, behind = text[cut - _AROUND : cut], text[cut : cut + _AROUND]
        if mask(before) + mask(behind) == mask(before + behind):
            return cut
        cut -= _AROUND // 8
    return LONGEST_LINE


def _masked(text: str, mask: Mask, count: Count) -> str:
    shown = mask(text)
    count.lines += 1
    count.masked += shown != text
    return shown
