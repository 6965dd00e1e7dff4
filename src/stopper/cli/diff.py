"""`stopper diff`: what is new, gone and changed between two runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from stopper.cli.output import to_stdout
from stopper.core.errors import UsageError
from stopper.core.redactor import mask
from stopper.core.rule import SEVERITIES

if TYPE_CHECKING:
    from stopper.scan.compare import Comparison, Difference, Run

_WORDS: Final = {"new": "NEW", "gone": "GONE", "changed": "CHANGED", "not-tested": "NOT TESTED"}


@click.command("diff", short_help="What is new, gone and changed between two runs.")
@click.argument("old", type=click.Path(), metavar="OLD.json")
@click.argument("new", type=click.Path(), metavar="NEW.json")
@click.option("--format", "shape", type=click.Choice(("text", "json")), default="text", help="How it is written.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="medium",
    show_default=True,
    help="Exit with 1 where a finding of that severity or above is new, or rose to it.",
)
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(old: str, new: str, shape: str, fail_on: str, traceback: bool) -> int:
    """Compare two reports that --format json wrote. A finding is the same where rule, route and symbol are; lines may move."""
    from stopper.scan.compare import compare

    found = compare(read_report(old), read_report(new))
    to_stdout(_document(found) if shape == "json" else _text(found, old, new))
    if any(counts(one, fail_on) for one in found.differences):
        return 1
    return 3 if found.new.incomplete else 0


def read_report(name: str) -> "Run":
    """The report in that file. Raises UsageError."""
    from stopper.scan.compare import NoReportError, read

    try:
        return read(Path(name).read_bytes())
    except OSError as wrong:
        raise UsageError(
            f"{name}: {(wrong.strerror or 'cannot be read').lower()}; give a report that --format json wrote"
        ) from None
    except NoReportError as wrong:
        raise UsageError(f"{name} {wrong}; give a report that --format json wrote") from None


def counts(one: "Difference", fail_on: str) -> bool:
    """New at or above the gate; or risen, and there now."""
    if SEVERITIES.index(one.finding.severity) < SEVERITIES.index(fail_on):
        return False
    return one.what == "new" or (one.what == "changed" and any(_rose(change) for change in one.changes))


def _rose(change: str) -> bool:
    if not change.startswith("severity "):
        return False
    before, _, after = change.removeprefix("severity ").partition(" → ")
    return SEVERITIES.index(after) > SEVERITIES.index(before)


def _text(found: "Comparison", old: str, new: str) -> str:
    lines = [f"stopper diff {old} {new}"]
    lines.extend(_warnings(found))
    lines.append(
        f"score {_shown(found.old.score)} → {_shown(found.new.score)}   grade {_shown(found.old.grade)} → {_shown(found.new.grade)}"
        f"   tested {found.old.percent:.0f} % → {found.new.percent:.0f} %"
    )
    lines.append("")
    width = max((len(_WORDS[one.what]) for one in found.differences), default=0)
    for one in found.differences:
        place = one.finding.places[0] if one.finding.places else "the application"
        lines.append(f"{_WORDS[one.what]:<{width}}  {one.finding.severity:<8}  {one.finding.rule}  {mask(place)}")
        lines.append(f"{'':<{width}}  {mask(one.finding.message)}")
        lines.extend(f"{'':<{width}}  {mask(change)}" for change in one.changes)
    if found.differences:
        lines.append("")
    counts = ", ".join(
        f"{len(found.of(what))} {_WORDS[what].lower()}" for what in ("new", "gone", "changed", "not-tested")
    )
    lines.append(f"{counts}, {found.same} the same.")
    return "\n".join(lines) + "\n"


def _warnings(found: "Comparison") -> list[str]:
    lines: list[str] = []
    if found.old.target != found.new.target:
        lines.append(f"note: the targets differ: {mask(found.old.target)} and {mask(found.new.target)}")
    if found.old.mode != found.new.mode:
        lines.append(
            f"note: the modes differ: {mask(found.old.mode)} and {mask(found.new.mode)}; what one does not try it cannot find"
        )
    if found.new.incomplete:
        lines.append("note: the second run could not read everything, so what is gone may still be there (exit 3)")
    return lines


def _shown(value: object) -> str:
    return "–" if value is None else str(value)


def _document(found: "Comparison") -> str:
    def rows(what: str) -> list[dict[str, object]]:
        return [
            {
                "fingerprint": one.finding.fingerprint, "rule": one.finding.rule, "severity": one.finding.severity,
                "confidence": one.finding.confidence, "message": mask(one.finding.message), "places": [mask(place) for place in one.finding.places],
                "changes": [mask(change) for change in one.changes],
            }
            for one in found.differences
            if one.what == what
        ]  # fmt: skip

    def run(one: "Run") -> dict[str, object]:
        return {
            "target": mask(one.target),
            "mode": mask(one.mode),
            "score": one.score,
            "grade": one.grade,
            "percent": one.percent,
        }

    told = {
        "old": run(found.old), "new": run(found.new), "appeared": rows("new"), "gone": rows("gone"), "changed": rows("changed"),
        "not_tested": rows("not-tested"), "same": found.same, "incomplete": found.new.incomplete,
    }  # fmt: skip
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
