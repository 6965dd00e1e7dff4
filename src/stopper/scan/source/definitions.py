"""Functions and classes: put aside until the names around them are known, then read with their parameters and decorators."""

import ast
from typing import Any, Final

from stopper.core.fact import (
    Decorator,
)
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import (
    NAMED,
    REST,
    Call,
    Member,
    Name,
    Unknown,
    Value,
    text_of,
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.blocks import block
from stopper.scan.source.declared import is_unshown, only_declares
from stopper.scan.source.drafts import new_call, new_decorator, new_function, new_name, new_parameter, new_return
from stopper.scan.source.evaluating import is_evaluated
from stopper.scan.source.forwarding import as_route, note_handing_on
from stopper.scan.source.given_back import given_back
from stopper.scan.source.project import ClassState, FunctionNode, Pending, Project, Registration, Scope
from stopper.scan.source.reader import Reader, canonical
from stopper.scan.source.registers import note_register, put_by_decorator
from stopper.scan.source.straight import is_opening, is_straight, opens_through, runs_through
from stopper.scan.source.wsgi_names import ENVIRON, comes_in


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
        project.returns.append(new_return(value, reader.span(node.body), waiting.name))
    else:
        reader.statements = node.body
        block(reader, node.body)
    # A nested function is read while its parent waits, so only the returns of this very function count.
    returned.extend(one.value for one in project.returns[before:] if one.function == waiting.name)
    if is_evaluated(waiting):
        project.bodies[waiting.name] = waiting
    yielded = [one for one, _ in project.yielded.get(waiting.name, ())]
    if is_opening(waiting) and not returned and len(yielded) == 1 and opens_through(waiting):
        project.returned[waiting.name] = yielded
        project.straight.add(waiting.name)
    elif not reader.branches and runs_through(node):
        project.through.add(waiting.name)
        if is_straight(project, waiting):
            project.straight.add(waiting.name)
    project.functions[waiting.name] = new_function(
        waiting.name, reader.span(node), parameters, waiting.decorators, waiting.owner, tuple(dict.fromkeys(reader.calls)),
        tuple(returned), _docstring(node), waiting.name in project.yielded,
        tuple(yielded), _said_to_give(reader, node),
    )  # fmt: skip
    note_handing_on(project, waiting, reader)


def _said_to_give(reader: Reader, node: FunctionNode | ast.Lambda) -> str:
    """The class that stands in the annotation: ``Account``, ``Account | None``, ``list[Account]``."""
    if isinstance(node, ast.Lambda) or node.returns is None:
        return ""
    found = (part for part in ast.walk(_unquoted(node.returns)) if isinstance(part, (ast.Name, ast.Attribute)))
    named = (said.dotted for part in found if type(said := reader.value(part)) is Name)
    return next((one for one in named if "." in one and not one.startswith("typing.")), "")


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
        reader.scope[positional[0].arg] = new_name(waiting.owner)
        positional = positional[1:]
    defaults = _of_options(waiting.decorators)
    for argument, default in zip(
        reversed(arguments.args or arguments.posonlyargs), reversed(arguments.defaults), strict=False
    ):
        defaults[argument.arg] = reader.value(default)
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if value is not None:
            defaults[argument.arg] = reader.value(value)
    found: list[str] = []
    known = reader.project.classes.get(waiting.owner) if waiting.owner else None
    bases = known.bases if known is not None else ()
    for index, argument in enumerate([*positional, *arguments.kwonlyargs]):
        found.append(argument.arg)
        reader.scope[argument.arg] = _parameter(reader, argument, index, defaults.get(argument.arg), bases)
    if any(one.name.endswith(".request_loader") for one in waiting.decorators) and found:
        reader.scope[found[0]] = new_name("flask.request")  # Flask-Login hands it over
    if found[:1] == ["environ"] or ("start_response" in found and found[0] != "start_response"):
        reader.scope[found[0]] = new_name(ENVIRON)  # an application of WSGI is called by the server
    if arguments.vararg is not None:
        reader.scope[arguments.vararg.arg] = new_parameter(
            reader.function, arguments.vararg.arg, REST - len(positional)
        )
    if arguments.kwarg is not None:
        reader.scope[arguments.kwarg.arg] = new_parameter(reader.function, arguments.kwarg.arg, NAMED)
    return tuple(found)


def _of_options(decorators: tuple[Decorator, ...]) -> dict[str, Value]:
    """What a command of the command line is given where an option is left out: ``@click.option("--bits", default=2048)``."""
    found: dict[str, Value] = {}
    for one in decorators:
        default = one.call.keyword("default") if one.call is not None and one.name in _OPTIONS else None
        if one.call is None or default is None or one.call.keyword("prompt") is not None:
            continue  # what is prompted for is only proposed
        said = [text for text in map(text_of, one.call.args) if text]
        names = [text for text in said if not text.startswith("-")] or sorted(said, key=len)
        if names:
            found[names[-1].lstrip("-").partition("/")[0].replace("-", "_").lower()] = default
    return found


_OPTIONS: Final = frozenset({"click.option", "click.argument", "asyncclick.option"})


_NUMBERS: Final = frozenset({"int", "float", "bool"})


def _unquoted(annotation: ast.expr) -> ast.expr:
    """The annotation itself where it is written as a text, ``user: "User"``."""
    if not isinstance(annotation, ast.Constant) or not isinstance(annotation.value, str):
        return annotation
    try:
        return ast.parse(annotation.value, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return annotation


def _parameter(reader: Reader, argument: ast.arg, index: int, default: Value | None, bases: tuple[str, ...]) -> Value:
    name = argument.arg if sensitive(argument.arg) else ""
    typed = ""
    if argument.annotation is not None:
        said = reader.value(_unquoted(argument.annotation))
        named = (one.dotted for one in walk(said, 2) if type(one) is Name)
        typed = next((one for one in named if ("." in one and not one.startswith("typing.")) or one in _NUMBERS), "")
        if type(said) is Name and said.dotted in ("flask.Flask", "logging.Logger"):
            return new_call(said.dotted, function=reader.function)
    if argument.arg in ("request", "req") and default is None and comes_in(reader.module, bases, typed):
        return new_name("flask.request")
    return new_parameter(reader.function, argument.arg, index, default, None, name, typed)


def _is_static(decorators: tuple[Decorator, ...]) -> bool:
    return any(decorator.name == "staticmethod" for decorator in decorators)


def read_definition(reader: Reader, node: FunctionNode) -> None:
    qualified = f"{reader.function or reader.owner or reader.module.name}.{node.name}"
    while reader.project.has_function(qualified):
        qualified += "'"
    decorators = _decorators(reader, node.decorator_list, qualified)
    reader.scope[node.name] = new_name(qualified)
    closure = reader.closure if not reader.function else Chained(reader.closure, reader)
    owner = reader.owner if not reader.function else ""
    if reader.owner and not reader.function:
        reader.project.classes[reader.owner].methods.append(node.name)
        closure = reader.closure
    note_register(reader.project, node, qualified, owner, reader.module)
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
        reader.follows = False  # a decorator is known by its own name, whatever it gives
        value = given_back(reader.project, reader.value(node))
        reader.follows = True
        span = reader.span(node)
        call = value if type(value) is Call else None
        if call is not None and (handed := as_route(reader, call)) is not None:
            value = call = handed
        name = call.callee if call is not None else _decorator_name(reader, value)
        found.append((name, call, span))
        put_by_decorator(reader, name, call, target)
        _leave_out(reader, before, span)
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
        new_decorator(name, call, span, index < last and index not in routes)
        for index, (name, call, span) in enumerate(found)
    )


def _leave_out(reader: Reader, before: int, decorator: Span) -> None:
    """The calls of the decorator itself are no registrations of their own; what a module has that was read because the decorator names it stays."""
    made = reader.project.registrations[before:]
    if made:
        reader.project.registrations[before:] = [one for one in made if not decorator.holds(one.span)]


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


def read_class(reader: Reader, node: ast.ClassDef) -> None:
    qualified = f"{reader.function or reader.owner or reader.module.name}.{node.name}"
    while qualified in reader.project.classes:
        qualified += "'"
    named = (reader.dotted(reader.value(_unfilled(base))) for base in node.bases)
    bases = tuple([base for base in named if base and base != "typing.Generic"])
    decorators = _decorators(reader, node.decorator_list, qualified)
    state = ClassState(qualified, bases, {}, [], reader.span(node), decorators)
    reader.project.classes[qualified] = state
    for base in bases:
        if base in reader.project.classes:
            reader.project.heirs.setdefault(base, []).append(qualified)
    reader.scope[node.name] = new_name(qualified)
    closure = reader.closure if not reader.function else Chained(reader.closure, reader)
    inner = Reader(reader.project, reader.module, "", closure, qualified)
    block(inner, node.body)
    held = {name: value for name, value in inner.scope.items() if name not in state.methods}
    state.attributes.update({name: value for name, value in held.items() if not only_declares(value)})
    state.unshown.update(name for name, value in held.items() if only_declares(value) and is_unshown(value))


def _unfilled(base: ast.expr) -> ast.expr:
    """``Repository`` of ``class Notes(Repository[Note])``."""
    return base.value if isinstance(base, ast.Subscript) else base
