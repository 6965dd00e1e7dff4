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
    """A cache folder of its own, and an installation that keeps nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rule_index, "_beside", lambda: tmp_path / "no installation" / "rules" / "rules.index")
    return tmp_path / "stopper" / "check"


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the installation keeps its index."""
    path = tmp_path / "__pycache__" / "rules.index"
    path.parent.mkdir()
    monkeypatch.setattr(rule_index, "_beside", lambda: path)
    return path


@pytest.mark.parametrize("where", ["folder", "beside"])
def test_the_index_says_what_the_modules_say(where: str, request: pytest.FixtureRequest):
    request.getfixturevalue(where)
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
        lambda said: {**said, "rules": []},
        lambda said: {**said, "digest": "of other code"},
        lambda said: {**said, "rules": [{**said["rules"][0], "severity": "worst"}]},
        lambda said: {**said, "rules": [{**said["rules"][0], "family": "../../evil"}]},
        lambda said: {**said, "rules": [{**said["rules"][0], "more": 1}]},
        lambda said: {**said, "rules": [{**said["rules"][0], "questions": [["source.__class__", [], []]]}]},
        lambda said: {**said, "rules": [{**said["rules"][0], "questions": [["os.system", ["x"], []]]}]},
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


def test_the_index_of_the_installation_comes_first_and_leaves_the_cache_alone(beside: Path, folder: Path):
    rules()
    assert beside.is_file()
    assert not folder.exists()
    assert isinstance(next(one for one in rules() if one.detect is not None).detect, Later)


def test_without_the_cache_the_installation_alone_is_asked(folder: Path):
    assert rules(kept=False) == load()
    assert not folder.exists()


def test_an_index_of_the_installation_that_is_cut_off_is_made_anew(beside: Path):
    rules()
    whole = beside.read_bytes()
    beside.write_bytes(whole[: len(whole) // 2])
    assert rules() == load()
    assert beside.read_bytes() == whole


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


def test_a_first_check_imports_the_rules_that_its_source_answers_and_a_second_none(tmp_path: Path):
    (tmp_path / "other.py").write_text("import flask\n")
    (tmp_path / "app.py").write_text("from flask import Flask\nFlask(__name__).run(debug=True)\n")
    code = (
        "import sys; from stopper.cli.group import run; run(['check', sys.argv[1]]);"
        "print(len([one for one in sys.modules if one.startswith('stopper.rules.')]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other.py")], capture_output=True, check=True)
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "app.py")], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert "debug-enabled" in said[1]
    assert 20 < int(said[0].split()[-1]) < 150  # of more than 200
    assert int(said[1].split()[-1]) == 0


def test_where_python_was_told_to_write_no_bytecode_the_index_is_kept_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "__pycache__" / "rules.index"
    monkeypatch.setattr(rule_index, "_beside", lambda: place)
    assert rules(kept=False) == load()
    assert place.is_file()
    assert isinstance(next(rule.detect for rule in rules(kept=False) if rule.detect), Later)
