"""Where a keyword argument belongs in a call's text: behind its last argument, or in place of the value that it has."""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from stopper.core.place import Span
from stopper.core.rule import Edit

Wanted: TypeAlias = dict[str, str]
_SILENT: Final = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER})


def plain(lines: Sequence[str], edits: Iterable[Edit]) -> list[Edit]:
    """*edits* of a file of these lines, with plain replacements for those that pass arguments.

    What several rules pass to one call is put there together. That no mapping which is unpacked there holds them, the rule has seen.
    """
    made: list[Edit] = []
    calls: dict[Span, Wanted] = {}
    asked = sorted(set(edits), key=lambda one: (one.span, one.text, one.arguments))
    for edit in asked:
        if not edit.arguments:
            made.append(edit)
            continue
        wanted = calls.setdefault(edit.span, {})
        for name, text in edit.arguments:
            wanted.setdefault(name, text)
    for span, wanted in calls.items():
        mine = [edit for edit in asked if edit.arguments and edit.span == span]
        imports = tuple(dict.fromkeys(name for edit in mine for name in edit.imports))
        safe = all(edit.safe for edit in mine)
        made += [Edit(where, text, safe, imports) for where, text in _replacements(lines, span, wanted)]
    return made


def _replacements(lines: Sequence[str], span: Span, wanted: Wanted) -> Iterator[tuple[Span, str]]:
    text = f"({_between(lines, span)})"  # within brackets no line's indent counts
    try:
        call = ast.parse(text, mode="eval").body
        tokens = list(tokenize.generate_tokens(io.StringIO(text, newline="").readline))
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return
    if not isinstance(call, ast.Call) or _takes_no_more(call):
        return
    rows = io.StringIO(text, newline="").readlines()
    more = {name: text for name, text in wanted.items() if not name.isdigit()}
    for place, value in enumerate(call.args):
        if isinstance(value, ast.Starred):
            break
        if str(place) in wanted:
            yield _at(span, *_ends(rows, value)), wanted[str(place)]
    for held in call.keywords:
        if held.arg in more:
            yield _at(span, *_ends(rows, held.value)), more.pop(held.arg)
    said = [one for one in tokens if one.type not in _SILENT][:-2]
    if more and said:
        joined = ", ".join(f"{name}={value}" for name, value in more.items())
        lead = {"(": "", ",": " "}.get(said[-1].string, ", ")
        yield _at(span, said[-1].end, said[-1].end), lead + joined


def _takes_no_more(call: ast.Call) -> bool:
    """A generator without brackets of its own."""
    return len(call.args) == 1 and not call.keywords and isinstance(call.args[0], ast.GeneratorExp)


def _between(lines: Sequence[str], span: Span) -> str:
    held = list(lines[span.line - 1 : span.end_line])
    if len(held) != span.end_line - span.line + 1:
        return ""
    held[-1] = held[-1][: span.end_column - 1]
    held[0] = held[0][span.column - 1 :]
    return "".join(held)


def _ends(rows: Sequence[str], value: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    first = _characters(rows, value.lineno, value.col_offset)
    return first, _characters(rows, value.end_lineno or value.lineno, value.end_col_offset or value.col_offset)


def _characters(rows: Sequence[str], row: int, column: int) -> tuple[int, int]:
    """The tree counts bytes of UTF-8."""
    return row, len(rows[row - 1].encode()[:column].decode())


def _at(span: Span, first: tuple[int, int], last: tuple[int, int]) -> Span:
    """The place in the file of a place in the bracketed text."""
    (row, begin), (end_row, end) = first, last
    column = span.column + begin - 1 if row == 1 else begin + 1
    end_column = span.column + end - 1 if end_row == 1 else end + 1
    return Span(span.path, span.line + row - 1, span.line + end_row - 1, column, end_column)
