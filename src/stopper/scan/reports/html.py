"""The report as one HTML file that asks the network for nothing, works without its script, and prints well.

Every text from a target is escaped. The content security policy allows exactly the one style and the one script that stand in
the file, by their hashes, so even a mistake in escaping would run nothing.
"""

import base64
import hashlib
from html import escape
from importlib import resources

from stopper import __version__
from stopper.core.rule import CHECKS, SEVERITIES
from stopper.scan.report import Report
from stopper.scan.reports import html_access, html_reach
from stopper.scan.reports.curl import curl_line
from stopper.scan.reports.html_finding import card, prose
from stopper.scan.reports.shown import CHECK_NAMES, Shown, shown
from stopper.scan.score import DEDUCTIONS, LEAST_COVERAGE, WEIGHTS


def render(report: Report) -> str:
    """The report as one self-contained HTML page."""
    run = shown(report)
    style, script = _resource("report.css"), _resource("report.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    parts = [
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>",
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name=viewport content="width=device-width, initial-scale=1">\n<meta name=referrer content=no-referrer>',
        f"<title>{escape(_title(run))}</title>\n<style>{style}</style>\n</head>\n<body>",
        _top(run),
        "<main>",
        _verdict(run),
        _checks(run),
        _findings(run),
        html_access.section(run),
        html_reach.section(run),
        _errors(run),
        _skipped(run),
        _formula(run),
        "</main>",
        f"<footer>Stopper {escape(__version__)}. Secrets in this report are masked as ***.</footer>",
        f"<script>{script}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _resource(name: str) -> str:
    return resources.files("stopper.scan.reports").joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _title(run: Shown) -> str:
    return f"{f'Grade {run.grade}' if run.grade else 'No grade'}: {run.target} (stopper {run.command})"


def _top(run: Shown) -> str:
    how = [run.started, f"{run.seconds:.1f} s"]
    if run.command != "check":
        how.insert(0, f"{run.mode} mode")
    if run.requests:
        how.append(f"{run.requests} requests")
    # A bottle's neck with its stopper.
    mark = (
        '<svg viewBox="0 0 20 20" fill=currentColor aria-hidden=true><path d="M6 1h8l-1 6H7z"/>'
        '<path d="M5 8h10v2l2 3v6H3v-6l2-3z" opacity=".45"/></svg>'
    )
    return (
        f"<header class=top><div><span class=mark>{mark}Stopper</span>"
        f"<span class=about>stopper {escape(run.command)} · {escape(' · '.join(how))}</span></div></header>"
    )


def _verdict(run: Shown) -> str:
    grade = (
        f'<div class="grade {run.grade}" role=img aria-label="Grade {run.grade}">{run.grade}</div>'
        if run.grade
        else "<div class='grade none'>No grade</div>"
    )
    score = f"{run.score}<small> of 100</small>" if run.score is not None else "–"
    covered = (
        f"{run.coverage.percent:.0f} %<small> of {run.coverage.total} {run.unit}</small>" if run.coverage.total else "–"
    )
    tiles = [("", score, "Score"), ("", covered, "Tested")]
    for severity in reversed(SEVERITIES):
        count = run.count(severity)
        tiles.append((severity if count else "zero", str(count), severity.capitalize()))
    numbers = "".join(f'<div class="{name}"><dt>{label}</dt><dd>{value}</dd></div>' for name, value, label in tiles)
    return (
        f"<section class=verdict>{grade}<div><h1>{escape(run.target)}</h1>"
        f"<p class=say>{prose(_say(run))}</p><dl class=numbers>{numbers}</dl></div></section>"
    )


def _say(run: Shown) -> str:
    said: list[str] = []
    if run.findings:
        first = run.findings[0]
        said.append(f"Start with: {first.title.rstrip('.')} ({' '.join(str(first.place).split())}).")
        said += [run.confirmed] if run.confirmed else []
    elif run.coverage.tested:
        said.append(f"No finding in {run.coverage.tested} {run.unit}.")
    if run.held:
        said.append(run.held)
    said += [run.logged_out] if run.logged_out else []
    fatal = sum(one[3] for one in run.errors)
    if fatal:
        said.append(
            f"{fatal} {'thing' if fatal == 1 else 'things'} could not be read, so this is not the whole picture."
        )
    return " ".join(said)


def _checks(run: Shown) -> str:
    rows: list[str] = []
    for check, score in run.checks:
        name = escape(CHECK_NAMES[check])
        if score is None:
            rows.append(f"<li class=none><b>{name}</b><span>not tested</span></li>")
            continue
        tone = "good" if score >= 90 else "fair" if score >= 60 else "bad"
        bar = (
            '<svg viewBox="0 0 100 8" preserveAspectRatio=none aria-hidden=true><rect class=rail width=100 height=8 />'
            f'<rect class="fill {tone}" width={score} height=8 /></svg>'
        )
        rows.append(f"<li><b>{name}</b>{bar}<span>{score}</span></li>")
    return f"<h2>The twelve checks</h2><ul class=checks>{''.join(rows)}</ul>" if rows else ""


def _findings(run: Shown) -> str:
    if not run.findings:
        if not run.coverage.tested:
            return ""
        return f"<h2>Findings</h2><p class=clean>No finding in {run.coverage.tested} {run.unit}.</p>"
    cards = "\n".join(
        card(finding, number == 0, run.command, curl_line(run, finding)) for number, finding in enumerate(run.findings)
    )
    return (
        f"<h2>Findings ({len(run.findings)})</h2>{_filters(run)}\n{cards}"
        "<p class=nothing hidden>No finding fits these filters.</p>"
    )


def _filters(run: Shown) -> str:
    chips = "".join(
        f'<label class="chip"><input type=checkbox name=severity value={severity} checked>{severity.capitalize()} '
        f"<b>{run.count(severity)}</b></label>"
        for severity in reversed(SEVERITIES)
        if run.count(severity)
    )
    used = {finding.check for finding in run.findings}
    options = "".join(
        f'<option value="{check}">{escape(CHECK_NAMES[check])}</option>' for check in CHECKS if check in used
    )
    return (
        f"<form class=filters hidden><fieldset><legend class=visually-hidden>Severity</legend>{chips}</fieldset>"
        f'<select aria-label="Check"><option value="">All checks</option>{options}</select>'
        '<input type=search placeholder="File, route, rule or word" aria-label="Search the findings">'
        "<output></output><button type=button>Open all</button></form>"
    )


def _errors(run: Shown) -> str:
    if not run.errors:
        return ""
    rows = "".join(
        f"<tr><td>{escape(f'{path}:{line}' if line else path)}</td><td>{escape(message)}</td></tr>"
        for path, line, message, _ in run.errors
    )
    return f"<h2>Could not be read or used ({len(run.errors)})</h2><table>{rows}</table>"


def _skipped(run: Shown) -> str:
    if not run.skipped:
        return ""
    rows = "".join(f"<tr><td>{escape(what)}</td><td>{escape(reason)}</td></tr>" for what, reason in run.skipped)
    return f"<h2>Left out ({len(run.skipped)})</h2><table>{rows}</table>"


def _formula(run: Shown) -> str:
    points = ", ".join(f"{severity} {DEDUCTIONS[severity]}" for severity in reversed(SEVERITIES))
    scores = dict(run.checks)
    rows = "".join(
        f"<tr><td>{escape(CHECK_NAMES[check])}</td><td class=n>{WEIGHTS[check]}</td>"
        f"<td class=n>{'not tested' if scores.get(check) is None else scores.get(check)}</td></tr>"
        for check in CHECKS
    )
    return (
        "<details class=how><summary>How the score is made</summary>"
        f"<p>Every check starts at 100. A finding takes points by its severity ({points}), in full when it is proven or "
        "confirmed, 80 % when corroborated, 40 % when indicated; each further finding of one rule takes half of the one before. "
        "The whole is the mean of the tested checks by these weights. A is 90 and up, B 80, C 70, D 60, F below. One proven "
        "critical finding holds the letter at D, two at F; a proven high one, or a critical one that is not proven, at B. "
        f"Below {LEAST_COVERAGE} % tested there is no letter.</p>"
        f"<table><tr><th>Check</th><th>Weight</th><th>Score</th></tr>{rows}</table></details>"
    )
