"""Blocks that may or may not run: each is read on its own names, then the names are merged."""

import ast
from typing import Any, Literal

from stopper.core.fact import (
    Handler,
)
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Caught,
    Mapping,
    Name,
    Sequence,
    Value,
    is_constant,
)
from stopper.scan.source.blocks import Body, block
from stopper.scan.source.cursors import statement_before
from stopper.scan.source.drafts import (
    new_condition,
    new_span,
)
from stopper.scan.source.elements import element_in
from stopper.scan.source.expressions import bind_target, test_aside
from stopper.scan.source.flags_set import left_by_flag, note_flags, only_tells
from stopper.scan.source.project import Scope
from stopper.scan.source.reader import Reader, canonical, either, set_scope
from stopper.scan.source.settled import outcome
from stopper.scan.source.unrolling import rows_of_settings


def around(reader: Reader, statements: list[ast.stmt]) -> Span:
    """From the first statement to the last."""
    first, last = reader.span(statements[0]), reader.span(statements[-1])
    return new_span(first.path, first.line, last.end_line, first.column, last.end_column)


def read_if(reader: Reader, node: ast.If) -> Body:
    test, negated = node.test, False
    while type(test) is ast.UnaryOp and type(test.op) is ast.Not:
        test, negated = test.operand, not negated
    value = reader.value(test)
    settled = outcome(reader, node.test)
    before = dict(reader.scope)
    outer = reader.under
    reader.under = (*outer, (value, negated))
    then = block(reader, node.body)
    reader.under = (*outer, (value, not negated))
    skips, tells = type(node.body[0]) is ast.Continue, not then.stops and only_tells(reader, node)
    place, body = reader.span(test), around(reader, node.body)
    condition = new_condition(value, negated, then.stops, then.refuses, place, reader.function, body, skips, tells)
    reader.project.conditions.append(condition)
    left_by_flag(reader, test, negated, then)
    if not then.stops and not tells:
        note_flags(reader, node, condition)
    after = dict(reader.scope) if reader.scope is reader.module.bindings else reader.scope
    set_scope(reader, before)
    otherwise = block(reader, node.orelse) if node.orelse else Body()
    if node.orelse and type(node.orelse[0]) is not ast.If:
        reader.project.conditions.append(
            new_condition(
                value, not negated, otherwise.stops, otherwise.refuses, reader.span(test), reader.function,
                around(reader, node.orelse), type(node.orelse[0]) is ast.Continue,
            )
        )  # fmt: skip
    reader.under = outer
    _merge(reader, after, then.stops or settled is False, otherwise.stops or settled is True)
    looked_into = _looked_into(test)
    if (
        looked_into
        and not negated
        and not node.orelse
        and not then.stops
        and type(after.get(looked_into)) is Mapping
        and _is_about_that_key(test, looked_into, node.body)
    ):  # where the test fails, there is nothing to take out or write over
        reader.scope[looked_into] = after[looked_into]
    return Body(then.stops and otherwise.stops, then.refuses and otherwise.refuses)


def _looked_into(test: ast.expr) -> str:
    """The name of what a key is looked for in: ``held`` of ``key in held``."""
    if type(test) is ast.Compare and type(test.ops[0]) is ast.In and type(test.comparators[0]) is ast.Name:
        return test.comparators[0].id
    return ""


def _is_about_that_key(test: Any, name: str, body: list[ast.stmt]) -> bool:
    """That the body changes the mapping of that name under the key that was looked for, and nowhere else."""
    key = ast.dump(test.left)
    for one in (inner for statement in body for inner in ast.walk(statement)):
        match one:
            case ast.Name(id=bound, ctx=ast.Store() | ast.Del()) if bound == name:
                return False
            case ast.Subscript(value=ast.Name(id=held), slice=said, ctx=ast.Store() | ast.Del()) if held == name:
                if ast.dump(said) != key:
                    return False
            case ast.Call(func=ast.Attribute(value=ast.Name(id=held), attr=word), args=given) if held == name:
                if word in ("update", "clear", "popitem", "setdefault"):
                    return False
                if word == "pop" and (not given or ast.dump(given[0]) != key):
                    return False
            case _:
                pass
    return True


def _merge(reader: Reader, other: Scope, other_stops: bool, own_stops: bool) -> None:
    if other_stops:
        return
    own = reader.scope
    if own_stops:
        set_scope(reader, other)
        return
    if other is own:
        return
    for name, value in other.items():
        held = own.get(name)
        if held is None:
            own[name] = value
        elif held is not value:
            own[name] = either(value, held)


def snapshot(reader: Reader) -> Scope:
    """The names as they stand."""
    return dict(reader.scope)


def read_for(reader: Reader, node: ast.For | ast.AsyncFor) -> None:
    over = statement_before(reader, node.iter, reader.value(node.iter))
    before = snapshot(reader)
    if (rows := rows_of_settings(reader.project, node, over, lambda: element_in(reader, over))) is not None:
        reader.unrolled = True
        for row in rows:
            bind_target(reader, node.target, row)
            block(reader, node.body)
        reader.unrolled = False
        return
    bind_target(reader, node.target, element_in(reader, over))
    _read_turns(reader, node.body)
    if type(over) is not Sequence or over.open or not over.items or _is_cut_short(node.body):
        _merge(reader, before, False, False)
    block(reader, node.orelse)


