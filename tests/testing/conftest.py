"""Runs pytest inside of a test."""

from collections.abc import Iterator
from pathlib import Path

# Imported out here once; an inner run throws away what it imports itself.
import flask  # noqa: F401
import httpx  # noqa: F401
import pytest
import requests  # noqa: F401
import urllib3  # noqa: F401

import stopper.testing.leak_guard  # noqa: F401
from stopper.core import log_redaction


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A project of its own, the plug-in as it is installed, and no log masked by a guard of another test."""
    masked = log_redaction.is_installed()
    log_redaction.uninstall()
    monkeypatch.syspath_prepend(str(pytester.path))
    for name in ("CI", "BUILD_NUMBER"):  # there, pytest prints every message twice and whole
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist -p no:hypothesispytest -p no:anyio\n")
    yield pytester
    if masked:
        log_redaction.install()


def write(folder: pytest.Pytester, **files: str) -> None:
    """Write ``name.py`` for each."""
    for name, text in files.items():
        Path(folder.path, f"{name}.py").write_text(text, "utf-8")
