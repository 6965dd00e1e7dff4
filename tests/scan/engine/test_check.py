"""Checks of source alone."""

from pathlib import Path

from tests.scan.engine.leak_rules import CHANGED, SIGNATURE
from tests.scan.engine.sample_app import BAD, GOOD

from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions


def test_a_check_reads_and_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(BAD + "\nopen('ran', 'w')\n", encoding="utf-8")
    report = run_check(CheckOptions((tmp_path,), tmp_path, (CHANGED, SIGNATURE)))
    (found,) = report.findings
    assert (found.rule, found.confidence) == (SIGNATURE, "indicated")
    assert [one.slug for one in report.outcomes] == ["signature-unread"]
    assert (report.coverage.tested, report.coverage.total, report.requests) == (1, 1, 0)
    assert not (tmp_path / "ran").exists()


def test_a_file_that_does_not_parse_is_told_and_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(BAD, encoding="utf-8")
    (tmp_path / "broken.py").write_text("from flask import Flask\ndef f(:\n", encoding="utf-8")
    report = run_check(CheckOptions((tmp_path,), tmp_path, (SIGNATURE,)))
    assert len(report.findings) == 1
    assert [(error.path, error.line, error.fatal) for error in report.errors] == [("broken.py", 2, True)]


def test_sound_source_has_no_finding(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(GOOD, encoding="utf-8")
    report = run_check(CheckOptions((tmp_path,), tmp_path, (SIGNATURE,)))
    assert report.findings == ()
    assert [one.outcome for one in report.outcomes] == ["pass"]
