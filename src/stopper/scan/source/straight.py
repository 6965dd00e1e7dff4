"""Functions of the project that do nothing but give back a value: a call of one is read as that value."""

import ast
from typing import Final

from stopper.core.flow.module_values import PROPERTIES
from stopper.core.origins import of_callee
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.drafts import new_call
from stopper.scan.source.held_fields import SETTLED, as_made, field_of, is_handed_out, lineage_of, maker_of
from stopper.scan.source.project import FunctionNode, Pending, Project
from stopper.scan.source.reader import Reader
from stopper.scan.source.rebuilding import Rebuilding

_WIRED: Final = names.APPS | names.BLUEPRINTS | names.API_OBJECTS
LARGEST: Final = 60
"""Values in what a function gives back; of larger ones a copy for every call would be felt."""
_PLAIN: Final = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.Pass)
OPENING: Final = "contextlib.contextmanager"
"""The decorator under which ``with open_it() as name`` gives what the function yields."""
KEEPING: Final = frozenset({"staticmethod", "classmethod", "functools.cache", "functools.lru_cache", OPENING})
"""Decorators under which a call still gives what the function returns."""


def changes_nothing(project: Project, name: str) -> bool:
    """That a function under that decorator is called as it stands: the decorator keeps it in a table, at most."""
    known = project.registers.get(name)
    return name in KEEPING or (known is not None and known.kind == "decorates")


def is_straight(project: Project, waiting: Pending) -> bool:
    """That a function runs from its first line to the ``return`` in its last, whatever it is given."""
    arguments = waiting.node.args
    through = all(one.name in PROPERTIES or changes_nothing(project, one.name) for one in waiting.decorators)
    if not through or arguments.vararg or arguments.kwarg:
        return False
    return opens_through(waiting) if is_opening(waiting) else runs_through(waiting.node)


def is_opening(waiting: Pending) -> bool:
    """That the function is called in a ``with``, which is given what it yields."""
    return any(one.name == OPENING for one in waiting.decorators)


def opens_through(waiting: Pending) -> bool:
    """That a function for ``with`` yields one thing, whatever it is given, and only tidies up behind it."""
    if isinstance(waiting.node, ast.Lambda):
        return False
    body = list(waiting.node.body)
    while (type(body[-1]) is ast.Try and not body[-1].handlers and not body[-1].orelse) or type(body[-1]) is ast.With:
        body = [*body[:-1], *body[-1].body]
    given = [
        one for one in body if type(one) is ast.Expr and type(one.value) is ast.Yield and one.value.value is not None
    ]
    return len(given) == 1 and all(
        type(one) in _PLAIN or one is given[0] or (type(one) is ast.Expr and type(one.value) is not ast.Yield)
        for one in body
    )


def runs_through(node: FunctionNode | ast.Lambda) -> bool:
    """That the ``return`` in its last line is all that can end the function."""
    if isinstance(node, ast.Lambda):
        return True
    body = list(node.body)
    while type(body[-1]) is ast.With:  # what is opened for the lines to the end
        body = [*body[:-1], *body[-1].body]
    last = body[-1]
    if type(last) is not ast.Return or last.value is None:
        return False
    return all(
        type(one) in _PLAIN or one is last or (type(one) is ast.Expr and type(one.value) is ast.Constant)
        for one in body
    )


def is_followed(project: Project, call: Call) -> bool:
    """That what a function of the project returns says all that this call of it says."""
    if of_callee(call) is not None:
        return False  # the call's own name says what comes out of it
    function = project.functions.get(call.callee)
    if function is None:
        return False  # the call of a class, of which ``__init__`` alone is known
    receiver, owner = call.receiver, function.owner
    if isinstance(receiver, Item) and isinstance(receiver.owner, Mapping):
        return True  # one of a table of classes
    if not owner or receiver is None or isinstance(receiver, Name):
        return True
    if isinstance(receiver, Call) and receiver.callee == "super":
        return True
    # Of a method of some object the returned value would no longer say which object it was, and with what it was made.
    told = receiver.args or receiver.keywords if isinstance(receiver, Call) else ()
    known = not told or project.has_function(f"{owner}.__init__")
    if not isinstance(receiver, Call):
        return False
    return (receiver.callee == owner and known) or is_handed_out(project, receiver, owner)


