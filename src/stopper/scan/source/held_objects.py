"""Methods of objects that are handed in: ``self.notes.find(number)`` of a service that is made with a repository, also by the name of an
abstract class. Each gets the name of the method that runs, before it is asked who calls what."""

from collections.abc import Iterable
from typing import Final

from stopper.core.values import Call, Choice, Constant, Name, Parameter, Value
from stopper.scan.source.held_fields import maker_of
from stopper.scan.source.picking import heirs_of
from stopper.scan.source.project import Project

_DEEPEST: Final = 5
_PROTOCOLS: Final = frozenset({"typing.Protocol", "typing_extensions.Protocol"})


def name_held_methods(project: Project, tests: frozenset[str]) -> None:
    """Give calls of methods of a parameter the names of those of the one class whose objects are passed there, and calls of a method that is
    there to be written the name of the one that writes it."""
    words = {word for state in project.classes.values() for word in state.methods}
    refused = {one.function for one in project.raises if one.exception.rpartition(".")[2] == "NotImplementedError"}
    asked = [call for call in project.calls if call.method in words and _is_asked(project, call, refused)]
    if not asked:
        return
    known = _Classes(project, tests)
    renamed: dict[str, dict[str, str]] = {}
    for call in asked:
        name = known.method(call)
        if name is not None and name != call.callee:
            renamed.setdefault(call.function, {})[call.callee] = name
            object.__setattr__(call, "callee", name)
            handed = known.made(call.receiver)
            if handed is not None:
                object.__setattr__(call, "receiver", handed)
    for home, made in renamed.items():
        function = project.functions.get(home)
        if function is not None:
            calls = dict.fromkeys((*function.calls, *made.values()))
            object.__setattr__(function, "calls", tuple(calls))


def _is_asked(project: Project, call: Call, refused: set[str]) -> bool:
    if call.callee.startswith("?."):
        return type(call.receiver) in (Parameter, Choice)
    if call.receiver is None or type(call.receiver) is Name:
        return False  # ``self.render(…)`` of a base, which heirs are asked for elsewhere
    return call.callee in project.functions and _is_open(project, call.callee, refused)


def _is_open(project: Project, method: str, refused: set[str]) -> bool:
    """That a method is there to be written by other classes."""
    function = project.functions[method]
    state = project.classes.get(function.owner)
    if state is None or project.returned.get(method) or method in project.yielded:
        return False
    if not _PROTOCOLS.isdisjoint(state.bases):
        return True
    return state.name in project.heirs and (
        method in refused or any(one.name in _ABSTRACT for one in function.decorators)
    )


_ABSTRACT: Final = frozenset({"abc.abstractmethod", "abstractmethod"})


class _Classes:
    """Of which class the objects are that the calls of functions pass."""

    def __init__(self, project: Project, tests: frozenset[str]) -> None:
        self._project = project
        self._tests = tests
        self._calls: dict[str, list[Call]] = {}
        self._written: dict[str, str] = {}
        for call in project.calls:
            if call.span is None or call.span.path not in tests:
                name = call.callee
                if name in project.classes:
                    name = maker_of(project, name) or ""
                if name in project.functions:
                    self._calls.setdefault(name, []).append(call)

    def method(self, call: Call) -> str | None:
        """The method that the call runs, where one alone can be meant."""
        receiver = call.receiver
        owner = self._of(receiver, _DEEPEST) if receiver is not None else None
        base = "" if call.callee.startswith("?.") else self._project.functions[call.callee].owner
        if owner is not None and owner != base:
            found = self._project.attribute(owner, call.method)
            if type(found) is Name and self._project.has_function(found.dotted):
                return found.dotted
        return self._writer(base, call.method) if base else None

    def made(self, receiver: Value | None) -> Call | None:
        """The call that makes the one object that is handed in, where one place alone hands it in."""
        for _ in range(_DEEPEST):
            if type(receiver) is not Parameter or receiver.index < 0:
                break
            calls = self._calls.get(receiver.function, ())
            given = calls[0].argument(receiver.index, receiver.parameter) if len(calls) == 1 else None
            receiver = given or receiver.default if len(calls) == 1 else None
        return receiver if type(receiver) is Call and not receiver.open else None

    def _writer(self, base: str, word: str) -> str | None:
        """The one method that says what an abstract class, or a protocol, leaves open."""
        key = f"{base}.{word}"
        if key not in self._written:
            project = self._project
            heirs: Iterable[str] = dict.fromkeys(heirs_of(project, base))
            if not _PROTOCOLS.isdisjoint(project.classes[base].bases):
                needed = set(project.classes[base].methods)
                heirs = [
                    one for one, state in project.classes.items() if one != base and needed.issubset(state.methods)
                ]
            writers = [project.classes[one] for one in heirs if project.classes[one].span.path not in self._tests]
            said = [f"{one.name}.{word}" for one in writers if word in one.methods]
            self._written[key] = said[0] if len(said) == 1 and said[0] in project.functions else ""
        return self._written[key] or None

    def _of(self, value: Value, depth: int) -> str | None:
        """The one class of the project that the value is an object of."""
        if not depth:
            return None
        if type(value) is Choice:
            found = {
                self._of(one, depth - 1) for one in value.options if not (type(one) is Constant and one.value is None)
            }
            found.discard(None)
            return found.pop() if len(found) == 1 else None
        if type(value) is Parameter:
            return self._passed(value, depth)
        if type(value) is not Call:
            return None
        if value.callee in self._project.classes:
            return value.callee
        found = {self._of(one, depth - 1) for one in self._project.returned.get(value.callee, ())}
        return found.pop() if len(found) == 1 else None

    def _passed(self, value: Parameter, depth: int) -> str | None:
        """The one class whose objects every call passes there."""
        found: set[str | None] = set()
        for call in self._calls.get(value.function, ()) if value.index >= 0 else ():
            given = call.argument(value.index, value.parameter) or value.default
            if given is not None and not (type(given) is Constant and given.value is None):
                found.add(self._of(given, depth - 1))
        if len(found) != 1:
            return None
        return found.pop()
