"""Accepted findings: known ones that the gate leaves out, each with an owner, a reason and a day on which it counts again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final, cast

from stopper.core.errors import UsageError
from stopper.core.finding import Finding
from stopper.scan.report import ReadError, Report, Skip
from stopper.scan.reports.shown import fingerprints

_REQUIRED: Final = ("fingerprint", "rule", "owner", "expires", "reason")
_ALLOWED: Final = frozenset({*_REQUIRED, "route", "symbol"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. ``route`` and ``symbol`` are for the reader of the file; the fingerprint and the rule decide."""

    fingerprint: str
    rule: str
    owner: str
    expires: date
    reason: str
    route: str = ""
    symbol: str = ""


def load(path: Path) -> tuple[Entry, ...]:
    """The entries of a JSON or TOML file: a list ``accepted`` of tables.

    Raises UsageError for a file that is not there, is neither, or has an entry without fingerprint, rule, owner, expires or reason.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        why = (wrong.strerror or "error").lower() if isinstance(wrong, OSError) else "not text"
        raise UsageError(f"the accepted findings {path} cannot be read ({why}); name a JSON or TOML file") from None
    try:
        document: object = _toml(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise UsageError(f"{path} is not {'TOML' if path.suffix == '.toml' else 'JSON'}: {wrong}") from None
    rows = cast("Mapping[str, object]", document).get("accepted") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise UsageError(f'{path} must hold a list called "accepted"')
    return tuple(_entry(path, number, row) for number, row in enumerate(cast("list[object]", rows), 1))


def _entry(path: Path, number: int, row: object) -> Entry:
    where = f"{path}: entry {number}"
    if not isinstance(row, dict):
        raise UsageError(f"{where} must be a table with {', '.join(_REQUIRED)}")
    held = {str(key): value for key, value in cast("dict[object, object]", row).items()}
    for key in held:
        if key not in _ALLOWED:
            raise UsageError(f"{where} has an unknown key {key}; it may have {', '.join(sorted(_ALLOWED))}")
    for key in _REQUIRED:
        if not held.get(key):
            raise UsageError(f"{where} has no {key}; every accepted finding needs {', '.join(_REQUIRED)}")
    texts = {key: str(value) for key, value in held.items() if key != "expires"}
    return Entry(expires=_day(where, held["expires"]), **texts)


def _day(where: str, value: object) -> date:
    try:
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"{where}: expires must be a day, as 2027-01-31") from None


def without_accepted(report: Report, entries: tuple[Entry, ...], today: date, path: str) -> Report:
    """*report* without accepted findings. Each is told in ``skipped``; an entry past its day counts no more and is told in
    ``errors``, and so is one that fits nothing (its finding is gone)."""
    if not entries:
        return report
    by_print = {(entry.fingerprint, entry.rule): entry for entry in entries}
    kept: list[Finding] = []
    skipped: list[Skip] = []
    errors: list[ReadError] = []
    used: set[tuple[str, str]] = set()
    for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True):
        key = (fingerprint, finding.rule.slug)
        entry = by_print.get(key)
        if entry is None:
            kept.append(finding)
            continue
        used.add(key)
        if entry.expires < today:
            kept.append(finding)
            said = f"the acceptance of {entry.rule} by {entry.owner} ended on {entry.expires}; mend it or judge it anew"
            errors.append(ReadError(path, said, fatal=False))
        else:
            place = finding.places[0] if finding.places else "the application"
            skipped.append(
                Skip(f"{entry.rule} at {place}", f"accepted by {entry.owner} until {entry.expires}: {entry.reason}")
            )
    judged = {outcome.slug for outcome in report.outcomes}
    for key, entry in by_print.items():
        if key not in used and entry.rule in judged:
            said = (
                f"the accepted finding {entry.fingerprint[:12]} of {entry.rule} is not found any more; delete the entry"
            )
            errors.append(ReadError(path, said, fatal=False))
    return replace(report, findings=tuple(kept), skipped=(*report.skipped, *skipped), errors=(*report.errors, *errors))


def _toml(text: str) -> object:
    import tomllib  # few keep their list as TOML

    return tomllib.loads(text)
