"""The report as GitHub workflow commands: one annotation a finding, at its file and line."""

from typing import Final

from stopper.core.rule import Severity
from stopper.scan.report import Report
from stopper.scan.reports.shown import Shown, ShownFinding, shown

LEVELS: Final[dict[Severity, str]] = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}


def render(report: Report) -> str:
    """One ``::error``, ``::warning`` or ``::notice`` line for each finding and each thing that could not be read."""
    run = shown(report)
    lines = [_finding(one, run.prefix) for one in run.findings]
    lines += [
        _command("error" if fatal else "warning", message, file=path, line=line, title="Could not be read")
        for path, line, message, fatal in run.errors
    ]
    lines.append(_command("notice", _summary(run), title=f"Stopper {run.command}"))
    return "\n".join(lines) + "\n"


def _finding(finding: ShownFinding, prefix: str) -> str:
    place = finding.place
    route = f" ({place.method} {place.route})" if place.route else ""
    said = f"{finding.message.rstrip('.')}{route}. Mend it: {finding.mend} More: stopper rules {finding.rule}"
    file = prefix + place.path if place.path else None
    title = f"{finding.rule} ({finding.severity}, {finding.confidence})"
    return _command(LEVELS[finding.severity], said, file=file, line=place.line, end_line=place.end_line, title=title)


def _summary(run: Shown) -> str:
    grade = f"grade {run.grade}, " if run.grade else ""
    score = f"score {run.score} of 100" if run.score is not None else "no score"
    return f"{grade}{score}, {run.coverage.percent:.0f} % of {run.coverage.total} {run.unit} tested, {len(run.findings)} findings"


def _command(
    level: str,
    message: str,
    *,
    title: str,
    file: str | None = None,
    line: int | None = None,
    end_line: int | None = None,
) -> str:
    found = {"file": file, "line": line, "endLine": end_line, "title": title}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in found.items() if value is not None)
    return f"::{level} {properties}::{_data(message)}"


def _data(value: str) -> str:
    """Escaped as the runner's own toolkit does for the text of a command."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
