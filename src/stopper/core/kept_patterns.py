"""What patterns compile to, kept beside the bytecode and as trusted: a small run needs some two hundred, and compiling them would be a tenth of it.

``re`` compiles in two steps: the pattern becomes a list of numbers, in Python, and that becomes the matcher, in C. The numbers are kept by
pattern and flags, so nothing here can be out of date but by another Python, which the file names. Without the file, or
for a pattern that is not in it, ``re`` does both steps as ever.
"""

import re
import sys
from array import array
from collections.abc import Iterable
from importlib import import_module
from marshal import dumps, loads
from pathlib import Path
from typing import Any, Final
from zlib import crc32


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:  # another Python
        return None


_sre: Final = _module("_sre")
_reading: Final = _module("re._parser")
_steps: Final = _module("re._compiler")
Asked = tuple[str | bytes, int]
"""A pattern with its flags."""
PLACE: Final = Path(__file__).parent / "__pycache__" / f"patterns.{sys.implementation.cache_tag}.codes"
"""Where the file lies in the installation; it is written with the index of the rules (:mod:`stopper.scan.rule_index`)."""
_MADE_BY: Final = (sys.version, getattr(_sre, "MAGIC", 0), sys.byteorder)
_NUMBERS: Final = "I"
_MAGIC: Final = b"stopper patterns 2\n"
_SIZE: Final = 8
_HEAD: Final = len(_MAGIC) + 2 * _SIZE
"""Bytes before the table: what the file is, how long the table is, and its sum."""
_compile: Final = re.compile


class _Kept:
    """The file, opened when the first pattern is asked for. Its table says of each pattern where its numbers stand and what their sum is, and what
    else the matcher is made of."""

    def __init__(self) -> None:
        self.path: Path | None = PLACE
        self.members: dict[Asked, tuple[Any, ...]] = {}
        self.data = b""
        self.begin = 0

    def open(self) -> None:
        """Fill the table from the file; a file that has another form gives nothing."""
        path, self.path = self.path, None
        try:
            data = path.read_bytes() if path is not None else b""
            size, held = (int.from_bytes(data[at : at + _SIZE], "big") for at in (len(_MAGIC), len(_MAGIC) + _SIZE))
            begin = _HEAD + size
            if data.startswith(_MAGIC) and crc32(data[_HEAD:begin]) == held:
                made_by, members = loads(data[_HEAD:begin])
                if made_by == _MADE_BY:
                    self.members, self.data, self.begin = members, data, begin
        except (OSError, EOFError, ValueError, TypeError):
            self.members = {}

    def of(self, pattern: str | bytes, flags: int) -> tuple[Any, ...] | None:
        """What the matcher of one pattern is made of; None where that is not kept, or is not there whole."""
        known = self.members.get((pattern, flags))
        if known is None:
            return None
        begin, end, held, *others = known
        numbers = self.data[self.begin + begin : self.begin + end]
        return (array(_NUMBERS, numbers).tolist(), *others) if crc32(numbers) == held else None


_kept: Final = _Kept()


def keep_in(path: Path) -> None:
    """Take what is compiled from that file from now on, where it is one."""
    _kept.path = path


def compiled(pattern: str | bytes, flags: int) -> re.Pattern[Any]:
    """``re.compile(pattern, flags)``"""
    if _kept.path is not None:
        _kept.open()
    try:
        known = _kept.of(pattern, int(flags))
        if known is None:
            return _compile(pattern, flags)
        codes, whole, groups, names, numbered = known
        made: re.Pattern[Any] = _sre.compile(pattern, whole, codes, groups, names, numbered)
    except (RuntimeError, ValueError, TypeError, OverflowError):  # it was cut off
        return _compile(pattern, flags)
    return made


def packed(patterns: Iterable[Asked]) -> bytes:
    """A file of what these compile to; one that does not compile is left out."""
    members: dict[Asked, tuple[Any, ...]] = {}
    numbers = bytearray()
    for pattern, flags in patterns if _sre is not None and array(_NUMBERS).itemsize == _sre.CODESIZE else ():
        try:
            read = _reading.parse(pattern, flags)
            codes = array(_NUMBERS, _steps._code(read, flags)).tobytes()
        except (re.error, RecursionError, AttributeError):
            continue
        state = read.state
        numbered: list[str | None] = [None] * state.groups
        for name, number in state.groupdict.items():
            numbered[number] = name
        begin = len(numbers)
        numbers += codes
        members[pattern, int(flags)] = (
            begin, len(numbers), crc32(codes), int(flags | state.flags), state.groups - 1, dict(state.groupdict), tuple(numbered)
        )  # fmt: skip
    head = dumps((_MADE_BY, members))
    return _MAGIC + len(head).to_bytes(_SIZE, "big") + crc32(head).to_bytes(_SIZE, "big") + head + bytes(numbers)
