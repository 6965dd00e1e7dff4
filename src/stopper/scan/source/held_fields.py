"""What an object of a class of the project holds in a field: what it was made with, also where a function of the project makes it."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Value,
    walk,
)
from stopper.scan.source.project import ClassState, Project
from stopper.scan.source.reader import instance_of
from stopper.scan.source.rebuilding import Rebuilding

Results = Callable[[str], list[Value]]
"""What a function of the project returns, by its name."""
_RECORD: Final = re.compile(
    r"dataclasses\.dataclass|attrs?\.(?:s|define|frozen|mutable|attrs)|pydantic\.dataclasses\.dataclass"
)
SETTLED: Final = frozenset({Constant, ConfigValue, EnvironmentValue, Mapping, Sequence, Name})
"""What is followed: settings and literals. What a caller sent is judged by the field that it came through."""
_TUPLES: Final = frozenset({"typing.NamedTuple", "NamedTuple"})
_PLAIN: Final = frozenset({
    "types.SimpleNamespace", "argparse.Namespace", "munch.Munch", "box.Box", "addict.Dict", "easydict.EasyDict",
})  # fmt: skip
"""Classes of libraries whose objects hold what they are made with, under the same names."""
_COPIES: Final = frozenset({"dataclasses.replace", "copy.replace", "attrs.evolve", "attr.evolve", "copy.copy", "copy.deepcopy"})  # fmt: skip
_COPYING: Final = frozenset({"_replace", "model_copy", "copy"})
"""Functions and methods that give another object like the one they are given, with other fields where some are named."""
_READERS: Final = frozenset({"model_validate", "parse_obj", "from_dict", "model_construct"})
"""Methods by which libraries make an object of a mapping."""
_DEEPEST: Final = 4
_SENT: Final = frozenset(
    {f"flask.request.{part}" for part in ("args", "form", "values", "json", "get_json", "headers", "cookies", "files")}
)


def field_of(project: Project, owner: Value, name: str, results: Results, depth: int = _DEEPEST) -> Value | None:
    """The value of that field, else None: of an object that is made here, or by a function that does nothing else."""
    if type(owner) is not Call or not depth:
        return None
    copied = (
        owner.receiver
        if owner.method in _COPYING
        else owner.args[0]
        if owner.args and owner.callee in _COPIES
        else None
    )
    if copied is not None:
        changed = owner.keyword("update") if owner.method == "model_copy" else None
        given = changed.get(name) if type(changed) is Mapping else owner.keyword(name)
        return _settled(project, given) if given is not None else field_of(project, copied, name, results, depth - 1)
    if owner.callee in _PLAIN or _is_dict(project, owner.callee):
        return None if owner.open else _settled(project, owner.keyword(name))
    home, _, word = owner.callee.rpartition(".")
    if word in _READERS and home in project.classes and not project.has_function(owner.callee):
        said = owner.args[0] if owner.args else None
        if type(said) is not Mapping or said.open:
            return None
        given = said.get(name)
        return _settled(project, given if given is not None else project.attribute(home, name))
    made = owner if owner.callee in project.classes else _made_by(project, owner, results)
    if made is None or made.open:
        return None
    held = made.keyword(name) if made.callee in _PLAIN else _put(project, made, name)
    if held is not None and made is not owner:
        held = Given(project, owner).into(held)
    return _settled(project, held)


def _is_dict(project: Project, name: str) -> bool:
    """That objects of the class are mappings: ``class Settings(dict)``."""
    found = project.classes.get(name)
    return found is not None and any(base in ("dict", "collections.UserDict") for base in found.bases)


def _settled(project: Project, held: Value | None) -> Value | None:
    if _is_all_sent(held) or (type(held) is Call and _is_object(project, held)):
        return held
    return held if type(held) in SETTLED and not any(type(part) is Parameter for part in walk(held, 6)) else None


def _is_object(project: Project, held: Call) -> bool:
    """``Client(timeout=5)``, ``Registration.model_validate(body)``: an object of a class, of the project or by its name."""
    return instance_of(held.callee) is not None or held.callee.rpartition(".")[0] in project.classes


def _is_all_sent(held: Value | None) -> bool:
    """A whole part of the request, which is judged where something is taken out of it."""
    if type(held) is Name:
        return held.dotted in _SENT
    if type(held) is not Call:
        return False
    inner = held.args[0] if held.callee == "dict" and len(held.args) == 1 else None
    return held.callee in _SENT or held.callee.removesuffix(".to_dict") in _SENT or _is_all_sent(inner)


def _made_by(project: Project, call: Call, results: Results) -> Call | None:
    """``Settings.from_env()``: the object that the function's one return makes."""
    if not project.has_function(call.callee) or call.open:
        return None
    returned = results(call.callee)
    made = returned[0] if len(returned) == 1 and call.callee in project.straight else None
    return made if type(made) is Call and (made.callee in project.classes or made.callee in _PLAIN) else None