def _read_turns(reader: Reader, body: list[ast.stmt]) -> None:
    """The turns of a loop: what names stand for after it is what they do at its last line or where it is left."""
    reader.loops.append([])
    block(reader, body)
    for left in reader.loops.pop():
        _merge(reader, left, False, False)


def _is_cut_short(body: list[ast.stmt]) -> bool:
    """That a turn of the loop may end before its last line, so that what it binds there may never be bound."""
    return any(type(one) in (ast.Break, ast.Continue) for statement in body for one in ast.walk(statement))


def read_while(reader: Reader, node: ast.While) -> None:
    test_aside(reader, node.test)
    before = snapshot(reader)
    _read_turns(reader, node.body)
    _merge(reader, before, False, False)
    block(reader, node.orelse)


def read_with(reader: Reader, node: ast.With | ast.AsyncWith) -> Body:
    entered: list[tuple[Value, ast.expr]] = []
    for entry in node.items:
        value = reader.value(entry.context_expr)
        entered.append((value, entry.context_expr))
        if entry.optional_vars is not None:
            bind_target(reader, entry.optional_vars, value)
    first_call, before = len(reader.calls), snapshot(reader)
    body = block(reader, node.body)
    for value, place in entered:
        if type(value) is Call and (swallowed := _swallowed(reader, value)) is not None:
            _merge(reader, before, False, body.stops)  # it may have been left before its end
            catches, action = swallowed
            tried = tuple(dict.fromkeys(reader.calls[first_call:]))
            handler = Handler(catches, "", action, tried, reader.span(place), reader.function)
            reader.project.handlers.append(handler)
            return Body(False, False)
    return body


def _swallowed(reader: Reader, entered: Call) -> tuple[tuple[str, ...], Literal["pass", "go-on"]] | None:
    """Which errors end at a ``with``: those of ``suppress``, of a generator of the project that lets them go, all where ``__exit__`` is true."""
    project = reader.project
    if entered.callee == "contextlib.suppress":
        return tuple(canonical(one.dotted) if type(one) is Name else "?" for one in entered.args), "pass"
    function = project.functions.get(entered.callee)
    if function is not None and any(one.name.rpartition(".")[2] == "contextmanager" for one in function.decorators):
        ended = [one for one in project.handlers if one.function == entered.callee and one.action in ("pass", "go-on")]
        return (ended[0].catches, "go-on") if ended else None
    if entered.callee in project.classes:
        given = project.returned.get(f"{entered.callee}.__exit__", [])
        if given and all(is_constant(one, True) for one in given):
            return ("*",), "pass"
    return None


def read_try(reader: Reader, node: Any) -> Body:
    before = snapshot(reader)
    first_call = len(reader.calls)
    tried_body = block(reader, node.body)
    tried = tuple(dict.fromkeys(reader.calls[first_call:]))
    orelse = block(reader, node.orelse)
    stops = tried_body.stops or orelse.stops
    kept = snapshot(reader)
    all_stop = stops
    for handler in node.handlers:
        # An exception may come before or after any assignment of the body.
        merged = dict(before)
        for name, value in kept.items():
            held = merged.get(name)
            merged[name] = value if held is None else value if held is value else either(held, value)
        set_scope(reader, merged)
        body = _handler(reader, handler, tried)
        all_stop = all_stop and body.stops
        if not body.stops:
            kept = reader.scope if stops else joined(kept, reader.scope)
            stops = False
    set_scope(reader, kept)
    final = block(reader, node.finalbody)
    if final.stops and type(node.finalbody[-1]) is ast.Return:  # it ends whatever error there was
        last = reader.span(node.finalbody[-1])
        reader.project.handlers.append(Handler(("*",), "", "return", tried, last, reader.function))
    return Body(all_stop or final.stops, False)


def joined(one: Scope, other: Scope) -> Scope:
    """What names may stand for after one of two ways."""
    made = dict(one)
    for name, value in other.items():
        held = made.get(name)
        made[name] = value if held is None or held is value else either(held, value)
    return made


def _handler(reader: Reader, node: ast.ExceptHandler, tried: tuple[str, ...]) -> Body:
    catches = _catches(reader, node.type)
    span = reader.span(node)
    if node.name:
        reader.scope[node.name] = Caught(catches, span)
    body = block(reader, node.body)
    action: Any = "go-on"
    if body.stops:
        action = "refuse" if body.refuses else "return"
        if any(type(one) is ast.Raise for one in node.body):
            action = "raise"
    elif all(type(one) in (ast.Pass, ast.Continue, ast.Break) or _is_docstring(one) for one in node.body):
        action = "pass"
    reader.project.handlers.append(Handler(catches, node.name or "", action, tried, span, reader.function))
    return body


def _is_docstring(node: ast.stmt) -> bool:
    return type(node) is ast.Expr and type(node.value) is ast.Constant


def _catches(reader: Reader, node: ast.expr | None) -> tuple[str, ...]:
    if node is None:
        return ("*",)
    value = reader.value(node)
    found = value.items if type(value) is Sequence else (value,)
    return tuple(canonical(one.dotted) if type(one) is Name else "?" for one in found)
