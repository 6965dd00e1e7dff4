"""The lists of rules that the doctor judges by. Each is a file of its own beside this one; the words are Stopper's own."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

SOURCES: Final = ("start", "deployment", "asvs", "jwt", "oauth")
"""What is refused at the start; how it is deployed; OWASP ASVS 5.0; RFC 8725bis; RFC 9700."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule. It is judged by a check that runs here, by the tests that hold it for Stopper's code, or it is the application's part.

    ``needs``: the feature without which it means nothing. ``part``: what only the application itself can do; it may be added to a check or tests.
    """

    source: str
    id: str
    level: int
    scope: str
    needs: str
    check: str
    tests: tuple[str, ...]
    part: str
    title: str


@cache
def requirements() -> tuple[Requirement, ...]:
    """Every rule of every list, in their order."""
    return tuple(one for source in SOURCES for one in _read(source))


def _read(source: str) -> tuple[Requirement, ...]:
    text = files(__name__.rpartition(".")[0]).joinpath(f"{source}.csv").read_text("utf-8")
    return tuple(
        Requirement(
            source,
            row["id"],
            int(row.get("level") or 1),
            row.get("scope") or "core",
            row["needs"],
            row["check"],
            tuple(row["tests"].split()),
            row["part"],
            row["title"],
        )
        for row in csv.DictReader(text.splitlines())
    )
