"""The bytecode of the modules of ours in one file, beside that of each and as trusted: a small run imports some three hundred, and to look for
the file of each, to see whether its source changed and to open it is a quarter of what that costs.

The file names the state of the code that it was made of (:func:`stopper.scan.cache.own_code`), which is asked once for all modules. Without
the file, or where the code is in another state, each module is imported as ever. Packages always are.

What a module needs of ours is known before its code runs, and is made first without the import system, which would ask its finders, take its locks
and look for a package with each of them: that is as much again as to run the code.

A rule has its detector and its probe in one file, and a check calls no probe. So what probes are made of (``stopper.core.probing``) is imported
when somebody calls a function of it, or asks for something else than a function or a plain constant.
"""

import dis
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from marshal import dumps, loads
from pathlib import Path
from threading import Lock
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeAlias, cast

from stopper.core.later_pattern import FINDERS, patterns_later

_ROOT: Final = Path(__file__).parent.parent
_BELOW: Final = os.path.join(_ROOT, "")
PLACE: Final = _ROOT / "rules" / "__pycache__" / f"modules.{sys.implementation.cache_tag}.codes"
"""Where the file lies in the installation; it is written with the index of the rules (:mod:`stopper.scan.rule_index`)."""
_MAGIC: Final = b"stopper modules 3\n"
_HEAD: Final = len(_MAGIC) + 8
_LARGEST_HEAD: Final = 4 * 1024 * 1024
_OF_PROBES: Final = "stopper.core.probing."
_CONSTANTS: Final = (str, int, bool, float, bytes, type(None))
Said: TypeAlias = "dict[str, tuple[Any, ...]]"
"""What a module that runs later has under its names: of a function nothing, of a constant its value."""


class LaterFunction:
    """Stands for a function of a module that nobody has called yet."""

    __slots__ = ("_module", "_name")

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the function itself returns."""
        return getattr(filled(self._module), self._name)(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(filled(self._module), self._name), name)

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        """What a pickle keeps: where the function is. An audit sends rules to its child, also after a check in the same process."""
        return _named, (self._module.__name__, self._name)


def _named(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


class LaterModule(ModuleType):
    """A module that runs its code when something is asked of it that is neither a function nor a plain constant."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__dict__.get("__spec__")
        said: Said = spec.loader_state if spec is not None else {}
        if name in said:
            return said[name][0] if said[name] else LaterFunction(self, name)
        if name[:2] == "__" or spec is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        return getattr(filled(self), name)


def filled(module: ModuleType) -> ModuleType:
    """The module after its code has run; once."""
    spec = module.__spec__
    if type(module) is LaterModule and spec is not None:
        with patterns_later():
            if type(module) is LaterModule:
                cast("Any", module).__class__ = ModuleType
                try:
                    cast("KeptModules", spec.loader).run(module)
                except BaseException:
                    cast("Any", module).__class__ = LaterModule
                    raise
    return module


