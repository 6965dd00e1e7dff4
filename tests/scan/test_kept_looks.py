"""A look at a file is taken from an earlier run only where the file stands exactly as it did then."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stopper.scan import kept_looks
from stopper.scan.kept_looks import KeptLooks
from stopper.scan.source import looks as looking
from stopper.scan.source.looks import looks

OLD = 1_700_000_000


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_looks, "WORTH_WRITING", 1)
    monkeypatch.setattr(
        kept_looks, "SETTLED", -3_600_000_000_000
    )  # of these files nobody can set back when they were made
    return tmp_path / "cache" / "stopper" / "check"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes were fetched."""
    done: list[str] = []
    look = looking.look

    def noted(path: Path, **given: Any) -> looking.Look:
        done.append(path.name)
        return look(path, **given)

    monkeypatch.setattr(looking, "look", noted)
    return done


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text("import flask\n")
    os.utime(path, (OLD, OLD))
    return path


def run(*paths: Path, imports: bool = True) -> dict[Path, looking.Look]:
    known = KeptLooks(b"stem")
    found = looks(paths, {}, imports=imports, known=known)
    known.keep()
    return found


def test_what_stands_as_it_did_is_not_fetched_again(app: Path, fetched: list[str]) -> None:
    assert run(app) == run(app)
    assert fetched == ["app.py"]


def test_the_same_size_and_time_of_change_are_not_enough(app: Path, fetched: list[str]) -> None:
    first = run(app)
    app.write_text("import jinja\n")
    os.utime(app, (OLD, OLD))
    assert run(app)[app].digest != first[app].digest
    assert run(app)[app].tops == {"jinja"}


def test_a_file_that_takes_the_place_of_another_is_looked_at(app: Path, tmp_path: Path, fetched: list[str]) -> None:
    run(app)
    other = tmp_path / "other.py"
    other.write_text("import jinja\n")
    os.utime(other, (OLD, OLD))
    os.replace(other, app)
    assert run(app)[app].tops == {"jinja"}


def test_a_look_without_imports_does_not_answer_for_them(app: Path, fetched: list[str]) -> None:
    run(app, imports=False)
    assert run(app)[app].tops == {"flask"}
    assert len(fetched) == 2


def test_a_file_that_changed_just_now_is_not_remembered(
    app: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_looks, "SETTLED", 2_000_000_000)
    run(app)
    run(app)
    assert len(fetched) == 2


@pytest.mark.parametrize(
    "planted", ["[]", "{", '{"a": [1]}', "null", '{"PATH": [1, 2, 3, 4, "zz", true, null]}', '{"PATH": [1, 2, 3, 4, "", 1, 5]}']
)  # fmt: skip
def test_what_is_not_of_our_shape_is_not_taken(planted: str, app: Path, own_cache: Path, fetched: list[str]) -> None:
    first = run(app)
    (kept,) = own_cache.glob("*.looks.json")
    assert list(json.loads(kept.read_text())) == [str(app)]
    kept.write_text(planted.replace("PATH", str(app)))
    assert run(app) == first
    assert len(fetched) == 2
