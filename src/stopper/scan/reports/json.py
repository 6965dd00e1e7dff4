"""The report as JSON; `docs/report.schema.json` is its schema, and a test holds them together."""

import json
from typing import Final

from stopper.scan.report import Report
from stopper.scan.reports.curl import curl_line
from stopper.scan.reports.shown import Shown, ShownDoor, ShownEvidence, ShownExchange, ShownFinding, ShownPlace, shown
from stopper.scan.reports.standards import pci_dss, soc2

VERSION: Final = "1"
"""Of the format. It changes when a member is renamed or removed, not when one is added."""


def render(report: Report) -> str:
    """The report as JSON, indented, ending in a line feed."""
    return json.dumps(document(shown(report)), indent=2, ensure_ascii=False) + "\n"


def schema() -> str:
    """The JSON Schema (2020-12) of what :func:`render` gives."""
    from importlib import resources  # it takes tempfile and what unpacks archives along, and no check needs it

    return resources.files("stopper.scan.reports").joinpath("report.schema.json").read_text("utf-8")


def document(run: Shown) -> dict[str, object]:
    """The members of the report."""
    return {
        "version": VERSION,
        "target": run.target,
        "mode": run.mode,
        "started": run.started,
        "seconds": run.seconds,
        "score": run.score,
        "grade": run.grade,
        "coverage": {
            "tested": run.coverage.tested,
            "total": run.coverage.total,
            "percent": round(run.coverage.percent, 1),
        },
        "checks": dict(run.checks),
        "findings": [{**_finding(one), "curl": curl_line(run, one) or None} for one in run.findings],
        "skipped": [{"what": what, "reason": reason} for what, reason in run.skipped],
        "errors": [
            {"path": path, "line": line, "message": message, "fatal": fatal}
            for path, line, message, fatal in run.errors
        ],
        "access": [_door(one) for one in run.doors],
        "network": run.network or None,
        "reached": [
            {
                "method": row.method,
                "route": row.route,
                "cells": [
                    {"who": who, "got": cell.state, "statuses": list(cell.statuses)}
                    for who, cell in zip(run.reach.names, row.cells, strict=True)
                    if cell is not None
                ],
            }
            for row in run.reach.rows
        ],
    }


def _door(door: ShownDoor) -> dict[str, object]:
    return {
        "method": door.method,
        "route": door.route,
        "endpoint": door.endpoint,
        "state": door.state,
        "who": door.who,
        "known": door.known,
        "how": door.how,
        "path": door.path,
        "line": door.line,
        "guards": [{"name": one.name, "kind": one.kind, "path": one.path, "line": one.line} for one in door.guards],
    }


def _finding(finding: ShownFinding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "certainty": finding.certainty,
        "check": finding.check,
        "cwe": [f"CWE-{number}" for number in finding.cwe],
        "owasp": finding.owasp,
        "asvs": list(finding.asvs),
        "pci_dss": list(pci_dss(finding.cwe)),
        "soc2": list(soc2(finding.cwe)),
        "message": finding.message,
        "mend": finding.mend,
        **_place(finding.place),
        "places": [_place(one) for one in finding.places],
        "evidence": [_evidence(one) for one in finding.evidence],
        "fix": None if finding.fix_safe is None else {"safe": finding.fix_safe, "diff": finding.fix_diff},
        "fingerprint": finding.fingerprint,
    }


def _place(place: ShownPlace) -> dict[str, object]:
    return {
        "path": place.path,
        "line": place.line,
        "end_line": place.end_line,
        "route": place.route,
        "method": place.method,
    }


def _evidence(evidence: ShownEvidence) -> dict[str, object]:
    exchange = evidence.exchange
    return {
        "kind": evidence.kind,
        "text": evidence.text,
        "request": _request(exchange) if exchange else None,
        "response": _response(exchange) if exchange else None,
    }


def _request(exchange: ShownExchange) -> dict[str, object]:
    return {
        "method": exchange.method,
        "target": exchange.target,
        "identity": exchange.identity,
        "headers": [list(pair) for pair in exchange.request_headers],
        "body": exchange.request_body,
    }


def _response(exchange: ShownExchange) -> dict[str, object]:
    return {
        "status": exchange.status,
        "headers": [list(pair) for pair in exchange.response_headers],
        "body": exchange.response_body,
        "seconds": exchange.seconds,
        "truncated": exchange.truncated,
        "error": exchange.error,
    }
