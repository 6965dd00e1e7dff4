"""The report for a person: in colour on a terminal, plain in a pipe, readable at 80 columns and at three in the morning."""

import io
import textwrap
from collections.abc import Iterable
from typing import Final

from stopper.core.rule import SEVERITIES, Check, Severity
from stopper.scan.access.text import counted
from stopper.scan.access.text import lines as lines_of
from stopper.scan.report import Report
from stopper.scan.reports import text_reach
from stopper.scan.reports.shown import CHECK_NAMES, Shown, ShownEvidence, ShownFinding, shown

COLOURS: Final[dict[Severity, str]] = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
_GRADES: Final = {"A": "bold green", "B": "green", "C": "yellow", "D": "bold yellow", "F": "bold red"}
_MOST_PLACES: Final = 5
_MOST_EVIDENCE: Final = 4
_MOST_DOORS: Final = 40
_LABEL: Final = 8

_Line = tuple[str, str]
"""A text and the style of the whole line; the first words of a labelled line are dimmed when it is drawn."""


def wrapped(said: str, width: int, *, initial_indent: str = "", subsequent_indent: str = "") -> list[str]:
    """*said* in lines of at most *width*; a path, URL or slug is never cut, so that it can be copied."""
    wrapper = textwrap.TextWrapper(
        width, initial_indent, subsequent_indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(said)


def render(report: Report, *, colour: bool = False, width: int = 80) -> str:
    """The report as text, *width* columns wide (never under 60)."""
    run = shown(report)
    width = max(60, min(width, 120))
    lines = [*_head(run, width), *_checks(run, width)]
    mended = set[str]()
    for finding in run.findings:
        lines += _finding(finding, run, width, again=finding.rule in mended)
        mended.add(finding.rule)
    lines += [
        *_reading(run, width),
        *_doors(run),
        *text_reach.lines(run.reach, width),
        *_skipped(run, width),
        *_summary(run, width),
    ]
    return _drawn(lines, colour)


def _drawn(lines: Iterable[_Line], colour: bool) -> str:
    if not colour:
        return "".join(f"{said.rstrip()}\n" for said, _ in lines)
    from rich.console import Console  # a pipe does without it, and it takes longer to import than the rest
    from rich.text import Text

    held = io.StringIO()
    console = Console(file=held, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True)
    for said, style in lines:
        console.print(Text(said, style=style), soft_wrap=True)
    return held.getvalue()


def _head(run: Shown, width: int) -> list[_Line]:
    how = [f"{run.mode} mode"] if run.command != "check" else []
    how += [f"{run.requests} requests"] if run.requests else []
    how += [f"{run.seconds:.1f} s"]
    how += {"namespace": ["network closed by the kernel"], "hooks": ["network closed by hooks"]}.get(run.network, [])
    lines = [(f"stopper {run.command} {run.target}", "bold"), (", ".join(how), "dim"), ("", "")]
    covered = f"{run.coverage.percent:.0f} % of {run.coverage.total} {run.unit} tested"
    if run.coverage.total == 0:
        covered = f"no {run.unit} to test"
    score = f"score {run.score} of 100" if run.score is not None else "no score"
    grade = f"Grade {run.grade}" if run.grade else "No grade"
    lines.append((f"{grade}   {score}   {covered}", _GRADES.get(run.grade or "", "bold")))
    if run.held:
        lines += [(part, "") for part in wrapped(run.held, width)]
    return [*lines, ("", "")]


def _checks(run: Shown, width: int) -> list[_Line]:
    tested: list[tuple[Check, int]] = [(check, score) for check, score in run.checks if score is not None]
    if not tested:
        return []
    lines: list[_Line] = []
    for check, score in tested:
        full = round(score / 5)
        bar = "█" * full + "░" * (20 - full)
        lines.append(
            (f"  {CHECK_NAMES[check]:<38}{score:>4}  {bar}", "" if score >= 90 else "yellow" if score >= 60 else "red")
        )
    untested = [CHECK_NAMES[one] for one, score in run.checks if score is None]
    if untested:
        said = wrapped("not tested: " + ", ".join(untested), width, initial_indent="  ", subsequent_indent="  ")
        lines += [(part, "dim") for part in said]
    return [*lines, ("", "")]


def _finding(finding: ShownFinding, run: Shown, width: int, *, again: bool) -> list[_Line]:
    """*again*: what to do was said at another finding of its rule."""
    lines: list[_Line] = [
        (f"{finding.severity.upper()}  {finding.rule}  {finding.confidence}", COLOURS[finding.severity])
    ]
    lines += [(f"  {place}", "bold") for place in finding.places[:_MOST_PLACES]]
    if len(finding.places) > _MOST_PLACES:
        lines.append((f"  and {len(finding.places) - _MOST_PLACES} more places", "dim"))
    lines += [(part, "") for part in wrapped(finding.message, width, initial_indent="  ", subsequent_indent="  ")]
    for index, said in enumerate(_evidence(finding)):
        lines += _labelled("seen" if index == 0 else "", said, width)
    if again:
        lines += _labelled("mend", f"as above (stopper rules {finding.rule})", width)
    else:
        lines += _labelled("mend", finding.mend, width)
        ours = "" if finding.ends.startswith("No ") else f"{finding.ends}. "
        lines += _labelled("", f"{ours}More: stopper rules {finding.rule}", width)
    if finding.fix_safe is not None and run.command == "check":
        hint = "stopper check --fix applies it" if finding.fix_safe else "stopper check --diff shows a change to review"
        lines += _labelled("fix", hint, width)
    return [*lines, ("", "")]


def _evidence(finding: ShownFinding) -> list[str]:
    said = [_seen(one) for one in finding.telling]
    if len(said) <= _MOST_EVIDENCE:
        return said
    # The baseline comes first and the effect last: what is left out stands between.
    half = _MOST_EVIDENCE // 2
    return [*said[:half], f"… {len(said) - 2 * half} more (--format html shows all) …", *said[-half:]]


def _seen(evidence: ShownEvidence) -> str:
    exchange = evidence.exchange
    if exchange is None:
        return _short(evidence.text)
    who = f" as {exchange.identity}" if exchange.identity else ""
    return f"{_short(evidence.text).rstrip('.:')}: {exchange.method} {exchange.target}{who} → {exchange.result}"


def _short(said: str) -> str:
    joined = " ".join(said.split())
    return joined if len(joined) <= 200 else joined[:199] + "…"


def _labelled(label: str, said: str, width: int) -> list[_Line]:
    first = f"  {label:<{_LABEL - 2}}"
    return [(part, "dim") for part in wrapped(said, width, initial_indent=first, subsequent_indent=" " * _LABEL)]


def _reading(run: Shown, width: int) -> list[_Line]:
    if not run.errors:
        return []
    lines: list[_Line] = [("Could not be read or used:", "bold yellow")]
    for path, line, message, _ in run.errors:
        where = f"{path}:{line}" if line else path
        lines += [
            (part, "")
            for part in wrapped(
                f"{where}  {message}",
                width,
                initial_indent="  ",
                subsequent_indent="    ",
            )
        ]
    return [*lines, ("", "")]


def _doors(run: Shown) -> list[_Line]:
    if not run.doors:
        return []
    said = [(f"  {line}", "") for line in lines_of(run.doors, _MOST_DOORS)]
    return [(f"Who may pass ({counted(run.doors)}; docs/access.md):", "bold"), *said, ("", "")]


def _skipped(run: Shown, width: int) -> list[_Line]:
    if not run.skipped:
        return []
    by_reason: dict[str, list[str]] = {}
    for what, reason in run.skipped:
        by_reason.setdefault(reason, []).append(what)
    lines: list[_Line] = [("Left out:", "bold")]
    for reason, whats in by_reason.items():
        names = ", ".join(whats[:6]) + (f" and {len(whats) - 6} more" if len(whats) > 6 else "")
        lines += [
            (part, "dim")
            for part in wrapped(f"{names}: {reason}", width, initial_indent="  ", subsequent_indent="    ")
        ]
    return [*lines, ("", "")]


def closing(run: Shown) -> str:
    """The last words of the report: how much was found and where to start, or that nothing was, and whether that is all."""
    fatal = sum(one[3] for one in run.errors)
    said: list[str] = []
    if run.findings:
        counts = ", ".join(f"{run.count(one)} {one}" for one in reversed(SEVERITIES) if run.count(one))
        noun = "finding" if len(run.findings) == 1 else "findings"
        said.append(
            f"{len(run.findings)} {noun}: {counts}. Start with {run.findings[0].rule} at {' '.join(str(run.findings[0].place).split())}."
        )
        said += [run.confirmed] if run.confirmed else []
    elif run.coverage.tested:
        part = f"{run.coverage.tested} of " if run.coverage.tested < run.coverage.total else ""
        said.append(f"No finding in {part}{run.coverage.total} {run.unit}.")
    else:
        said.append("Nothing was tested.")
    said += [run.logged_out] if run.logged_out else []
    if fatal:
        said.append(
            f"{fatal} {'thing' if fatal == 1 else 'things'} could not be read, so this is not the whole picture."
        )
    return " ".join(said)


def _summary(run: Shown, width: int) -> list[_Line]:
    fatal = any(one[3] for one in run.errors)
    style = (
        COLOURS[run.findings[0].severity]
        if run.findings
        else "bold yellow"
        if fatal or not run.coverage.tested
        else "bold green"
    )
    return [(part, style) for part in wrapped(closing(run), width)]
