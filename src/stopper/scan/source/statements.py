"""From statements to facts: names bound in order, branches merged, functions put aside until the names around them are known."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from stopper.core.fact import Assignment, Condition, ConfigWrite, Decorator, Flow, Function, Handler, Raise, Return
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Caught,
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
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.calls import read_call
from stopper.scan.source.expressions import (
    NOTHING,
    READERS,
    Reader,
    bind_target,
    canonical,
    either,
    element_of,
    named,
    set_scope,
)
from stopper.scan.source.project import ClassState, FunctionNode, Module, Pending, Project, Refusal, Registration, Scope

READERS[ast.Call] = read_call


@dataclass(slots=True)
class Body:
    """What a block does: whether it surely leaves the function, and whether with a refusal."""

    stops: bool = False
    refuses: bool = False


def read_module(project: Project, module: Module, tree: ast.Module) -> None:
    """Read a module's top level in order, then the functions that waited."""
    reader = Reader(project, module, "", module.bindings)
    reader.scope = module.bindings
    block(reader, tree.body)
    module.done = True
    read_waiting(project, module)


def read_waiting(project: Project, module: Module) -> None:
    """Read the bodies of that module's functions that nobody needed earlier."""
    while True:
        names_waiting = [name for name, waiting in project.pending.items() if waiting.module is module]
        if not names_waiting:
            return
        for name in names_waiting:
            waiting = project.pending.pop(name, None)
            if waiting is not None:
                read_function(project, waiting)


def read_function(project: Project, waiting: Pending) -> None:
    """Read one function's body: its parameters are symbols, its returns are kept for the callers."""
    node = waiting.node
    reader = Reader(project, waiting.module, waiting.name, waiting.closure, waiting.owner)
    parameters = _bind_parameters(reader, node, waiting)
    returned: list[Value] = []
    project.returned[waiting.name] = returned
    before = len(project.returns)
    if isinstance(node, ast.Lambda):
        value = reader.value(node.body)
        project.returns.append(Return(value, reader.span(node.body), waiting.name))
    else:
        block(reader, node.body)
    # A nested function is read while its parent waits, so only the returns of this very function count.
    returned.extend(one.value for one in project.returns[before:] if one.function == waiting.name)
    project.functions[waiting.name] = Function(
        waiting.name, reader.span(node), parameters, waiting.decorators, waiting.owner, tuple(dict.fromkeys(reader.calls)),
        tuple(returned), _docstring(node),
    )  # fmt: skip


def _docstring(node: FunctionNode | ast.Lambda) -> str:
    if isinstance(node, ast.Lambda) or not node.body:
        return ""
    first = node.body[0]
    if type(first) is ast.Expr and type(first.value) is ast.Constant and type(first.value.value) is str:
        return first.value.value
    return ""


def _bind_parameters(reader: Reader, node: FunctionNode | ast.Lambda, waiting: Pending) -> tuple[str, ...]:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if waiting.owner and positional and not _is_static(waiting.decorators):
        reader.scope[positional[0].arg] = Name(waiting.owner)
        positional = positional[1:]
    defaults: dict[str, Value] = {}
    for argument, default in zip(
        reversed(arguments.args or arguments.posonlyargs), reversed(arguments.defaults), strict=False
    ):
        defaults[argument.arg] = reader.value(default)
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if value is not None:
            defaults[argument.arg] = reader.value(value)
    found: list[str] = []
    for index, argument in enumerate([*positional, *arguments.kwonlyargs]):
        found.append(argument.arg)
        reader.scope[argument.arg] = _parameter(reader, argument, index, defaults.get(argument.arg))
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            reader.scope[extra.arg] = Parameter(reader.function, extra.arg, -1)
    return tuple(found)


def _parameter(reader: Reader, argument: ast.arg, index: int, default: Value | None) -> Value:
    name = argument.arg if sensitive(argument.arg) else ""
    if argument.annotation is not None:
        said = reader.value(argument.annotation)
        if type(said) is Name and said.dotted in ("flask.Flask", "flask.Blueprint", "logging.Logger"):
            return Call(said.dotted, function=reader.function)
    return Parameter(reader.function, argument.arg, index, default, None, name)


