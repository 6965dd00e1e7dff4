"""Writes docs/soak.md from what pytest left of ``make soak``: which long tests ran, how each ended, and on what.

python docs/soak.py build/soak.xml
"""

import datetime
import platform
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# The last soak

Made by `make soak`. It runs what takes too long for `make test`: races with 1,000 rounds of 8 processes (64 threads each for
single-use values, 8 each for a refresh), the model of the whole life of a session with 2,000 examples, the properties of the verifier with ten times as many examples, and whatever else is marked `soak`.
"""


def ending(case: ElementTree.Element) -> str:
    """How one test ended, in a word."""
    ends = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return {"failure": "**failed**", "error": "**failed**", "skipped": "skipped"}[ends[0]] if ends else "passed"


def page(report: Path, commit: str) -> str:
    """The page."""
    cases = sorted(
        ElementTree.parse(report).iter("testcase"), key=lambda case: (case.get("classname"), case.get("name"))
    )
    rows = [
        f"| `{case.get('classname')}` | `{case.get('name')}` | {ending(case)} | {float(case.get('time') or 0):.0f} |"
        for case in cases
    ]
    parts = ", ".join(
        f"{name} {version(name)}" for name in ("hypothesis", "sqlalchemy", "psycopg", "redis", "cryptography")
    )
    passed = sum(ending(case) == "passed" for case in cases)
    about = (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, commit {commit}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {parts}. "
        f"**{passed} of {len(cases)} passed.**"
    )
    return "\n".join([HEAD, about, "", "| file | test | end | seconds |", "|---|---|---|---|", *rows]) + "\n"


def main(report: str) -> None:
    """Write it."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=HERE
    ).stdout.strip()
    (HERE / "soak.md").write_text(page(Path(report), commit))


if __name__ == "__main__":
    main(sys.argv[1])
