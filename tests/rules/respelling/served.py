"""Runs a small program and says what it answers, so that two spellings of it can be compared."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rules.respelling.tree import Sources

Answer = tuple[str, str, int, str]
ROOTS = ("app", "server_main", "shop.api.app")
"""The modules that can hold the application."""


@contextmanager
def loaded(folder: Path, sources: Sources) -> Iterator[Any]:
    """The Flask application of the program, laid out in *folder*; its modules are forgotten afterwards."""
    for written, text in sources.items():
        path = folder / written
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before, paths = set(sys.modules), list(sys.path)
    sys.path[:0] = [str(folder), str(folder / "src")]
    importlib.invalidate_caches()
    try:
        title = next(
            one
            for one in ROOTS
            if any((folder / start / (one.replace(".", "/") + ".py")).is_file() for start in ("", "src"))
        )
        module = importlib.import_module(title)
        yield getattr(module, "app", None) or module.create_app()
    finally:
        sys.path[:] = paths
        for known in set(sys.modules) - before:
            file = getattr(sys.modules[known], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[known]


def answers(folder: Path, sources: Sources, asked: list[tuple[str, str, dict[str, Any]]]) -> list[Answer]:
    """What the program answers to these requests: method, path, and how the client of the tests is to send them."""
    with loaded(folder, sources) as app:
        client = app.test_client()
        found = []
        for method, path, how in asked:
            answer = client.open(path, method=method, **how)
            found.append((method, path, answer.status_code, answer.get_data(as_text=True)))
        return found