class KeptModules:
    """Finds modules in the file, while it is asked (:func:`stopper.core.later_pattern.patterns_later`)."""

    def __init__(self) -> None:
        self._members: dict[str, tuple[int, int, str, Said, tuple[str, ...]]] = {}
        """Where the code of each stands, its source, what one that runs later says at once, and what the code needs of ours."""
        self._under_way: set[str] = set()
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
            head = _part(file, _HEAD, 0)
            size = int.from_bytes(head[len(_MAGIC) :], "big") if head.startswith(_MAGIC) else 0
            said: Any = loads(_part(file, size, _HEAD)) if size < _LARGEST_HEAD else ("", "", {})
            state, python, members = said
            if state == self._state and python == sys.version:
                self._members = members
                self._begin = _HEAD + size
                return
        except (OSError, EOFError, ValueError, TypeError):
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
        return ModuleSpec(name, cast("Any", self), origin=_BELOW + known[2], loader_state=known[3])

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A plain module, or one that runs later. Its file is told here: of a place that it is told of, the import system would also look for
        the bytecode."""
        module = LaterModule(spec.name) if spec.loader_state else ModuleType(spec.name)
        module.__file__ = spec.origin
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, unless it runs later."""
        if type(module) is not LaterModule:
            self.run(module)

    def run(self, module: ModuleType) -> None:
        """Run the module's code, after that of the modules that it needs."""
        name = module.__name__
        self._under_way.add(name)
        try:
            for needed in self._members[name][4] if name in self._members else ():
                if needed not in sys.modules and needed not in self._under_way and needed in self._members:
                    self._make(needed)
            exec(self.get_code(name), module.__dict__)
        finally:
            self._under_way.discard(name)

    def module(self, name: str) -> ModuleType:
        """A module by its name, made without the import system where that can be spared; under :func:`patterns_later`."""
        if name not in sys.modules and name in self._members:
            self._make(name)
        return sys.modules.get(name) or import_module(name)

    def _make(self, name: str) -> None:
        """What the import system does for a module, as far as one of ours needs it."""
        package, _, own = name.rpartition(".")
        if package not in sys.modules:
            import_module(package)
        spec = self.find_spec(name)
        if spec is None:
            return  # it was written anew meanwhile: the import system finds the source
        sys.modules[name] = module = self.create_module(spec)
        module.__spec__, module.__loader__, module.__package__ = spec, cast("Any", self), package
        try:
            self.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        setattr(sys.modules[package], own, module)

    def get_code(self, name: str) -> CodeType:
        """The code of a module that was found. Out of its source, where the file ends too early or lacks bytes: a disk may have been full."""
        if self._file is None:
            self._read()
        if self._file is None or name not in self._members:
            raise ImportError(f"the bytecode of {name} was taken away meanwhile", name=name)
        begin, end, origin, *_ = self._members[name]
        try:
            code: object = loads(_part(self._file, end - begin, self._begin + begin))
        except (EOFError, ValueError, TypeError, MemoryError):
            code = None
        if (
            isinstance(code, CodeType)
            and code.co_name == "<module>"
            and os.path.basename(code.co_filename) == os.path.basename(origin)
        ):
            return code
        return cast("CodeType", SourceFileLoader(name, _BELOW + origin).get_code(name))


_SEEKING: Final = Lock()


def _part(file: int, size: int, begin: int) -> bytes:
    """So many bytes of the file from there on; Windows has no ``os.pread``."""
    if hasattr(os, "pread"):
        return os.pread(file, size, begin)
    with _SEEKING:
        os.lseek(file, begin, os.SEEK_SET)
        return os.read(file, size)


KEPT: Final = KeptModules()
FINDERS.append(KEPT)


def packed(names: Iterable[str], state: str) -> bytes:
    """A file of the bytecode of these modules, packages left out."""
    members: dict[str, tuple[int, int, str, Said, tuple[str, ...]]] = {}
    codes = bytearray()
    for name in names:
        origin = getattr(sys.modules[name], "__file__", None)
        code = SourceFileLoader(name, origin).get_code(name) if origin is not None else None
        if code is None or origin is None or hasattr(sys.modules[name], "__path__"):
            continue
        place = os.path.relpath(origin, _ROOT)  # an installation may be copied to another place with all its dates
        begin = len(codes)
        codes += dumps(code)
        said = _said(name) if name.startswith(_OF_PROBES) else {}
        needed = tuple(one for one in _needed(code) if one in sys.modules and not hasattr(sys.modules[one], "__path__"))
        members[name] = (begin, len(codes), place, said, needed)
    head = dumps((state, sys.version, members))
    return _MAGIC + len(head).to_bytes(8, "big") + head + bytes(codes)


def _said(name: str) -> Said:
    """The functions that the module has of its own, and its plain constants."""
    found: Said = {}
    for known, value in vars(sys.modules[name]).items():
        if type(value) is FunctionType and value.__module__ == name:
            found[known] = ()
        elif known[:2] != "__" and _is_plain(value):
            found[known] = (value,)
    return found


def _is_plain(value: Any) -> bool:
    if type(value) in (tuple, frozenset):
        return all(map(_is_plain, value))
    return type(value) in _CONSTANTS


def _needed(code: CodeType) -> list[str]:
    """What the code of a module may import of ours when it runs; what only types need stands behind ``if TYPE_CHECKING``."""
    found: dict[str, None] = {}
    before, name, left_out = "", "", 0
    for step in dis.get_instructions(code):
        if step.opname.startswith("POP_JUMP") and before == "TYPE_CHECKING":
            left_out = step.argval
        elif step.opname == "IMPORT_NAME":
            name = step.argval if step.offset >= left_out else ""
        elif step.opname == "IMPORT_FROM":
            found.setdefault(f"{name}.{step.argval}")
        if step.opname in ("LOAD_NAME", "IMPORT_NAME"):
            before = step.argval
        if name:
            found.setdefault(name)
    return [one for one in found if one.startswith("stopper.")]
