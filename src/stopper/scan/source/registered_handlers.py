"""Handlers that are registered for a class of messages: ``mediator.register(ShowInvoice, InvoiceHandler(store))``, and elsewhere
``mediator.send(ShowInvoice(number))``."""

from collections.abc import Iterator

from stopper.core.values import Call, Item, Mapping, Member, Name, Parameter, Value, walk
from stopper.scan.source.drafts import new_call
from stopper.scan.source.project import Project
from stopper.scan.source.renaming import note_called

_READERS = frozenset({"model_validate", "parse_obj", "from_dict", "model_construct"})
_Handlers = dict[str, list[str]]
"""Class of messages → the functions and classes of handlers."""


def call_registered_handlers(project: Project, tests: frozenset[str]) -> None:
    """Note what a function that picks a handler by the type of its message runs, wherever it is handed a message of a known class."""
    picking = _picking(project)
    if not picking:
        return
    handlers = _registered(project, tests)
    made: list[Call] = []
    renamed: list[tuple[Call, str, Value]] = []
    through = {name for name in picking if _gives_on(project, name)}
    for call in project.calls if handlers else ():
        for index, name, word in picking.get(call.callee, ()):
            given = call.argument(index, name)
            if given is not None:
                meant = list(_run_by(project, handlers, given, word))
                if len(meant) == 1 and call.callee in through:
                    renamed.append((call, meant[0], given))
                made += [new_call(one, (given,), (), False, None, call.function, call.span) for one in meant]
    for call, name, given in renamed:
        for field, value in (("callee", name), ("args", (given,)), ("keywords", ()), ("receiver", None)):
            object.__setattr__(call, field, value)
    project.calls.extend([one for one in made if not any(one.span is call.span for call, _, _ in renamed)])
    run: dict[str, list[str]] = {}
    for call in made:
        run.setdefault(call.function, []).append(call.callee)
    note_called(project, run)


def _picking(project: Project) -> dict[str, list[tuple[int, str, str]]]:
    """The functions that take something out of a table by the type of a parameter, and call it (or a method of it) with that one."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for call in project.calls:
        taken = call.args[0] if call.callee[:1] == "?" and call.args else None
        if type(taken) is Parameter and taken.function == call.function and taken.index >= 0:
            word = call.callee.removeprefix("?").removeprefix(".")
            if any(_is_type_of(part, taken) for part in walk(call.receiver, 8)):
                found.setdefault(call.function, []).append((taken.index, taken.parameter, word))
    return found


def _gives_on(project: Project, name: str) -> bool:
    """That the function gives back what the handler gives, and nothing else."""
    returned = project.returned.get(name, [])
    return len(returned) == 1 and type(returned[0]) is Call and returned[0].callee[:1] == "?"


def _is_type_of(part: Value, taken: Parameter) -> bool:
    """``table[type(message)]``, ``table.get(message.__class__)``"""
    key = part.key if type(part) is Item else None
    asked = key.args[0] if type(key) is Call and key.callee == "type" and key.args else None
    if type(key) is Member and key.attribute == "__class__":
        asked = key.owner
    return type(asked) is Parameter and asked.parameter == taken.parameter


def _registered(project: Project, tests: frozenset[str]) -> _Handlers:
    found: _Handlers = {}
    for call in project.calls:
        told = (*call.args, *[value for _, value in call.keywords])
        if len(told) == 2 and (call.span is None or call.span.path not in tests):
            _note(project, found, *told)
    for one in project.assignments:
        for key, held in one.value.items if type(one.value) is Mapping else ():
            _note(project, found, key, held)
    for function in project.functions.values():
        for decorator in function.decorators:
            told = decorator.call.args if decorator.call is not None and project.has_function(decorator.name) else ()
            if len(told) == 1:
                _note(project, found, told[0], Name(function.name))
    return found


def _note(project: Project, found: _Handlers, kind: Value, handler: Value) -> None:
    if type(kind) is Name and kind.dotted in project.classes:
        name = _named(project, handler)
        if name and name not in found.setdefault(kind.dotted, []):
            found[kind.dotted].append(name)


def _named(project: Project, handler: Value) -> str:
    """The function, or the class of the object, that the value is."""
    if type(handler) is Name:
        return handler.dotted if project.has_function(handler.dotted) or handler.dotted in project.classes else ""
    if type(handler) is Call:
        return handler.callee if handler.callee in project.classes else ""
    if type(handler) is Member and type(handler.owner) is Call:
        method = project.attribute(handler.owner.callee, handler.attribute)
        return method.dotted if type(method) is Name else ""
    return ""


def _run_by(project: Project, handlers: _Handlers, given: Value, word: str) -> Iterator[str]:
    kind = given.callee if type(given) is Call else ""
    if kind.rpartition(".")[2] in _READERS:
        kind = kind.rpartition(".")[0]
    for name in handlers.get(kind, ()):
        held = project.attribute(name, word or "__call__") if name in project.classes else Name(name)
        if type(held) is Name and held.dotted in project.functions and (name in project.classes or not word):
            yield held.dotted
