"""What a rule's edits make of a file: the new text, and the difference as a unified diff. Pure; nobody is written to here."""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.report import Report
from stopper.scan.reports.arguments import plain
from stopper.scan.reports.placing import Placing
from stopper.scan.reports.shown import fingerprints

_MAY_HAVE_NONE: Final = frozenset({"bound", "left-out"})
"""Whether a part of a statement is a value, and of what something is a part, shows in the text alone, so a rule cannot say."""
_LINES: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def patched(source: str, edits: Iterable[Edit]) -> str:
    """*source* with the edits in place and the modules they need imported. Of edits that overlap the first one counts."""
    lines = _lines(source)
    asked = set(edits)
    parts = [part for edit in asked for part in (edit, *edit.also)]
    needs_tree = any(part.how != "replace" or part.imports for part in parts)
    placing = Placing(lines, _tree(source) if needs_tree else None)
    groups = [group for edit in asked if (group := placing.placed(edit)) is not None]
    free = [group for group in groups if len(group) == 1 or all(edit.arguments for edit in group)]
    alone = plain(lines, [edit for group in free for edit in group])
    chosen = separate([*((edit,) for edit in alone), *(group for group in groups if group not in free)])
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    made = source
    for edit in sorted(chosen, key=lambda one: (_begin(one.span), _end(one.span)), reverse=True):
        begin = _offset(starts, edit.span.line, edit.span.column)
        end = _offset(starts, edit.span.end_line, edit.span.end_column)
        made = made[:begin] + edit.text + made[end:]
    return _with_imports(made, [name for edit in chosen for name in edit.imports], _unchanged(source, chosen))


def separate(groups: Iterable[tuple[Edit, ...]]) -> list[Edit]:
    """The edits of the groups that stay apart from those of earlier groups, each once."""
    kept: list[Edit] = []
    for group in sorted(set(groups), key=lambda one: [(edit.span, edit.text) for edit in one]):
        new = [edit for edit in group if edit not in kept]
        if not any(_overlap(edit.span, other.span) for edit in new for other in kept):
            kept += new
    return sorted(kept, key=lambda one: (one.span, one.text))


def _overlap(one: Span, other: Span) -> bool:
    if one == other:
        return _begin(one) != _end(one)
    return _begin(one) < _end(other) and _begin(other) < _end(one)


def diff(path: str, before: str, after: str) -> str:
    """The change as a unified diff that `patch -p1` and `git apply` take."""
    from difflib import unified_diff  # most runs have nothing to mend

    lines = unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def with_diffs(
    report: Report, read: Callable[[str], bytes | None], known: Mapping[str, str] = MappingProxyType({})
) -> Report:
    """*report* with the diff of every finding that has an edit and whose file *read* still gives; those of *known*, by fingerprint, are not
    made again."""
    made = dict(known)
    for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True):
        if finding.edit is None or fingerprint in made:
            continue
        path = finding.edit.span.path
        source = text_of(read(path))
        if source is not None:
            made[fingerprint] = diff(path, source, patched(source, [finding.edit]))
    return replace(report, diffs=made)


def without_places(report: Report, read: Callable[[str], bytes | None]) -> Report:
    """*report* with an empty diff for each edit that has no place, for reports that show no diffs and say that there is one."""
    found: dict[str, str] = {}
    for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True):
        edit = finding.edit
        if edit is not None and any(one.how in _MAY_HAVE_NONE for one in (edit, *edit.also)):
            source = text_of(read(edit.span.path))
            if source is not None and patched(source, [edit]) == source:
                found[fingerprint] = ""
    return replace(report, diffs=found)


def text_of(data: bytes | None) -> str | None:
    """UTF-8 text with its line ends as they are, or None; an edit never guesses an encoding."""
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _lines(source: str) -> list[str]:
    """The lines as Python counts them: a form feed or a Unicode line separator ends none."""
    return _LINES.findall(source)


def _offset(starts: list[int], line: int, column: int) -> int:
    return min(starts[min(line, len(starts)) - 1] + column - 1, starts[-1])


def _begin(span: Span) -> tuple[int, int]:
    return (span.line, span.column)


def _end(span: Span) -> tuple[int, int]:
    return (span.end_line, span.end_column)


def _unchanged(source: str, edits: Sequence[Edit]) -> ast.Module | None:
    """The tree of *source* where the edits leave the beginning and every import as they are; one more parse for each finding would be
    half of what its diff costs."""
    tree = _tree(source) if any(edit.imports for edit in edits) else None
    if tree is None:
        return None
    kept = [
        (1, _import_line(tree)),
        *((one.lineno, one.end_lineno or 0) for one in tree.body if isinstance(one, ast.Import)),
    ]
    touched = any(edit.span.line <= last and first <= edit.span.end_line for edit in edits for first, last in kept)
    return None if touched else tree


def _with_imports(source: str, wanted: Collection[str], known: ast.Module | None) -> str:
    """*source* with ``import name`` for every module that it does not import yet, below its docstring and ``__future__`` lines. *known*:
    a tree with the same beginning and imports, where there is one."""
    tree = (known or _tree(source)) if wanted else None
    if tree is None:
        return source
    held = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names if not alias.asname
    }
    missing = sorted({name for name in wanted if name not in held})
    if not missing:
        return source
    lines = _lines(source)
    at = _import_line(tree)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if at and at <= len(lines) and not lines[at - 1].endswith(("\n", "\r")):
        lines[at - 1] += ending
    return "".join([*lines[:at], *(f"import {name}{ending}" for name in missing), *lines[at:]])


@lru_cache(maxsize=4)
def _tree(source: str) -> ast.Module | None:
    """Only looked at, so several findings of one file share it."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _import_line(tree: ast.Module) -> int:
    """How many lines stand before the place for an import: the docstring and the ``from __future__`` lines."""
    at = 0
    for node in tree.body:
        is_docstring = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if (is_docstring and at == 0) or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            at = node.end_lineno or at
        else:
            return at or max(0, min(_decorators(node)) - 1)
    return at


def _decorators(node: ast.stmt) -> list[int]:
    held = getattr(node, "decorator_list", None) or [node]
    return [one.lineno for one in held] + [node.lineno]
