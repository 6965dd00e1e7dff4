"""The report as SARIF 2.1.0 in the shape that GitHub code scanning accepts.

GitHub refuses a file in which one result has no physical location or one that is a URL, and it ignores ``originalUriBaseIds``.
So every path is relative to the repository, a source place comes first, the route stands beside it as a logical location, and a
finding that only the wire knows points at ``.``, the repository itself: a true place (row 24 and 25 of the peers' complaints:
http addresses and invented file names made whole uploads fail, unnoticed for weeks).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote

from stopper import __version__
from stopper.core.rule import Certainty, Severity
from stopper.scan.report import Report
from stopper.scan.reports.shown import Shown, ShownExchange, ShownFinding, ShownPlace, shown
from stopper.scan.reports.standards import pci_dss, soc2

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final[Mapping[Severity, str]] = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
SECURITY_SEVERITY: Final[Mapping[Severity, str]] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
"""GitHub's bands: over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, under that low."""
_PRECISION: Final[Mapping[Certainty, str]] = {"certain": "very-high", "likely": "high", "possible": "medium"}
_SEVERITIES_OF_LEVEL: Final = {"error": "error", "warning": "warning", "note": "recommendation"}

Json = dict[str, object]
Pages = Callable[[str], str | None]


def render(report: Report, pages: Pages = lambda slug: None) -> str:
    """The report as SARIF. *pages* gives the catalogue's Markdown page of a slug, where there is one."""
    return json.dumps(document(shown(report), pages), indent=2, ensure_ascii=False) + "\n"


def document(run: Shown, pages: Pages) -> Json:
    """The whole log with its one run."""
    rules = list({finding.rule: finding for finding in reversed(run.findings)}.values())
    index = {finding.rule: place for place, finding in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver([_rule(one, pages) for one in rules])},
                "automationDetails": {"id": f"stopper/{run.command}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(run)],
                "taxonomies": _taxonomies(run.findings),
                "results": [_result(one, index[one.rule], run.prefix) for one in run.findings],
                "properties": {
                    "score": run.score,
                    "grade": run.grade,
                    "coverage": {"tested": run.coverage.tested, "total": run.coverage.total},
                    "checks": dict(run.checks),
                },
            }
        ],
    }


def _driver(rules: list[Json]) -> Json:
    return {
        "name": "Stopper",
        "semanticVersion": __version__,
        "version": __version__,
        "rules": rules,
        "supportedTaxonomies": [{"name": "CWE"}, {"name": "OWASP API Security Top 10"}],
    }


def _rule(finding: ShownFinding, pages: Pages) -> Json:
    page = pages(finding.rule) or f"# {finding.title}\n\n{finding.harm}\n\n## Fix\n\n{finding.mend}\n"
    level = LEVELS[finding.severity]
    return {
        "id": finding.rule,
        "name": "".join(word.capitalize() for word in finding.rule.split("-")),
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": finding.harm or finding.title},
        "help": {
            "text": f"{finding.harm or finding.title} Mend it: {finding.mend} With Stopper: {finding.ends}.",
            "markdown": page,
        },
        "defaultConfiguration": {"level": level},
        "relationships": [
            {"target": {"id": str(cwe), "toolComponent": {"name": "CWE"}}, "kinds": ["superset"]} for cwe in finding.cwe
        ]
        + [
            {
                "target": {"id": finding.owasp, "toolComponent": {"name": "OWASP API Security Top 10"}},
                "kinds": ["superset"],
            }
        ],
        "properties": {
            "precision": _PRECISION[finding.certainty],
            "problem.severity": _SEVERITIES_OF_LEVEL[level],
            "security-severity": SECURITY_SEVERITY[finding.severity],
            "tags": [
                "security",
                finding.check,
                finding.owasp,
                *(f"external/cwe/cwe-{number}" for number in finding.cwe),
                *(f"asvs-5.0/{number}" for number in finding.asvs),
                *(f"pci-dss-4.0/{number}" for number in pci_dss(finding.cwe)),
                *(f"soc2/{number}" for number in soc2(finding.cwe)),
            ],
        },
    }


