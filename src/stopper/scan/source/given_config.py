"""Settings that are handed to whoever writes them: ``create_app({"SECRET_KEY": …})``, ``from_mapping(load())``, ``app.secret_key = settings.key``."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import ConfigWrite
from stopper.core.values import (
    NAMED,
    Call,
    Constant,
    EnvironmentValue,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    options,
)
from stopper.scan.source.held_fields import field_of, record_fields
from stopper.scan.source.project import Project
from stopper.scan.source.reader import either

_MOST_CALLS: Final = 12
_GIVEN: Final = frozenset({Constant, EnvironmentValue, Mapping, Sequence})


def parameters_in(value: Value) -> Iterator[Parameter]:
    """The parameters that a mapping of settings is, or is filled from: ``settings``, ``settings or {}``, ``{"A": 1, **settings}``."""
    for one in options(value):
        if type(one) is Parameter:
            yield one
        elif type(one) is Mapping:
            for key, held in one.items:
                if type(key) is not Constant and type(held) is Parameter:
                    yield held
        elif type(one) is Call and one.callee == "dict":
            for held in (*one.args, *(inner for name, inner in one.keywords if name == "**")):
                yield from parameters_in(held)


class GivenConfig:
    """What callers hand over, found through an index of calls by the function that they run."""

    def __init__(self, project: Project, tests: frozenset[str]) -> None:
        self._project = project
        self._calls: dict[str, list[Call]] = {}
        for call in project.calls:
            known = call.callee in project.functions or call.callee in project.classes
            if known and (call.span is None or call.span.path not in tests):
                self._calls.setdefault(call.callee, []).append(call)

    def mappings(self) -> Iterator[ConfigWrite]:
        """The settings in mappings that functions give back, and in those that callers pass."""
        makers = frozenset(self._project.given_settings)
        for returned in self._project.returns if makers else ():
            if returned.function in makers:
                for one in options(returned.value):
                    for key, value in one.items if isinstance(one, Mapping) else ():
                        if isinstance(key, Constant) and isinstance(key.value, str):
                            yield ConfigWrite(key.value, value, key.span or returned.span, "item", returned.function)
        for parameter in dict.fromkeys(self._project.handed_settings):
            for call in self._calls.get(parameter.function, ()):
                for name, held in self._handed(parameter, call):
                    span = held.span or call.span
                    if span is not None:
                        yield ConfigWrite(name, held, span, "item", call.function)

    def _handed(self, parameter: Parameter, call: Call) -> Iterator[tuple[str, Value]]:
        if parameter.index == NAMED:
            own = self._project.functions[call.callee].parameters
            yield from ((name, value) for name, value in call.keywords if name not in own and name != "**")
            return
        given = call.argument(parameter.index, parameter.parameter) if parameter.index >= 0 else None
        for one in options(given):
            for key, value in one.items if isinstance(one, Mapping) else ():
                if isinstance(key, Constant) and isinstance(key.value, str):
                    yield key.value, value

    def settled(self, write: ConfigWrite) -> ConfigWrite:
        """The write with what its value is: a field of an object that is handed over, or what each
        caller passes."""
        if type(write.value) not in _OPEN or write.key.startswith("_"):
            return write
        found = self._of(write.value)
        if found is None:
            return write
        return ConfigWrite(write.key, found, write.span, write.how, write.function, write.owner, write.loaded)

    def _of(self, value: Value) -> Value | None:
        if type(value) is Parameter:
            passed = self._passed(value)
            return either(*passed) if passed and all(type(one) in _GIVEN for one in passed) else None
        if type(value) is Member:
            owners = self._passed(value.owner) if type(value.owner) is Parameter else [value.owner]
            held = [self._field(one, value.attribute) for one in owners]
            known = [one for one in held if one is not None]
            return either(*known) if known and len(known) == len(held) else None
        if type(value) is Name:
            return self._put_by_makers(value.dotted)
        return None

    def _put_by_makers(self, name: str) -> Value | None:
        """What a field of a record without a default holds, ``self.token_key``, by every call that makes such a record."""
        owner, _, field = name.rpartition(".")
        if (
            field not in (record_fields(self._project, owner) or ())
            or self._project.attribute(owner, field) is not None
        ):
            return None
        made = self._calls.get(owner, ())
        held = [self._field(one, field) for one in made] if len(made) <= _MOST_CALLS else []
        known = [one for one in held if one is not None]
        return either(*known) if known and len(known) == len(held) else None

    def _passed(self, value: Parameter) -> list[Value]:
        """What a parameter is, call by call; its default alone where nobody calls the function with anything else."""
        if value.index < 0:
            return []
        given = [
            call.argument(value.index, value.parameter) for call in self._calls.get(value.function, ())[:_MOST_CALLS]
        ]
        if value.default is not None:
            given = [value.default if one is None else one for one in given] or [value.default]
        known = [one for one in given if one is not None]
        return known if len(known) == len(given) else []

    def _field(self, owner: Value, name: str) -> Value | None:
        project = self._project
        held = field_of(project, owner, name, lambda function: project.returned.get(function, []))
        made = owner.callee if type(owner) is Call else owner.dotted if type(owner) is Name else ""
        if held is None and made in project.classes and not (type(owner) is Call and owner.open):
            held = project.attribute(made, name)
        return held if type(held) in _GIVEN else None


_OPEN: Final = frozenset({Parameter, Member, Name})
