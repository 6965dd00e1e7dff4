"""The published formula: the page and the code say the same, and a score behaves as a person expects."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import CONFIDENCES, Evidence, Finding
from stopper.core.place import Place, Span
from stopper.core.rule import CHECKS, SEVERITIES, Rule
from stopper.scan.report import Coverage, Report, RuleOutcome, severity_of
from stopper.scan.score import BANDS, CERTAINTY, DEDUCTIONS, WEIGHTS, letter, scored

PAGE = (Path(__file__).parents[2] / "docs" / "score.md").read_text("utf-8")
ALL = Coverage(10, 10)
PLACE = Place(Span("app.py", 1, 1))


def rule(slug: str, severity: str, check: str) -> Rule:
    return Rule(slug, "jwt", "t", "h", severity, check, (1,), "API2:2023", (), ("source",), "e")  # type: ignore[arg-type]


def finding(slug: str, severity: str, confidence: str, check: str) -> Finding:
    return Finding(rule(slug, severity, check), "m", (PLACE,), confidence)  # type: ignore[arg-type]


def report(*findings: Finding, tested: tuple[str, ...] = CHECKS, coverage: Coverage = ALL) -> Report:
    outcomes = tuple(RuleOutcome(f"rule-of-{check}", "pass", "", check) for check in tested)  # type: ignore[arg-type]
    return Report("audit", "app", "default", "2026-01-01T00:00:00Z", 1.0, findings, coverage, outcomes)


def table(first: str, second: str) -> dict[str, str]:
    rows = re.search(rf"\| {first} \| {second} \|\n\|---\|---\|\n((?:\|.*\|\n)+)", PAGE)
    assert rows, f"docs/score.md has no table of {first}"
    return {left.strip(): right.strip() for left, right in re.findall(r"\|([^|]*)\|([^|]*)\|", rows.group(1))}


def test_the_pages_tables_are_the_codes_tables() -> None:
    assert table("severity", "points") == {name: str(points) for name, points in DEDUCTIONS.items()}
    assert table("confidence", "counts") == {name: f"{part} %" for name, part in CERTAINTY.items()}
    assert table("check", "weight") == {name: str(weight) for name, weight in WEIGHTS.items()}
    assert table("letter", "from") == {name: str(least) for least, name in BANDS}
    assert sum(WEIGHTS.values()) == 100
    assert set(WEIGHTS) == set(CHECKS)


def examples() -> list[tuple[str, str, str, str]]:
    part = PAGE.split("## Examples")[1].split("## The gate")[0]
    rows = re.findall(r"^\| (.+?) \| ?(.*?) ?\| (\d+) \| ([A-F]) \|$", part, re.MULTILINE)
    assert len(rows) >= 9
    return rows


@pytest.mark.feature("F30")
@pytest.mark.parametrize(("said", "checks", "whole", "grade"), examples())
def test_an_example_of_the_page_computes(said: str, checks: str, whole: str, grade: str) -> None:
    findings = []
    for number, one in enumerate([] if said == "none" else said.split(", ")):
        severity, confidence, check, *times = one.split(" ")
        repeats = int(times[0].removeprefix("×")) if times else 1
        findings += [finding(f"rule-{number}", severity, confidence, check)] * repeats
    run = scored(report(*findings))
    expected = dict.fromkeys(CHECKS, 100) | {
        name: int(score) for name, score in (one.rsplit(" ", 1) for one in checks.split(", ") if one)
    }
    assert run.checks == expected
    assert (run.score, run.grade) == (int(whole), grade)


findings_of_anything = st.builds(
    finding,
    st.sampled_from([f"rule-{number}" for number in range(4)]),
    st.sampled_from(SEVERITIES),
    st.sampled_from(CONFIDENCES),
    st.sampled_from(CHECKS[:3]),
).map(
    lambda one: Finding(
        rule(f"{one.rule.slug}-{one.rule.check}-{one.rule.severity}", one.rule.severity, one.rule.check),
        "m",
        (PLACE,),
        one.confidence,
    )
)
tested_checks = st.sets(st.sampled_from(CHECKS)).map(lambda found: tuple(sorted(found)))


@given(st.lists(findings_of_anything, max_size=12), findings_of_anything, tested_checks)
def test_one_more_finding_never_raises_any_score_or_the_letter(
    held: list[Finding], more: Finding, tested: tuple[str, ...]
) -> None:
    before, after = scored(report(*held, tested=tested)), scored(report(*held, more, tested=tested))
    assert after.score is not None
    assert before.score is None or after.score <= before.score
    assert before.grade is None or (after.grade is not None and after.grade >= before.grade)
    for check, score in before.checks.items():
        now = after.checks[check]
        assert score is None or (now is not None and now <= score)


@given(
    st.lists(findings_of_anything, max_size=10).flatmap(lambda held: st.tuples(st.just(held), st.permutations(held)))
)
def test_the_order_of_findings_does_not_matter(both: tuple[list[Finding], list[Finding]]) -> None:
    one, other = (scored(report(*held)) for held in both)
    assert (one.score, one.grade, one.checks) == (other.score, other.grade, other.checks)


@given(st.lists(findings_of_anything, max_size=40), tested_checks)
def test_scores_stay_between_0_and_100(held: list[Finding], tested: tuple[str, ...]) -> None:
    run = scored(report(*held, tested=tested))
    for score in (run.score, *run.checks.values()):
        assert score is None or 0 <= score <= 100


def test_scoring_twice_changes_nothing() -> None:
    once = scored(report(finding("a", "high", "proven", "ssrf")))
    assert scored(once) == once


@pytest.mark.parametrize(
    ("held", "best"),
    [
        ([("critical", "proven")], "D"),
        ([("critical", "confirmed")], "D"),
        ([("critical", "proven"), ("critical", "confirmed")], "F"),
        ([("high", "proven")], "B"),
        ([("critical", "indicated"), ("high", "corroborated")], "B"),
        ([("high", "corroborated"), ("medium", "proven")], "A"),
    ],
)
def test_proven_findings_and_any_critical_hold_the_letter_down(held: list[tuple[str, str]], best: str) -> None:
    """Spread over twelve checks so that the score alone would be an A or B."""
    run = scored(report(*(finding(f"r{number}", *one, "llm") for number, one in enumerate(held))))
    assert run.score is not None
    assert letter(run.score) in ("A", "B")
    assert run.grade == best


@pytest.mark.parametrize(("tested", "total", "has_letter"), [(59, 100, False), (60, 100, True), (0, 0, False)])
def test_below_60_percent_tested_there_is_no_letter(tested: int, total: int, has_letter: bool) -> None:
    run = scored(report(coverage=Coverage(tested, total)))
    assert (run.grade is not None) is has_letter
    assert run.score == 100


def test_nothing_tested_is_no_score_and_not_a_hundred() -> None:
    run = scored(report(tested=()))
    assert (run.score, run.grade) == (None, None)
    assert set(run.checks.values()) == {None}


def test_open_and_not_applicable_rules_are_not_tested() -> None:
    outcomes = (RuleOutcome("a", "open", "", "ssrf"), RuleOutcome("b", "not-applicable", "", "llm"))
    run = scored(Report("scan", "u", "default", "", 1.0, coverage=Coverage(1, 1), outcomes=outcomes))
    assert run.checks["ssrf"] is None
    assert run.checks["llm"] is None


WIRE = Evidence("exchange", "seen", Exchange(Request("GET", "/"), Response(200)))
SOURCE = Evidence("source", "seen")


@pytest.mark.parametrize(
    ("confidence", "certainty", "evidence", "severity"),
    [
        ("proven", "possible", (WIRE,), "critical"),
        ("indicated", "certain", (WIRE,), "high"),
        ("corroborated", "certain", (WIRE,), "high"),
        ("indicated", "certain", (SOURCE,), "critical"),
        ("indicated", "likely", (SOURCE,), "high"),
        ("corroborated", "possible", (SOURCE, WIRE), "critical"),
    ],
)
def test_a_critical_that_is_only_a_sign_counts_as_high(
    confidence: str, certainty: str, evidence: tuple[Evidence, ...], severity: str
) -> None:
    made = Finding(rule("r", "critical", "ssrf"), "m", (PLACE,), confidence, evidence, certainty)  # type: ignore[arg-type]
    assert severity_of(made) == severity


def test_a_check_that_read_no_file_has_no_score() -> None:
    """A wrong folder given to `stopper check` must not read as 100 of 100."""
    run = scored(replace(report(coverage=Coverage(0, 0)), command="check"))
    assert (run.score, run.grade) == (None, None)
    assert set(run.checks.values()) == {None}
