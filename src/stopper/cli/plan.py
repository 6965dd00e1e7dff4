"""What the shared options and ``[tool.stopper]`` come to, decided and refused before anything runs; and what happens after."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from stopper.cli import config as config_file
from stopper.cli import surroundings
from stopper.cli.config import Config
from stopper.cli.gate import exit_code
from stopper.cli.output import Output, paired, write
from stopper.cli.selection import chosen, known
from stopper.core.errors import UsageError
from stopper.core.later_pattern import patterns_later
from stopper.core.rule import Rule, Severity
from stopper.core.secret import Secret
from stopper.scan.accepted import Entry, without_accepted
from stopper.scan.accepted import load as load_accepted
from stopper.scan.report import Report


@dataclass(frozen=True, slots=True)
class Plan:
    """How one run is told and judged. ``every`` is the whole catalogue, ``rules`` what was chosen of it."""

    config: Config
    every: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    outputs: tuple[Output, ...]
    fail_on: Severity
    threshold: int | None
    accepted: tuple[Entry, ...]
    accepted_path: str
    per_path: Mapping[str, tuple[str, ...]]
    """Paths with the rules that the project leaves out there."""
    around: tuple[Secret, ...] = field(default=(), repr=False)
    """Kept so that they are masked until the reports are written."""


def planned(given: dict[str, Any], start: Path, *, indexed: bool = False, kept: bool = True) -> Plan:
    """The plan of a command line; *start* is where the search for pyproject.toml begins. With *indexed*, the rules are taken from the
    index of an earlier run; with *kept*, also from one in the user's cache. Raises UsageError."""

    config = config_file.load(given["config"], start)
    from_file = not given["formats"] and not given["outputs"]
    formats = config.texts("format") if from_file else given["formats"]
    outputs = config.texts("output") if from_file else given["outputs"]
    every = _rules(indexed, kept)
    path, entries = _accepted(given["accepted"], config)
    threshold = given["threshold"]
    return Plan(
        config=config,
        every=every,
        rules=chosen(every, given["select"] or config.texts("select"), given["ignore"] or config.texts("ignore")),
        outputs=paired(tuple(formats), tuple(outputs)),
        fail_on=cast("Severity", given["fail_on"] or config.value("fail-on", "medium")),
        threshold=config.value("threshold", None) if threshold is None else threshold,
        accepted=entries,
        accepted_path=path,
        per_path=_per_path(config, every),
        around=surroundings.held(env_file=Path(given["env_file"]) if given.get("env_file") else None),
    )


def _rules(indexed: bool, kept: bool) -> tuple[Rule, ...]:
    if indexed:
        with patterns_later():
            from stopper.scan import rule_index

        return rule_index.rules(kept=kept)
    from stopper.scan import catalogue  # reads every rule: only when a command runs

    return catalogue.load()


def _accepted(given: str | None, config: Config) -> tuple[str, tuple[Entry, ...]]:
    if given is not None:
        return given, load_accepted(Path(given))
    written = config.value("accepted", "")
    return written, load_accepted(config.folder / written) if written else ()


def judged(report: Report, plan: Plan, root: Path, paths: tuple[str, ...], *, remember: bool = False) -> Report:
    """*report* without suppressed and accepted findings, with diffs, scored. *paths* are the files whose comments count. *remember*: whether
    diffs may be taken from the cache and kept there.
    """
    with patterns_later():
        from stopper.scan.per_path import without_ignored
        from stopper.scan.remembered_diffs import with_remembered_diffs
        from stopper.scan.reports.patch import with_diffs, without_places
        from stopper.scan.score import scored
        from stopper.scan.suppression import reader, suppressed

    today = datetime.now(UTC).date()
    read = reader(root)
    checks = {rule.slug: rule.check for rule in plan.every}
    outcomes = tuple(replace(one, check=one.check or checks.get(one.slug)) for one in report.outcomes)
    held = replace(report, outcomes=outcomes, prefix=_prefix(root))
    held = suppressed(held, read, paths, set(checks), today)
    held = without_ignored(held, plan.per_path)
    held = without_accepted(held, plan.accepted, today, plan.accepted_path)
    if not any(output.format in ("json", "html") for output in plan.outputs):
        return scored(without_places(held, read))  # nothing else shows diffs
    return scored(with_remembered_diffs(held, read, str(root.absolute())) if remember else with_diffs(held, read))


def _per_path(config: Config, every: tuple[Rule, ...]) -> dict[str, tuple[str, ...]]:
    """Paths with the rules that are left out there. Raises UsageError for a name that is no rule, family or severity."""
    found = config.value("per-path-ignore", dict[str, tuple[str, ...]]())
    for names in found.values():
        for name in names:
            known(name, every)
    return found


def told(report: Report, plan: Plan) -> int:
    """Write the reports and give the exit code."""
    write(report, plan.outputs)
    return exit_code(report, plan.fail_on, plan.threshold)


def root_of(paths: tuple[Path, ...]) -> Path:
    """What places are relative to: the working folder where all paths are below it, else their common folder."""
    here = Path.cwd()
    full = [path.resolve() for path in paths]
    if all(path.is_relative_to(here) for path in full):
        return here
    folders = [path if path.is_dir() else path.parent for path in full]
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def _prefix(root: Path) -> str:
    """What makes a path below *root* relative to its repository; ``""`` outside of one."""
    full = root.resolve()
    top = next((parent for parent in (full, *full.parents) if (parent / ".git").exists()), full)
    below = full.relative_to(top).as_posix()
    return "" if below == "." else f"{below}/"


def existing(paths: tuple[str, ...]) -> tuple[Path, ...]:
    """The paths, or the working folder. Raises UsageError for one that is not there."""
    from stopper.cli.nearest import did_you_mean

    if "" in paths:
        raise UsageError("a path is empty; give a path to read, or none for the working folder")
    found = tuple(Path(path) for path in paths or (".",))
    for path in found:
        if not path.exists():
            folder = path.parent
            names = (
                [str(one) if path.parent != Path() else one.name for one in folder.iterdir()] if folder.is_dir() else []
            )
            raise UsageError(
                f"there is no file or folder {path}{did_you_mean(str(path), names) or '; give a path to read'}"
            )
    return found
