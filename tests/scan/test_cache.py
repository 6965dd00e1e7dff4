"""A second run takes what the first one found, only when nothing changed, and only from where nobody else could have written."""

import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.finding import Finding
from stopper.scan import cache
from stopper.scan.catalogue import load
from stopper.scan.check import run_check, works_of
from stopper.scan.options import CheckOptions
from stopper.scan.remembered import taken, written
from stopper.scan.report import Report

APP = "from flask import Flask\napp = Flask(__name__)\napp.config['SECRET_KEY'] = 'a-key-that-everybody-can-read-1'\napp.run(debug=True)\n"
RULES = {
    rule.slug: rule for rule in load() if rule.slug in ("debug-enabled", "secret-key-hardcoded", "jwt-secret-hardcoded")
}
EMPTY = Report("check", ".", "source", "2027-01-01T00:00:00+00:00", 0.0)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckOptions:
    """A project with two weaknesses, and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(APP)
    return CheckOptions((project,), project, tuple(RULES.values()), cache=True)


def kept(options: CheckOptions) -> Path:
    """The one remembered run."""
    (found,) = (options.root.parent / "cache" / "stopper" / "check").glob("*.json")
    return found


def key_of(options: CheckOptions) -> cache.Key:
    """The key of the one project of a run."""
    (work,) = works_of(options)
    assert work.key is not None
    return work.key


def forge(path: Path) -> None:
    """Make the remembered run say that there is nothing."""
    said = json.loads(path.read_bytes())
    path.write_text(json.dumps({**said, "findings": []}))


def without_time(report: Report) -> Report:
    """What must be the same in both runs."""
    return replace(report, started="", seconds=0.0)


def test_a_second_run_is_the_same_and_comes_from_the_cache(options):
    first, second = run_check(options), run_check(options)
    assert len(first.findings) >= 2
    assert without_time(first).checks == second.checks
    assert [one.rule.slug for one in first.findings] == [one.rule.slug for one in second.findings]
    assert [one.places for one in first.findings] == [one.places for one in second.findings]
    forge(kept(options))
    assert run_check(options).findings == ()


def test_a_finding_comes_back_with_all_that_it_holds(options):
    """``app.run(debug=True)`` on this machine alone weighs less than its rule: so it does the second time."""
    found = run_check(replace(options, cache=False)).findings
    light = tuple(replace(one, severity="low") for one in found)
    for findings in (found, light):
        back = taken(written(replace(EMPTY, findings=findings)), EMPTY, RULES)
        assert back is not None
        for field in fields(Finding):
            assert [getattr(one, field.name) for one in back.findings] == [getattr(one, field.name) for one in findings]


def test_without_the_option_nothing_is_taken_or_kept(options):
    run_check(options)
    forge(kept(options))
    assert run_check(replace(options, cache=False)).findings


def environment(folder: Path, name: str) -> None:
    (folder / ".venv" / "lib" / "python3.12" / "site-packages" / name).mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text("")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "app.py").write_text(APP.replace("=True", "=False")),
        lambda folder: (folder / "more.py").write_text(""),
        lambda folder: (folder / "app.py").rename(folder / "shop.py"),
        lambda folder: (folder / "requirements.txt").write_text("flask==3.0.0\n"),
        lambda folder: (folder / "poetry.lock").write_text(""),
        lambda folder: (folder / "setup.cfg").write_text("[options]\ninstall_requires = flask\n"),
        lambda folder: environment(folder, "flask-3.0.0.dist-info"),
        lambda folder: (folder / "Dockerfile").write_text("ENV SECRET_KEY=x\n"),
        lambda folder: (folder / "__init__.py").write_text(""),
        lambda folder: (folder.parent / "__init__.py").write_text(""),
    ],
)
def test_any_change_of_what_is_read_is_a_new_run(options, change: Callable[[Path], Any]):
    before = key_of(options).digest
    assert key_of(options).digest == before
    change(options.root)
    assert key_of(options).digest != before


def test_other_rules_or_exclusions_are_a_new_run(options):
    digests = {
        key_of(one).digest
        for one in (options, replace(options, rules=options.rules[1:]), replace(options, exclude=("x",)))
    }
    assert len(digests) == 3


def test_a_file_touched_but_not_changed_is_no_new_run(options):
    before = key_of(options).digest
    os.utime(options.root / "app.py", (1, 1))
    assert key_of(options).digest == before


def test_a_run_during_which_a_file_changed_is_not_remembered(options):
    key = key_of(options)
    (options.root / "app.py").write_text("x = 1\n")
    cache.remember(key, b"{}")
    assert cache.recall(key) is None


def test_no_secret_is_in_the_cache(options):
    run_check(options)
    assert b"everybody-can-read" not in kept(options).read_bytes()


def test_a_cache_that_comes_with_the_project_is_not_used(options, monkeypatch):
    """Whoever sends a project must not be able to send its verdict with it."""
    run_check(options)
    name, data = kept(options).name, kept(options).read_bytes()
    for folder in (".stopper_cache", ".cache/stopper/check", "stopper/check"):
        (options.root / folder).mkdir(parents=True)
        (options.root / folder / name).write_bytes(data)
        forge(options.root / folder / name)
    monkeypatch.setenv("XDG_CACHE_HOME", ".cache")
    monkeypatch.chdir(options.root)
    assert run_check(options).findings


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")
def test_what_others_could_have_written_is_not_used(options):
    run_check(options)
    path = kept(options)
    forge(path)
    path.chmod(0o666)
    assert run_check(replace(options)).findings
    forge(kept(options))
    path.parent.chmod(0o777)
    assert run_check(options).findings


def test_a_link_is_not_followed(options, tmp_path):
    run_check(options)
    path = kept(options)
    forge(path)
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    assert run_check(options).findings


def test_a_folder_that_cannot_be_made_is_no_error(options, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert run_check(options).findings


def test_the_oldest_runs_are_forgotten(options, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 3)
    for number in range(6):
        (options.root / "app.py").write_text(f"x = {number}\n")
        run_check(options)
    folder = options.root.parent / "cache" / "stopper" / "check"
    assert len(list(folder.iterdir())) == 3


def test_damaged_bytes_are_a_new_run(options):
    run_check(options)
    for damage in (b"", b"{", b"[]", b'{"findings": 1}', b"\xff\xfe", kept(options).read_bytes()[:-9]):
        kept(options).write_bytes(damage)
        assert run_check(options).findings


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(sorted(RULES)),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(
            st.sampled_from(["findings", "coverage", "outcomes", "errors", "rule", "message", "places", "edit"]), inner
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_foreign_json_is_a_report_or_nothing(said):
    found = taken(json.dumps(said).encode("utf-8", "surrogatepass"), EMPTY, RULES)
    assert found is None or taken(written(found), EMPTY, RULES) == found


@given(st.data())
def test_a_report_with_one_member_exchanged_is_a_report_or_nothing(data):
    finding = {
        "rule": "debug-enabled", "message": "m", "places": [[["a.py", 1, 1, 1, 1], ["GET", "/"]]], "confidence": "indicated",
        "evidence": [["source", "x"]], "certainty": "certain", "severity": None, "each_counts": False, "edit": [["a.py", 1, 1, 1, 1], "t", True, [], [], "replace", [[["a.py", 1, 1, 1, 1], "u", True, [], [], "line-after"]]],
    }  # fmt: skip
    said: dict[str, Any] = {
        "findings": [finding],
        "coverage": [1, 1],
        "outcomes": [["debug-enabled", "fail", "m", None]],
    }
    said["errors"] = [["a.py", "m", 1, True]]
    assert taken(json.dumps(said).encode(), EMPTY, RULES) is not None
    where = data.draw(st.sampled_from([said, finding]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON)
    found = taken(json.dumps(said).encode("utf-8", "surrogatepass"), EMPTY, RULES)
    assert found is None or written(found)
