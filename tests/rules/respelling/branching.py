"""The same tests, asked in another order or shape."""

import ast
from collections.abc import Callable

from tests.rules.respelling.statements import ENDS, each_statement, own_bodies
from tests.rules.respelling.tree import Rewriting, each_module, holds


class _Swapped(ast.NodeTransformer):
    changed = False

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            node.left, node.comparators = node.comparators[0], [node.left]
            self.changed = True
        return node


def _swapped(tree: ast.Module) -> bool:
    turn = _Swapped()
    turn.visit(tree)
    return turn.changed


def _opposite(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    pairs: list[tuple[type[ast.cmpop], type[ast.cmpop]]] = [
        (ast.Eq, ast.NotEq), (ast.NotEq, ast.Eq), (ast.Is, ast.IsNot), (ast.IsNot, ast.Is), (ast.In, ast.NotIn), (ast.NotIn, ast.In),
    ]  # fmt: skip
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        for one, other in pairs:
            if isinstance(test.ops[0], one):
                return ast.Compare(test.left, [other()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)


def _by_de_morgan(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.BoolOp):
        return ast.BoolOp(
            ast.And() if isinstance(test.op, ast.Or) else ast.Or(), [_by_de_morgan(one) for one in test.values]
        )
    return _opposite(test)


def _turned(change: Callable[[list[ast.stmt], int, ast.If], bool]) -> Rewriting:
    def whole(tree: ast.Module) -> bool:
        changed = False
        for body in list(own_bodies(tree)):
            for number, one in reversed(list(enumerate(body))):
                if isinstance(one, ast.If) and change(body, number, one):
                    changed = True
        return changed

    return each_module(whole)


def _with_else(body: list[ast.stmt], number: int, one: ast.If) -> bool:
    """``if not a: return …`` and the rest become ``if a: the rest, else: return …``."""
    if one.orelse or not isinstance(one.body[-1], ENDS) or number + 1 >= len(body) or holds(one.test, ast.NamedExpr):
        return False
    rest, body[number + 1 :] = body[number + 1 :], []
    one.test, one.body, one.orelse = _by_de_morgan(one.test), rest, one.body
    return True


def _else_after_end(body: list[ast.stmt], number: int, one: ast.If) -> bool:
    """The rest stands in an ``else`` that nobody needed."""
    if one.orelse or not isinstance(one.body[-1], ENDS) or number + 1 >= len(body):
        return False
    one.orelse, body[number + 1 :] = body[number + 1 :], []
    return True


def _without_else(body: list[ast.stmt], number: int, one: ast.If) -> bool:
    if not one.orelse or not isinstance(one.body[-1], ENDS):
        return False
    body[number + 1 : number + 1] = one.orelse
    one.orelse = []
    return True


def _split_or(body: list[ast.stmt], number: int, one: ast.If) -> bool:
    """``if a or b: return …`` becomes two of them; ``if a and b:`` one in the other."""
    if one.orelse or not isinstance(one.test, ast.BoolOp) or holds(one.test, ast.NamedExpr):
        return False
    first, rest = one.test.values[0], one.test.values[1:]
    other = rest[0] if len(rest) == 1 else ast.BoolOp(one.test.op, rest)
    if isinstance(one.test.op, ast.And):
        one.test, one.body = first, [ast.If(other, one.body, [])]
        return True
    if isinstance(one.body[-1], ENDS) and len(one.body) == 1:
        one.test = first
        again = ast.parse(ast.unparse(ast.fix_missing_locations(ast.Module(one.body, [])))).body
        body.insert(number + 1, ast.If(other, again, []))
        return True
    return False


def _one_expression(body: list[ast.stmt], number: int, one: ast.If) -> bool:
    """``if c: x = a`` / ``else: x = b`` becomes ``x = a if c else b``; ``if c: return a`` and ``return b`` the same."""
    if len(one.body) != 1 or holds(one.test, ast.NamedExpr):
        return False
    first = one.body[0]
    second = one.orelse[0] if len(one.orelse) == 1 else None
    if second is None and not one.orelse and number + 1 < len(body) and isinstance(first, ast.Return):
        second = body[number + 1]
    if (
        isinstance(first, ast.Return)
        and isinstance(second, ast.Return)
        and first.value is not None
        and second.value is not None
    ):
        body[number : number + (1 if one.orelse else 2)] = [ast.Return(ast.IfExp(one.test, first.value, second.value))]
        return True
    if (
        isinstance(first, ast.Assign)
        and isinstance(second, ast.Assign)
        and one.orelse
        and ast.dump(first.targets[0]) == ast.dump(second.targets[0])
        and len(first.targets) == len(second.targets) == 1
    ):
        body[number] = ast.Assign(first.targets, ast.IfExp(one.test, first.value, second.value))
        return True
    return False


def _branches(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """The way back: a conditional expression as a value becomes branches."""
    value = one.value if isinstance(one, (ast.Assign, ast.Return)) else None
    if not isinstance(value, ast.IfExp):
        return None
    if isinstance(one, ast.Return):
        return [ast.If(value.test, [ast.Return(value.body)], [ast.Return(value.orelse)])]
    assert isinstance(one, ast.Assign)
    return [ast.If(value.test, [ast.Assign(one.targets, value.body)], [ast.Assign(one.targets, value.orelse)])]


swapped_comparison = each_module(_swapped)
turned_if = _turned(_with_else)
else_after_end = _turned(_else_after_end)
without_else = _turned(_without_else)
split_test = _turned(_split_or)
conditional_expression = _turned(_one_expression)
branches = each_statement(_branches)
