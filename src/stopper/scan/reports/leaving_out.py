"""What an edit leaves out: one way of an ``or``, a member of a mapping, a part of a formatted text."""

import ast
from collections.abc import Sequence
from typing import Final, TypeAlias

Place: TypeAlias = tuple[int, int]
"""Line and column of the text, counted from 1."""
Cut: TypeAlias = tuple[Place, Place, str]
"""From where to where, and what stands there then."""

MASKED: Final = "***"
_BRACKETS: Final = ("()", "[]", "{}")


def does(node: ast.AST) -> bool:
    """That what stands there gives a value a name, or waits: without it, or more than once, something else would be another."""
    return any(isinstance(one, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for one in ast.walk(node))


class LeavingOut:
    """Finds what to cut in one file of these lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines

    def alternative(self, around: ast.AST, node: ast.expr) -> Cut | None:
        """*node* out of the ``or`` or the look-up's default that *around* is: ``headers.get(a) or args.get(b)``, ``headers.get(a, args.get(b))``.
        What a look-up would give for nothing stands in its place."""
        if does(node):
            return None
        match around, node:
            case ast.BoolOp(op=ast.Or(), values=values), ast.Call(func=ast.Attribute(attr="get"), args=[_, default]):
                return self._begin(node), self._end(node), ast.unparse(default)  # it is never None, and stays so
            case ast.BoolOp(op=ast.Or(), values=values), _:
                return self._one_of(values, node)
            case ast.Call(func=ast.Attribute(attr="get"), args=[_, default]), _ if default is node:
                return self._one_of(around.args, node)
            case _:
                return None

    def member(self, node: ast.AST, name: str) -> Cut | None:
        """The one member of that name out of a display or of what a call is passed by keyword."""
        match node:
            case ast.Dict(keys=keys, values=values):
                named = [one.value if isinstance(one, ast.Constant) else None for one in keys]
                begins = [None if one is None else self._begin(one) for one in keys]
            case ast.Call(args=args, keywords=keywords):
                passed: list[ast.expr | ast.keyword] = sorted([*args, *keywords], key=self._begin)  # ``f(a=1, *more)``
                named = [one.arg if isinstance(one, ast.keyword) else None for one in passed]
                begins = [
                    None if isinstance(one, ast.keyword) and one.arg is None else self._begin(one) for one in passed
                ]
                values = [one.value if isinstance(one, ast.keyword) else one for one in passed]
            case _:
                return None
        if named.count(name) != 1 or does(values[named.index(name)]):
            return None
        place, ends = named.index(name), [self._end(one) for one in values]
        if place:
            return self._cut(ends[place - 1], ends[place])
        begin, after = begins[0], begins[1] if len(begins) > 1 else self._behind_comma(ends[0])
        return None if begin is None or after is None else self._cut(begin, after)

    def part(self, node: ast.JoinedStr, place: int) -> Cut | None:
        """A part of a formatted text, with its braces: three stars stand there."""
        part = node.values[place] if place < len(node.values) else None
        if not isinstance(part, ast.FormattedValue) or does(part):
            return None
        (line, begin), (last, end) = self._begin(part.value), self._end(part.value)
        text = self._lines[line - 1]
        first = text.rfind("{", 0, begin - 1)
        closing = self._lines[last - 1].find("}", end - 1)
        if line != last or first < 0 or text[first + 1 : begin - 1].strip(" (") or closing < 0:
            return None
        if "{" in text[end - 1 : closing]:
            return None
        try:
            said = ast.parse(f"({text[begin - 1 : end - 1]})", mode="eval").body
        except SyntaxError:
            return None
        if ast.dump(said) != ast.dump(part.value):
            return None  # Python before 3.12 misplaces some of them
        return (line, first + 1), (line, closing + 2), MASKED

    def _behind_comma(self, end: Place) -> Place:
        rest = self._lines[end[0] - 1][end[1] - 1 :]
        return (end[0], end[1] + rest.index(",") + 1) if rest.lstrip().startswith(",") else end

    def _one_of(self, values: list[ast.expr], node: ast.expr) -> Cut | None:
        place = values.index(node)
        if place:
            return self._cut(self._end(values[place - 1]), self._end(node))
        return self._cut(self._begin(node), self._begin(values[1])) if len(values) > 1 else None

    def _cut(self, begin: Place, end: Place) -> Cut | None:
        """Nothing in place of what stands there, unless a bracket would lose its other half."""
        lines = list(self._lines[begin[0] - 1 : end[0]])
        lines[-1] = lines[-1][: end[1] - 1]
        text = "".join([lines[0][begin[1] - 1 :], *lines[1:]])
        return None if any(text.count(one) != text.count(other) for one, other in _BRACKETS) else (begin, end, "")

    def _begin(self, node: ast.expr | ast.keyword) -> Place:
        return node.lineno, self._column(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> Place:
        last = node.end_lineno or node.lineno
        return last, self._column(last, node.end_col_offset or 0)

    def _column(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        return (offset if text.isascii() else len(text.encode()[:offset].decode())) + 1
