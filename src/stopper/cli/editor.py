"""What an editor shows of a project: marks in its files, and the edits that mend them. The protocol is in :mod:`stopper.cli.editor_server`."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stopper.cli.checking import Job
from stopper.cli.plan import planned
from stopper.core.redactor import mask
from stopper.core.rule import Edit, Severity
from stopper.scan.reports.patch import patched, text_of
from stopper.scan.reports.shown import ShownPlace, fingerprints, shown
from stopper.scan.source.files import load

_NOTHING_GIVEN: Final[Mapping[str, Any]] = {
    "config": None, "formats": (), "outputs": (), "accepted": None, "threshold": None, "select": (), "ignore": (), "fail_on": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """One place of one finding. Lines and columns count from 1, columns in code points; ``others`` are its other places."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    rule: str
    severity: Severity
    message: str
    ends: str
    others: tuple[ShownPlace, ...] = ()
    edit: Edit | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """One reading of the project: marks by path, the text of each marked file as it was read, and what could not be read."""

    marks: Mapping[str, tuple[Mark, ...]]
    texts: Mapping[str, str] = field(repr=False)
    errors: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Replacement:
    """Whole lines of a file and what stands there afterwards: from ``start`` up to and without ``end``, from 0."""

    start: int
    end: int
    text: str = field(repr=False)


def look(root: Path) -> Sight:
    """Read the project at *root* as ``stopper check`` would, with its ``[tool.stopper]``. Raises UsageError for a bad one."""
    plan = planned(dict(_NOTHING_GIVEN), root, indexed=True)
    exclude = plan.config.texts("exclude")
    report = Job(
        plan=plan, paths=(root,), root=root, jobs=1, changed_since=None, changed=None, exclude=exclude, cache=True
    ).run()
    marks: dict[str, list[Mark]] = {}
    edits = dict(zip(fingerprints(report.findings), (finding.edit for finding in report.findings), strict=True))
    for told in shown(report).findings:
        own = edits[told.fingerprint]
        for place in told.places:
            if place.path is None:
                continue
            line, column = place.line or 1, place.column or 1
            others = tuple(other for other in told.places if other is not place)
            # An edit belongs to the place that it changes; the other places only show the finding.
            edit = own if own and _touches(own, place) else None
            mark = Mark(
                place.path, line, column, place.end_line or line, place.end_column or column,
                told.rule, told.severity, told.message, told.ends, others, edit,
            )  # fmt: skip
            marks.setdefault(place.path, []).append(mark)
    texts = {path: text for path in marks if (text := _read(root, path)) is not None}
    errors = tuple((error.path, error.line or 1, mask(error.message)) for error in report.errors)
    return Sight(
        {path: tuple(sorted(held, key=lambda one: (one.line, one.column, one.rule))) for path, held in marks.items()},
        texts,
        errors,
    )


def replacements(before: str, edits: Iterable[Edit]) -> tuple[Replacement, ...]:
    """The lines that *edits* change, imports included."""
    old, new = before.splitlines(keepends=True), patched(before, edits).splitlines(keepends=True)
    steps = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    return tuple(Replacement(a, b, "".join(new[c:d])) for what, a, b, c, d in steps if what != "equal")


def _touches(edit: Edit, place: ShownPlace) -> bool:
    line = place.line or 1
    return edit.span.path == place.path and edit.span.line <= (place.end_line or line) and edit.span.end_line >= line


def _read(root: Path, path: str) -> str | None:
    try:
        data = load(root / path, path)
    except ValueError:
        return None
    return text_of(data) if isinstance(data, bytes) else None
