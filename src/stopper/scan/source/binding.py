"""Gives values to names, attributes and items, and records what that means."""

import ast
from typing import Final, TypeGuard

from stopper.core.fact import (
    ConfigWrite,
)
from stopper.core.flow.left_out import kinds_under
from stopper.core.naming import sensitive
from stopper.core.outgoing.held_headers import CLIENTS
from stopper.core.place import Span
from stopper.core.values import (
    NAMED,
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    text_of,
)
from stopper.scan.source import names
from stopper.scan.source.declared import FIELDS
from stopper.scan.source.drafts import (
    new_assignment,
    new_call,
    new_constant,
    new_flow,
    new_format,
    new_item,
    new_mapping,
    new_name,
    new_sequence,
    new_unknown,
)
from stopper.scan.source.folding import as_mapping
from stopper.scan.source.hook_tables import TABLE, row_assigned, table_assigned
from stopper.scan.source.leaving import refuses, with_status
from stopper.scan.source.loops import row_by_row
from stopper.scan.source.project import Scope
from stopper.scan.source.reader import NOTHING, Reader, either, named
from stopper.scan.source.removing import latest
from stopper.scan.source.replaced_views import view_replaced
from stopper.scan.source.rows import record_class

_MADE: Final = frozenset({Call, Format, Unknown, Item})


def grow(reader: Reader, node: ast.expr, call: Call) -> None:
    """``d.update({…})`` and ``l.append(x)`` on a name bound to a display: bind the grown one; ``shuffle(l)``: what it holds is drawn."""
    if type(node) is not ast.Call:
        return
    if call.method == "shuffle" and len(node.args) == 1 and type(node.args[0]) is ast.Name:
        mixed = reader.scope.get(node.args[0].id)
        if mixed is not None:
            reader.scope[node.args[0].id] = new_unknown((mixed, call))
    if type(node.func) is not ast.Attribute:
        return
    if type(node.func.value) is ast.Attribute:
        owner = reader.value(node.func.value.value)
        found = reader.project.classes.get(owner.dotted) if type(owner) is Name else None
        if found is not None:  # ``self.parts.append(x)``
            _grow(found.attributes, node.func.value.attr, call)
    elif type(node.func.value) is ast.Name:
        _grow(reader.scope, node.func.value.id, call)


def _grow(scope: Scope, name: str, call: Call) -> None:
    held = scope.get(name)
    if type(held) is Choice and not held.every and call.method in _GROWS:  # what a branch before it may have changed
        if any(type(one) is Mapping or type(one) is Sequence for one in held.options):
            scope[name] = either(*[_grown(one, call) or one for one in held.options])
    elif (grown := _grown(held, call)) is not None:
        scope[name] = grown


_GROWS: Final = frozenset({"update", "setdefault", "append", "extend", "add", "insert"})


def _grown(held: Value | None, call: Call) -> Value | None:
    """What a display is once such a method was called on it; None where nothing is known of it."""
    if call.method == "update" and (type(held) is Mapping or _copies(held) or (_is_named(held) and _says_keys(call))):
        grown, is_open = (held.items, held.open) if type(held) is Mapping else (((NOTHING, held),), True)
        spread = (value for key, value in call.keywords if key == "**")
        for argument in map(as_mapping, (*call.args, *spread)):
            if type(argument) is Mapping:
                grown = grown + argument.items
                is_open = is_open or argument.open
            else:
                grown, is_open = (*grown, (NOTHING, argument)), True
        grown += tuple((new_constant(key), value) for key, value in call.keywords if key != "**")
        return new_mapping(latest(grown)[:256], is_open or call.open, held.span, held.name)
    if call.method == "setdefault" and len(call.args) == 2 and _is_copy(held):
        items = held.items if type(held) is Mapping else ((NOTHING, held),)
        said = text_of(call.args[0])
        if said is None or not any(text_of(key) == said for key, _ in items):
            is_open = held.open if type(held) is Mapping else True
            put = (call.args[0], call.args[1])
            hidden = any(key is NOTHING for key, _ in items)  # what cannot be seen may say otherwise, and then it holds
            return new_mapping((put, *items) if hidden else (*items, put), is_open, held.span, held.name)
    elif (
        type(held) is Sequence
        and call.method in ("append", "extend", "add", "insert")
        and call.args
        and len(held.items) < 64
    ):
        return new_sequence((*held.items, call.args[-1]), held.kind, True, held.span, held.name)
    return None


