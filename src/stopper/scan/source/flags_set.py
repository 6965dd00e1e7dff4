"""An ``if`` that sets a flag or says something and goes on. Where nobody asks the flag afterwards, the test has kept nothing away; where a later ``if``
does and leaves, the first one leaves by it: ``if bad: error = "…"`` with ``if error: return error, 400`` below."""

import ast
from collections.abc import Iterable, Iterator
from typing import Any, Final

from stopper.core.drafts import changed
from stopper.core.fact import Condition
from stopper.core.values import Name
from stopper.scan.source.blocks import Body
from stopper.scan.source.reader import Reader

_LOGS: Final = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
_SAYS: Final = frozenset({"flash", "print", "jsonify", "render_template", "render_template_string", "make_response", "Response", "dict", "str", "format"}) | _LOGS  # fmt: skip
"""What shows what it is given, and decides nothing by it."""
_ADDS: Final = frozenset({"append", "add"})


def only_tells(reader: Reader, node: ast.If) -> bool:
    """That the body sets flags or says something, that nothing else hangs on the test, and that nobody asks the flags."""
    flags = _flags(reader, node)
    if flags is None or reader.statements is None:
        return False
    if not flags:
        return True
    asked = {one.id for one in ast.walk(node.test) if type(one) is ast.Name}
    return (
        asked.isdisjoint(flags)
        and not any(_asks(reader, one, frozenset(flags)) for one in reader.statements)
        and _are_own(reader.statements, set(flags))
    )


def _are_own(statements: list[ast.stmt], flags: set[str]) -> bool:
    """That the function makes the flags itself: a list that it is handed, or one of the module, is asked elsewhere."""
    for one in (part for statement in statements for part in ast.walk(statement)):
        if type(one) in (ast.Global, ast.Nonlocal) and not flags.isdisjoint(getattr(one, "names", ())):
            return False
    made = (part for statement in statements for part in ast.walk(statement) if type(part) is ast.Name)
    return flags <= {one.id for one in made if type(one.ctx) is ast.Store}


def note_flags(reader: Reader, node: ast.If, condition: Condition) -> None:
    """Keep which flags the body of that condition sets, for the ``if`` that asks them."""
    for flag, is_set in (_flags(reader, node) or {}).items():
        reader.flags.setdefault(flag, []).append((condition, is_set))


def left_by_flag(reader: Reader, test: ast.expr, negated: bool, then: Body) -> None:
    """``if error: return error, 400``: what has set the flag leaves by it."""
    for name, wants in _asked_flags(test, negated) if then.stops and reader.flags else ():
        conditions = reader.project.conditions
        for known, is_set in reader.flags.pop(name, ()):
            if is_set is wants:
                for index in range(len(conditions) - 1, -1, -1):
                    if conditions[index] is known:
                        conditions[index] = changed(known, stops=True, refuses=then.refuses)
                        break


def _flags(reader: Reader, node: ast.If) -> dict[str, bool] | None:
    """The flags that a body sets, each with whether it is true then; none at all where it does anything else."""
    found: dict[str, bool] = {}
    for one in node.body:
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=said)):
                found[name] = bool(said)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.JoinedStr()):
                found[name] = True
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=word))) if word in _ADDS:
                found[name] = True
            case ast.Expr(value=ast.Call(func=func)) if _word(reader, func) in _SAYS or _ends_session(reader, func):
                pass
            case ast.Pass():
                pass
            case _:
                return None
    match node.orelse:
        case []:
            return found
        case [ast.If() as other] if (others := _flags(reader, other)) is not None:
            return found | others
        case _:
            return None


def _asked_flags(test: ast.expr, negated: bool) -> Iterator[tuple[str, bool]]:
    """The flags whose being set (or not) alone makes the test hold."""
    match test:
        case ast.Name(id=name):
            yield name, not negated
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=said)]) if (
            not said
        ):
            yield name, negated
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=said)]
        ) if not said:
            yield name, not negated
        case ast.BoolOp(op=ast.Or(), values=several) if not negated:
            for one in several:
                yield from (
                    _asked_flags(one.operand, True)
                    if type(one) is ast.UnaryOp and type(one.op) is ast.Not
                    else _asked_flags(one, False)
                )
        case _:
            return


def _ends_session(reader: Reader, func: ast.expr) -> bool:
    """``session.clear()``, ``logout_user()``: who was there is not any more, and the request goes on."""
    return _word(reader, func) == "logout_user" or (
        type(func) is ast.Attribute
        and func.attr in ("clear", "pop")
        and type(func.value) is ast.Name
        and _word(reader, func.value) == "session"
    )


def _word(reader: Reader, func: ast.expr) -> str:
    """The name of what is called, also where it was imported under another one."""
    if type(func) is ast.Attribute:
        return func.attr
    if type(func) is not ast.Name:
        return ""
    bound = reader.load(func.id)
    return bound.dotted.rpartition(".")[2] if type(bound) is Name else func.id


def _asks(reader: Reader, node: ast.AST, flags: frozenset[str]) -> bool:
    """That one of the flags is read anywhere but where it is shown."""
    if type(node) is ast.Name:
        return node.id in flags and type(node.ctx) is ast.Load
    test = getattr(node, "test", None)
    if test is not None and any(type(one) is ast.Name and one.id in flags for one in ast.walk(test)):
        return True  # ``if str(error):``
    return any(_asks(reader, child, flags) for child in _beside_shown(reader, node, flags))


def _beside_shown(reader: Reader, node: Any, flags: frozenset[str]) -> Iterable[ast.AST]:
    """The parts of a node without the flags that it shows."""

    def is_flag(one: ast.AST) -> bool:
        return type(one) is ast.Name and one.id in flags

    children = ast.iter_child_nodes(node)
    if type(node) in (ast.FormattedValue, ast.Dict):
        return (one for one in children if not is_flag(one))
    if type(node) is ast.Call and (word := _word(reader, node.func)) in _SAYS | _ADDS:
        given = (*node.args, *(one.value for one in node.keywords))
        held = node.func.value if word in _ADDS and type(node.func) is ast.Attribute else node.func
        return (one for one in (held, *given) if not is_flag(one))
    return children