def _is_static(decorators: tuple[Decorator, ...]) -> bool:
    return any(decorator.name == "staticmethod" for decorator in decorators)


def block(reader: Reader, statements: list[ast.stmt]) -> Body:
    """Read statements in order. What follows a statement that stops is read too, but cannot un-stop the block."""
    done = Body()
    for statement in statements:
        read = _STATEMENTS.get(type(statement))
        body = read(reader, statement) if read is not None else _unknown(reader, statement)
        if body is not None and body.stops and not done.stops:
            done = body
    return done


def _unknown(reader: Reader, node: ast.stmt) -> Body | None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            reader.value(child)
    return None


def _expression(reader: Reader, node: ast.Expr) -> Body | None:
    inner = node.value
    if type(inner) is ast.Constant:
        return None
    value = reader.value(inner)
    if type(value) is not Call:
        return None
    _grow(reader, inner, value)
    if value.method == "abort":
        _refuse(reader, node, says(value, 401, "401"))
        return Body(True, refuses(value))
    return Body(True, False) if value.callee in ("sys.exit", "os._exit", "exit", "quit") else None


def _grow(reader: Reader, node: ast.expr, call: Call) -> None:
    """``d.update({…})`` and ``l.append(x)`` on a name bound to a display: bind the grown one."""
    if type(node) is not ast.Call or type(node.func) is not ast.Attribute or type(node.func.value) is not ast.Name:
        return
    name = node.func.value.id
    held = reader.scope.get(name)
    if type(held) is Mapping and call.method == "update":
        grown, is_open = held.items, held.open
        for argument in call.args:
            if type(argument) is Mapping:
                grown, is_open = grown + argument.items, is_open or argument.open
            else:
                grown, is_open = (*grown, (NOTHING, argument)), True
        grown += tuple((Constant(key), value) for key, value in call.keywords if key != "**")
        reader.scope[name] = Mapping(grown[:256], is_open or call.open, held.span, held.name)
    elif (
        type(held) is Sequence
        and call.method in ("append", "extend", "add", "insert")
        and call.args
        and len(held.items) < 64
    ):
        reader.scope[name] = Sequence((*held.items, call.args[-1]), held.kind, True, held.span, held.name)


def _assign(reader: Reader, node: ast.Assign) -> None:
    value = reader.value(node.value)
    for target in node.targets:
        bind(reader, target, value, node)


def _annotated(reader: Reader, node: ast.AnnAssign) -> None:
    if node.value is not None:
        bind(reader, node.target, reader.value(node.value), node)


def _augmented(reader: Reader, node: ast.AugAssign) -> None:
    added = reader.value(node.value)
    if type(node.target) is ast.Name:
        held = reader.scope.get(node.target.id) or reader.load(node.target.id)
        if type(node.op) is ast.Add and (type(held) in (Constant, Format) or type(added) in (Constant, Format)):
            inner = held.parts if type(held) is Format else (held,)
            grown: Value = Format((*inner, added)[:24], reader.span(node))
            if type(held) is Constant and isinstance(held.value, (int, float)):
                grown = Unknown((held, added))
        elif type(held) is Sequence and type(added) is Sequence and len(held.items) < 64:
            grown = Sequence(held.items + added.items, held.kind, held.open or added.open, held.span)
        else:
            grown = Unknown((held, added))
        reader.scope[node.target.id] = grown
    else:
        bind(reader, node.target, Unknown((added,)), node)


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
            part: Value = Unknown((value,)) if type(value) is Call else Item(value, Constant(number))
            if type(value) is Sequence and number < len(value.items) and not value.open:
                part = value.items[number]
            bind(reader, inner, part, node)
    elif type(target) is ast.Starred:
        bind(reader, target.value, value, node)


def _bind_name(reader: Reader, name: str, value: Value, node: ast.stmt) -> None:
    reader.scope[name] = value
    if not reader.function:
        qualified = f"{reader.owner or reader.module.name}.{name}"
        reader.project.assignments.append(Assignment(qualified, name, value, reader.span(node)))
    elif sensitive(name):
        reader.project.assignments.append(Assignment(name, name, value, reader.span(node), reader.function))