def _is_copy(held: Value | None) -> TypeGuard[Mapping | Call | Parameter | Item]:
    """A display, or ``dict(overrides)`` of something that is not seen."""
    return type(held) is Mapping or _copies(held) or _is_named(held)


def _copies(held: Value | None) -> TypeGuard[Call]:
    """``dict(overrides)``, ``overrides.copy()``: a mapping of one's own that has all of another."""
    if type(held) is not Call or held.callee in ("dict", "copy.copy", "copy.deepcopy"):
        return type(held) is Call
    # A digest has a ``copy`` too, which is one of a call: ``hashlib.sha256(salt).copy()``.
    return (
        held.method == "copy"
        and not held.args
        and type(held.receiver) is not Call
        and type(held.receiver) is not Member
    )


def _is_named(held: Value | None) -> TypeGuard[Parameter | Item]:
    """``**named`` of a function, or what is taken out of it: ``named.pop("headers", {})``."""
    inner = held.owner if type(held) is Item else held
    return type(inner) is Parameter and inner.index == NAMED


def _says_keys(call: Call) -> bool:
    """That an ``update`` is one of a mapping, and feeds no digest."""
    return bool(call.keywords) or any(type(one) in (Mapping, Name) for one in call.args)


def assign(reader: Reader, node: ast.Assign) -> None:
    value = reader.value(node.value)
    for target in node.targets:
        bind(reader, target, value, node)


def annotated(reader: Reader, node: ast.AnnAssign) -> None:
    if reader.owner and not reader.function and type(node.target) is ast.Name:
        reader.project.classes[reader.owner].fields[node.target.id] = reader.value(node.annotation)
    if node.value is not None:
        bind(reader, node.target, reader.value(node.value), node)


def augmented(reader: Reader, node: ast.AugAssign) -> None:
    added = reader.value(node.value)
    if type(node.op) is ast.BitOr and type(added) is Mapping and reader.is_config(reader.value(node.target)):
        _more_config(reader, added)
    elif type(node.target) is ast.Name:
        held = reader.scope.get(node.target.id) or reader.load(node.target.id)
        if type(node.op) is ast.Add and (type(held) in (Constant, Format) or type(added) in (Constant, Format)):
            inner = held.parts if type(held) is Format else (held,)
            grown: Value = new_format((*inner, added)[:24], reader.span(node))
            if type(held) is Constant and isinstance(held.value, (int, float)):
                grown = new_unknown((held, added))
        elif type(node.op) is ast.BitOr and type(held) is Mapping and type(added) is Mapping:
            grown = new_mapping(
                latest((*held.items, *added.items))[:256], held.open or added.open, held.span, held.name
            )
        elif type(held) is Sequence and type(added) is Sequence and len(held.items) < 64:
            grown = new_sequence(held.items + added.items, held.kind, held.open or added.open, held.span)
        else:
            grown = new_unknown((held, added))
        reader.scope[node.target.id] = grown
    else:
        bind(reader, node.target, new_unknown((added,)), node)


def _more_config(reader: Reader, added: Mapping) -> None:
    """``app.config |= {…}``, also by another name of it, which is an ``update``."""
    for key, value in added.items:
        if type(key) is Constant and type(key.value) is str and (span := key.span or value.span) is not None:
            reader.project.config.append(ConfigWrite(key.value, value, span, "item", reader.function))


def bind(reader: Reader, target: ast.expr, value: Value, node: ast.stmt) -> None:
    """Give *value* to a target and record what that means."""
    if type(target) is ast.Name:
        _bind_name(reader, target.id, value, node)
    elif type(target) is ast.Attribute:
        _bind_attribute(reader, target, value, node)
    elif type(target) is ast.Subscript:
        _bind_item(reader, target, value, node)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for number, element in enumerate(target.elts):
            inner = element.value if type(element) is ast.Starred else element
            part: Value = new_item(value, new_constant(number))
            if type(value) is Call and (type(element) is ast.Starred or not _keeps_places(reader, value)):
                part = new_unknown((value,))
            if type(value) is Sequence and number < len(value.items) and not value.open:
                part = value.items[number]
            given = _given_back(reader, value, number, len(target.elts)) if type(element) is not ast.Starred else None
            bind(reader, inner, part if given is None else given, node)
    elif type(target) is ast.Starred:
        bind(reader, target.value, value, node)


