"""Where the text of an edit goes: in place of the function of a call, or on a line of its own beside a statement."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.reports.binding import bound
from stopper.scan.reports.escaping import parts_of_pages
from stopper.scan.reports.leaving_out import LeavingOut, does


class Placing:
    """Finds places in one file. *tree* is None where the text is no Python; then only plain replacements have a place."""

    def __init__(self, lines: Sequence[str], tree: ast.Module | None) -> None:
        self._lines, self._tree = lines, tree
        self._ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"

    def placed(self, edit: Edit) -> tuple[Edit, ...] | None:
        """The edit and those that go with it as plain replacements; None where one of them has no place."""
        made: list[Edit] = []
        for part in (replace(edit, also=()), *edit.also):
            several = {
                "below": self._below,
                "escaped": self._escaped,
                "bound": self._bound,
                "left-out": self._left_out,
            }.get(part.how)
            found = several(part) if several is not None else self._plain(part)
            if found is None or part.span.path != edit.span.path or self._taken(part.imports):
                return None
            made += found if isinstance(found, tuple) else (found,)
        return None if _run_together(made) else tuple(made)

    def _plain(self, edit: Edit) -> Edit | None:
        if edit.how == "replace":
            return edit
        if self._tree is None:
            return None
        if edit.how in ("function", "method"):
            return self._function(edit)
        if edit.how == "inside":
            return self._inside(edit)
        if edit.how == "operands":
            return self._operands(edit)
        return self._line(edit, before=edit.how == "line-before")

    def _function(self, edit: Edit) -> Edit | None:
        for node in _around(self._tree, edit.span):
            if isinstance(node, ast.Call) and self._span(node, edit.span.path) == edit.span:
                where = self._span(node.func, edit.span.path)
                if not self._says(where, node.func):
                    return None
                if edit.how == "method" and isinstance(node.func, ast.Attribute):
                    where = replace(where, column=where.end_column - len(node.func.attr))
                return replace(edit, span=where, how="replace")
        return None

    def _operands(self, edit: Edit) -> Edit | None:
        for node in _around(self._tree, edit.span):
            if isinstance(node, ast.Compare) and self._span(node, edit.span.path) == edit.span and len(node.ops) == 1:
                if _is_disturbed(edit.text, node.left):
                    return None
                sides = [self._within_brackets(one) for one in (node.left, node.comparators[0])]
                return replace(edit, text=edit.text.format(*sides), how="replace")
        return None

    def _within_brackets(self, node: ast.expr) -> str:
        text = self._source(node)
        whole = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.JoinedStr))
        return text if whole else f"({text})"

    def _inside(self, edit: Edit) -> Edit | None:
        for node in _around(self._tree, edit.span):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno == edit.span.line:
                documented = ast.get_docstring(node, clean=False) is not None
                first = node.body[1] if documented and len(node.body) > 1 else node.body[0]
                line = min(one.lineno for one in (first, *getattr(first, "decorator_list", ())))
                indent = self._lines[line - 1][: first.col_offset]
                above = self._lines[line - 2].rstrip("\r\n")
                if indent.strip() or not indent or above.endswith("\\") or (documented and len(node.body) == 1):
                    return None
                at = Span(edit.span.path, line, line, 1, 1)
                step = "\t" if indent.isspace() and "\t" in indent else "    "
                lines = [f"{indent}{said.replace('    ', step)}{self._ending}" for said in edit.text.splitlines()]
                return replace(edit, span=at, text="".join(lines), how="replace")
        return None

    def _says(self, span: Span, node: ast.expr) -> bool:
        """That the expression stands there: Python before 3.12 misplaces some that stand in an f-string."""
        return span.line == span.end_line and self._is_there(span, node)

    def _line(self, edit: Edit, *, before: bool) -> Edit | None:
        """Only where the statement has its lines for itself: ``if x: return y`` and ``a(); b()`` are left to a person."""
        statement = self._statement(edit.span)
        if statement is None or (not before and hasattr(statement, "body")):
            return None
        whole = self._span(statement, edit.span.path)
        first, last = self._lines[whole.line - 1], self._lines[whole.end_line - 1]
        indent, rest = first[: whole.column - 1], last[whole.end_column - 1 :].strip()
        if indent.strip() or first.lstrip().startswith("elif") or (rest and not rest.startswith("#")):
            return None
        if before:
            at = Span(edit.span.path, whole.line, whole.line, 1, 1)
            return replace(edit, span=at, text=f"{indent}{edit.text}{self._ending}", how="replace")
        column = len(last.rstrip("\r\n")) + 1
        at = Span(edit.span.path, whole.end_line, whole.end_line, column, column)
        return replace(edit, span=at, text=f"{self._ending}{indent}{edit.text}", how="replace")

    def _below(self, edit: Edit) -> tuple[Edit, ...] | None:
        """The decorator at the span below all others of its function: its lines are taken out and put back there."""
        for node in _around(self._tree, edit.span):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or len(node.decorator_list) < 2:
                continue
            *above, last = [self._span(one, edit.span.path) for one in node.decorator_list]
            if edit.span in above:
                moved = self._lines[edit.span.line - 1 : edit.span.end_line]
                if not moved[0].lstrip().startswith("@"):
                    return None
                out = Span(edit.span.path, edit.span.line, edit.span.end_line + 1, 1, 1)
                at = Span(edit.span.path, last.end_line + 1, last.end_line + 1, 1, 1)
                return (
                    replace(edit, span=out, text="", how="replace"),
                    replace(edit, span=at, text="".join(moved), how="replace"),
                )
        return None

    def _escaped(self, edit: Edit) -> tuple[Edit, ...] | None:
        """What the page at the span is put together from, escaped part by part."""
        statement = self._statement(edit.span)
        inside = None if statement is None or hasattr(statement, "body") else parts_of_pages(statement)
        made: list[Edit] = []
        for node, pattern in inside or ():
            where = self._span(node, edit.span.path)
            if not edit.span.holds(where) or not self._says(where, node):
                return None
            text = pattern.format(self._lines[where.line - 1][where.column - 1 : where.end_column - 1])
            made.append(replace(edit, span=where, text=text, how="replace"))
        return tuple(made) if made else None

    def _bound(self, edit: Edit) -> tuple[Edit, ...] | None:
        """The statement that the call at the span runs, with placeholders and its values beside it."""
        scope: ast.AST | None = self._tree
        for node in _around(self._tree, edit.span):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                scope = node
            if scope is None or not isinstance(node, ast.Call) or self._span(node, edit.span.path) != edit.span:
                continue
            made = bound(scope, node, edit.text, self._source)
            places = [(self._span(one, edit.span.path), one, text) for one, text in made or ()]
            if not places or not all(self._is_there(place, one) for place, one, _ in places):
                return None
            return tuple(replace(edit, span=place, text=text, how="replace") for place, _, text in places)
        return None

    def _left_out(self, edit: Edit) -> tuple[Edit, ...] | None:
        """What the edit names at the span, or the span itself, is not there any more."""
        leaving, above = LeavingOut(self._lines), dict[int, ast.AST]()
        for node in _around(self._tree, edit.span):
            above.update((id(child), node) for child in ast.iter_child_nodes(node))
            if not isinstance(node, ast.expr) or self._span(node, edit.span.path) != edit.span:
                continue
            if not edit.text:
                cut = leaving.alternative(above[id(node)], node)
            elif isinstance(node, ast.JoinedStr):
                place, _, count = edit.text.partition("/")
                cut = leaving.part(node, int(place)) if str(len(node.values)) == count else None
            else:
                cut = leaving.member(node, edit.text)
            if cut is None:
                return None  # before Python 3.12 the format of a part stands where the whole text does
            (line, column), (last, end), text = cut
            return (replace(edit, span=Span(edit.span.path, line, last, column, end), text=text),)
        return None

    def _is_there(self, span: Span, node: ast.expr) -> bool:
        text = self._text(span)
        try:
            return ast.dump(ast.parse(f"({text})", mode="eval").body) == ast.dump(node)
        except SyntaxError:
            return False

    def _text(self, span: Span) -> str:
        lines = self._lines[span.line - 1 : span.end_line]
        last = lines[-1][: span.end_column - 1]
        return (
            last[span.column - 1 :] if len(lines) == 1 else "".join((lines[0][span.column - 1 :], *lines[1:-1], last))
        )

    def _source(self, node: ast.expr) -> str:
        """The expression as it is written, or as Python writes it: Python before 3.12 misplaces some that stand in an f-string."""
        where = self._span(node, "")
        return self._text(where) if self._says(where, node) else ast.unparse(node)

    def _statement(self, span: Span) -> ast.stmt | None:
        """The innermost statement around the span."""
        found: ast.stmt | None = None
        for node in _around(self._tree, span):
            if isinstance(node, ast.stmt) and self._span(node, span.path).holds(span):
                found = node
        return found

    def _span(self, node: ast.stmt | ast.expr, path: str) -> Span:
        last = node.end_lineno or node.lineno
        return Span(
            path,
            node.lineno,
            last,
            self._column(node.lineno, node.col_offset),
            self._column(last, node.end_col_offset or 0),
        )

    def _column(self, line: int, offset: int) -> int:
        """The tree counts bytes of UTF-8 from 0."""
        text = self._lines[line - 1]
        return (offset if text.isascii() else len(text.encode()[:offset].decode())) + 1

    def _taken(self, modules: Sequence[str]) -> bool:
        """That one of these names means something else somewhere in the file: ``from time import time``."""
        said = {name for name in modules if any(name in line for line in self._lines)}
        return bool(said) and not said.isdisjoint(_bound(self._tree))


def _is_disturbed(text: str, side: ast.expr) -> bool:
    """That *side* would say something else inside the comprehension of *text*: its name is that of what the loop gives, or it does something
    and would do it once for each."""
    names = {one.id for one in ast.walk(side) if isinstance(one, ast.Name)}
    loops = [one for one in ast.walk(ast.parse(text.format("a", "b"))) if isinstance(one, ast.comprehension)]
    given = {one.id for loop in loops for one in ast.walk(loop.target) if isinstance(one, ast.Name)}
    return bool(loops) and (not names.isdisjoint(given) or does(side))


def _run_together(made: Sequence[Edit]) -> bool:
    """That two of them want the same text: of two members side by side each would take the comma along."""
    places = sorted(
        ((one.span.line, one.span.column), (one.span.end_line, one.span.end_column))
        for one in made
        if one.how == "left-out"
    )
    return any(following[0] < one[1] for one, following in pairwise(places))


def _around(tree: ast.Module | None, span: Span) -> Iterator[ast.AST]:
    """The nodes that have the lines of the span, and what has no lines of its own inside them; outer ones first."""
    level: list[ast.AST] = [] if tree is None else [tree]
    while level:
        yield from level
        level = [child for node in level for child in ast.iter_child_nodes(node) if _may_hold(child, span)]


def _may_hold(node: ast.AST, span: Span) -> bool:
    if not isinstance(node, (ast.stmt, ast.expr)):
        return True
    first = node.lineno
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.decorator_list:
        first = min(first, node.decorator_list[0].lineno)
    return first <= span.line and span.end_line <= (node.end_lineno or first)


@lru_cache(maxsize=4)
def _bound(tree: ast.Module | None) -> frozenset[str]:
    """The names that the file gives to anything but the module of that name."""
    return frozenset(_bindings(tree))


def _bindings(tree: ast.Module | None) -> Iterator[str]:
    for node in ast.walk(tree or ast.Module([], [])):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.ImportFrom(names=names):
                yield from (one.asname or one.name for one in names)
            case ast.Import(names=names):
                yield from (one.asname for one in names if one.asname and one.asname != one.name)
            case _:
                continue
