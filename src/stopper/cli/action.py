"""The GitHub Action's own step: ``python -m stopper.cli.action``. It reads ``ACTION_…`` and ``GITHUB_…`` variables.

It runs one command of Stopper, shows the findings as annotations, writes SARIF, the job summary and the outputs, keeps one
comment on the pull request up to date, and ends with the gate's exit code.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import urllib3

from stopper.cli.action_text import MARKER, summary
from stopper.core.redactor import mask
from stopper.core.rule import SEVERITIES

COMMANDS: Final = ("check", "audit", "scan")


class ActionError(Exception):
    """The step's inputs are wrong; the text is one line."""


def main(environ: Mapping[str, str]) -> int:
    """Run the step; returns its exit code."""
    try:
        return _run(environ)
    except ActionError as wrong:
        sys.stdout.write(f"::error::{mask(str(wrong))}\n")
        return 2


def _run(environ: Mapping[str, str]) -> int:
    known = _before(environ)
    with tempfile.TemporaryDirectory() as folder:
        report_path = Path(folder) / "report.json"
        code = subprocess.run(_command(environ, report_path), check=False).returncode
        if not report_path.is_file():
            return code or 3
        report = cast("dict[str, Any]", json.loads(report_path.read_text("utf-8")))
    new = [one for one in report["findings"] if one["fingerprint"] not in known]
    text = summary(report, len(new) if known else None)
    _append(environ.get("GITHUB_STEP_SUMMARY"), text)
    said = {"score": report["score"], "grade": report["grade"], "findings": len(report["findings"]), "new": len(new)}
    _append(
        environ.get("GITHUB_OUTPUT"),
        "".join(f"{name}={'' if value is None else value}\n" for name, value in said.items()),
    )
    if _true(environ, "ACTION_COMMENT"):
        _comment(environ, text)
    if _true(environ, "ACTION_ONLY_NEW") and code == 1:
        gate = SEVERITIES.index(_severity(environ))
        return 1 if any(SEVERITIES.index(one["severity"]) >= gate for one in new) else 3 if report["errors"] else 0
    return code


def _command(environ: Mapping[str, str], report: Path) -> list[str]:
    name = environ.get("ACTION_COMMAND", "check")
    if name not in COMMANDS:
        raise ActionError(f"command must be one of {', '.join(COMMANDS)}, not {name!r}")
    target = environ.get("ACTION_TARGET", ".")
    targets = shlex.split(target) if name == "check" else [target]
    threshold = environ.get("ACTION_THRESHOLD", "")
    sarif = environ.get("ACTION_SARIF") or "stopper.sarif"
    outputs = [("github", "-"), ("sarif", sarif), ("json", str(report))]
    return [
        *(sys.executable, "-m", "stopper.cli", name, "--fail-on", _severity(environ)),
        *(["--threshold", threshold] if threshold else []),
        *(part for shape, path in outputs for part in ("--format", shape, "--output", path)),
        *shlex.split(environ.get("ACTION_OPTIONS", "")),
        *("--", *targets),
    ]


def _severity(environ: Mapping[str, str]) -> Any:
    said = environ.get("ACTION_FAIL_ON") or "medium"
    if said not in SEVERITIES:
        raise ActionError(f"fail-on must be one of {', '.join(SEVERITIES)}, not {said!r}")
    return said


def _before(environ: Mapping[str, str]) -> frozenset[str]:
    path = environ.get("ACTION_BEFORE", "")
    if not path:
        if _true(environ, "ACTION_ONLY_NEW"):
            raise ActionError("only-new needs before: the JSON report of an earlier run")
        return frozenset()
    try:
        report = json.loads(Path(path).read_text("utf-8"))
        return frozenset(str(one["fingerprint"]) for one in report["findings"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ActionError(
            f"before: {path} is no JSON report of Stopper; write one with --format json --output {path}"
        ) from None


def _true(environ: Mapping[str, str], name: str) -> bool:
    said = environ.get(name, "false").strip().lower()
    if said not in ("true", "false", ""):
        raise ActionError(
            f"{name.removeprefix('ACTION_').lower().replace('_', '-')} must be true or false, not {said!r}"
        )
    return said == "true"


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _comment(environ: Mapping[str, str], text: str) -> None:
    """One comment, found again by its marker. A pull request is never failed by a comment that could not be written."""
    number = _pull_request(environ)
    if number is None:
        return
    base = f"{environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{environ.get('GITHUB_REPOSITORY', '')}"
    headers = {"Authorization": f"Bearer {environ.get('ACTION_TOKEN', '')}", "Accept": "application/vnd.github+json"}
    pool = urllib3.PoolManager(timeout=20, retries=False, headers=headers)
    try:
        found = pool.request("GET", f"{base}/issues/{number}/comments?per_page=100", redirect=False)
        mine = next((one["id"] for one in found.json() if MARKER in one["body"]), None) if found.status == 200 else None
        where = ("PATCH", f"{base}/issues/comments/{mine}") if mine else ("POST", f"{base}/issues/{number}/comments")
        sent = pool.request(*where, json={"body": f"{MARKER}\n{text}"}, redirect=False)
        if sent.status >= 300:
            sys.stdout.write(
                f"::warning::the comment was not written (HTTP {sent.status}); it needs pull-requests: write\n"
            )
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as wrong:
        sys.stdout.write(f"::warning::the comment was not written ({type(wrong).__name__})\n")


def _pull_request(environ: Mapping[str, str]) -> int | None:
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text("utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


if __name__ == "__main__":
    sys.exit(main(os.environ))