def _bind_attribute(reader: Reader, target: ast.Attribute, value: Value, node: ast.stmt) -> None:
    owner = reader.value(target.value)
    project = reader.project
    base = reader.dotted(owner)
    written = (
        ast.unparse(target)
        if len(target.attr) < 60 and isinstance(target.value, (ast.Name, ast.Attribute))
        else target.attr
    )
    project.assignments.append(Assignment(written, target.attr, value, reader.span(node), reader.function))
    if base == "flask.Flask":
        if target.attr in names.ATTRIBUTE_SETTINGS:
            key = names.ATTRIBUTE_SETTINGS[target.attr]
            project.config.append(ConfigWrite(key, value, reader.span(node), "attribute", reader.function))
    elif type(owner) is Name and owner.dotted in project.classes:
        attributes = project.classes[owner.dotted].attributes
        held = attributes.get(target.attr)
        attributes[target.attr] = value if held is None or held == Constant(None) else either(held, value)


def _bind_item(reader: Reader, target: ast.Subscript, value: Value, node: ast.stmt) -> None:
    owner = reader.value(target.value)
    key = reader.value(target.slice) if not isinstance(target.slice, ast.Slice) else NOTHING
    text = key.value if type(key) is Constant and type(key.value) is str else ""
    held = named(value, text) if sensitive(text) else value
    span = reader.span(node)
    if reader.is_config(owner):
        if text:
            reader.project.config.append(ConfigWrite(text, value, span, "item", reader.function))
        return
    if text:
        reader.project.assignments.append(Assignment(f"[{text}]", text, value, span, reader.function))
    if type(owner) is Name and owner.dotted == "flask.session":
        reader.project.flows.append(Flow("session", held, frozenset(), span, reader.function, text))
    elif _is_headers(owner):
        reader.project.flows.append(Flow("response-header", held, frozenset(), span, reader.function, text))
    if type(target.value) is ast.Name and type(owner) is Mapping and len(owner.items) < 256:
        is_open = owner.open or type(key) is not Constant
        reader.scope[target.value.id] = Mapping((*owner.items, (key, held)), is_open, owner.span, owner.name)


def _is_headers(owner: Value) -> bool:
    return type(owner) is Member and owner.attribute == "headers"


def _return(reader: Reader, node: ast.Return) -> Body:
    if node.value is None:
        return Body(True, False)
    value = reader.value(node.value)
    reader.project.returns.append(Return(value, reader.span(node), reader.function))
    turned = refuses(value)
    if turned:
        _refuse(reader, node, says(value, 401, "401"))
    return Body(True, turned)


def _refuse(reader: Reader, node: ast.stmt, plain: bool) -> None:
    reader.project.refusals.append(Refusal(reader.function, reader.under, plain, reader.span(node)))


def refuses(value: Value, depth: int = 3) -> bool:
    """That an answer turns the caller away: 401 or 403 in it, or a way to a login page."""
    if type(value) is Sequence and value.kind == "tuple":
        return any(_refusing_status(part) for part in value.items[1:]) or (
            bool(value.items) and depth > 0 and refuses(value.items[0], depth - 1)
        )
    if type(value) is Call:
        if value.method in (
            "abort",
            "Response",
            "make_response",
            "jsonify",
            "json_response",
            "error_response",
            "HTTPError",
        ):
            given = (
                *value.args,
                *(held for key, held in value.keywords if key in ("status", "status_code", "code", "http_status_code")),
            )
            return any(
                _refusing_status(part) or (depth > 0 and type(part) is Sequence and refuses(part, depth - 1))
                for part in given
            )
        if value.callee == "flask.redirect":
            return True
        return value.method in ("unauthorized", "forbidden", "Unauthorized", "Forbidden")
    return False


def _refusing_status(value: Value) -> bool:
    if type(value) is Constant:
        return value.value in (401, 403, 407) or (type(value.value) is str and value.value[:3] in ("401", "403"))
    return type(value) is Name and value.dotted.endswith(("UNAUTHORIZED", "FORBIDDEN"))


