"""Versions compare as releases do, and every file that pins one is read."""

import pytest

from stopper.core.app import App
from stopper.core.deployment.auth_advisories import ADVISORIES, holes, holes_below, order
from stopper.core.deployment.requirement_lines import pins_of
from stopper.core.fact import TextFile
from stopper.rules.dependency.vulnerable_auth_library import RULE


@pytest.mark.parametrize(
    ("name", "version", "bad"),
    [
        ("pyjwt", "2.3.0", True),
        ("pyjwt", "2.10.0", True),
        ("pyjwt", "2.14.9", True),
        ("pyjwt", "2.15.0", False),
        ("pyjwt", "2.15.0rc1", False),
        ("authlib", "1.8.0", True),
        ("authlib", "1.9.0", False),
        ("joserfc", "1.8.0", False),
        ("python-jose", "3.5.0", True),
        ("python-jose", "3.5.1", False),
        ("flask", "3.1.2", True),
        ("flask", "3.1.3", False),
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
            assert bool(one.mended) is not bool(one.last)


def test_a_running_application_is_judged_by_the_versions_that_it_has() -> None:
    app = App(readers=frozenset({"running"}), dependencies={"authlib": "1.6.10", "flask": "3.1.3", "requests": "1.0"})
    (hit,) = RULE.detect(app) if RULE.detect else ()
    assert hit.reader == "running"
    assert hit.span is None
    assert "CVE-2026-41425" in hit.message
    assert "all mended in 1.9.0" in hit.message
    assert "CVE-2026-27962" not in hit.message


def test_versions_that_only_a_file_names_are_not_taken_for_the_running_ones() -> None:
    app = App(readers=frozenset({"source"}), dependencies={"authlib": "1.6.10"})
    assert list(RULE.detect(app) if RULE.detect else ()) == []


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


@pytest.mark.parametrize("said", ["~=" + "1" * 5_000 + ".0", "^" + "9" * 5_000, "<" + "1" * 5_000, "~=2"])
def test_a_bound_that_is_no_version_bounds_nothing_and_stops_nothing(said: str) -> None:
    (pin,) = pins_of(TextFile("requirements.txt", "requirements", (f"PyJWT{said}",)))
    assert not holes_below(pin.name, pin.version, pin.below)
