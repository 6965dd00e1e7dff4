"""Patterns that are compiled when they are first asked something: of the hundreds in the catalogue a run needs a part, and compiling all of
them would be most of what it costs to begin."""

import inspect
import re
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

from stopper.core.kept_patterns import Asked, compiled
from stopper.core.later_methods import methods_later

_ASKED: Final = (
    "search",
    "match",
    "fullmatch",
    "finditer",
    "findall",
    "split",
    "sub",
    "subn",
    "scanner",
    "flags",
    "groups",
    "groupindex",
)
_compile: Final = re.compile
_guard: Final = threading.RLock()


MADE: Final[dict[Asked, None]] = {}
"""Every pattern of which one was made, with its flags."""


class Finder(Protocol):
    """What imports modules in its own way, while it has any."""

    def __bool__(self) -> bool: ...

    def close(self) -> None:
        """Let go of what is held open for it."""


FINDERS: Final[list[Finder]] = []
"""Who is asked for modules of ours first (:mod:`stopper.scan.kept_modules`)."""


class LaterPattern:
    """Stands for ``re.compile(pattern, flags)``. Once it was asked something it has the methods of the compiled pattern as its own."""

    def __init__(self, pattern: Any, flags: Any = 0) -> None:
        self.pattern = pattern
        self._flags = int(flags)
        MADE.setdefault((pattern, self._flags))

    def __getattr__(self, name: str) -> Any:
        if name not in _ASKED:
            raise AttributeError(name)
        made = compiled(self.pattern, self._flags)
        self.__dict__.update({one: getattr(made, one) for one in _ASKED})
        return self.__dict__[name]

    def __repr__(self) -> str:
        return repr(_compile(self.pattern, self._flags))


def later(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """``re.compile(pattern, flags)``, later."""
    return cast("re.Pattern[str]", LaterPattern(pattern, flags))


def _later_unless_compiled(pattern: Any, flags: Any = 0) -> Any:
    caller = inspect.currentframe()
    caller = caller.f_back if caller is not None else None
    ours = caller is not None and str(caller.f_globals.get("__name__")).startswith("stopper.")
    return LaterPattern(pattern, flags) if ours else _compile(pattern, flags)


@contextmanager
def patterns_later() -> Generator[None]:
    """Modules of ours that are imported meanwhile get their patterns later, without a word of it in them. What holds of patterns but not
    of these (``isinstance``, patterns given to functions of ``re``) is left out there. Their frozen data classes get
    :mod:`methods later <stopper.core.later_methods>`, too, and their bytecode comes from :data:`FINDERS`."""
    with _guard:
        before = re.compile
        re.compile = cast("Any", _later_unless_compiled)
        asked = [found for one in FINDERS if one and (found := cast("Any", one)) not in sys.meta_path]
        sys.meta_path[:0] = asked
        try:
            with methods_later():
                yield
        finally:
            re.compile = before
            for one in asked:
                sys.meta_path.remove(one)
                one.close()