def result_of(reader: Reader, call: Call) -> Value | None:
    """What a call of such a function gives, with what is passed in place of the parameters; None for any other call."""
    callee = call.callee
    project = reader.project
    if (back := _handed_back(reader, call)) is not None:
        return back
    waiting = project.pending.get(callee)
    if waiting is not None:
        if not is_straight(project, waiting):
            return None
        if waiting.owner:  # what the object holds is known once it has been made
            reader.results(f"{waiting.owner}.__init__")
        reader.results(callee)
    if callee not in project.straight or call.open:
        return None
    returned = project.returned.get(callee, [])
    function = project.functions.get(callee)
    if len(returned) != 1 or function is None:
        return None
    (value,) = returned
    is_told = is_followed(project, call)
    of_object = call.receiver if _is_made(project, call.receiver, function.owner) else None
    if not is_told and (of_object is None or type(value) not in _TOLD):
        return None
    if sum(1 for _ in walk(value, 20)) > LARGEST:
        return None
    passed: dict[str, Value] = {}
    for number, name in enumerate(function.parameters):
        given = call.argument(number, name)
        if given is not None:
            passed[name] = given
    passing = _Passed(reader, callee, passed)
    made = passing.into(value)
    if type(of_object) is Call:
        own = as_made(project, of_object, made)
        if type(own) in SETTLED and not any(type(part) is Parameter for part in walk(own, 6)):
            made = own
        elif not is_told:
            return None
    return None if passing.changes_facts else made


def _is_made(project: Project, receiver: Value | None, owner: str) -> bool:
    """That it is an object of that class of the project, or of one derived from it, which is made with values that are seen."""
    if type(receiver) is not Call or receiver.open or owner not in lineage_of(project, receiver.callee):
        return False
    return not (receiver.args or receiver.keywords) or maker_of(project, receiver.callee) is not None


def held_by_property(reader: Reader, method: str, owner: Value) -> Value | None:
    """What ``owner.name`` gives where that method is a property which does nothing but give back a value; None otherwise."""
    project = reader.project
    known = project.pending.get(method) or project.functions.get(method)
    if known is None or not any(one.name in PROPERTIES for one in known.decorators):
        return None
    reader.calls.append(method)  # to ask for it runs it
    made = result_of(reader, new_call(method, (), (), False, owner, reader.function, None))
    return made if type(made) in _TOLD else None


_TOLD: Final = frozenset({Constant, ConfigValue, EnvironmentValue, Mapping, Sequence, Item, Call, Format, Choice})
"""What a property's value is followed to; of a comparison or an attribute the property's own name says more."""


def _handed_back(reader: Reader, call: Call) -> Value | None:
    """The application, blueprint or namespace that is passed, where every return of the function gives that very parameter back, whatever
    else the function does with it: ``app = with_logging(app)``."""
    passed = (*call.args, *(value for _, value in call.keywords))
    if call.open or not any(isinstance(one, Call) and one.callee in _WIRED for one in passed):
        return None
    waiting = reader.project.pending.get(call.callee)
    if waiting is not None:
        last = None if isinstance(waiting.node, ast.Lambda) else waiting.node.body[-1]
        if type(last) is not ast.Return or type(last.value) is not ast.Name:
            return None
        reader.results(call.callee)
    function = reader.project.functions.get(call.callee)
    if function is None or function.owner or any(one.name not in KEEPING for one in function.decorators):
        return None
    returned = {
        one.parameter if isinstance(one, Parameter) and one.function == call.callee else ""
        for one in reader.project.returned.get(call.callee, ())
    }
    name = returned.pop() if len(returned) == 1 else ""
    given = call.argument(function.parameters.index(name), name) if name in function.parameters else None
    return given if isinstance(given, Call) and given.callee in _WIRED else None


class _Passed(Rebuilding):
    """What one call passes, in place of the parameters of the function that it calls."""

    def __init__(self, reader: Reader, function: str, passed: dict[str, Value]) -> None:
        super().__init__()
        self._reader = reader
        self._function = function
        self._passed = passed
        self.changes_facts = False
        """That a call or a comparison would be made anew, which would no longer be the one that is a fact."""

    def call(self, value: Call) -> Value:
        made = super().call(value)
        self.changes_facts = self.changes_facts or made is not value
        return made

    def of_parts(self, value: Format | Unknown | Truth) -> Value:
        made = super().of_parts(value)
        self.changes_facts = self.changes_facts or (type(value) is Truth and made is not value)
        return made

    def member(self, value: Member) -> Value:
        made = super().member(value)
        if type(made) is not Member or made is value:
            return made
        held = field_of(self._reader.project, made.owner, made.attribute, self._reader.results)
        return made if held is None else held

    def is_config(self, value: Value) -> bool:
        return self._reader.is_config(value)

    def parameter(self, value: Parameter) -> Value:
        if value.function != self._function:
            return value
        return self._passed.get(value.parameter) or value.default or value
