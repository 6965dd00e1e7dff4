"""Versions compare as releases do, and every file that pins one is read."""

import pytest

from stopper.core.auth_advisories import ADVISORIES, holes, order
from stopper.core.fact import TextFile
from stopper.core.requirement_lines import pins_of


@pytest.mark.parametrize(
    ("name", "version", "bad"),
    [
        ("pyjwt", "2.3.0", True),
        ("pyjwt", "2.10.0", True),
        ("pyjwt", "2.10.1", False),
        ("pyjwt", "2.10.1rc1", False),
        ("flask", "2.2.5", False),
        ("flask", "2.3.1", True),
        ("flask", "1", True),
        ("pyjwt", "main", False),
        ("unknown", "1.0", False),
    ],
)
def test_a_version_has_the_holes_between_since_and_mended(name: str, version: str, bad: bool) -> None:
    assert bool(holes(name, version)) is bad


def test_every_advisory_can_be_compared_and_names_a_cve() -> None:
    for advisories in ADVISORIES.values():
        for one in advisories:
            assert one.cve.startswith("CVE-")
            assert not one.mended or order(one.since or "0") < order(one.mended)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("requirements.txt", "PyJWT[crypto]==2.3.0  # why", ("pyjwt", "2.3.0", True)),
        ("requirements.txt", "Flask>=2", ("flask", "2", False)),
        ("requirements.txt", "Flask==2.*", ("flask", "2.*", False)),
        ("pyproject.toml", '[project]\ndependencies = ["Flask-Cors==3.0.10"]', ("flask-cors", "3.0.10", True)),
        ("pyproject.toml", '[tool.poetry.dependencies]\npyjwt = "^2.1"', ("pyjwt", "2.1", False)),
        ("Pipfile.lock", '{\n"pyjwt": {\n"version": "==2.3.0"\n}', ("pyjwt", "2.3.0", True)),
    ],
)
def test_pins(path: str, text: str, expected: tuple[str, str, bool]) -> None:
    pins = list(pins_of(TextFile(path, "requirements", tuple(text.splitlines()))))
    assert [(one.name, one.version, one.exact) for one in pins] == [expected]
