"""The Markdown of the job summary and of the comment on a pull request."""

from collections.abc import Mapping
from typing import Any, Final

MARKER: Final = "<!-- stopper -->"
"""By it the one comment is found again."""
MOST_ROWS: Final = 25


def summary(report: Mapping[str, Any], new: int | None) -> str:
    """The report in a few lines and a table. *new*: how many findings an earlier report does not have; None: not compared."""
    findings = report["findings"]
    grade = f"Grade {report['grade']}, " if report["grade"] else "No grade, "
    score = f"score {report['score']} of 100" if report["score"] is not None else "not scored"
    lines = [
        f"### Stopper: {grade}{score}",
        "",
        f"`{_code(report['target'])}`: {_counted(findings)}{'' if new is None else f', {new} new'};"
        f" {report['coverage']['percent']:.0f} % of {report['coverage']['total']} looked at.",
    ]
    if findings:
        lines += ["", "| severity | rule | where | confidence |", "|---|---|---|---|"]
        lines += [_row(one) for one in findings[:MOST_ROWS]]
    if len(findings) > MOST_ROWS:
        lines += ["", f"and {len(findings) - MOST_ROWS} more in the report."]
    if report["errors"]:
        lines += ["", f"Not everything could be looked at ({len(report['errors'])}):", ""]
        lines += [f"- `{_code(one['path'])}`: {_cell(one['message'])}" for one in report["errors"][:10]]
    return "\n".join(lines) + "\n"


def _counted(findings: list[dict[str, Any]]) -> str:
    return "no finding" if not findings else "1 finding" if len(findings) == 1 else f"{len(findings)} findings"


def _row(finding: Mapping[str, Any]) -> str:
    line = f"{finding['path']}:{finding['line']}" if finding["path"] else ""
    route = f"{finding['method']} {finding['route']}" if finding["route"] else ""
    where = " ".join(f"`{_code(part)}`" for part in (line, route) if part)
    return f"| {finding['severity']} | {finding['rule']} | {where} | {finding['confidence']} |"


def _code(text: str) -> str:
    """Text between backticks of a table: neither mark may end it."""
    return " ".join(str(text).split()).replace("`", "'").replace("|", "\\|")


def _cell(text: str) -> str:
    escaped = " ".join(str(text).split())
    for mark in "\\`*_[]<>|@#!":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
