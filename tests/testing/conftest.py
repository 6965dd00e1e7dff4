"""Runs pytest inside of a test."""

from pathlib import Path

# Imported out here once; an inner run throws away what it imports itself.
import flask  # noqa: F401
import httpx  # noqa: F401
import pytest
import requests  # noqa: F401
import urllib3  # noqa: F401

import stopper.testing.leak_guard  # noqa: F401


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of its own, warnings as errors, the plug-in as it is installed."""
    monkeypatch.syspath_prepend(str(pytester.path))
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist -p no:hypothesispytest -p no:anyio\n")
    return pytester


def write(folder: pytest.Pytester, **files: str) -> None:
    """Write ``name.py`` for each."""
    for name, text in files.items():
        Path(folder.path, f"{name}.py").write_text(text, "utf-8")
