"""Projects judged in several processes. Each is forked, so it has the rules already, and sends back what one project came to."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from stopper.core.finding import Finding
from stopper.scan.judge import judged
from stopper.scan.options import CheckOptions
from stopper.scan.report import Report

if TYPE_CHECKING:
    from stopper.scan.check import Work

_GIVEN: list[tuple[CheckOptions, Report, "Sequence[Work]"]] = []
"""What the processes of this run work on; they have it from before the fork."""


def side_by_side(
    options: CheckOptions, empty: Report, works: "Sequence[Work]", numbers: Sequence[int]
) -> Iterator[tuple[int, Report]]:
    """Each of these projects with its report, in the order in which they are ready."""
    count = min(options.jobs or _cores(), len(numbers))
    if count < 2 or "fork" not in multiprocessing.get_all_start_methods() or threading.active_count() > 1:
        for number in numbers:
            yield number, judged(options, empty, works[number], options.progress, beside=len(works) > 1)
        return
    rules = {rule.slug: rule for rule in options.rules}
    _GIVEN.append((options, empty, works))
    try:
        with multiprocessing.get_context("fork").Pool(count) as pool:
            for done, (number, slugs, report) in enumerate(pool.imap_unordered(_one, numbers)):
                options.progress("judging projects", done, len(numbers))
                found = (replace(one, rule=rules[slug]) for one, slug in zip(report.findings, slugs, strict=True))
                yield number, replace(report, findings=tuple(found))
    finally:
        _GIVEN.pop()


def _one(number: int) -> tuple[int, tuple[str, ...], Report]:
    """One project, in a process of its own. A rule travels as its slug: functions need not be what pickle can send."""
    options, empty, works = _GIVEN[-1]
    report = judged(options, empty, works[number], beside=len(works) > 1)
    slugs = tuple(one.rule.slug for one in report.findings)
    return number, slugs, replace(report, findings=tuple(_without_rule(one) for one in report.findings))


def _without_rule(finding: Finding) -> Finding:
    return replace(finding, rule=cast("Any", None))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
