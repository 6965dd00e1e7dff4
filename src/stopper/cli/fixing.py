"""Writes fixes: a file is either as it was or whole and new, and one that changed since it was read is left alone."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stopper.cli.output import save
from stopper.core.errors import UsageError
from stopper.core.finding import Finding
from stopper.core.rule import Edit
from stopper.core.secret import MASK
from stopper.scan.report import Report
from stopper.scan.reports import masking
from stopper.scan.reports.patch import diff, patched, text_of
from stopper.scan.suppression import reader


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the edits: files written, and files left alone with the reason."""

    written: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def apply(edits: Iterable[Edit], root: Path, started: int) -> Done:
    """Write the edits to the files below *root*. *started* is when reading began, in nanoseconds since the epoch."""
    by_path: dict[str, list[Edit]] = defaultdict(list)
    for edit in edits:
        by_path[edit.span.path].append(edit)
    written: list[str] = []
    left: list[tuple[str, str]] = []
    for path, held in sorted(by_path.items()):
        why = _apply(root / path, held, started)
        if why:
            left.append((path, why))
        else:
            written.append(path)
    return Done(tuple(written), tuple(left))


def diffs(report: Report, root: Path) -> Iterator[str]:
    """Of each file one diff with every edit, safe or to review, masked. A line before it names the rules; `git apply` passes over it."""
    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        if finding.edit is not None:
            by_path[finding.edit.span.path].append(finding)
    read = reader(root)
    for path, found in sorted(by_path.items()):
        source = text_of(read(path))
        if source is None:
            continue
        found = [one for one in found if one.edit is not None and patched(source, [one.edit]) != source]
        edits = [one.edit for one in found if one.edit is not None]
        whole = diff(path, source, patched(source, edits))
        shown = masking.source(whole)
        masked = sum(one != other for one, other in zip(whole.split("\n"), shown.split("\n"), strict=True))
        for word, safe in (("safe", True), ("to review", False)):
            rules = sorted({one.rule.slug for one in found if one.edit is not None and one.edit.safe is safe})
            if rules:
                yield f"# {word}: {', '.join(rules)}\n"
        if masked:
            lines = "1 line shows" if masked == 1 else f"{masked} lines show"
            yield f"# masked: {lines} {MASK} for what may be a secret, so that git apply does not take this one; --fix writes it\n"
        yield shown


def _apply(path: Path, edits: list[Edit], started: int) -> str:
    """Write one file; why not, or ``""``."""
    try:
        data = path.read_bytes()
        changed = path.stat().st_mtime_ns >= started
    except OSError as wrong:
        return (wrong.strerror or "it cannot be read").lower()
    if changed:
        return "it changed while it was read; type the same again"
    source = text_of(data)
    if source is None:
        return "it is not UTF-8"
    made = patched(source, edits)
    if made == source:
        return "the place is written in a way that no edit fits; see Fix of the rule's page"
    if path.suffix == ".py" and not _parses(made):
        return "the fix does not fit this text; --diff shows it"
    if path.is_symlink():
        path = path.resolve()
    try:
        if path.read_bytes() != data:
            return "it changed while it was fixed; type the same again"
        save(path, made)
    except UsageError:
        return "it cannot be written; give write permission"
    except OSError as wrong:
        return (wrong.strerror or "it cannot be written").lower()
    return ""


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True
