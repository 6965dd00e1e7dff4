"""The bytecode of the modules of ours in one file, beside that of each and as trusted: a small run imports some three hundred, and to look for
the file of each, to see whether its source changed and to open it is a quarter of what that costs.

The file names the state of the code that it was made of (:func:`stopper.scan.cache.own_code`), which is asked once for all modules. Without
the file, or where the code is in another state, each module is imported as ever. Packages always are.
"""

import json
import os
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from marshal import dumps, loads
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, cast

from stopper.core.later_pattern import FINDERS

_ROOT: Final = Path(__file__).parent.parent
PLACE: Final = _ROOT / "rules" / "__pycache__" / f"modules.{sys.implementation.cache_tag}.codes"
"""Where the file lies in the installation; it is written with the index of the rules (:mod:`stopper.scan.rule_index`)."""
_MAGIC: Final = b"stopper modules 2\n"
_HEAD: Final = len(_MAGIC) + 8
_LARGEST_HEAD: Final = 4 * 1024 * 1024


class KeptModules:
    """Finds modules in the file, while it is asked (:func:`stopper.core.later_pattern.patterns_later`)."""

    def __init__(self) -> None:
        self._members: dict[str, tuple[int, int, str]] = {}
        self._path = PLACE
        self._state = ""
        self._begin = 0
        self._stamp: tuple[int, int, int] | None = None
        self._file: int | None = None
        """The descriptor while modules are asked for; a file object that an error leaves open would be told of at the end."""

    def open(self, path: Path, state: str) -> None:
        """Take modules from that file from now on, where it was made of code in that state."""
        self.close()
        self._path, self._state, self._members, self._stamp = path, state, {}, None
        self._read()

    def _read(self) -> None:
        try:
            self._file = file = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            seen = os.fstat(file)
            stamp = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            head = os.pread(file, _HEAD, 0)
            size = int.from_bytes(head[len(_MAGIC) :], "big") if head.startswith(_MAGIC) else 0
            said: dict[str, Any] = json.loads(os.pread(file, size, _HEAD) if size < _LARGEST_HEAD else b"{}")
            if said["state"] == self._state and said["python"] == sys.version:
                self._members = {name: (begin, end, origin) for name, (begin, end, origin) in said["modules"].items()}
                self._begin = _HEAD + size
                return
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass
        self._members = {}

    def close(self) -> None:
        """Close the file until a module is asked for again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __bool__(self) -> bool:
        return bool(self._members)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """What the import system asks of every finder; None for a module that is not in the file."""
        if name in self._members and self._file is None:
            self._read()  # another process may have written it anew
        known = self._members.get(name)
        if known is None:
            return None
        spec = ModuleSpec(name, cast("Any", self), origin=str(_ROOT / known[2]))
        spec.has_location = True
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """A plain module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, name: str) -> CodeType:
        """The code of a module that was found. Out of its source, where the file ends too early: a disk may have been full."""
        if self._file is None:
            self._read()
        if self._file is None or name not in self._members:
            raise ImportError(f"the bytecode of {name} was taken away meanwhile", name=name)
        begin, end, origin = self._members[name]
        try:
            return cast("CodeType", loads(os.pread(self._file, end - begin, self._begin + begin)))
        except (EOFError, ValueError, TypeError):
            return cast("CodeType", SourceFileLoader(name, str(_ROOT / origin)).get_code(name))


KEPT: Final = KeptModules()
FINDERS.append(KEPT)


def packed(names: Iterable[str], state: str) -> bytes:
    """A file of the bytecode of these modules, packages left out."""
    members: dict[str, tuple[int, int, str]] = {}
    codes = bytearray()
    for name in names:
        origin = getattr(sys.modules[name], "__file__", None)
        code = SourceFileLoader(name, origin).get_code(name) if origin is not None else None
        if code is None or origin is None or hasattr(sys.modules[name], "__path__"):
            continue
        place = os.path.relpath(origin, _ROOT)  # an installation may be copied to another place with all its dates
        begin = len(codes)
        codes += dumps(code)
        members[name] = (begin, len(codes), place)
    head = json.dumps({"state": state, "python": sys.version, "modules": members}).encode()
    return _MAGIC + len(head).to_bytes(8, "big") + head + bytes(codes)