def _given_back(reader: Reader, value: Value, number: int, length: int) -> Value | None:
    """``data, problem = fetch()`` of a function of the project: what each of its returns gives at that place."""
    if type(value) is not Call or not reader.project.has_function(value.callee):
        return None
    results = reader.results(value.callee)
    if any(refuses(part) for one in results if type(one) is Sequence for part in one.items):
        return None  # a refusal beside something else: the call itself says more
    columns = [
        one.items[number] for one in results if type(one) is Sequence and not one.open and len(one.items) == length
    ]
    if len(columns) > 1 and all(type(one) is Constant and type(one.value) is bool for one in columns):
        return None  # whether it is so: the call itself says what was asked
    return either(*columns) if columns and len(columns) == len(results) else None


_SPLITS: Final = frozenset({"split", "rsplit", "partition", "rpartition"})


def _keeps_places(reader: Reader, call: Call) -> bool:
    """That the place of a part says what it is: of a text that was split, of a row, and of what a function of the project returns."""
    return call.method in _SPLITS or call.method == "fetchone" or reader.project.has_function(call.callee)


def _bind_name(reader: Reader, name: str, value: Value, node: ast.stmt) -> None:
    reader.scope[name] = value
    if type(value) is Call and value.callee in _RECORDS and (made := record_class(reader, name, value)) is not None:
        reader.scope[name] = made
    if not reader.function:
        qualified = f"{reader.owner or reader.module.name}.{name}"
        reader.project.assignments.append(new_assignment(qualified, name, value, reader.span(node)))
    elif sensitive(name) or (name.endswith(names.DRAWN) and type(value) in _MADE):
        reader.project.assignments.append(new_assignment(name, name, value, reader.span(node), reader.function))


_RECORDS: Final = frozenset({"collections.namedtuple", "typing.NamedTuple"})


_BODIES: Final = frozenset({"data", "response"})
_ANSWERS: Final = frozenset({"flask.make_response", "flask.Response", "flask.Flask.response_class"})


def _bind_attribute(reader: Reader, target: ast.Attribute, value: Value, node: ast.stmt) -> None:
    owner = reader.value(target.value)
    project = reader.project
    project.words.add(target.attr)
    base = reader.dotted(owner)
    written = (
        ast.unparse(target)
        if len(target.attr) < 60 and isinstance(target.value, (ast.Name, ast.Attribute))
        else target.attr
    )
    project.assignments.append(new_assignment(written, target.attr, value, reader.span(node), reader.function, owner))
    if type(owner) is Name and owner.dotted == "flask.g" and reader.function and not sensitive(target.attr):
        # The same thing under another name, as long as the function lasts; a credential is judged by where it is kept.
        reader.scope[f"g.{target.attr}"] = (
            value if type(value) in _MADE or type(value) is Mapping else new_name(f"flask.g.{target.attr}")
        )
    if type(target.value) is ast.Name and (answered := with_status(owner, target.attr, value)) is not None:
        reader.scope[target.value.id] = answered
    if target.attr in _BODIES and type(owner) is Call and owner.callee in _ANSWERS:  # ``answer.data = dumps(…)``
        project.flows.append(new_flow("response", value, frozenset(), reader.span(node), reader.function, owner.callee))
    if target.attr == TABLE:
        table_assigned(reader, owner, value, reader.span(node))
    if type(owner) is Call and owner.callee in project.classes and reader.function and base != "flask.Flask":
        project.put_later.add((id(owner), target.attr))
    derived = type(owner) is Name and owner.dotted in project.classes and project.is_app(owner.dotted)
    if base == "flask.Flask" or (derived and target.attr in names.ATTRIBUTE_SETTINGS):
        if target.attr in names.ATTRIBUTE_SETTINGS:
            key = names.ATTRIBUTE_SETTINGS[target.attr]
            project.config.append(ConfigWrite(key, value, reader.span(node), "attribute", reader.function))
    elif type(owner) is Call and owner.callee in project.classes and not reader.function:
        project.classes[owner.callee].attributes[target.attr] = (
            value  # the one object of a module: ``settings.key = "…"``
        )
    elif type(owner) is Name and owner.dotted in project.classes:
        attributes = project.classes[owner.dotted].attributes
        held = attributes.get(target.attr)
        is_blank = (
            held is None
            or (type(held) is Constant and held.value is None)
            or (type(held) is Call and held.callee in FIELDS)
        )
        attributes[target.attr] = value if is_blank or held is None else either(held, value)


