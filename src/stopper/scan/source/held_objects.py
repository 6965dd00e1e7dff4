"""Methods of objects that are handed in: ``self.notes.find(number)`` of a service that is made with a repository, also by the name of an
abstract class. Each gets the name of the method that runs, before it is asked who calls what."""

from typing import Final

from stopper.core.values import Call, Choice, Constant, Name, Parameter, Value
from stopper.scan.source.held_fields import maker_of
from stopper.scan.source.implementations import only_declares
from stopper.scan.source.project import Project
from stopper.scan.source.renaming import hand, note_called, rename

_DEEPEST: Final = 5


def name_held_methods(project: Project, tests: frozenset[str]) -> None:
    """Give calls of methods of a parameter the names of those of the one class whose objects are passed there."""
    words = {word for state in project.classes.values() for word in state.methods}
    asked = [call for call in project.calls if call.method in words and _is_asked(project, call)]
    if not asked:
        return
    known = _Classes(project, tests)
    renamed: dict[str, list[str]] = {}
    for call in asked:
        name = known.method(call)
        if name is not None and name != call.callee:
            renamed.setdefault(call.function, []).append(name)
            rename(call, name)
            handed = known.made(call.receiver)
            if handed is not None:
                hand(call, handed)
    note_called(project, renamed)


def _is_asked(project: Project, call: Call) -> bool:
    if call.callee.startswith("?."):
        return type(call.receiver) in (Parameter, Choice)
    if call.receiver is None or type(call.receiver) is Name:
        return False  # ``self.render(…)`` of a base, which heirs are asked for elsewhere
    function = project.functions.get(call.callee)
    return function is not None and only_declares(project, function)


class _Classes:
    """Of which class the objects are that the calls of functions pass."""

    def __init__(self, project: Project, tests: frozenset[str]) -> None:
        self._project = project
        self._calls: dict[str, list[Call]] = {}
        self._known: dict[tuple[str, int], str | None] = {}
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
        return None

    def made(self, receiver: Value | None) -> Call | None:
        """The call that makes the one object that is handed in, where one place alone hands it in."""
        for _ in range(_DEEPEST):
            if type(receiver) is not Parameter or receiver.index < 0:
                break
            calls = self._calls.get(receiver.function, ())
            given = calls[0].argument(receiver.index, receiver.parameter) if len(calls) == 1 else None
            receiver = given or receiver.default if len(calls) == 1 else None
        return receiver if type(receiver) is Call and not receiver.open else None

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
        place = (value.function, value.index)
        if place not in self._known:
            self._known[place] = None  # a function that passes it on to itself adds nothing
            self._known[place] = self._one_passed(value, depth)
        return self._known[place]

    def _one_passed(self, value: Parameter, depth: int) -> str | None:
        found: set[str | None] = set()
        for call in self._calls.get(value.function, ()) if value.index >= 0 else ():
            given = call.argument(value.index, value.parameter) or value.default
            if given is not None and not (type(given) is Constant and given.value is None):
                found.add(self._of(given, depth - 1))
        return found.pop() if len(found) == 1 else None
