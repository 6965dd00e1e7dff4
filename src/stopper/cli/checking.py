"""What `stopper check` does with its options; nothing here needs click."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stopper.cli.changed import changed_files, only_changed
from stopper.cli.output import to_stderr, to_stdout
from stopper.cli.plan import Plan, existing, judged, planned, root_of, told
from stopper.core.errors import UsageError
from stopper.core.later_pattern import patterns_later
from stopper.scan.report import Report
from stopper.scan.score import scored


@dataclass(frozen=True, slots=True)
class Job:
    """One reading of the source, repeatable after fixes were applied."""

    plan: Plan
    paths: tuple[Path, ...]
    root: Path
    jobs: int
    changed_since: str | None
    changed: frozenset[Path] | None
    exclude: tuple[str, ...]
    cache: bool

    def run(self) -> Report:
        """Read, judge and score."""
        with patterns_later():
            from stopper.cli.progress import Progress
            from stopper.scan.check import run_check
            from stopper.scan.options import CheckOptions

        progress = Progress()
        options = CheckOptions(
            paths=self.paths,
            root=self.root,
            rules=self.plan.rules,
            jobs=self.jobs,
            changed_since=self.changed_since,
            exclude=self.exclude,
            progress=progress,
            cache=self.cache,
        )
        try:
            report = run_check(options)
        finally:
            progress.clear()
        report = judged(report, self.plan, self.root, report.marked, remember=self.cache)
        if self.changed is None or self.changed_since is None:
            return report
        return scored(only_changed(report, self.changed, self.root, self.changed_since))


def check(paths: tuple[str, ...], fix: bool, unsafe_fixes: bool, diff: bool, no_cache: bool, **given: Any) -> int:
    """What the options of the command come to, and the exit code. Raises UsageError."""
    if fix and diff:
        raise UsageError("--fix writes and --diff only shows; give one of them")
    if unsafe_fixes and not fix:
        raise UsageError("--unsafe-fixes goes with --fix; --diff shows every fix")
    revision = given["changed_since"]
    if revision is not None and (not revision or revision.startswith("-")):
        raise UsageError("--changed-since takes a revision of git, for example main or HEAD~1")
    found = existing(paths)
    plan = planned(given, found[0], indexed=True, kept=not no_cache)
    root = root_of(found)
    job = Job(
        plan=plan,
        paths=found,
        root=root,
        jobs=plan.config.value("jobs", 0) if given["jobs"] is None else given["jobs"],
        changed_since=revision,
        changed=None if revision is None else changed_files(revision, root),
        exclude=given["exclude"] or plan.config.texts("exclude"),
        cache=not no_cache,
    )
    started = time.time_ns()
    report = job.run()
    if diff:
        return _shown(report, plan, root)
    if fix and _fixed(report, job.root, started, unsafe=unsafe_fixes):
        report = job.run()
    return told(report, plan)


def _fixed(report: Report, root: Path, started: int, *, unsafe: bool) -> int:
    """Apply the safe edits, with *unsafe* all of them, and say so on stderr; how many files were written."""
    from stopper.cli.fixing import apply

    edits = [one.edit for one in report.findings if one.edit is not None and (unsafe or one.edit.safe)]
    to_review = {one.span.path for one in edits if not one.safe}
    done = apply(edits, root, started)
    for path in done.written:
        to_stderr(f"stopper: fixed {path}{' (to review)' if path in to_review else ''}")
    for path, why in done.left:
        to_stderr(f"stopper: {path} was left alone: {why}")
    return len(done.written)


def _shown(report: Report, plan: Plan, root: Path) -> int:
    """Print one diff of each file, masked, instead of a report on stdout; reports to files are written."""
    from dataclasses import replace

    from stopper.cli.fixing import diffs

    files = tuple(one for one in plan.outputs if one.path is not None)
    code = told(report, replace(plan, outputs=files))
    to_stdout("".join(diffs(report, root)))
    return code
