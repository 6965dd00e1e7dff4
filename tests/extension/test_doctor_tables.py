"""The doctor's lists of rules: whole, each row judged by something, each test that is named really there."""

from pathlib import Path

import pytest
from tests.extension.test_doctor import made

from stopper.extension.doctor import diagnose, judging
from stopper.extension.doctor.features import FEATURES
from stopper.extension.doctor.tables import SOURCES, Requirement, requirements
from stopper.extension.doctor.words import VERDICTS


@pytest.mark.parametrize("one", requirements(), ids=lambda one: f"{one.source}-{one.id}")
def test_each_row_is_judged_by_something(one: Requirement) -> None:
    assert one.source in SOURCES
    assert one.title
    assert not one.needs or one.needs in FEATURES
    if one.check:
        assert judging.check_named(one.check).__doc__
    absent = one.needs in (
        "authorization-server",
        "log-in-elsewhere",
        "second-factor",
        "reset",
        "websocket",
        "pages",
        "export",
    )
    assert bool(one.check or one.tests or one.part) or absent


def test_each_named_test_exists(repository: Path) -> None:
    texts: dict[str, str] = {}
    for name in {name for one in requirements() for name in one.tests}:
        file, _, function = name.partition("::")
        text = texts.setdefault(file, (repository / file).read_text("utf-8"))
        assert f"def {function}(" in text, name


def test_each_row_is_there_once_and_every_list_is_whole() -> None:
    ids = [(one.source, one.id) for one in requirements()]
    assert len(ids) == len(set(ids))
    counts = {source: sum(one == source for one, _ in ids) for source in SOURCES}
    assert counts["asvs"] == 264
    assert counts["jwt"] == 33
    assert counts["oauth"] == 27
    assert {one.scope for one in requirements()} == {"core", "shared", "docs"}


def test_a_row_about_writing_down_is_never_met_by_itself() -> None:
    report = diagnose(made().app, 3)
    scopes = {one.id: one.scope for one in requirements()}
    assert {one.verdict for one in report.rows if scopes[one.id] == "docs"} == {"your part"}
    assert sum(sum(counts.values()) for counts in report.counts.values()) == len(report.rows)
    assert {one.verdict for one in report.rows} <= set(VERDICTS)
    assert all(one.check or one.tests for one in report.rows if one.verdict == "met")


def test_each_check_is_made_to_fail_somewhere(repository: Path) -> None:
    folder = repository / "tests" / "extension"
    text = "".join(
        (folder / name).read_text("utf-8")
        for name in ("test_doctor.py", "test_doctor_reports.py", "test_doctor_store.py")
    )
    assert [one.check for one in requirements() if one.check and f'"{one.check}"' not in text] == []
