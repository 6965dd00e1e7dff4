"""The part that `scan` and `audit` share: people, probes, survey, correlation, and the report of it all."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from stopper.core.app import App
from stopper.scan.correlate import correlate
from stopper.scan.echoes import without_echoes, without_refuted
from stopper.scan.engine import ProbeResult, run_detectors, run_probes
from stopper.scan.graphql_shown import with_fields
from stopper.scan.options import ProbeOptions
from stopper.scan.outcomes import faults, outcomes
from stopper.scan.reach_table import FILL_MOST, fill, table
from stopper.scan.report import Command, Coverage, ReadError, Report, Skip
from stopper.scan.score import scored
from stopper.scan.staying import left_behind, stays, test_people
from stopper.scan.survey import coverage, never_answered, only_errors, survey, tidy
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.slow_doors import SlowDoors

LOST_SHOWN: Final = 5
"""Routes without an answer that one line names."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When a run began."""

    started: str
    began: float

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began


def start() -> Clock:
    """A clock that starts now."""
    return Clock(datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())


def examine(
    command: Command,
    name: str,
    app: App,
    courier: Courier,
    options: ProbeOptions,
    clock: Clock,
    *,
    workers: int,
    canary: str = "",
    known_ids: dict[str, dict[str, str]] | None = None,
    errors: Sequence[ReadError] = (),
    skips: Sequence[Skip] = (),
) -> Report:
    """Judge *app* by every rule, over the model and over the wire. What was made is taken back at the end, also where the run is ended from
    outside: then KeyboardInterrupt says what stayed."""
    models = [app]
    try:
        report = _examined(command, name, models, courier, options, clock, workers, canary, known_ids, errors, skips)
        tidy(models[-1], courier)
    except KeyboardInterrupt as ended:
        courier.end()
        options.progress("taking back what the scan made", 0, 1)
        with contextlib.suppress(KeyboardInterrupt):  # a second one: at once
            tidy(models[-1], courier)
        ended.args = (stays(courier, name),) if command == "scan" else ()
        raise
    except BaseException:
        tidy(models[-1], courier)
        raise
    # What an audit wrote stands in a copy that is thrown away; what a scan wrote stands in somebody's database.
    if command == "scan":
        report = replace(report, skipped=(*report.skipped, *test_people(courier), *left_behind(courier)))
    return with_fields(report, courier.graphql.operations)


def _examined(
    command: Command,
    name: str,
    models: list[App],
    courier: Courier,
    options: ProbeOptions,
    clock: Clock,
    workers: int,
    canary: str,
    known_ids: dict[str, dict[str, str]] | None,
    errors: Sequence[ReadError],
    skips: Sequence[Skip],
) -> Report:
    """What is known of the application afterwards is added to *models*."""
    app = models[-1]
    options.progress("gathering identities", 0, 1)
    courier.forms = FormDoors.of(app.routes)
    courier.slow = SlowDoors(options.depth)
    ready = prepare(app, courier, options.identities, options.mode, options.depth, canary=canary, known_ids=known_ids)
    app = ready.target.app
    models.append(app)
    courier.forms = FormDoors.of(app.routes)
    courier.reach.minted.update(
        {
            one.name: tuple((name, value.reveal()) for name, value in one.headers)
            for one in ready.target.identities
            if one.minted
        }
    )
    seen = run_detectors(app, options.rules)
    tried = run_probes(
        ready.target, options.rules, courier, workers=workers, progress=options.progress, renewals=ready.renewals
    )
    options.progress("asking what is left", 0, 1)
    people = ready.renewals.ready(ready.target, ask=True).identities
    survey(app, courier, ready.honest, people)
    fill(app, courier, ready.honest, people, min(FILL_MOST, options.max_requests - courier.sent))
    reached = table(app, courier.reach)
    seen, tried = without_echoes(without_refuted(seen, reached), tried)
    report = Report(
        command=command,
        target=name,
        mode=options.mode,
        started=clock.started,
        seconds=round(clock.seconds, 3),
        findings=correlate(
            app, seen, tried, [one.issued_by for one in ready.target.identities if one.issued_by is not None]
        ),
        coverage=coverage(app, courier),
        outcomes=outcomes(app, options.rules, seen, tried),
        skipped=(
            *skips,
            *_notes((*ready.notes, *ready.renewals.lost.values()), bool(ready.target.identities), app, options.mode),
            *_not_sent(courier),
            *_only_errors(app, courier),
        ),
        errors=(
            *errors,
            *faults(seen, tried),
            *_exhausted(name, courier, options),
            *_out_of_time(name, app, courier, tried),
            *_never_answered(name, app, courier),
        ),
        requests=courier.sent,
        reached=reached,
    )
    return scored(report)


def _exhausted(name: str, courier: Courier, options: ProbeOptions) -> tuple[ReadError, ...]:
    if not courier.exhausted:
        return ()
    return (
        ReadError(
            name,
            f"the budget of {options.max_requests} requests was used up before all was seen; raise it with --max-requests",
        ),
    )


def _out_of_time(name: str, app: App, courier: Courier, tried: Sequence[ProbeResult]) -> tuple[ReadError, ...]:
    """What a run lost that its time limit ended."""
    if not courier.time.used_up:
        return ()
    seen = coverage(app, courier)
    probes = sum(one.verdict.outcome == "open" for one in tried)
    return (
        ReadError(
            name,
            f"the run was stopped: {courier.time}. {probes} of {len(tried)} probes have no verdict, and {seen.total - seen.tested} of "
            f"{seen.total} route-methods were not asked",
        ),
    )


def _never_answered(name: str, app: App, courier: Courier) -> Iterable[ReadError]:
    lost = never_answered(app, courier)
    if lost:
        shown = ", ".join(f"{ref} ({error})" for ref, error in list(lost.items())[:LOST_SHOWN])
        more = f" and {len(lost) - LOST_SHOWN} more" if len(lost) > LOST_SHOWN else ""
        yield ReadError(name, f"{len(lost)} route-methods gave no whole answer and were not tested: {shown}{more}")


def _not_sent(courier: Courier) -> Iterable[Skip]:
    return (Skip(what, reason) for what, reason in sorted(courier.skipped.items()))


def _only_errors(app: App, courier: Courier) -> Iterable[Skip]:
    reason = "not tested: it answered with nothing but 429 or errors of the server (5xx)"
    return (Skip(str(ref), reason) for ref in only_errors(app, courier))


def _notes(notes: Sequence[str], somebody: bool, app: App, mode: str) -> Iterable[Skip]:
    yield from (Skip("identities", note) for note in notes)
    if not somebody and app.routes:
        more = "" if mode == "active" else " or use --active"  # what was used is no advice
        yield Skip(
            "identities",
            f"the scan could log in as nobody: what only a known caller sees was not tested; give --identity{more}",
        )


def nothing(coverage: Coverage) -> bool:
    """Whether nothing at all could be tested."""
    return coverage.total == 0 or coverage.tested == 0
