"""The same steps of a function, put in other words."""

import ast
from collections.abc import Callable, Iterator

from tests.rules.respelling.tree import (
    Replaced,
    Rewriting,
    bodies,
    bound_in,
    each_module,
    fresh,
    functions,
    holds,
    name,
    read_in,
    words,
)

ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def _store(word: str) -> ast.Name:
    return ast.Name(word, ast.Store())


def own_bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The lists of statements in functions, each once."""
    seen: set[int] = set()
    for function in functions(tree):
        for body in bodies(function):
            if id(body) not in seen and not any(
                isinstance(one, ast.ClassDef) and one.body is body for one in ast.walk(function)
            ):
                seen.add(id(body))
                yield body


def each_statement(make: Callable[[ast.stmt, set[str]], list[ast.stmt] | None]) -> Rewriting:
    """Each statement of a function, in place of which *make* gives others."""

    def change(tree: ast.Module) -> bool:
        taken = words(tree)
        changed = False
        for body in list(own_bodies(tree)):
            for number, one in reversed(list(enumerate(body))):
                made = make(one, taken)
                if made is not None:
                    body[number : number + 1] = made
                    changed = True
        return changed

    return each_module(change)


def _call_of(one: ast.stmt) -> ast.Call | None:
    """The outermost call of a plain statement."""
    value = getattr(one, "value", None) if isinstance(one, (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)) else None
    if isinstance(value, ast.Await):
        return None
    return value if isinstance(value, ast.Call) else None


def _hoisted(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """What is passed to a call gets a name before the call."""
    call = _call_of(one)
    if (
        call is None
        or holds(call, ast.NamedExpr, ast.Await, ast.Yield, ast.Starred)
        or any(passed.arg is None for passed in call.keywords)
    ):
        return None
    before: list[ast.stmt] = []
    for number, argument in enumerate(call.args):
        if not isinstance(argument, (ast.Name, ast.Lambda)):
            title = fresh("part", taken)
            before.append(ast.Assign([_store(title)], argument))
            call.args[number] = name(title)
    for passed in call.keywords:
        if not isinstance(passed.value, (ast.Name, ast.Lambda)):
            title = fresh("part", taken)
            before.append(ast.Assign([_store(title)], passed.value))
            passed.value = name(title)
    return [*before, one] if before else None


def _named_result(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    if not isinstance(one, ast.Return) or one.value is None or isinstance(one.value, (ast.Name, ast.Constant)):
        return None
    title = fresh("result", taken)
    return [ast.Assign([_store(title)], one.value), ast.Return(name(title))]


def _named_parts(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """The parts of what is returned get names: ``a = …; return a, 401``."""
    if not isinstance(one, ast.Return) or not isinstance(one.value, (ast.Tuple, ast.Dict)):
        return None
    before: list[ast.stmt] = []
    held = one.value.elts if isinstance(one.value, ast.Tuple) else one.value.values
    if isinstance(one.value, ast.Dict) and None in one.value.keys:
        return None
    for number, part in enumerate(held):
        if not isinstance(part, (ast.Name, ast.Constant, ast.Starred)) and not holds(part, ast.NamedExpr):
            title = fresh("part", taken)
            before.append(ast.Assign([_store(title)], part))
            held[number] = name(title)
    return [*before, one] if before else None


def _named_test(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    if not isinstance(one, ast.If) or isinstance(one.test, ast.Name) or holds(one.test, ast.NamedExpr):
        return None
    title = fresh("holds", taken)
    test, one.test = one.test, name(title)
    return [ast.Assign([_store(title)], test), one]


def _named_receiver(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """``request.headers.get("X")`` becomes ``source = request.headers; source.get("X")``."""
    value = getattr(one, "value", None) if isinstance(one, (ast.Assign, ast.Return, ast.Expr)) else None
    call = value if isinstance(value, ast.Call) else None
    if (
        call is None
        or not isinstance(call.func, ast.Attribute)
        or isinstance(call.func.value, (ast.Name, ast.Constant))
    ):
        return None
    if holds(call.func.value, ast.NamedExpr, ast.Await) or ast.unparse(call.func.value).startswith(("super(", "self.")):
        return None
    title = fresh("source", taken)
    before = ast.Assign([_store(title)], call.func.value)
    call.func.value = name(title)
    return [before, one]


def _with_known_keywords(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    call = _call_of(one)
    if (
        call is None
        or not call.keywords
        or any(passed.arg is None for passed in call.keywords)
        or holds(call, ast.NamedExpr, ast.Starred)
    ):
        return None
    title = fresh("given", taken)
    keys: list[ast.expr | None] = [ast.Constant(passed.arg) for passed in call.keywords]
    held = ast.Dict(keys, [passed.value for passed in call.keywords])
    call.keywords = [ast.keyword(None, name(title))]
    return [ast.Assign([_store(title)], held), one]


def _inlined(tree: ast.Module) -> bool:
    """A name that is given once and read once, in the next statement, is gone."""
    changed = False
    for function in functions(tree):
        counted: dict[str, int] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Name):
                counted[node.id] = counted.get(node.id, 0) + 1
        shared = {
            word for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)) for word in node.names
        }
        for body in bodies(function):
            number = 0
            while number + 1 < len(body):
                if _inline(body, number, counted, shared):
                    changed = True
                else:
                    number += 1
    return changed


def _inline(body: list[ast.stmt], number: int, counted: dict[str, int], shared: set[str]) -> bool:
    one, following = body[number], body[number + 1]
    if not isinstance(one, ast.Assign) or len(one.targets) != 1 or not isinstance(one.targets[0], ast.Name):
        return False
    word = one.targets[0].id
    if counted.get(word) != 2 or word in shared or isinstance(one.value, (ast.Await, ast.Yield, ast.Lambda)):
        return False
    if isinstance(following, (ast.Assign, ast.Return, ast.Expr)) and following.value is not None:
        place: ast.AST = following.value
    elif isinstance(following, ast.If):
        place = following.test
    else:
        return False
    if word not in read_in([place]) or holds(place, ast.Lambda, ast.comprehension, ast.JoinedStr, ast.IfExp):
        return False
    Replaced({word: ast.unparse(one.value)}).visit(following)
    del body[number]
    return True


def _given_in_test(tree: ast.Module) -> bool:
    """``x = f()`` and ``if x …`` become ``if (x := f()) …``."""
    changed = False
    for body in list(own_bodies(tree)):
        for number in reversed(range(len(body) - 1)):
            one, following = body[number], body[number + 1]
            if not isinstance(one, ast.Assign) or len(one.targets) != 1 or not isinstance(one.targets[0], ast.Name):
                continue
            if not isinstance(following, ast.If) or isinstance(one.value, (ast.Await, ast.Yield)):
                continue
            first = next((node for node in _in_order(following.test) if isinstance(node, ast.Name)), None)
            if first is None or first.id != one.targets[0].id or holds(following.test, ast.Lambda, ast.comprehension):
                continue
            following.test = _FirstRead(first, one.value).visit(following.test)
            del body[number]
            changed = True
    return changed


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


class _FirstRead(ast.NodeTransformer):
    def __init__(self, wanted: ast.Name, value: ast.expr) -> None:
        self._wanted, self._value = wanted, value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.NamedExpr(_store(node.id), self._value) if node is self._wanted else node


def _rest_in_else(tree: ast.Module) -> bool:
    """What follows a ``try`` whose handlers all end stands in its ``else``."""
    changed = False
    for body in list(own_bodies(tree)):
        for number, one in reversed(list(enumerate(body))):
            if (
                isinstance(one, ast.Try)
                and not one.orelse
                and one.handlers
                and number + 1 < len(body)
                and all(isinstance(handler.body[-1], ENDS) for handler in one.handlers)
                and not holds(ast.Module(one.body, []), *ENDS)
                and not one.finalbody
            ):
                one.orelse, body[number + 1 :] = body[number + 1 :], []
                changed = True
    return changed


def _within_with(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """``try: … except E: pass`` becomes ``with suppress(E): …``."""
    if (
        isinstance(one, ast.Try)
        and len(one.handlers) == 1
        and not one.orelse
        and not one.finalbody
        and one.handlers[0].type is not None
        and len(one.handlers[0].body) == 1
        and isinstance(one.handlers[0].body[0], ast.Pass)
    ):
        caught = one.handlers[0].type
        given = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        brought = ast.ImportFrom("contextlib", [ast.alias("suppress")], 0)
        return [brought, ast.With([ast.withitem(ast.Call(name("suppress"), list(given), []), None)], one.body)]
    return None


def _as_loop(one: ast.stmt, taken: set[str]) -> list[ast.stmt] | None:
    """A list made by a comprehension is grown by a loop."""
    call: ast.AST | None = getattr(one, "value", None) if isinstance(one, (ast.Return, ast.Assign)) else None
    if not isinstance(call, (ast.ListComp, ast.Call)):
        return None
    made = (
        call
        if isinstance(call, ast.ListComp)
        else next((arg for arg in call.args if isinstance(arg, ast.ListComp)), None)
    )
    if (
        made is None
        or len(made.generators) != 1
        or made.generators[0].is_async
        or holds(made, ast.NamedExpr, ast.Lambda)
    ):
        return None
    (source,) = made.generators
    title = fresh("rows", taken)
    # The loop's own names would stay behind it, so they are new ones.
    other = {word: fresh(f"each_{word}", taken) for word in sorted(bound_in([source.target]))}
    for part in (made.elt, source.target, *source.ifs):
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and node.id in other:
                node.id = other[node.id]
    grow: ast.stmt = ast.Expr(ast.Call(ast.Attribute(name(title), "append", ast.Load()), [made.elt], []))
    for test in reversed(source.ifs):
        grow = ast.If(test, [grow], [])
    loop = ast.For(source.target, source.iter, [grow], [])
    if isinstance(call, ast.Call):
        call.args = [name(title) if arg is made else arg for arg in call.args]
    else:
        assert isinstance(one, (ast.Return, ast.Assign))
        one.value = name(title)
    return [ast.Assign([_store(title)], ast.List([], ast.Load())), loop, one]


hoisted_arguments = each_statement(_hoisted)
named_result = each_statement(_named_result)
named_parts = each_statement(_named_parts)
named_test = each_statement(_named_test)
named_receiver = each_statement(_named_receiver)
keywords_in_a_dict = each_statement(_with_known_keywords)
inlined = each_module(_inlined)
given_in_test = each_module(_given_in_test)
rest_in_else = each_module(_rest_in_else)
suppressed = each_statement(_within_with)
loop_for_comprehension = each_statement(_as_loop)
