"""From the lists of rules and one application to a report."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final, cast

from flask import Flask

from stopper.core.asvs_level import ASVS_LEVEL
from stopper.core.errors import StopperError, StoreUnavailableError
from stopper.core.redactor import mask
from stopper.extension.doctor import answers, doors, features, settings, store, tokens
from stopper.extension.doctor.features import FEATURES
from stopper.extension.doctor.tables import SOURCES, Requirement, requirements
from stopper.extension.doctor.words import VERDICTS, Check, Deployment, Outcome, Verdict, is_stoppers_own, met, yours
from stopper.extension.guard import guard_of

_MODULES: Final[tuple[ModuleType, ...]] = (settings, tokens, doors, store, answers, features)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule, judged. ``evidence`` and ``mend`` hold no secret. ``check``: what ran here; ``tests``: what holds it for Stopper's own code."""

    source: str
    id: str
    level: int
    title: str
    verdict: Verdict
    evidence: str
    mend: str = ""
    check: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One application, judged at one level. ``errors``: what kept the doctor from looking."""

    app: str
    mode: str
    level: int
    rows: tuple[Row, ...]
    errors: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, Mapping[Verdict, int]]:
        """How many rules of each list have each verdict."""
        return {
            source: {
                verdict: sum(row.verdict == verdict for row in self.rows if row.source == source)
                for verdict in VERDICTS
            }
            for source in SOURCES
        }


def diagnose(app: Flask, level: int | None = None) -> Report:
    """Judge *app* at *level* of ASVS, by default that of STOPPER_ASVS_LEVEL.

    Asks *app* itself for a path that is not there, for TRACE and for one closed door without a credential. Raises SettingError where
    Stopper does not guard it.
    """
    guard = guard_of(app)
    at = level or guard.settings.get(ASVS_LEVEL)
    said = {**os.environ, **cast("dict[str, object]", app.config)}
    deployment = Deployment(app, guard, at, said)
    rows = tuple(_judged(one, deployment) for one in requirements() if one.level <= at)
    unseen = tuple(f"{row.id}: {row.evidence}" for row in rows if row.verdict == "open")
    return Report(app.name, guard.mode, at, rows, unseen)


def refused(name: str, level: int, refusal: StopperError) -> Report:
    """The report on an application that does not start: Stopper itself refused it."""
    slug = str(getattr(refusal, "rule", None) or refusal.code)
    row = Row("start", slug, 1, "the application starts", "not met", "Stopper refuses to start it", mask(str(refusal)))
    return Report(name, "", level, (row,), ("the application does not start, so nothing else was judged",))


def check_named(name: str) -> Check:
    """The check function of that name. Raises LookupError."""
    for module in _MODULES:
        found = vars(module).get(name)
        if callable(found) and getattr(found, "__module__", "") == module.__name__:
            return cast("Check", found)
    raise LookupError(name)


def _judged(one: Requirement, deployment: Deployment) -> Row:
    missing = FEATURES[one.needs](deployment) if one.needs else None
    outcome, ran = (missing, f"needs {one.needs}") if missing is not None else (_outcome(one, deployment), one.check)
    held = one.tests if missing is None and outcome.verdict in ("met", "your part") else ()
    return Row(
        one.source, one.id, one.level, one.title, outcome.verdict, mask(outcome.evidence), mask(outcome.mend), ran, held
    )  # fmt: skip


def _outcome(one: Requirement, deployment: Deployment) -> Outcome:
    found = _looked(check_named(one.check), deployment) if one.check else None
    if found is not None and found.verdict != "met":
        return found
    evidence = found.evidence if found is not None else _held(one.tests)
    if one.part and not (one.tests and _is_all_ours(deployment)):
        return yours(evidence, one.part)
    return met(evidence)


def _held(tests: Sequence[str]) -> str:
    return f"held for Stopper's code by {len(tests)} test(s)" if tests else "nobody but the application can tell"


def _looked(check: Check, deployment: Deployment) -> Outcome:
    try:
        return check(deployment)
    except StoreUnavailableError as away:
        return Outcome("open", f"a store does not answer ({away.reason})", "look whether it runs, and ask again")
    except (OSError, StopperError) as wrong:
        return Outcome("open", f"the check {check.__name__} could not look: {wrong}", "mend that, and ask again")
    except Exception as wrong:  # noqa: BLE001 - hooks of the application run in some checks, and raise what they like
        return Outcome(
            "open",
            f"the check {check.__name__} ended with {type(wrong).__name__}",
            "see what the application does there",
        )


def _is_all_ours(deployment: Deployment) -> bool:
    """Whether no route of this application is somebody else's code than Stopper's."""
    return all(is_stoppers_own(door) for _, door in deployment.doors)
