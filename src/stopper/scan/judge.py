"""Reads one project and judges it. A run that finds everything in the cache never imports this, nor what it needs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from stopper.scan.correlate import correlate
from stopper.scan.detecting import run_detectors
from stopper.scan.options import CheckOptions, Progress, silent
from stopper.scan.outcomes import faults, outcomes
from stopper.scan.report import Coverage, Report
from stopper.scan.source.read import read_files

if TYPE_CHECKING:
    from stopper.scan.check import Work


def judged(options: CheckOptions, empty: Report, work: "Work", progress: Progress = silent) -> Report:
    """Read one project and judge it."""
    rules = tuple(rule for rule in options.rules if "source" in rule.surfaces)
    reading = read_files(
        work.part.files,
        options.root.absolute(),
        work.part.folders,
        progress,
        kept=work.kept,
        tests=any(rule.reads_tests for rule in rules),
    )
    seen = run_detectors(reading.app, rules)
    return replace(
        empty,
        findings=correlate(reading.app, seen, ()),
        coverage=Coverage(reading.files_read, reading.files_total),
        outcomes=outcomes(reading.app, rules, seen, ()),
        errors=(*reading.errors, *faults(seen, ())),
    )
