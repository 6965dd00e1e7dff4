"""A function that one place of the project calls: its parameters are what that place passes, and its steps are its caller's."""

from collections.abc import Set
from typing import Any, Final

from stopper.core.flow.written_alike import written_alike
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Name,
    Value,
    walk,
)
from stopper.scan.source.gates import gates_among
from stopper.scan.source.handed_on import handed_on
from stopper.scan.source.held_fields import maker_of
from stopper.scan.source.late_sinks import assigned_late, record_late
from stopper.scan.source.passed_in import Passing, set_field
from stopper.scan.source.project import Project
from stopper.scan.source.reader import CONFIGS
from stopper.scan.source.straight import changes_nothing, is_followed

_HELD: Final = {
    "comparisons": ("left", "right"),
    "conditions": ("value",),
    "returns": ("value",),
    "raises": ("value",),
    "flows": ("value",),
    "assignments": ("value", "into"),
    "config": ("value",),
}
"""Kinds of facts, and their fields that are values."""
_STEPS: Final = ("calls", "comparisons", "conditions", "raises", "handlers", "flows", "assignments", "config", "readings", "refusals")  # fmt: skip
"""Kinds of facts that say in which function they stand."""
_MAKER: Final = ".__init__"
_CALL_NOTHING: Final = frozenset({
    "object", "abc.ABC", "typing.Protocol", "typing.Generic", "typing_extensions.Protocol", "typing.NamedTuple", "enum.Enum",
    "enum.StrEnum", "Exception", "ValueError", "RuntimeError",
})  # fmt: skip
"""Bases of libraries that run no method of a class that is derived from them."""


def follow_sole_callers(project: Project, tests: frozenset[str]) -> None:
    """Put what is passed in place of the parameters of every function that is called from one place and named nowhere else. What such
    a function does stands in its caller where it runs from its first line to its last, or where the caller does nothing else."""
    sole = _sole(project, tests)
    settled = _settled(project, tests)
    if not sole and not settled:
        return
    _pass_on(project, sole, settled)
    _move_in(project, sole)


def _settled(project: Project, tests: frozenset[str]) -> dict[str, dict[int, Value]]:
    """The makers of classes that several places call, with the settings and literals that all of them pass at a place."""
    found: dict[str, list[Call]] = {}
    for call in project.calls:
        name = call.callee if call.callee.endswith(_MAKER) else maker_of(project, call.callee)
        if name is not None and name in project.functions and (call.span is None or call.span.path not in tests):
            found.setdefault(name, []).append(call)
    settled: dict[str, dict[int, Value]] = {}
    for name, calls in found.items():
        if len(calls) > 1 and not any(call.open for call in calls):
            for number, parameter in enumerate(project.functions[name].parameters):
                same = _same([call.argument(number, parameter) for call in calls])
                if same is not None:
                    settled.setdefault(name, {})[number] = same
    return settled


def _same(given: list[Value | None]) -> Value | None:
    """The one setting, environment variable or literal that all of these are; None where they are something else or differ."""
    first = given[0]
    if isinstance(first, Name) and first.dotted in CONFIGS:
        alike = all(isinstance(one, Name) and one.dotted in CONFIGS for one in given)
    elif isinstance(first, ConfigValue):
        alike = all(isinstance(one, ConfigValue) and written_alike(one, first) for one in given)
    elif isinstance(first, EnvironmentValue):
        alike = all(isinstance(one, EnvironmentValue) and written_alike(one, first) for one in given)
    else:
        alike = isinstance(first, Constant) and all(
            isinstance(one, Constant) and type(one.value) is type(first.value) and one.value == first.value
            for one in given
        )
    return first if alike else None


def _pass_on(project: Project, sole: dict[str, Call], settled: dict[str, dict[int, Value]]) -> None:
    inside = _inside(project, sole.keys() | settled.keys())
    gives = {id(call): project.returned[name][0] for name, call in sole.items() if _gives_one(project, name, call)}
    inside |= {call.function for call in sole.values() if id(call) in gives}
    passing = Passing(project, sole, gives, settled)
    for call in project.calls:
        if call.function in inside:
            passing.home = call.function
            passing.into(call)
    for kind, fields in _HELD.items():
        for fact in getattr(project, kind):
            if fact.function in inside:
                before = fact.into if kind == "assignments" else None
                passing.home = fact.function
                _refill(fact, fields, passing)
                if before is not None and fact.into is not before:
                    assigned_late(project, fact)
    for one in (*project.refusals, *project.beside):
        if one.under and one.function in inside:
            set_field(one, "under", tuple([(passing.into(value), negated) for value, negated in one.under]))
    for name in inside:
        function = project.functions.get(name)
        if function is not None and function.returns:
            object.__setattr__(function, "returns", passing.several(function.returns))
            project.returned[name] = list(function.returns)
        if function is not None and function.yields:
            object.__setattr__(function, "yields", passing.several(function.yields))
            places = [place for _, place in project.yielded[name]]
            project.yielded[name] = list(zip(function.yields, places, strict=True))
    record_late(project, passing.found)


def _gives_one(project: Project, name: str, call: Call) -> bool:
    """That the call is what the one return of the function gives."""
    if name not in project.straight or len(project.returned.get(name, ())) != 1:
        return False
    return is_followed(project, call)


