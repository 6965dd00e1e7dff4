"""Finds the line of the application that caused something: its own frame, not a library's, not Stopper's, not Python's."""

import inspect
import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from stopper.core.leak import CodePlace

_STOPPER: Final = str(Path(__file__).resolve().parent.parent) + os.sep
_JUDGED: Final = tuple(_STOPPER + name + os.sep for name in ("demo", "service", "compat"))
"""Parts of this package that are applications themselves."""
_PYTHON: Final = tuple({sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "platstdlib")})
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_DEF: Final = re.compile(r"\s*(async\s+)?def\s|.*\blambda\b")
DEEPEST: Final = 400
"""Frames that are looked at."""


class OwnCode:
    """Tells the application's files from everybody else's. *roots*: folders of the application, wherever they lie."""

    def __init__(self) -> None:
        self._roots: set[str] = set()
        self._known: dict[str, bool] = {}

    def add_root(self, folder: str) -> None:
        """Count the files below *folder*, also where it is installed among the libraries."""
        root = os.path.join(os.path.abspath(folder), "")
        if root not in self._roots and not root.startswith(_PYTHON):
            self._roots.add(root)
            self._known.clear()

    def __call__(self, filename: str) -> bool:
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._judge(filename)
        return known

    def _judge(self, filename: str) -> bool:
        if filename.startswith("<"):
            return False
        path = os.path.abspath(filename)
        if path.startswith(_STOPPER):
            return path.startswith(_JUDGED)
        inner = [root for root in self._roots if path.startswith(root)]
        if inner:
            return not any(folder in path[len(max(inner, key=len)) - 1 :] for folder in _INSTALLED)
        return not (path.startswith(_PYTHON) or any(folder in path for folder in _INSTALLED))

    def nearest(self, border: str) -> CodePlace | None:
        """The innermost own frame of the running thread. None when the file *border* is met first."""
        frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        for _ in range(DEEPEST):
            if frame is None:
                return None
            filename = frame.f_code.co_filename
            if filename == border:
                return None
            if self(filename):
                return place_of(frame.f_code, frame.f_lineno)
            frame = frame.f_back
        return None

    def frames_of(self, trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
        """The own frames of a traceback with their lines, outermost first."""
        for _ in range(DEEPEST):
            if trace is None:
                return
            if self(trace.tb_frame.f_code.co_filename):
                yield trace.tb_frame, trace.tb_lineno
            trace = trace.tb_next


def place_of(code: CodeType, line: int) -> CodePlace:
    """The place of *line* in *code*."""
    return CodePlace(shown_path(code.co_filename), line, code.co_qualname.replace(".<locals>", ""))


def shown_path(filename: str) -> str:
    """*filename* from the working directory where it lies below it, in POSIX style."""
    path = os.path.abspath(filename)
    here = os.path.join(os.getcwd(), "")
    return (path.removeprefix(here)).replace(os.sep, "/")


def place_of_view(view: Any, method: str) -> CodePlace | None:
    """Where a Flask view stands: the function under its decorators, or the method of its class."""
    owner = getattr(view, "view_class", None)
    if owner is not None:
        view = getattr(owner, method.lower(), None) or getattr(owner, "dispatch_request", view)
    try:
        code = getattr(inspect.unwrap(view), "__code__", None)
    except ValueError:  # a loop of wrappers
        return None
    return place_of(code, _line_of_def(code)) if isinstance(code, CodeType) else None


def _line_of_def(code: CodeType) -> int:
    """The line of ``def``: code objects begin at their first decorator."""
    for line in range(code.co_firstlineno, code.co_firstlineno + 50):
        if _DEF.match(linecache.getline(code.co_filename, line)):
            return line
    return code.co_firstlineno
