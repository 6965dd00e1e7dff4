"""Diffs are remembered by the bytes and the edits, masked, and never taken from what somebody changed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stopper.core.finding import Finding
from stopper.core.place import Place, Span
from stopper.core.rule import Edit
from stopper.rules.leak import debug_enabled
from stopper.scan import cache, remembered_diffs
from stopper.scan.remembered_diffs import with_remembered_diffs
from stopper.scan.report import Report
from stopper.scan.reports import patch

SOURCE = "".join(f"value{number} = 1  # line {number}\n" for number in range(1, 41))
RULE = debug_enabled.RULE


def report(many: int = 20, text: str = "2") -> Report:
    spans = [Span("app.py", number, number, 10, 11) for number in range(1, many + 1)]
    found = tuple(
        Finding(RULE, f"line {span.line}", (Place(span, None),), "indicated", edit=Edit(span, text, safe=True))
        for span in spans
    )
    return Report("check", ".", "source", "2026-01-01T00:00:00+00:00", 0.0, findings=found)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "stopper" / "check"


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often diffs were worked out."""
    done: list[str] = []
    monkeypatch.setattr(remembered_diffs, "with_diffs", lambda *a: (done.append("x"), patch.with_diffs(*a))[1])
    return done


def diffs(one: Report, source: str = SOURCE) -> dict[str, str]:
    return dict(with_remembered_diffs(one, lambda _: source.encode()).diffs)


def test_a_second_run_works_out_nothing_and_says_the_same(worked: list[str]) -> None:
    first = diffs(report())
    assert diffs(report()) == first
    assert first == patch.with_diffs(report(), lambda _: SOURCE.encode()).diffs
    assert worked == ["x"]


def test_another_byte_or_another_edit_is_worked_out_anew(worked: list[str]) -> None:
    first = diffs(report())
    assert diffs(report(), SOURCE.replace("line 40", "line xx")) != first or len(worked) == 2
    assert diffs(report(text="3")) != first
    assert len(worked) == 3


def test_of_files_that_are_as_they_were_nothing_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made = report()
    moved = [replace(one.edit, span=replace(one.edit.span, path="other.py")) for one in made.findings if one.edit]
    others = tuple(
        replace(one, places=(Place(edit.span, None),), edit=edit)
        for one, edit in zip(made.findings, moved, strict=True)
    )
    both = replace(made, findings=(*made.findings, *others))
    sources = {"app.py": SOURCE, "other.py": SOURCE}

    def found() -> dict[str, str]:
        return dict(with_remembered_diffs(both, lambda path: sources[path].encode()).diffs)

    first = found()
    sources["other.py"] += "# one line more\n"
    asked: list[str] = []
    work_out = patch.patched
    monkeypatch.setattr(patch, "patched", lambda source, edits: (asked.append(source), work_out(source, edits))[1])
    assert found().keys() == first.keys()
    assert set(asked) == {sources["other.py"]}


@pytest.mark.parametrize("planted", [b"[]", b"{", b'{"a": 1}', b"null", b"\xff", b"[" * 5000])
def test_what_is_not_of_our_shape_is_not_taken(planted: bytes, worked: list[str], own_cache: Path) -> None:
    first = diffs(report())
    (kept,) = own_cache.glob("*.diffs.json")
    kept.write_bytes(planted)
    assert diffs(report()) == first
    assert len(worked) == 2


def test_the_cache_holds_no_secret(own_cache: Path) -> None:
    key = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    source = SOURCE.replace("value22 = 1", f'value22 = "{key}"')
    made = report()
    with_remembered_diffs(made, lambda _: source.encode())
    (kept,) = own_cache.glob("*.diffs.json")
    assert key not in kept.read_text()
    assert json.loads(kept.read_text())


def test_a_folder_that_others_may_write_to_is_not_used(own_cache: Path, worked: list[str]) -> None:
    diffs(report())
    own_cache.chmod(0o777)
    diffs(report())
    assert len(worked) == 2
    assert cache.read("anything") is None
