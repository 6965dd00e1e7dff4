"""The parts of a page that are put into its text, for an edit that escapes them."""

import ast
import re
from collections.abc import Iterator
from typing import Final

_TAG: Final = re.compile(r"<\s*[/!a-zA-Z]")
_ODD_PERCENT: Final = re.compile(r"%(?![s%])")
_ODD_BRACES: Final = re.compile(r"\{[^{}]*[^{}\w][^{}]*\}|\{\{|\}\}")


def parts_of_pages(tree: ast.AST) -> tuple[tuple[ast.expr, str], ...] | None:
    """The expressions put into texts with tags in them, each with the text that takes its place (``{}`` is the expression).

    None where one of the texts is put together in a way that an escaped part would change: ``%d``, ``{:>10}``, ``{x!r}``.
    """
    found: list[tuple[ast.expr, str]] = []
    for node in _outermost(tree):
        inside = _parts(node)
        if inside is None:
            return None
        pattern = "str(markupsafe.escape({}))" if _is_sum(node) else "markupsafe.escape({})"
        found += [(one, pattern) for one in inside if not isinstance(one, ast.Constant) and not _escapes(one)]
    return tuple(found)


def _outermost(tree: ast.AST) -> Iterator[ast.expr]:
    """The formatted texts with tags that stand in no other one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr) and _is_formatted(node) and _TAG.search(_literal(node)):
            yield node
        else:
            yield from _outermost(node)


def _is_formatted(node: ast.expr) -> bool:
    match node:
        case ast.JoinedStr() | ast.BinOp(op=ast.Add()) | ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
            return True
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str()))):
            return True
        case _:
            return False


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def _literal(node: ast.expr) -> str:
    match node:
        case ast.JoinedStr(values=values):
            return "\0".join(_literal(one) for one in values)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return f"{_literal(left)}\0{_literal(right)}"
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(text))) | ast.Constant(value=str(text)):
            return text
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text)))):
            return text
        case _:
            return ""


def _parts(node: ast.expr) -> tuple[ast.expr, ...] | None:
    match node:
        case ast.JoinedStr(values=values):
            held = [one for one in values if isinstance(one, ast.FormattedValue)]
            plain = all(one.conversion == -1 and one.format_spec is None for one in held)
            return tuple(one.value for one in held) if plain else None
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            first, last = _parts(left) if _is_sum(left) else (left,), _parts(right) if _is_sum(right) else (right,)
            return None if first is None or last is None or any(map(_is_nested, (*first, *last))) else (*first, *last)
        case ast.BinOp(right=right):
            odd = _ODD_PERCENT.search(_literal(node)) or isinstance(right, ast.Dict)
            return None if odd else tuple(right.elts) if isinstance(right, ast.Tuple) else (right,)
        case ast.Call(args=args, keywords=keywords):
            given = (*args, *(one.value for one in keywords))
            odd = _ODD_BRACES.search(_literal(node)) or any(isinstance(one, ast.Starred) for one in args)
            return None if odd or any(one.arg is None for one in keywords) else given
        case _:
            return None


def _is_nested(node: ast.expr) -> bool:
    """A text with tags of its own inside a sum: to escape it would show its tags."""
    return bool(_TAG.search(_literal(node))) and not isinstance(node, ast.Constant)


def _escapes(node: ast.expr) -> bool:
    """``escape(x)``, ``str(escape(x))``, ``html.escape(x)``, ``Markup(…)``."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
    return name in ("escape", "Markup") or (name == "str" and any(map(_escapes, node.args)))
