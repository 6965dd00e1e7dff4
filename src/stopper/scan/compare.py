"""Compares two reports: what is new, what is gone, what changed. It reads the JSON that ``--format json`` writes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from stopper.core.finding import CONFIDENCES
from stopper.core.rule import SEVERITIES
from stopper.scan.reports.json import VERSION

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a report that are read."""
What = Literal["new", "gone", "changed", "not-tested"]


class NoReportError(ValueError):
    """The text is no report of this version; the message says what is wrong with it, in a few words."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of a report."""

    fingerprint: str
    rule: str
    severity: str
    confidence: str
    message: str
    places: tuple[str, ...]
    """``path:line`` or ``METHOD /route``; the lines move, so they alone are no change."""


@dataclass(frozen=True, slots=True)
class Run:
    """One report, as far as it is compared."""

    target: str
    mode: str
    score: int | None
    grade: str | None
    percent: float
    findings: tuple[Found, ...]
    left_out: frozenset[str]
    """What was skipped, by name: rules and routes."""
    incomplete: bool
    """Something could not be read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding that is not the same in both. ``changes``: what of it changed, in words."""

    what: What
    finding: Found
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports side by side."""

    old: Run
    new: Run
    differences: tuple[Difference, ...]
    same: int

    def of(self, what: What) -> tuple[Difference, ...]:
        """The differences of one kind."""
        return tuple(one for one in self.differences if one.what == what)


def read(data: bytes) -> Run:
    """The report in *data*. Raises NoReportError."""
    if len(data) > LARGEST:
        raise NoReportError("is too large for a report")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise NoReportError("is not JSON") from None
    report = _table(said)
    if report.get("version") != VERSION or "findings" not in report or "target" not in report:
        raise NoReportError(f"is no report of version {VERSION}")
    coverage = _table(report.get("coverage"))
    score, grade = report.get("score"), report.get("grade")
    errors = [_table(one) for one in _list(report.get("errors"))]
    return Run(
        target=_text(report, "target"),
        mode=_text(report, "mode"),
        score=score if isinstance(score, int) and not isinstance(score, bool) else None,
        grade=grade if isinstance(grade, str) else None,
        percent=float(percent) if isinstance(percent := coverage.get("percent"), (int, float)) else 0.0,
        findings=tuple(_found(one) for one in _list(report["findings"])),
        left_out=frozenset(_text(_table(one), "what") for one in _list(report.get("skipped"))),
        incomplete=any(one.get("fatal") is not False for one in errors),
    )


def compare(old: Run, new: Run) -> Comparison:
    """What is different in *new*. A finding is the same where its fingerprint is: rule, route and symbol, never a line."""
    before = {one.fingerprint: one for one in old.findings}
    after = {one.fingerprint: one for one in new.findings}
    found = [Difference("new", one) for key, one in after.items() if key not in before]
    for key, one in before.items():
        if key not in after:
            found.append(Difference("not-tested" if one.rule in new.left_out else "gone", one))
        elif changes := _changes(one, after[key]):
            found.append(Difference("changed", after[key], changes))
    same = len(before.keys() & after.keys()) - sum(one.what == "changed" for one in found)
    return Comparison(old, new, tuple(sorted(found, key=_order)), same)


def _order(one: Difference) -> tuple[int, int, str, tuple[str, ...]]:
    kinds: tuple[What, ...] = ("new", "changed", "not-tested", "gone")
    return kinds.index(one.what), -SEVERITIES.index(one.finding.severity), one.finding.rule, one.finding.places


def _changes(old: Found, new: Found) -> tuple[str, ...]:
    found: list[str] = []
    if old.severity != new.severity:
        found.append(f"severity {old.severity} → {new.severity}")
    if old.confidence != new.confidence:
        found.append(f"confidence {old.confidence} → {new.confidence}")
    more, fewer = (
        _without_lines(new.places) - _without_lines(old.places),
        _without_lines(old.places) - _without_lines(new.places),
    )
    found.extend(f"also at {place}" for place in sorted(more))
    found.extend(f"no longer at {place}" for place in sorted(fewer))
    return tuple(found)


def _without_lines(places: Iterable[str]) -> frozenset[str]:
    return frozenset(
        head if line.isdigit() else place for place in places for head, _, line in (place.rpartition(":"),)
    )


def _found(said: object) -> Found:
    one = _table(said)
    severity, confidence = _text(one, "severity"), _text(one, "confidence")
    if severity not in SEVERITIES or confidence not in CONFIDENCES:
        raise NoReportError("has a finding of an unknown severity or confidence")
    places = tuple(_place(_table(place)) for place in _list(one.get("places")))
    return Found(_text(one, "fingerprint"), _text(one, "rule"), severity, confidence, _text(one, "message"), places)


def _place(said: Mapping[str, object]) -> str:
    path, line, route, method = (said.get(name) for name in ("path", "line", "route", "method"))
    if isinstance(path, str):
        return f"{path}:{line}" if isinstance(line, int) else path
    return f"{method} {route}" if isinstance(route, str) else "the application"


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise NoReportError(f"has no {name} where there should be one")
    return value


def _table(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise NoReportError("is no report: an object is missing")
    return cast("Mapping[str, object]", said)


def _list(said: object) -> list[object]:
    if not isinstance(said, list):
        raise NoReportError("is no report: a list is missing")
    return cast("list[object]", said)