def _bind_item(reader: Reader, target: ast.Subscript, value: Value, node: ast.stmt) -> None:
    """``owner[key] = value``, once for each row where a loop goes through a table of them."""
    owner = reader.value(target.value)
    key = reader.value(target.slice) if not isinstance(target.slice, ast.Slice) else NOTHING
    looped = type(key) is Choice or reader.unrolled
    for name, held in row_by_row(key, value) if type(key) is Choice else ((key, value),):
        _bind_one(reader, target, owner, name, held, node, looped=looped)


def _bind_one(
    reader: Reader, target: ast.Subscript, owner: Value, key: Value, value: Value, node: ast.stmt, *, looped: bool
) -> None:
    text = key.value if type(key) is Constant and type(key.value) is str else ""
    held = named(value, text) if sensitive(text) else value
    span = reader.span(node)
    if reader.is_config(owner):
        if text:
            place = (value.span or span) if looped else span
            reader.project.config.append(ConfigWrite(text, value, place, "item", reader.function))
        return
    row_assigned(reader, owner, key, value, span)
    view_replaced(reader, owner, key, value, span)
    if text or reader.function:
        reader.project.assignments.append(new_assignment(f"[{text}]", text, value, span, reader.function, owner))
    if type(owner) is Name and owner.dotted == "flask.session":
        reader.project.flows.append(new_flow("session", held, frozenset(), span, reader.function, text))
    elif _is_headers(owner) and not _put_into_client(reader, owner, key, value, span):
        reader.project.flows.append(new_flow("response-header", held, frozenset(), span, reader.function, text))
    if (
        type(target.value) is ast.Name
        and (text or _copies(owner))
        and (type(owner) is Parameter or (type(owner) is Call and (_copies(owner) or kinds_under(text))))
    ):  # ``params["key"] = …`` of what was handed in, ``safe["password"] = "***"`` of a copy
        reader.scope[target.value.id] = new_mapping(((NOTHING, owner), (key, held)), True, None, owner.name)
    elif type(target.value) is ast.Name:
        grown = reader.scope.get(target.value.id)
        if type(owner) is Mapping and len(owner.items) < 256:
            items = grown.items if type(grown) is Mapping else owner.items
            reader.scope[target.value.id] = _with(owner, items, key, held)
        elif type(owner) is Choice and not owner.every and type(grown) is Choice:  # a branch before it put something in
            several = [_with(one, one.items, key, held) if type(one) is Mapping else one for one in grown.options]
            reader.scope[target.value.id] = either(*several)


def _with(owner: Mapping, items: tuple[tuple[Value, Value], ...], key: Value, held: Value) -> Value:
    is_open = owner.open or type(key) is not Constant
    return new_mapping(latest((*items, (key, held))), is_open, owner.span, owner.name)


def _put_into_client(reader: Reader, headers: Value, key: Value, value: Value, span: Span) -> bool:
    """``session.headers["X-Key"] = key``: the client sends it from now on, which is a call of its mapping."""
    client = reader.dotted(headers.owner) if type(headers) is Member else None
    if client not in CLIENTS:
        return False
    call = new_call(f"{client}.headers.__setitem__", (key, value), (), False, headers, reader.function, span)
    reader.project.calls.append(call)
    put = new_mapping(((key, value),), False, span)
    reader.project.flows.append(new_flow("outbound-headers", put, frozenset(), span, reader.function, call.callee))
    return True


def _is_headers(owner: Value) -> bool:
    return type(owner) is Member and owner.attribute == "headers"
