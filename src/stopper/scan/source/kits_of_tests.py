"""Folders of code that only tests use, whatever they are called: a ``conftest.py`` with tests beside it, and no application."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from stopper.scan.report import ReadError
from stopper.scan.source.files import SourceFile, is_test

_TEST_FILE: Final = re.compile(r"(?:test_[^/]*|[^/]*_tests?)\.py")
_SERVES: Final = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(?:flask|apiflask|connexion|quart|werkzeug|stopper)", re.MULTILINE
)


def kits_of_tests(
    sources: Iterable[SourceFile], bytes_of: Callable[[SourceFile], bytes | ReadError]
) -> tuple[str, ...]:
    """The beginnings of paths of such folders. One is a kit where pytest's ``conftest.py`` and tests stand in it, nothing in it or below speaks of
    Flask, and nothing outside imports from it. The root is never one: there pytest's file stands beside the application."""
    known = list(sources)
    folders = [
        shown.removesuffix("conftest.py") for source in known if (shown := source.shown).endswith("/conftest.py")
    ]
    kits = [folder for folder in folders if not is_test(folder + "x.py") and _has_tests(folder, known)]
    if not kits:
        return ()
    code = [
        (source.shown, data)
        for source in known
        if not is_test(source.shown) and isinstance(data := bytes_of(source), bytes)
    ]
    return tuple(kit for kit in kits if not any(_is_no_kit(kit, shown, data) for shown, data in code))


def _has_tests(folder: str, sources: Iterable[SourceFile]) -> bool:
    return any(
        source.shown.startswith(folder) and _TEST_FILE.fullmatch(source.shown[len(folder) :]) for source in sources
    )


def _is_no_kit(kit: str, shown: str, data: bytes) -> bool:
    """That a file is of an application in the folder, or one outside that imports from it."""
    if shown.startswith(kit):
        return _SERVES.search(data) is not None
    name = kit.rstrip("/").rpartition("/")[2].encode()
    return (
        name in data
        and re.search(
            rb"^[ \t]*(?:from|import)[ \t](?:[^\n]*|[^\n(]*\([^)]*)\b" + re.escape(name) + rb"\b"
            rb"|import_module\(\s*[\"'](?:[\w.]*\.)?" + re.escape(name) + rb"\b",
            data,
            re.MULTILINE,
        )
        is not None
    )