def _refill(fact: Any, fields: tuple[str, ...], passing: Passing) -> None:
    for name in fields:
        before = getattr(fact, name)
        if before is not None and (made := passing.into(before)) is not before:
            object.__setattr__(fact, name, made)


def _move_in(project: Project, sole: dict[str, Call]) -> None:
    """What a function does that is a part of its caller stands in the caller."""
    called = {name: call.function for name, call in sole.items() if call.function in project.functions}
    whole = {name for name in called if _is_all_of_caller(project, sole[name])}
    gates = gates_among(project, {name: sole[name] for name in called if name not in whole})
    parts = {
        name: caller
        for name, caller in called.items()
        if name in whole or name in gates or _gives_one(project, name, sole[name])
    }
    project.refusals += [one for one in project.beside if one.function in gates]
    homes = {name: _outermost(parts, name) for name in parts}
    for kind in _STEPS if homes else ():
        for fact in getattr(project, kind):
            if fact.function in homes:
                set_field(fact, "function", homes[fact.function])
    for name in whole:
        _answer_for(project, name, homes[name])
    for name, home in homes.items():
        outer = project.functions[home]
        set_field(
            outer,
            "calls",
            tuple(dict.fromkeys((*outer.calls, *project.functions[name].calls))),
        )
    project.sole.update((name, homes.get(caller, caller)) for name, caller in called.items() if name not in homes)


def _answer_for(project: Project, name: str, outer: str) -> None:
    """The returns of a function that is all of its caller are the caller's."""
    function = project.functions[name]
    project.returns[:] = [one for one in project.returns if one.function != outer]
    for one in project.returns:
        if one.function == name:
            set_field(one, "function", outer)
    project.returned[outer] = list(function.returns)
    set_field(project.functions[outer], "returns", function.returns)


def _is_all_of_caller(project: Project, call: Call) -> bool:
    """That a function does nothing but give back what that call gives."""
    if call.function not in project.through or not _is_run(project, call):
        return False
    returned = project.returned.get(call.function, [])
    return len(returned) == 1 and returned[0] is call


def _is_run(project: Project, call: Call) -> bool:
    return call.callee in project.functions and is_followed(project, call)


def _outermost(home: dict[str, str], name: str) -> str:
    for _ in range(12):
        if name not in home:
            break
        name = home[name]
    return name


def _sole(project: Project, tests: frozenset[str]) -> dict[str, Call]:
    """The functions that one call alone runs, with that call."""
    found: dict[str, Call | None] = {}
    functions, classes = project.functions, project.classes
    for call in project.calls:
        name = call.callee
        if name in classes:
            name = maker_of(project, name) or name + _MAKER
        if name in functions and (call.span is None or call.span.path not in tests):
            found[name] = None if name in found else call
    named_elsewhere = handed_on(project) | _served(project)
    asked_of_rows = {call.callee[2:] for call in project.calls if call.callee[:2] == "?." and _is_of_a_row(call)}
    return {
        name: call
        for name, call in found.items()
        if call is not None
        and not call.open
        and (call.function or name.endswith(_MAKER))
        and name not in named_elsewhere
        and call.function != name
        and not call.function.startswith(name + ".")
        and all(changes_nothing(project, one.name) for one in project.functions[name].decorators)
        and not _is_called_by_others(project, name)
        and (not project.functions[name].owner or name.rpartition(".")[2] not in asked_of_rows)
        and not _is_written_anew(project, name)
    }


def _served(project: Project) -> set[str]:
    """The functions that requests run, which a document beside the code or a class that is registered names."""
    registered = [one.call for one in project.registrations if one.call is not None]
    return {part.dotted for call in registered for part in walk(call, 3) if type(part) is Name}


def _is_of_a_row(call: Call) -> bool:
    """``current_user().update(body)``, ``query.first().update(body)``: a method of a model, whose class is not seen."""
    made = call.receiver
    return type(made) is Call and made.method in (
        "first",
        "first_or_404",
        "get_or_404",
        "one_or_404",
        "one_or_none",
        "scalar",
        "current_user",
    )


def _is_called_by_others(project: Project, name: str) -> bool:
    """A method of a class that a library knows by its base (a view, a resource, a thread): the library calls it too."""
    owner = project.functions[name].owner
    return bool(owner) and not name.endswith(_MAKER) and _is_of_library(project, owner)


def _is_written_anew(project: Project, name: str, depth: int = 4) -> bool:
    """A method that a derived class has too: which of them the call runs, the object decides."""
    owner, _, word = name.rpartition(".")
    if not depth or name.endswith(_MAKER):
        return False
    return any(
        word in project.classes[heir].methods or _is_written_anew(project, f"{heir}.{word}", depth - 1)
        for heir in project.heirs.get(owner, ())
    )


def _is_of_library(project: Project, owner: str, depth: int = 6) -> bool:
    found = project.classes.get(owner)
    if found is None:
        return owner not in _CALL_NOTHING
    return bool(depth) and any(_is_of_library(project, base, depth - 1) for base in found.bases)


def _inside(project: Project, sole: Set[str]) -> set[str]:
    """These functions, those in them, and the methods of objects whose maker is among them: where the parameters can be seen."""
    classes = tuple(f"{name.removesuffix(_MAKER)}." for name in sole if name.endswith(_MAKER))
    found: set[str] = set()
    for name in project.functions:
        outer = name
        while outer and outer not in sole:
            outer = outer.rpartition(".")[0]
        if outer or name.startswith(classes):
            found.add(name)
    return found
