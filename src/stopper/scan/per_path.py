"""Rules that a project leaves out under some of its paths: ``per-path-ignore`` of ``[tool.stopper]``."""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch

from stopper.core.finding import Finding
from stopper.core.place import Place
from stopper.scan.report import Report, Skip


def without_ignored(report: Report, ignored: Mapping[str, tuple[str, ...]]) -> Report:
    """*report* without what its rules, families or severities say of places under these paths; each is told in ``skipped``.

    A key is a path below the root or a pattern (``scripts``, ``*/fixtures/*``).
    """
    if not ignored:
        return report
    kept: list[Finding] = []
    skipped: list[Skip] = []
    for finding in report.findings:
        by = {place: _pattern(finding, place, ignored) for place in finding.places}
        places = tuple(place for place, pattern in by.items() if pattern is None)
        skipped.extend(
            Skip(f"{finding.rule.slug} at {place}", f"left out under {pattern} in [tool.stopper]")
            for place, pattern in by.items()
            if pattern is not None
        )
        # What is left without a line is the same root cause seen from outside: it goes with the last line.
        if len(places) == len(finding.places) or any(place.span is not None for place in places):
            kept.append(finding.at(places))
    return replace(report, findings=tuple(kept), skipped=(*report.skipped, *skipped))


def _pattern(finding: Finding, place: Place, ignored: Mapping[str, tuple[str, ...]]) -> str | None:
    if place.span is None:
        return None
    path, rule = place.span.path, finding.rule
    for pattern, names in ignored.items():
        if {rule.slug, rule.family, rule.severity} & set(names) and _fits(path, pattern):
            return pattern
    return None


def _fits(path: str, pattern: str) -> bool:
    return fnmatch(path, pattern) or path == pattern or path.startswith(pattern.rstrip("/") + "/")
