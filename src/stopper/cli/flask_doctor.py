"""``flask stopper doctor``: what of the known rules holds for this application as it is set up now."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click
from flask import Flask
from flask.cli import NoAppException, ScriptInfo

from stopper.cli.flask_ending import end
from stopper.core.errors import StopperError

if TYPE_CHECKING:
    from stopper.extension.doctor.judging import Report, Row

VERSION: Final = 1
"""Of the JSON; a member that goes or changes its meaning raises it."""
_TITLES: Final = {
    "start": "Refused at the start",
    "deployment": "Deployment",
    "asvs": "OWASP ASVS 5.0",
    "jwt": "RFC 8725 and its successor",
    "oauth": "RFC 9700",
}
_GATES: Final = {"not-met": ("not met",), "your-part": ("not met", "your part"), "never": ()}


@click.command("doctor", short_help="Judge this application by ASVS 5.0, RFC 8725 and RFC 9700.")
@click.option("--level", type=click.IntRange(2, 3), help="Of ASVS 5.0. Default: STOPPER_ASVS_LEVEL, which is 2.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "--fail-on",
    type=click.Choice(tuple(_GATES)),
    default="not-met",
    show_default=True,
    help="Exit 1 where a row says this. your-part counts not-met too.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show what is met and what does not apply too; JSON always does."
)
@click.pass_context
def doctor(context: click.Context, level: int | None, shape: str, fail_on: str, everything: bool) -> None:
    """Judge this application as it is set up now: what is refused at the start, how it is deployed, OWASP ASVS 5.0, RFC 8725 with its
    successor, and RFC 9700.

    Exit 1 where something is not met, 3 where something could not be looked at.
    """
    report = _report(context, level)
    click.echo(_as_json(report) if shape == "json" else _as_text(report, everything))
    if any(row.verdict in _GATES[fail_on] for row in report.rows):
        raise click.exceptions.Exit(1)
    if report.errors:
        raise click.exceptions.Exit(3)


def _report(context: click.Context, level: int | None) -> "Report":
    from stopper.extension.doctor.judging import diagnose, refused

    try:
        app = _loaded(context)
    except StopperError as refusal:
        return refused(str(context.ensure_object(ScriptInfo).app_import_path or "the application"), level or 2, refusal)
    try:
        return diagnose(app, level)
    except StopperError as wrong:
        end(str(wrong), 2)


def _loaded(context: click.Context) -> Flask:
    try:
        return context.ensure_object(ScriptInfo).load_app()
    except (StopperError, NoAppException):
        raise
    except Exception as wrong:  # noqa: BLE001 (a stranger's code raises what it likes)
        end(f"the application dies on import ({type(wrong).__name__}); run it with flask run to see why", 3)


def _as_json(report: "Report") -> str:
    shown = {
        "version": VERSION,
        "app": report.app,
        "mode": report.mode,
        "level": report.level,
        "counts": report.counts,
        "rows": [
            {
                "source": row.source,
                "id": row.id,
                "level": row.level,
                "title": row.title,
                "verdict": row.verdict,
                "evidence": row.evidence,
                "mend": row.mend,
                "check": row.check,
                "tests": list(row.tests),
            }
            for row in report.rows
        ],
        "errors": list(report.errors),
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _as_text(report: "Report", everything: bool) -> str:
    return "\n".join(_lines(report, everything))


def _lines(report: "Report", everything: bool) -> Iterator[str]:
    quiet = () if everything else ("met", "not applicable")
    for source, title in _TITLES.items():
        rows = [row for row in report.rows if row.source == source]
        told = [row for row in rows if row.verdict not in quiet]
        if told:
            yield from (title, *(line for row in told for line in _row(row)), "")
    for source, title in _TITLES.items():
        if line := _count(report, source):
            yield f"{title}{f' level {report.level}' if source == 'asvs' else ''}: {line}"
    yield from (f"could not look: {error}" for error in report.errors)


def _row(row: "Row") -> Iterator[str]:
    yield f"  {row.verdict:<14}  {row.id:<9}  {row.title}"
    held = f" ({', '.join(row.tests)})" if row.tests and row.verdict == "met" else ""
    ran = f" [{row.check}]" if row.check else ""
    yield f"      {row.evidence}{ran}{held}"
    if row.mend:
        yield f"      → {row.mend}"


def _count(report: "Report", source: str) -> str:
    counts = report.counts[source]
    here = sum(number for verdict, number in counts.items() if verdict != "not applicable")
    if not sum(counts.values()):
        return ""
    words = {"not met": counts["not met"], "yours": counts["your part"], "open": counts["open"]}
    more = [f"{number} {word}" for word, number in words.items() if number]
    apart = f" ({counts['not applicable']} do not apply)" if counts["not applicable"] else ""
    return ", ".join((f"{counts['met']} of {here} met", *more)) + apart