def _raise(reader: Reader, node: ast.Raise) -> Body:
    value = reader.value(node.exc) if node.exc is not None else None
    if node.cause is not None:
        reader.value(node.cause)
    name = value.callee if type(value) is Call else value.dotted if type(value) is Name else ""
    span = reader.span(node)
    reader.project.raises.append(Raise(name, value, span, reader.function))
    if type(value) is Call:
        told = (*value.args, *(held for _, held in value.keywords))
        if any(type(part) is not Constant or part.name for part in told):
            reader.project.flows.append(
                Flow(
                    "exception-message",
                    told[0] if len(told) == 1 else Unknown(told),
                    frozenset(),
                    span,
                    reader.function,
                    name,
                )
            )
    _refuse(
        reader,
        node,
        is_refusal(name) or (type(value) is Call and any(_refusing_status(part) for part in told_by(value))),
    )
    return Body(True, True)


def told_by(call: Call) -> tuple[Value, ...]:
    """Everything that is passed."""
    return (*call.args, *(held for _, held in call.keywords))


def says(value: Value, *statuses: int | str) -> bool:
    """That one of these statuses is in an answer; a name of that meaning counts as 401."""
    return any(
        (type(part) is Constant and part.value in statuses)
        or (type(part) is Name and part.dotted.endswith("UNAUTHORIZED"))
        or (type(part) is Call and part.method in ("unauthorized", "Unauthorized"))
        for part in walk(value, 4)
    )


def is_refusal(exception: str) -> bool:
    """That an exception of that name means 401 or 403."""
    word = exception.rpartition(".")[2].lower()
    return any(
        part in word for part in ("unauthorized", "forbidden", "auth", "permission", "accessdenied", "jwt", "token")
    )


def _around(reader: Reader, statements: list[ast.stmt]) -> Span:
    first, last = reader.span(statements[0]), reader.span(statements[-1])
    return Span(first.path, first.line, last.end_line, first.column, last.end_column)


def _if(reader: Reader, node: ast.If) -> Body:
    test, negated = node.test, False
    while type(test) is ast.UnaryOp and type(test.op) is ast.Not:
        test, negated = test.operand, not negated
    value = reader.value(test)
    before = dict(reader.scope)
    outer = reader.under
    reader.under = (*outer, (value, negated))
    then = block(reader, node.body)
    reader.under = (*outer, (value, not negated))
    reader.project.conditions.append(
        Condition(
            value, negated, then.stops, then.refuses, reader.span(test), reader.function, _around(reader, node.body)
        )
    )
    after = dict(reader.scope) if reader.scope is reader.module.bindings else reader.scope
    set_scope(reader, before)
    otherwise = block(reader, node.orelse) if node.orelse else Body()
    if node.orelse and type(node.orelse[0]) is not ast.If:
        reader.project.conditions.append(
            Condition(
                value, not negated, otherwise.stops, otherwise.refuses, reader.span(test), reader.function,
                _around(reader, node.orelse),
            )
        )  # fmt: skip
    reader.under = outer
    _merge(reader, after, then.stops, otherwise.stops)
    return Body(then.stops and otherwise.stops, then.refuses and otherwise.refuses)


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


def _snapshot(reader: Reader) -> Scope:
    return dict(reader.scope)


def _for(reader: Reader, node: ast.For | ast.AsyncFor) -> None:
    over = reader.value(node.iter)
    before = _snapshot(reader)
    bind_target(reader, node.target, element_of(over))
    block(reader, node.body)
    _merge(reader, before, False, False)
    block(reader, node.orelse)


def _while(reader: Reader, node: ast.While) -> None:
    reader.value(node.test)
    before = _snapshot(reader)
    block(reader, node.body)
    _merge(reader, before, False, False)
    block(reader, node.orelse)


def _with(reader: Reader, node: ast.With | ast.AsyncWith) -> Body:
    for entry in node.items:
        value = reader.value(entry.context_expr)
        if entry.optional_vars is not None:
            bind_target(reader, entry.optional_vars, value)
    return block(reader, node.body)


