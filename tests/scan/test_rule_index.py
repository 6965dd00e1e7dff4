"""The index of the rules says what the modules say, and is used only where nobody else could have written it."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from stopper.core.rule import Rule
from stopper.scan import rule_index
from stopper.scan.catalogue import CatalogueError, load
from stopper.scan.rule_index import Later, rules


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "stopper" / "check"


def test_the_index_says_what_the_modules_say():
    assert rules() == load()
    taken = rules()
    assert isinstance(taken[0].detect or taken[0].probe, Later)
    for one, other in zip(taken, load(), strict=True):
        for member in fields(Rule):
            said, meant = getattr(one, member.name), getattr(other, member.name)
            if member.name in ("detect", "probe", "fix"):
                assert (said is None) is (meant is None)
            else:
                assert said == meant


def test_a_function_is_the_rules_own():
    rules()
    first = next(rule for rule in rules() if rule.detect is not None)
    own = next(rule for rule in load() if rule.slug == first.slug)
    from stopper.core.app import App

    assert first.detect is not None
    assert own.detect is not None
    assert list(first.detect(App())) == list(own.detect(App()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: [],
        lambda said: [{**said[0], "severity": "worst"}],
        lambda said: [{**said[0], "family": "../../evil"}],
        lambda said: [{**said[0], "more": 1}],
        lambda said: {"rules": said},
    ],
)
def test_an_index_of_another_shape_is_none(folder: Path, spoil):
    rules()
    (path,) = folder.glob("*.index")
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    assert rules() == load()


def test_an_index_that_others_may_write_is_not_used(folder: Path):
    rules()
    (path,) = folder.glob("*.index")
    path.write_text("[]")
    path.chmod(0o666)
    assert rules() == load()


def test_code_that_changed_makes_the_index_anew(folder: Path, monkeypatch: pytest.MonkeyPatch):
    rules()
    monkeypatch.setattr("stopper.scan.cache.own_code", lambda: "other")
    rules()
    assert len(list(folder.glob("*.index"))) == 2


def test_a_broken_catalogue_is_told_and_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise CatalogueError("two rules are called x")

    monkeypatch.setattr("stopper.scan.catalogue.load", broken)
    with pytest.raises(CatalogueError):
        rule_index.rules()
    assert not folder.exists()


def test_a_second_check_of_the_same_files_imports_no_rule(tmp_path: Path):
    (tmp_path / "app.py").write_text("from flask import Flask\nFlask(__name__).run(debug=True)\n")
    code = (
        "import sys; from stopper.cli.group import run; run(['check', sys.argv[1]]);"
        "print(len([one for one in sys.modules if one.startswith('stopper.rules.')]))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "app.py")], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert "debug-enabled" in said[1]
    assert int(said[0].split()[-1]) > 20
    assert int(said[1].split()[-1]) == 0
