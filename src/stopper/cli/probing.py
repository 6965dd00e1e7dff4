"""What `scan` and `audit` have in common: the options of a probing run."""

import math
import os
from pathlib import Path
from typing import Any, cast

from stopper.cli.identity import identities
from stopper.cli.plan import Plan
from stopper.cli.progress import Progress
from stopper.core.errors import UsageError
from stopper.core.probe import Depth, Mode
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report


def probe_options(given: dict[str, Any], plan: Plan, progress: Progress) -> ProbeOptions:
    """The options of the run; the command line wins over ``[tool.stopper]``. Raises UsageError."""
    config = plan.config
    env_file = given.get("env_file")
    return ProbeOptions(
        rules=plan.rules,
        mode=_mode(given["passive"], given["active"]),
        depth=cast("Depth", given["depth"] or config.value("depth", "standard")),
        identities=identities(given["identities"]),
        spec=given["spec"] or _spec(plan),
        rate=float(config.value("rate", 0) if given["rate"] is None else given["rate"]),
        max_requests=given["max_requests"] or config.value("max-requests", 1000),
        timeout=_seconds(given["request_timeout"] or config.value("request-timeout", None)) or 5.0,
        time_limit=_seconds(given["time_limit"] or config.value("timeout", None)),
        env_file=Path(env_file) if env_file else None,
        disposable_database=given.get("disposable_database"),
        root=Path.cwd(),
        progress=progress,
    )


def _seconds(given: float | None) -> float | None:
    if given is not None and not math.isfinite(given):
        raise UsageError("a time is a number of seconds, as --timeout 60")
    return None if given is None else float(given)


def _mode(passive: bool, active: bool) -> Mode:
    if passive and active:
        raise UsageError("--passive and --active say the opposite; give one of them, or none for the default mode")
    return "passive" if passive else "active" if active else "default"


def _spec(plan: Plan) -> str | None:
    written = plan.config.value("spec", "")
    if not written or "://" in written:
        return written or None
    return os.fspath(plan.config.folder / written)


def files_of(report: Report) -> tuple[str, ...]:
    """The files in which the findings of a probing run stand."""
    return tuple(sorted({place.span.path for one in report.findings for place in one.places if place.span}))