def _try(reader: Reader, node: Any) -> Body:
    before = _snapshot(reader)
    first_call = len(reader.calls)
    tried_body = block(reader, node.body)
    tried = tuple(dict.fromkeys(reader.calls[first_call:]))
    orelse = block(reader, node.orelse)
    stops = tried_body.stops or orelse.stops
    kept = _snapshot(reader)
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
            kept = reader.scope if stops else _joined(kept, reader.scope)
            stops = False
    set_scope(reader, kept)
    final = block(reader, node.finalbody)
    return Body(all_stop or final.stops, False)


def _joined(one: Scope, other: Scope) -> Scope:
    made = dict(one)
    for name, value in other.items():
        held = made.get(name)
        made[name] = value if held is None or held is value else either(held, value)
    return made


def _handler(reader: Reader, node: ast.ExceptHandler, tried: tuple[str, ...]) -> Body:
    catches = _catches(reader, node.type)
    if node.name:
        reader.scope[node.name] = Caught(catches)
    body = block(reader, node.body)
    span = reader.span(node)
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


def _match(reader: Reader, node: ast.Match) -> None:
    subject = reader.value(node.subject)
    before = _snapshot(reader)
    merged = before
    for case in node.cases:
        set_scope(reader, dict(before))
        for child in ast.walk(case.pattern):
            name = getattr(child, "name", None)
            if isinstance(name, str):
                reader.scope[name] = Unknown((subject,))
        if case.guard is not None:
            reader.value(case.guard)
        body = block(reader, case.body)
        if not body.stops:
            merged = _joined(merged, _snapshot(reader))
    set_scope(reader, merged)


def _import(reader: Reader, node: ast.Import) -> None:
    for alias in node.names:
        reader.project.imported.add(alias.name)
        module = reader.project.load(reader.module, alias.name)
        if alias.asname:
            reader.scope[alias.asname] = Name(module.name if module is not None else alias.name)
        else:
            top = alias.name.partition(".")[0]
            reader.scope[top] = Name(top)


def _import_from(reader: Reader, node: ast.ImportFrom) -> None:
    home = _home(reader.module, node)
    module = reader.project.load(reader.module, home) if home else None
    for alias in node.names:
        if alias.name == "*":
            if module is not None:
                for name, value in module.bindings.items():
                    if not name.startswith("_"):
                        reader.scope.setdefault(name, value)
            continue
        reader.project.imported.add(f"{home}.{alias.name}")
        reader.scope[alias.asname or alias.name] = _imported(reader, home, module, alias.name)
    reader.project.imported.add(home)


def _imported(reader: Reader, home: str, module: Module | None, name: str) -> Value:
    if module is not None and name in module.bindings:
        return module.bindings[name]
    child = reader.project.load(reader.module, f"{home}.{name}") if home else None
    if child is not None:
        return Name(child.name)
    return Name(canonical(f"{module.name if module is not None else home}.{name}"))


