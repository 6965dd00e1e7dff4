"""``# stopper: ignore[slug] reason``: what it suppresses, and what it is told when it does not hold."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.finding import Finding
from stopper.core.place import Place, RouteRef, Span
from stopper.core.rule import Rule
from stopper.scan.report import ReadError, Report
from stopper.scan.suppression import Suppression, comments, reader, suppressed

TODAY = date(2026, 11, 25)
SLUGS = ("debug-enabled", "jwt-secret-hardcoded")


def read(source: str) -> list[Suppression | ReadError]:
    return list(comments(source.encode(), "app.py", SLUGS, TODAY))


def finding(slug: str, *places: Place) -> Finding:
    made = Rule(slug, "jwt", "t", "h", "high", "ssrf", (), "", (), ("source",), "e")
    return Finding(made, "m", places, "indicated")


def judged(source: str, *findings: Finding) -> Report:
    report = Report("check", ".", "source", "", 1.0, findings)
    return suppressed(report, lambda path: source.encode() if path == "app.py" else None, ["app.py"], SLUGS, TODAY)


def at(line: int, end: int | None = None, path: str = "app.py") -> Place:
    return Place(Span(path, line, end or line))


def test_it_speaks_of_its_own_line_or_of_the_next_line_of_code() -> None:
    source = "a = 1  # stopper: ignore[debug-enabled] why\n# stopper: ignore[debug-enabled] because\n\n# more\nb = 2\n"
    assert read(source) == [Suppression(1, ("debug-enabled",), "why"), Suppression(5, ("debug-enabled",), "because")]


def test_it_names_several_rules_and_a_day() -> None:
    (one,) = read("x = 1  # stopper: ignore[debug-enabled, jwt-secret-hardcoded] reason=by hand until=2026-11-25\n")
    assert one == Suppression(1, SLUGS, "by hand")


def test_a_text_that_looks_like_one_is_none() -> None:
    assert read('x = "# stopper: ignore[debug-enabled] no"\n"""\n# stopper: ignore\n"""\n') == []


def test_a_broken_file_keeps_the_comments_before_the_break() -> None:
    assert read("x = 1  # stopper: ignore[debug-enabled] why\ny = (\n") == [Suppression(1, ("debug-enabled",), "why")]


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("ignore[debug-enabld] x", "did you mean debug-enabled?"),
        ("ignore[debug-enabled] x until=2026-11-24", "ended on 2026-11-24"),
        ("ignore[debug-enabled] x until=never", "no day"),
    ],
)
def test_one_that_does_not_hold_is_told_at_its_line_and_loses_no_coverage(comment: str, words: str) -> None:
    (error,) = read(f"\nx = 1  # stopper: {comment}\n")
    assert isinstance(error, ReadError)
    assert words in error.message
    assert (error.path, error.line, error.fatal) == ("app.py", 2, False)


@pytest.mark.parametrize(
    "comment",
    ["ignore", "ignore because", "ignore[] because", "ignore[debug-enabled]", "ignore[debug-enabled] until=2027-01-01"],
)
def test_one_without_rule_or_reason_holds_nothing_back(comment: str) -> None:
    """It is a finding of the rule suppression-without-reason, and no error beside it."""
    assert read(f"\nx = 1  # stopper: {comment}\n") == []


HOLDS = "x = 1\ny = 2  # stopper: ignore[debug-enabled] why\n"


def test_a_suppressed_finding_is_left_out_and_told() -> None:
    report = judged(HOLDS, finding("debug-enabled", at(2)))
    assert report.findings == ()
    assert report.skipped[0].reason == "suppressed in the source: why"


def test_other_rules_lines_and_files_stay() -> None:
    held = (
        finding("jwt-secret-hardcoded", at(2)),
        finding("debug-enabled", at(1)),
        finding("debug-enabled", at(2, path="b.py")),
    )
    assert judged(HOLDS, *held).findings == held


def test_a_comment_anywhere_in_the_range_counts() -> None:
    assert judged(HOLDS, finding("debug-enabled", at(1, 4))).findings == ()


def test_a_finding_goes_when_its_last_line_is_suppressed_and_stays_while_one_is_not() -> None:
    route = Place(route=RouteRef("GET", "/x"))
    assert judged(HOLDS, finding("debug-enabled", at(2), route)).findings == ()
    both = finding("debug-enabled", at(2), at(1), route)
    assert judged(HOLDS, both).findings == (replace(both, places=(at(1), route)),)


@given(st.binary(max_size=200), st.text(max_size=80))
def test_foreign_bytes_never_raise(raw: bytes, tail: str) -> None:
    list(comments(raw + b"\n# stopper: ignore" + tail.encode("utf-8", "surrogatepass"), "app.py", SLUGS, TODAY))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_beside_the_source_is_not_waited_for(tmp_path: Path) -> None:
    """Opening it would hang the run for ever."""
    os.mkfifo(tmp_path / "app.py")
    assert reader(tmp_path)("app.py") is None
