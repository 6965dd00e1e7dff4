"""Reads one project and judges it. A run that finds everything in the cache never imports this, nor what it needs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from stopper.scan.correlate import correlate
from stopper.scan.detecting import one_line, run_detectors
from stopper.scan.options import CheckOptions, Progress, silent
from stopper.scan.outcomes import faults, outcomes
from stopper.scan.report import Coverage, ReadError, Report, RuleOutcome
from stopper.scan.source.files import PYTHON, shown_path
from stopper.scan.source.read import read_files

if TYPE_CHECKING:
    from stopper.scan.check import Work


def judged(
    options: CheckOptions, empty: Report, work: "Work", progress: Progress = silent, *, beside: bool = False
) -> Report:
    """Read one project and judge it. *beside*: the run has others too, and what breaks at this one loses none of them."""
    try:
        return _judged(options, empty, work, progress)
    except Exception as wrong:
        if not beside:
            raise
        return _lost(options, empty, work, wrong)


def _lost(options: CheckOptions, empty: Report, work: "Work", wrong: Exception) -> Report:
    """The report of a project at which Stopper itself broke: nothing of it is known, and the run is incomplete."""
    root = options.root.absolute()
    folder = shown_path(work.part.folders[0], root) if work.part.folders else str(root)
    message = f"an error inside Stopper: {one_line(wrong)}; check this folder alone with --traceback and report it"
    return replace(
        empty,
        coverage=Coverage(0, sum(path.suffix in PYTHON for path in work.part.files)),
        outcomes=tuple(
            RuleOutcome(rule.slug, "open", "a project could not be judged", rule.check) for rule in options.rules
        ),
        errors=(ReadError(folder, message),),
    )


def _judged(options: CheckOptions, empty: Report, work: "Work", progress: Progress) -> Report:
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
