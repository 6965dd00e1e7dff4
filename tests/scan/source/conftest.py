"""A project written from texts, read."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from stopper.scan.source.read import SourceReading, read_source

Reads = Callable[..., SourceReading]


@pytest.fixture
def read(tmp_path: Path) -> Reads:
    """``read("…")`` reads one ``app.py``; ``read({"a/b.py": "…"})`` reads a tree."""

    def reads(files: str | dict[str, str | bytes]) -> SourceReading:
        tree = {"app.py": files} if isinstance(files, str) else files
        for name, text in tree.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return read_source((tmp_path,), tmp_path)

    return reads
