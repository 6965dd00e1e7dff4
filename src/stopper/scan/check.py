"""`stopper check`: read the source, project by project, and judge it. Nothing is imported or run."""

import gc
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from stopper.core.finding import Outcome, order_of
from stopper.core.later_pattern import patterns_later
from stopper.scan import cache
from stopper.scan.kept_looks import kept_looks
from stopper.scan.options import CheckOptions
from stopper.scan.remembered import taken, written
from stopper.scan.report import Coverage, Report, RuleOutcome
from stopper.scan.score import scored
from stopper.scan.source import files
from stopper.scan.source.looks import looks
from stopper.scan.source.partition import Homes, Part, partition
from stopper.scan.source.textfiles import kind_of

_OUTCOMES: Final[tuple[Outcome, ...]] = ("fail", "open", "pass", "not-applicable")
WORTH_A_PROCESS: Final = 1_000_000
"""Bytes of source below which another process costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Work:
    """One project of a run, and the key under which its result is remembered, if it is."""

    part: Part
    key: cache.Key | None
    size: int
    """Bytes of its files."""
    kept: dict[Path, bytes] = field(default_factory=dict[Path, bytes], repr=False)
    """Bytes of its Python files that are at hand; reading takes them out."""
    marked: tuple[str, ...] = ()
    """The files, as reports show them, that speak of Stopper."""


def run_check(options: CheckOptions) -> Report:
    """Read the source under the options' paths and judge it by every rule that can."""
    started, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    empty = Report("check", ", ".join(_shown(path, options.root) for path in options.paths), "source", started, 0.0)
    with _at_rest():
        works = works_of(options)
        report = _together(empty, _results(options, empty, works))
    marked = tuple(name for work in works for name in work.marked)
    return scored(replace(report, seconds=round(time.monotonic() - began, 3), marked=marked))


@contextmanager
def _at_rest() -> Generator[None]:
    """No search for reference cycles meanwhile: values have none, and there are a million of them."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def works_of(options: CheckOptions) -> tuple[Work, ...]:
    """The projects under the options' paths."""
    root, paths = options.root.absolute(), tuple(path.absolute() for path in options.paths)
    every = list(files.found(paths, root, options.exclude))
    homes = Homes(every, root)
    mattering = [
        Path(name) for name in every if name.endswith(files.PYTHON) or kind_of(files.shown_name(name, root)) is not None
    ]
    kept: dict[Path, bytes] = {}
    stem = cache.stem_of(options) if options.cache else None
    known = kept_looks(stem, len(mattering)) if stem is not None else None
    seen = looks(mattering, kept, imports=homes.several, known=known)
    if known is not None:
        known.keep()
    parts = partition(homes, mattering, files.folders(paths, root), lambda path: seen[path].tops)
    return tuple(
        Work(
            part,
            cache.key_of(stem, options, part, seen) if stem else None,
            sum(seen[path].stamp[1] for path in part.files),
            {path: kept.pop(path) for path in part.files if path in kept},
            tuple(
                files.shown_path(path, root) for path in part.files if seen[path].marked and path.suffix in files.PYTHON
            ),
        )
        for part in parts
    )


def _results(options: CheckOptions, empty: Report, works: Sequence[Work]) -> tuple[Report, ...]:
    """What each project came to: remembered, or worked out now and then remembered."""
    rules = {rule.slug: rule for rule in options.rules}
    found: dict[int, Report] = {}
    for number, work in enumerate(works):
        data = cache.recall(work.key) if work.key is not None else None
        report = taken(data, empty, rules) if data is not None else None
        if report is not None:
            found[number] = report
    missing = [number for number in range(len(works)) if number not in found]
    for number, report in _worked_out(options, empty, works, missing):
        found[number] = report
        key = works[number].key
        if key is not None:
            cache.remember(key, written(report))
    if missing and options.cache:
        cache.tidy()
    return tuple(found[number] for number in range(len(works)))


def _worked_out(
    options: CheckOptions, empty: Report, works: Sequence[Work], missing: Sequence[int]
) -> Iterator[tuple[int, Report]]:
    if not missing:
        return
    if len(missing) > 1 and options.jobs != 1 and sum(works[number].size for number in missing) > WORTH_A_PROCESS:
        from stopper.scan.side_by_side import side_by_side

        largest_first = sorted(missing, key=lambda number: -works[number].size)
        yield from side_by_side(options, empty, works, largest_first)
        return
    for number in missing:
        with patterns_later():  # also what is imported on the way
            from stopper.scan.judge import judged

            report = judged(options, empty, works[number], options.progress, beside=len(works) > 1)
        yield number, report


def _together(empty: Report, found: Sequence[Report]) -> Report:
    """One report of several projects: the worst outcome of each rule, everything else side by side."""
    if len(found) == 1:
        return found[0]
    said: dict[str, list[RuleOutcome]] = {}
    for report in found:
        for one in report.outcomes:
            said.setdefault(one.slug, []).append(one)
    findings = dict.fromkeys(finding for report in found for finding in report.findings)
    return replace(
        empty,
        findings=tuple(sorted(findings, key=order_of)),
        coverage=Coverage(sum(one.coverage.tested for one in found), sum(one.coverage.total for one in found)),
        outcomes=tuple(_worst(several) for several in said.values()),
        errors=tuple(dict.fromkeys(error for report in found for error in report.errors)),
    )


def _worst(several: Sequence[RuleOutcome]) -> RuleOutcome:
    first = min(several, key=lambda one: _OUTCOMES.index(one.outcome))
    counts = [one.message.partition(" ") for one in several if one.outcome == "fail"]
    if first.outcome != "fail" or not all(number.isdigit() and word == "places" for number, _, word in counts):
        return first
    return replace(first, message=f"{sum(int(number) for number, _, _ in counts)} places")


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
