"""Tables that code fills by a call and reads by another: ``container.register("notes", make_notes)`` and ``container.resolve("notes")``,
``@handler("create")`` and ``run("create", order)``."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.values import Call, Constant, Mapping, Name, Unknown, Value, text_of
from stopper.scan.source.drafts import new_call, new_mapping, new_name
from stopper.scan.source.project import FunctionNode, Module, Project, Register
from stopper.scan.source.reader import Reader
from stopper.scan.source.removing import MOST_ITEMS, latest
from stopper.scan.source.straight import result_of

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class _Spot:
    """``table[key]`` in a function that is given the key."""

    table: str
    of_object: bool
    key: str


def note_register(project: Project, node: FunctionNode, qualified: str, owner: str, module: Module) -> None:
    """Remember a function that puts what it is given into a table, or takes it out of one, under a name that it is given."""
    given = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    if owner and given:
        own, given = given[0], given[1:]
    else:
        own = ""
    found = _filled(node, own, given) or _taken(node, own, given)
    if found is not None:
        spot, value, kind = found
        if spot.of_object or spot.table in module.bindings:
            project.registers[qualified] = Register(
                spot.table, owner if spot.of_object else "", module, tuple(given), spot.key, value, kind
            )


def _filled(node: FunctionNode, own: str, given: list[str]) -> "tuple[_Spot, str, str] | None":
    for one in node.body:
        if type(one) is ast.Assign and len(one.targets) == 1 and type(one.value) is ast.Name and one.value.id in given:
            spot = _spot(one.targets[0], own, given)
            if spot is not None:
                return spot, one.value.id, "fills"
        if isinstance(one, _DEFINITIONS) and _gives_back(one):  # what a decorator with a name gives back
            for inner in one.body:
                target = inner.targets[0] if isinstance(inner, ast.Assign) and len(inner.targets) == 1 else None
                spot = _spot(target, own, given) if target is not None else None
                held = inner.value if isinstance(inner, ast.Assign) else None
                if spot is not None and isinstance(held, ast.Name) and held.id == one.args.args[0].arg:
                    return spot, "", "decorates"
    return None


def _gives_back(node: FunctionNode) -> bool:
    """That a decorator gives back what it is given."""
    last = node.body[-1].value if isinstance(node.body[-1], ast.Return) else None
    return bool(node.args.args) and type(last) is ast.Name and last.id == node.args.args[0].arg


def _taken(node: FunctionNode, own: str, given: list[str]) -> "tuple[_Spot, str, str] | None":
    """``return table[key]``, ``return table[key](…)``, also by a name of its own and below a look whether it is there."""
    body = [one for one in node.body if not _is_check(one)]
    last = body[-1].value if body and isinstance(body[-1], ast.Return) else None
    called = last if type(last) is ast.Call and not _is_get(last) else None
    asked = called.func if called is not None else last
    if len(body) == 2 and isinstance(body[0], ast.Assign) and type(asked) is ast.Name:
        target = body[0].targets[0]
        asked = body[0].value if type(target) is ast.Name and target.id == asked.id else None
    elif len(body) != 1:
        return None
    if type(asked) is ast.Call and _is_get(asked):
        asked = ast.Subscript(asked.func.value, asked.args[0]) if type(asked.func) is ast.Attribute else None
    spot = _spot(asked, own, given) if asked is not None else None
    if spot is None:
        return None
    if called is None:
        return spot, "", "gives"
    passes = any(type(one) is ast.Starred for one in called.args)
    return (spot, "", "runs") if passes or not (called.args or called.keywords) else None


def _is_check(one: ast.stmt) -> bool:
    plain = type(one) is ast.Expr and type(one.value) is ast.Constant
    return plain or (type(one) is ast.If and not one.orelse and all(type(inner) is ast.Raise for inner in one.body))


def _is_get(call: ast.Call) -> bool:
    return type(call.func) is ast.Attribute and call.func.attr == "get" and bool(call.args)


def _spot(node: ast.expr, own: str, given: list[str]) -> _Spot | None:
    if type(node) is not ast.Subscript or type(node.slice) is not ast.Name or node.slice.id not in given:
        return None
    table = node.value
    if type(table) is ast.Attribute and type(table.value) is ast.Name and own and table.value.id == own:
        return _Spot(table.attr, True, node.slice.id)
    return _Spot(table.id, False, node.slice.id) if type(table) is ast.Name and table.id not in given else None


def put_by_call(reader: Reader, call: Call) -> None:
    """What a call puts into a table stands there from now on."""
    found = reader.project.registers.get(call.callee)
    if found is None or found.kind != "fills" or call.open:
        return
    key, value = _passed(found, call, found.key), _passed(found, call, found.value)
    if text_of(key) is not None and key is not None and value is not None:
        _put(reader, found, key, value)


def put_by_decorator(reader: Reader, name: str, call: Call | None, target: str) -> None:
    """What is decorated stands in the table of the decorator, under the name that the decorator is given."""
    found = reader.project.registers.get(name)
    key = _passed(found, call, found.key) if found is not None and call is not None else None
    if found is not None and found.kind == "decorates" and key is not None and text_of(key) is not None:
        _put(reader, found, key, new_name(target))


def _passed(found: Register, call: Call, name: str) -> Value | None:
    return call.argument(found.parameters.index(name), name) if name in found.parameters else None


def _table(reader: Reader, found: Register) -> Value | None:
    if not found.owner:
        return found.module.bindings.get(found.table)
    reader.results(f"{found.owner}.__init__")
    return reader.project.attribute(found.owner, found.table)


def _put(reader: Reader, found: Register, key: Value, value: Value) -> None:
    held = _table(reader, found)
    if type(held) is not Mapping or len(held.items) >= MOST_ITEMS:
        return
    grown = new_mapping(latest((*held.items, (key, value))), held.open, held.span, held.name)
    if found.owner:
        for owner in _homes(reader.project, found.owner, found.table):
            reader.project.classes[owner].attributes[found.table] = grown
    else:
        found.module.bindings[found.table] = grown


def _homes(project: Project, owner: str, table: str) -> Iterator[str]:
    state = project.classes.get(owner)
    if state is None:
        return
    if table in state.attributes:
        yield owner
        return
    for base in state.bases:
        yield from _homes(project, base, table)


def taken_by_call(reader: Reader, call: Call) -> Value | None:
    """What a call takes out of such a table, or what the function gives that it takes out and calls; None where it is not seen."""
    found = reader.project.registers.get(call.callee)
    if found is None or found.kind not in ("gives", "runs") or call.open:
        return None
    table, key = _table(reader, found), _passed(found, call, found.key)
    name = text_of(key)
    held = table.get(name) if type(table) is Mapping and name is not None else None
    if held is None or found.kind == "gives":
        return held
    if type(held) is Unknown and len(held.parts) == 1:
        return held.parts[0]  # what a lambda gives
    if type(held) is not Name:
        return held if type(held) is Constant else None
    reader.project.handed_through[call.callee] += 1
    at = found.parameters.index(found.key)
    args = (*call.args[:at], *call.args[at + 1 :])
    keywords = tuple(pair for pair in call.keywords if pair[0] != found.key)
    made = new_call(held.dotted, args, keywords, False, None, reader.function, call.span)
    reader.calls.append(held.dotted)
    reader.project.calls.append(made)
    given = result_of(reader, made) if reader.project.has_function(held.dotted) else None
    return made if given is None else given