def _home(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    drop = node.level - 1 if module.package else node.level
    base = parts[: len(parts) - drop] if drop <= len(parts) else []
    return ".".join([*base, node.module] if node.module else base)


def _function(reader: Reader, node: FunctionNode) -> None:
    qualified = f"{reader.owner or reader.function or reader.module.name}.{node.name}"
    while qualified in reader.project.functions or qualified in reader.project.pending:
        qualified += "'"
    decorators = _decorators(reader, node.decorator_list, qualified)
    reader.scope[node.name] = Name(qualified)
    closure = reader.closure if not reader.function else Chained(reader.closure, reader)
    owner = reader.owner if not reader.function else ""
    if reader.owner and not reader.function:
        reader.project.classes[reader.owner].methods.append(node.name)
        closure = reader.closure
    reader.project.pending[qualified] = Pending(node, reader.module, qualified, closure, owner, decorators)


class Chained(dict[str, Value]):
    """The names of an outer function as they stand when an inner one is read, before those around it."""

    __slots__ = ("inner", "outer")

    def __init__(self, outer: Scope, inner: Reader) -> None:
        super().__init__()
        self.outer = outer
        self.inner = inner

    def get(self, key: str, default: Any = None) -> Any:
        found = self.inner.scope.get(key)
        return found if found is not None else self.outer.get(key, default)


def _decorators(reader: Reader, nodes: list[ast.expr], target: str) -> tuple[Decorator, ...]:
    found: list[tuple[str, Call | None, Any]] = []
    for index, node in enumerate(nodes):
        before = len(reader.project.registrations)
        value = reader.value(node)
        span = reader.span(node)
        call = value if type(value) is Call else None
        name = call.callee if call is not None else _decorator_name(reader, value)
        found.append((name, call, span))
        del reader.project.registrations[before:]
        verb = name.rpartition(".")[2]
        owner = (
            call.receiver
            if call is not None
            else value.owner
            if type(value) is Member
            else value
            if type(value) is Name
            else None
        )
        reader.project.registrations.append(Registration(verb, owner, call, target, span, index))
    routes = [index for index, (name, _, _) in enumerate(found) if _is_route(name)]
    last = max(routes, default=-1)
    return tuple(
        Decorator(name, call, span, index < last and index not in routes)
        for index, (name, call, span) in enumerate(found)
    )


def _decorator_name(reader: Reader, value: Value) -> str:
    if type(value) is Unknown:
        for part in value.parts:
            found = _decorator_name(reader, part)
            if found.startswith("stopper."):
                return found
        return "?"
    if type(value) is Member:
        base = reader.dotted(value.owner)
        return canonical(f"{base}.{value.attribute}") if base else "?." + value.attribute
    return reader.dotted(value) or "?"


def _is_route(name: str) -> bool:
    base, _, word = name.rpartition(".")
    return word in names.ROUTE_METHODS and (
        base in names.APPS or base in names.BLUEPRINTS or base in names.API_OBJECTS or (base == "?" and word == "route")
    )


def _class(reader: Reader, node: ast.ClassDef) -> None:
    qualified = f"{reader.owner or reader.function or reader.module.name}.{node.name}"
    while qualified in reader.project.classes:
        qualified += "'"
    bases = tuple(filter(None, (reader.dotted(reader.value(base)) for base in node.bases)))
    decorators = _decorators(reader, node.decorator_list, qualified)
    state = ClassState(qualified, bases, {}, [], reader.span(node), decorators)
    reader.project.classes[qualified] = state
    reader.scope[node.name] = Name(qualified)
    closure = reader.closure if not reader.function else Chained(reader.closure, reader)
    inner = Reader(reader.project, reader.module, "", closure, qualified)
    block(inner, node.body)
    state.attributes.update({name: value for name, value in inner.scope.items() if name not in state.methods})


def _global(reader: Reader, node: ast.Global | ast.Nonlocal) -> None:
    """Names of the module that a function changes stay what the module made of them."""


def _delete(reader: Reader, node: ast.Delete) -> None:
    for target in node.targets:
        if type(target) is ast.Name and reader.function:
            reader.scope.pop(target.id, None)


def _nothing(reader: Reader, node: ast.stmt) -> None:
    """``pass``, ``break`` and ``continue`` bind nothing."""


_STATEMENTS: Final[dict[type[ast.stmt], Callable[[Reader, Any], Body | None]]] = {
    ast.Expr: _expression, ast.Assign: _assign, ast.AnnAssign: _annotated, ast.AugAssign: _augmented, ast.Return: _return,
    ast.Raise: _raise, ast.If: _if, ast.For: _for, ast.AsyncFor: _for, ast.While: _while, ast.With: _with, ast.AsyncWith: _with,
    ast.Try: _try, ast.TryStar: _try, ast.Match: _match, ast.Import: _import, ast.ImportFrom: _import_from,
    ast.FunctionDef: _function, ast.AsyncFunctionDef: _function, ast.ClassDef: _class, ast.Global: _global,
    ast.Nonlocal: _global, ast.Delete: _delete, ast.Pass: _nothing, ast.Break: _nothing, ast.Continue: _nothing,
}  # fmt: skip