def _taxonomies(findings: Iterable[ShownFinding]) -> list[Json]:
    held = tuple(findings)
    cwes = sorted({number for finding in held for number in finding.cwe})
    tops = sorted({finding.owasp for finding in held})
    return [
        {
            "name": "CWE",
            "organization": "MITRE",
            "shortDescription": {"text": "The MITRE Common Weakness Enumeration"},
            "informationUri": "https://cwe.mitre.org/",
            "taxa": [
                {"id": str(number), "helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html"}
                for number in cwes
            ],
        },
        {
            "name": "OWASP API Security Top 10",
            "organization": "OWASP",
            "version": "2023",
            "shortDescription": {"text": "The OWASP API Security Top 10 of 2023"},
            "informationUri": "https://owasp.org/API-Security/editions/2023/en/0x11-t10/",
            "taxa": [{"id": name} for name in tops],
        },
    ]


def _invocation(run: Shown) -> Json:
    return {
        "executionSuccessful": not any(fatal for _, _, _, fatal in run.errors),
        "startTimeUtc": run.started,
        "toolExecutionNotifications": [
            {
                "level": "error" if fatal else "warning",
                "message": {"text": f"{path}:{line} {message}" if line else f"{path} {message}"},
            }
            for path, line, message, fatal in run.errors
        ],
    }


def _result(finding: ShownFinding, rule: int, prefix: str) -> Json:
    places = sorted(finding.places, key=lambda place: place.path is None)
    found: Json = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "kind": "fail",
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(places[0], prefix)],
        "relatedLocations": [{"id": number, **_location(place, prefix)} for number, place in enumerate(places[1:], 1)],
        "partialFingerprints": _fingerprints(finding, places[0]),
        "properties": {"confidence": finding.confidence, "certainty": finding.certainty, "severity": finding.severity},
    }
    last = finding.exchanges[-1].exchange if finding.exchanges else None
    if last:
        found["webRequest"] = _request(last)
        found["webResponse"] = _response(last)
    return found


def _message(finding: ShownFinding) -> str:
    routes = sorted({f"{place.method} {place.route}" for place in finding.places if place.route})
    at = f" Routes: {', '.join(routes)}." if routes else ""
    return f"{finding.message.rstrip('.')}.{at} Confidence: {finding.confidence}. Mend it: {finding.mend}"


def _fingerprints(finding: ShownFinding, place: ShownPlace) -> Json:
    # GitHub hashes the line itself where there is one, and warns when a tool gave another value.
    own: Json = {"stopper/v1": finding.fingerprint}
    return own if place.path else {**own, "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1"}


def _location(place: ShownPlace, prefix: str) -> Json:
    uri = quote(prefix + place.path) if place.path else "."
    found: Json = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": _region(place)}}
    if place.route:
        name = f"{place.method} {place.route}"
        found["logicalLocations"] = [{"name": name, "fullyQualifiedName": name, "kind": "resource"}]
    return found


def _region(place: ShownPlace) -> Json:
    if not place.path or not place.line:
        return {"startLine": 1}
    region: Json = {"startLine": place.line, "endLine": max(place.line, place.end_line or place.line)}
    if place.column and place.end_column and (region["endLine"] != place.line or place.end_column > place.column):
        region |= {"startColumn": place.column, "endColumn": place.end_column}
    return region


def _request(exchange: ShownExchange) -> Json:
    return {
        "protocol": "HTTP",
        "version": "1.1",
        "method": exchange.method,
        "target": exchange.target,
        "headers": _headers(exchange.request_headers),
        "body": {"text": exchange.request_body},
    }


def _response(exchange: ShownExchange) -> Json:
    if not exchange.status:
        return {"noResponseReceived": True, "reasonPhrase": exchange.error or "no answer"}
    return {
        "protocol": "HTTP",
        "version": "1.1",
        "statusCode": exchange.status,
        "headers": _headers(exchange.response_headers),
        "body": {"text": exchange.response_body},
        "noResponseReceived": False,
    }


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
