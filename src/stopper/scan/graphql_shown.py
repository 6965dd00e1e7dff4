"""What a report calls the fields of GraphQL that a scan asked as routes: ``POST /graphql#deleteNote``, as whoever asks them sends it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from stopper.core.finding import Finding
from stopper.core.place import RouteRef
from stopper.scan.report import Report
from stopper.scan.wire.graphql_calls import Operation


def with_fields(report: Report, operations: Sequence[Operation]) -> Report:
    """*report* with the fields by their own names."""
    if not operations:
        return report
    by_ref = {(one.method, one.path): RouteRef("POST", one.shown) for one in operations}
    said = _spoken(operations)

    def ref(route: RouteRef) -> RouteRef:
        return by_ref.get((route.method, route.path), route)

    def finding(one: Finding) -> Finding:
        places = tuple(replace(place, route=ref(place.route)) if place.route else place for place in one.places)
        evidence = tuple(replace(each, text=said(each.text)) for each in one.evidence)
        return replace(one, message=said(one.message), places=places, evidence=evidence)

    return replace(
        report,
        findings=tuple(finding(one) for one in report.findings),
        outcomes=tuple(replace(one, message=said(one.message)) for one in report.outcomes),
        skipped=tuple(replace(one, what=said(one.what), reason=said(one.reason)) for one in report.skipped),
        errors=tuple(replace(one, message=said(one.message)) for one in report.errors),
        reached=tuple(replace(row, ref=ref(row.ref)) for row in report.reached),
    )


def _spoken(operations: Sequence[Operation]) -> Callable[[str], str]:
    """What puts the fields' own names into a sentence."""
    ways: list[tuple[re.Pattern[str], str]] = []
    for one in sorted(operations, key=lambda one: -len(one.path)):
        parts = [re.escape(part) for part in re.split(r"\{[^{}]+\}", one.path)]
        path = r"[^/\s?,]+".join(parts) + r"(?![\w/{-])"
        ways.append((re.compile(rf"\b{one.method} {path}"), f"POST {one.shown}"))
        ways.append((re.compile(rf"(?<!\w ){path}"), one.shown))
    ways.sort(key=lambda way: not way[0].pattern.startswith(r"\b"))

    def said(text: str) -> str:
        for way, name in ways if "/" in text else ():
            text = way.sub(name, text)  # names of doors and fields hold no backslash
        return text

    return said