def _put(project: Project, made: Call, name: str) -> Value | None:
    """What the call of the class puts into the field."""
    held = project.attribute(made.callee, name)
    if type(held) is Name and project.has_function(held.dotted):
        return None  # a method, or what a property gives
    if maker_of(project, made.callee) is not None:
        return None if held is None else as_made(project, made, held)
    fields = record_fields(project, made.callee)
    if fields is None or name not in fields:
        return None
    given = made.argument(fields.index(name), name)
    return held if given is None else given


def maker_of(project: Project, name: str) -> str | None:
    """The ``__init__`` of the project that runs where that class is called."""
    maker = project.attribute(name, "__init__")
    return maker.dotted if type(maker) is Name and project.has_function(maker.dotted) else None


def as_made(project: Project, made: Call, held: Value) -> Value:
    """What a field of the class holds in the object that the call *made*: with what is passed in place of what ``__init__`` takes, also
    where it hands that on to the ``__init__`` of a base."""
    for _ in range(_DEEPEST):
        met = {part.function for part in walk(held, 8) if type(part) is Parameter}
        inherited = sorted(one for one in met if one.endswith(".__init__") and one != maker_of(project, made.callee))
        handed = next((call for one in inherited if (call := _handed_up(project, made.callee, one)) is not None), None)
        if handed is None:
            break
        held = Given(project, handed).into(held)
    maker = maker_of(project, made.callee)
    return held if maker is None else Given(project, made, maker).into(held)


def _handed_up(project: Project, name: str, maker: str) -> Call | None:
    """The one call of the base's *maker* in the ``__init__`` of the class, or of a class between."""
    found = project.super_calls.get(maker, ())
    lineage = lineage_of(project, name)
    ours = [call for call in found if call.function.removesuffix(".__init__") in lineage and not call.open]
    return ours[0] if len(ours) == 1 else None


def lineage_of(project: Project, name: str, depth: int = 6) -> set[str]:
    """The class and the classes of the project that it is derived from."""
    found = project.classes.get(name)
    if found is None or not depth:
        return set()
    return {name}.union(*(lineage_of(project, base, depth - 1) for base in found.bases))


def is_handed_out(project: Project, value: Value, owner: str) -> bool:
    """That the value is an object of that class, or of one derived from it, which a function of the project hands out, made with nothing."""
    if type(value) is not Call or value.callee in project.classes:
        return False
    returned = [
        one for one in project.returned.get(value.callee, ()) if not (type(one) is Constant and one.value is None)
    ]
    made = [one for one in returned if type(one) is Call and not one.args and not one.keywords and not one.open]
    return bool(made) and len(made) == len(returned) and all(owner in lineage_of(project, one.callee) for one in made)


def record_fields(project: Project, name: str, depth: int = 4) -> list[str] | None:
    """The fields of a record in their order, those of its bases first; None where the class is none, or a base brings more."""
    found = project.classes.get(name)
    if found is None or not depth:
        return None
    if found.bases and _TUPLES.issuperset(found.bases):
        return list(found.fields)
    if not any(_RECORD.fullmatch(one.name) for one in found.decorators) and not _is_model(project, found):
        return None
    before: dict[str, None] = {}
    for base in found.bases:
        if base in project.classes:
            inner = record_fields(project, base, depth - 1)
            if inner is None:
                return None
            before.update(dict.fromkeys(inner))
        elif base not in _MODELS:
            return None
    return list(before | dict.fromkeys(found.fields))


_MODELS: Final = frozenset({"pydantic.BaseModel", "abc.ABC", "typing.Generic", "object"})


def _is_model(project: Project, found: ClassState, depth: int = 4) -> bool:
    """That it is a model of pydantic, which takes its fields by name."""
    if "pydantic.BaseModel" in found.bases:
        return True
    return depth > 0 and any(
        _is_model(project, project.classes[base], depth - 1) for base in found.bases if base in project.classes
    )


class Given(Rebuilding):
    """What a call passes in place of the parameters of the function that it calls."""

    def __init__(self, project: Project, call: Call, function: str = "") -> None:
        super().__init__()
        self._project = project
        self._call = call
        self._function = function or call.callee

    def call(self, value: Call) -> Value:
        return value  # a fact, which stays the same object

    def parameter(self, value: Parameter) -> Value:
        if value.function != self._function or value.index < 0:
            return value
        given = self._call.argument(value.index, value.parameter)
        return (value.default or value) if given is None else given
