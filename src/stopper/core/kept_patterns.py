"""What patterns compile to, kept beside the bytecode and as trusted: a small run needs some two hundred, and compiling them would be a tenth of it.

``re`` compiles in two steps: the pattern becomes a list of numbers, in Python, and that becomes the matcher, in C. The numbers are kept by
pattern and flags, so nothing here can be out of date but by another Python, which the file names. Without the file, or
for a pattern that is not in it, ``re`` does both steps as ever.
"""

import json
import re
import sys
from array import array
from collections.abc import Iterable
from importlib import import_module
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
_MADE_BY: Final = [sys.version, getattr(_sre, "MAGIC", 0), sys.byteorder]
_NUMBERS: Final = "I"
_compile: Final = re.compile


class _Kept:
    """The file, opened when the first pattern is asked for. Its first line says where the line of each pattern stands; only of those that are asked
    for that line is read."""

    def __init__(self) -> None:
        self.path: Path | None = PLACE
        self.members: dict[str, int] = {}
        self.lines = b""
        self.numbers = b""

    def open(self) -> None:
        """Fill the table from the file; a file that has another form gives nothing."""
        path, self.path = self.path, None
        try:
            head, _, rest = path.read_bytes().partition(b"\n") if path is not None else (b"{}", b"", b"")
            said = json.loads(head)
            if said.get("made_by") == _MADE_BY and said.get("sum") == crc32(rest):
                self.members = dict(said["patterns"])
                self.lines, self.numbers = rest[: said["numbers"]], rest[said["numbers"] :]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.members = {}

    def of(self, pattern: str | bytes, flags: int) -> list[Any] | None:
        """What is kept of one pattern."""
        begin = self.members.get(_key(pattern, flags))
        return None if begin is None else json.loads(self.lines[begin : self.lines.index(b"\n", begin)])


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
        begin, end, whole, groups, names, numbered = known
        codes = array(_NUMBERS, _kept.numbers[begin:end]).tolist()
        made: re.Pattern[Any] = _sre.compile(pattern, whole, codes, groups, names, tuple(numbered))
    except (RuntimeError, ValueError, TypeError, OverflowError):  # it was cut off
        return _compile(pattern, flags)
    return made


def packed(patterns: Iterable[Asked]) -> bytes:
    """A file of what these compile to; one that does not compile is left out."""
    places: dict[str, int] = {}
    lines = b""
    numbers = array(_NUMBERS)
    for pattern, flags in patterns if _sre is not None and numbers.itemsize == _sre.CODESIZE else ():
        try:
            read = _reading.parse(pattern, flags)
            codes = _steps._code(read, flags)
        except (re.error, RecursionError, AttributeError):
            continue
        state = read.state
        numbered: list[str | None] = [None] * state.groups
        for name, number in state.groupdict.items():
            numbered[number] = name
        begin = len(numbers) * numbers.itemsize
        numbers.extend(codes)
        end = len(numbers) * numbers.itemsize
        places[_key(pattern, flags)] = len(lines)
        said = [begin, end, int(flags | state.flags), state.groups - 1, state.groupdict, numbered]
        lines += json.dumps(said).encode() + b"\n"
    rest = lines + numbers.tobytes()
    head = {"made_by": _MADE_BY, "sum": crc32(rest), "numbers": len(lines), "patterns": places}
    return json.dumps(head).encode() + b"\n" + rest


def _key(pattern: str | bytes, flags: int) -> str:
    """One text for a pattern and its flags."""
    return f"{int(flags)} {pattern}" if isinstance(pattern, str) else f"{int(flags)}b{pattern.decode('latin-1')}"
