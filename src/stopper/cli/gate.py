"""From a report to the exit code."""

from typing import Final

from stopper.core.rule import SEVERITIES, Severity
from stopper.scan.report import Report, severity_of

CLEAN: Final = 0
FAILED: Final = 1
INCOMPLETE: Final = 3


def exit_code(report: Report, fail_on: Severity = "medium", threshold: int | None = None) -> int:
    """1 for findings at or above the gate or a score below the threshold, also when something could not be read; 3 when the
    run did not see everything it should; 0 otherwise, never when it is incomplete."""
    least = SEVERITIES.index(fail_on)
    if any(SEVERITIES.index(severity_of(finding)) >= least for finding in report.findings):
        return FAILED
    if threshold is not None and report.score is not None and report.score < threshold:
        return FAILED
    return INCOMPLETE if is_incomplete(report, threshold) else CLEAN


def is_incomplete(report: Report, threshold: int | None = None) -> bool:
    """Whether something fatal could not be read, a probing run tested nothing, or a threshold has no score to meet."""
    if any(error.fatal for error in report.errors):
        return True
    if report.command != "check" and report.coverage.tested == 0:
        return True
    return threshold is not None and report.score is None
