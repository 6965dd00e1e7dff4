"""Folders of Python without ``__init__.py``: which of their files belong to a project that imports others of them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from stopper.scan.report import ReadError
from stopper.scan.source.files import SourceFile, imported_tops


def home(source: SourceFile) -> Path:
    """The folder of what a file belongs to: its outermost package, or the folder of a script."""
    folder = source.path.parent
    for _ in range(source.depth):
        folder = folder.parent
    return folder


def in_namespaces(
    chosen: Iterable[SourceFile],
    apart: dict[str, SourceFile],
    bytes_of: Callable[[SourceFile], bytes | ReadError],
) -> set[str]:
    """Those in folders that *chosen* files outside of them import from: what is beside the imported ones belongs to them, also where it is imported
    by a name that is put together while the application runs."""
    loose = {path: source for path, source in apart.items() if not source.depth and not _is_of_tests(source)}
    tops: set[str] = set()
    for source in chosen if loose else ():
        data = bytes_of(source)
        tops |= imported_tops(data).difference(source.shown.split("/")) if isinstance(data, bytes) else frozenset()
    return {path for path, source in loose.items() if not tops.isdisjoint(source.shown.split("/")[:-1])}


def _is_of_tests(source: SourceFile) -> bool:
    return any(part.lower().endswith(("test", "tests")) for part in source.shown.split("/")[:-1])
