"""What an object of a class of the project holds in a field: what it was made with, also where a function of the project makes it."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.naming import is_key_name
from stopper.core.values import Call, ConfigValue, Constant, EnvironmentValue, Mapping, Name, Parameter, Sequence, Value
from stopper.scan.source.project import ClassState, Project
from stopper.scan.source.rebuilding import Rebuilding

Results = Callable[[str], list[Value]]
"""What a function of the project returns, by its name."""
_RECORD: Final = re.compile(
    r"dataclasses\.dataclass|attrs?\.(?:s|define|frozen|mutable|attrs)|pydantic\.dataclasses\.dataclass"
)
_SETTLED: Final = frozenset({Constant, ConfigValue, EnvironmentValue, Mapping, Sequence, Name})
"""What is followed: settings and literals. What a caller sent is judged by the field that it came through."""
_TUPLES: Final = frozenset({"typing.NamedTuple", "NamedTuple"})


def field_of(project: Project, owner: Value, name: str, results: Results) -> Value | None:
    """The value of that field, else None: of an object that is made here, or by a function that does nothing else."""
    if type(owner) is not Call:
        return None
    made = owner if owner.callee in project.classes else _made_by(project, owner, results)
    if made is None or made.open:
        return None
    held = _put(project.classes[made.callee], made, name)
    if held is not None and made is not owner:
        held = _Given(project, owner).into(held)
    if type(held) is Constant and is_key_name(name):
        return None  # it is the field's name that says what it is
    return held if type(held) in _SETTLED else None


def _made_by(project: Project, call: Call, results: Results) -> Call | None:
    """``Settings.from_env()``: the object that the function's one return makes."""
    if not project.has_function(call.callee) or call.open:
        return None
    returned = results(call.callee)
    made = returned[0] if len(returned) == 1 and call.callee in project.straight else None
    return made if type(made) is Call and made.callee in project.classes else None


def _put(found: ClassState, made: Call, name: str) -> Value | None:
    """What the call of the class puts into the field."""
    held = found.attributes.get(name)
    if "__init__" in found.methods:
        if type(held) is not Parameter or held.function != f"{found.name}.__init__" or held.index < 0:
            return None
        given = made.argument(held.index, held.parameter)
        return held.default if given is None else given
    if name not in found.fields or not _is_record(found):
        return None
    given = made.argument(list(found.fields).index(name), name)
    return held if given is None else given


def _is_record(found: ClassState) -> bool:
    """That the fields are all there are, in their order: no base brings others."""
    if any(_RECORD.fullmatch(one.name) for one in found.decorators):
        return not found.bases
    return bool(found.bases) and _TUPLES.issuperset(found.bases)


class _Given(Rebuilding):
    """What a call passes in place of the parameters of the function that it calls."""

    def __init__(self, project: Project, call: Call) -> None:
        super().__init__()
        self._project = project
        self._call = call

    def call(self, value: Call) -> Value:
        return value  # a fact, which stays the same object

    def parameter(self, value: Parameter) -> Value:
        if value.function != self._call.callee or value.index < 0:
            return value
        given = self._call.argument(value.index, value.parameter)
        return (value.default or value) if given is None else given
