"""The published formula: how findings become a score for each check, one for the whole, and a letter.

`docs/score.md` explains it with examples that a test computes. Everything is whole numbers and fractions, so the order of the
findings never matters. The fractions are of whole numbers too: the standard library's bring up decimals and all that numbers need besides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from stopper.core.finding import Confidence, Finding
from stopper.core.rule import CHECKS, Check, Severity
from stopper.scan.report import Report, severity_of

DEDUCTIONS: Final[Mapping[Severity, int]] = {"critical": 60, "high": 30, "medium": 12, "low": 4}
"""Points that a proven finding takes from its check."""

CERTAINTY: Final[Mapping[Confidence, int]] = {"confirmed": 100, "proven": 100, "corroborated": 80, "indicated": 40}
"""How much of the deduction counts at each confidence, in hundredths."""

REPEAT: Final = 2
"""Each further finding of one rule counts the one before it divided by this."""

WEIGHTS: Final[Mapping[Check, int]] = {
    "authentication": 18, "object-authorization": 14, "function-authorization": 12, "property-authorization": 8,
    "input-validation": 10, "rate-limiting": 6, "data-exposure": 10, "transport": 6, "ssrf": 6, "inventory": 4,
    "unsafe-consumption": 3, "llm": 3,
}  # fmt: skip
"""What each check counts in the whole; together 100."""

BANDS: Final[tuple[tuple[int, str], ...]] = ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F"))
LEAST_COVERAGE: Final = 60
"""In percent; a run that saw less has no letter."""


def scored(report: Report) -> Report:
    """The same run with its score, its letter and the score of each check. Pure."""
    checks = check_scores(report)
    score = _overall(report, checks)
    return replace(report, checks=checks, score=score, grade=_grade(report, score))


def check_scores(report: Report) -> dict[Check, int | None]:
    """0 to 100 for each of the twelve checks; None where nothing was tested."""
    rules = list(_by_rule(report.findings).values())
    most = max(map(len, rules), default=1)
    deducted: dict[Check, int] = defaultdict(int)
    for findings in rules:
        deducted[findings[0].rule.check] += _deduction(findings, most)
    tested, point = _tested(report), 100 * REPEAT**most
    return {
        check: max(0, (100 * point - deducted[check]) // point) if check in tested or check in deducted else None
        for check in CHECKS
    }


def letter(score: int) -> str:
    """The letter of a score, before any cap."""
    return next(name for least, name in BANDS if score >= least)


def cap(findings: Iterable[Finding]) -> tuple[str, str] | None:
    """The best letter that the findings leave, and the reason; None when they leave all of them."""
    held = [(severity_of(finding), finding.confidence in ("proven", "confirmed")) for finding in findings]
    criticals = held.count(("critical", True))
    if criticals:
        return ("D", "1 proven critical finding") if criticals == 1 else ("F", f"{criticals} proven critical findings")
    if highs := held.count(("high", True)):
        return "B", f"{highs} proven high finding{'s' if highs > 1 else ''}"
    # `stopper check` proves nothing: an A beside a critical finding would still be read as "all is well".
    if signs := held.count(("critical", False)):
        return "B", f"{signs} critical finding{'s' if signs > 1 else ''}, not proven yet"
    return None


def why_no_letter(report: Report) -> str | None:
    """Why a scored run has no letter, in a few words; None when it has one."""
    if report.grade is not None:
        return None
    if report.score is None:
        return "nothing was tested"
    return f"under {LEAST_COVERAGE} % was tested"


def _tested(report: Report) -> set[Check]:
    if report.command == "check" and not report.coverage.tested:
        return set()  # a rule that was shown no file has come to no result
    return {outcome.check for outcome in report.outcomes if outcome.check and outcome.outcome in ("pass", "fail")}


def _by_rule(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        grouped[finding.rule.slug].append(finding)
    return grouped


def _deduction(findings: list[Finding], most: int) -> int:
    """What the findings of one rule take, the heaviest in full and each further one half of what its place before counts; in parts of which
    a point has a hundred times as many as can be halved so often."""
    points = sorted((DEDUCTIONS[severity_of(one)] * CERTAINTY[one.confidence] for one in findings), reverse=True)
    return sum(point * REPEAT ** (most - place) for place, point in enumerate(points))


def _overall(report: Report, checks: Mapping[Check, int | None]) -> int | None:
    if all(score is None for score in checks.values()):
        return None
    # Only what was tested is in the divisor: a check that is known by a finding alone can lower the whole, never lift it.
    divisor = sum(WEIGHTS[check] for check in _tested(report)) or sum(WEIGHTS.values())
    lost = sum(WEIGHTS[check] * (100 - score) for check, score in checks.items() if score is not None)
    return max(0, (100 * divisor - lost) // divisor)


def _grade(report: Report, score: int | None) -> str | None:
    if score is None or report.coverage.percent < LEAST_COVERAGE:
        return None
    held = cap(report.findings)
    return max(letter(score), held[0]) if held else letter(score)
