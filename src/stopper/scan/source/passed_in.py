"""What the one call of a function passes, put in place of the function's parameters."""

from typing import Any, Final

from stopper.core.drafts import changed
from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    options,
    text_of,
)
from stopper.scan.source.declared import declared
from stopper.scan.source.dumped import poured_in
from stopper.scan.source.held_fields import field_of
from stopper.scan.source.late_sinks import WRITES, read_late
from stopper.scan.source.names import INSTANCES
from stopper.scan.source.project import Project
from stopper.scan.source.reader import canonical, instance_of, named
from stopper.scan.source.rebuilding import Rebuilding


def set_field(fact: Any, name: str, value: object) -> None:
    """Changes a field of a fact, which is frozen."""
    object.__setattr__(fact, name, value)


def _name_method(project: Project, call: Call) -> None:
    """``path.startswith`` of what is known now: ``flask.request.path.startswith``, or the method of a class of the project; and
    ``LOADERS[kind](body)``, where that is one function."""
    if call.callee == "?" and isinstance(call.receiver, Name):
        set_field(call, "callee", canonical(call.receiver.dotted))
    if call.callee[:2] != "?.":
        return
    if isinstance(call.receiver, Name):
        dotted = INSTANCES.get(call.receiver.dotted, call.receiver.dotted)
        set_field(call, "callee", canonical(f"{dotted}.{call.method}"))
    elif isinstance(call.receiver, Call) and call.receiver.callee in project.classes:
        method = project.attribute(call.receiver.callee, call.method)
        if isinstance(method, Name):
            set_field(call, "callee", method.dotted)
            home = project.functions.get(call.function)
            if home is not None:
                set_field(home, "calls", tuple(dict.fromkeys((*home.calls, method.dotted))))
    else:
        made = next((one for one in options(call.receiver) if isinstance(one, Call)), None)
        known = instance_of(made.callee) if made is not None else None
        if known is not None:
            set_field(call, "callee", canonical(f"{known}.{call.method}"))


def _unpack(project: Project, call: Call) -> None:
    """``app.run(**options)`` where it is known by now what the options are."""
    keywords: list[tuple[str, Value]] = []
    is_open = any(isinstance(one, Unknown) for one in call.args)
    for name, said_so in call.keywords:
        value = poured_in(project, said_so) if name == "**" else said_so
        held = value.items if name == "**" and isinstance(value, Mapping) and not value.open else None
        said = None if held is None else [(text_of(key), one) for key, one in held]
        if said is None or any(key is None for key, _ in said):
            keywords.append((name, value))
            is_open = is_open or name == "**"
        else:
            keywords += [(key, one) for key, one in said if key is not None]
    set_field(call, "keywords", tuple(keywords))
    set_field(call, "open", is_open)


FURTHEST: Final = 12
"""Attributes that are followed one out of the other."""


class Passing(Rebuilding):
    """What the one call of each function passes, in place of its parameters. Calls are facts and stay the same objects."""

    def __init__(
        self, project: Project, sole: dict[str, Call], gives: dict[int, Value], settled: dict[str, dict[int, Value]]
    ) -> None:  # fmt: skip
        super().__init__()
        self._project = project
        self._sole = sole
        self._settled = settled
        self._gives = gives
        self._asked: set[tuple[str, str]] = set()
        self._seen: set[int] = set()
        self._filling: set[int] = set()
        self._giving: set[int] = set()
        self._following: set[int] = set()
        self.home = ""
        """The function in which the fact stands that is made anew."""
        self.found: list[Call] = []
        """Calls that may be known as sinks only now."""

    def item(self, value: Item) -> Value:
        made = super().item(value)
        return read_late(self._project, made, self.home) if type(made) is Item and made is not value else made

    def parameter(self, value: Parameter) -> Value:
        call = self._sole.get(value.function)
        mark = (value.function, value.parameter)
        if call is None and value.function in self._settled:
            return self._settled[value.function].get(value.index, value)
        if call is None or value.index < 0 or mark in self._asked:
            return value
        given = call.argument(value.index, value.parameter)
        if given is None:
            return value  # its default, which is what it is where nobody says anything else
        self._asked.add(mark)
        made = self.into(given)
        self._asked.discard(mark)
        return named(made, value.name) if value.name else made

    def member(self, value: Member) -> Value:
        made = super().member(value)
        if type(made) is Name:
            return self._of_class(made)
        if type(made) is not Member or made is value:
            return made
        held = field_of(self._project, made.owner, made.attribute, lambda name: self._project.returned.get(name, []))
        held = held or declared(self._project, made.owner, made.attribute)
        if held is None:
            return made
        found = self._further(held, made)
        return named(found, made.attribute) if sensitive(made.attribute) else found

    def _of_class(self, made: Name) -> Value:
        """``self.client`` of a helper that is handed ``self``: what the class has there."""
        owner, _, attribute = made.dotted.rpartition(".")
        held = self._project.attribute(owner, attribute) if owner in self._project.classes else None
        return made if held is None else self._further(held, made)

    def _further(self, held: Value, made: Value) -> Value:
        """What an attribute holds, anew; the attribute itself where that leads back to it (``self.next = self.next.next``) or too far."""
        if id(held) in self._following or len(self._following) >= FURTHEST:
            return made
        self._following.add(id(held))
        found = self.into(held)
        self._following.discard(id(held))
        return found

    def call(self, value: Call) -> Value:
        key = id(value)
        if key not in self._seen:
            self._seen.add(key)
            self._filling.add(key)
            self._fill(value)
            self._filling.discard(key)
        if value.method == "get_secret_value" and type(value.receiver) in (Constant, EnvironmentValue):
            return value.receiver or value  # what a wrapper of pydantic keeps
        given = self._gives.get(key)
        if given is None or key in self._giving:
            # ``self.code = hashed(self)``, where that hashes ``self.code``: a part of itself, it is what it was before; values hold no circle.
            return changed(value, args=value.args) if key in self._filling else value
        self._giving.add(key)
        made = self.into(given)
        self._giving.discard(key)
        return made

    def _fill(self, value: Call) -> None:
        passed = self.passed(value)
        if passed is not None:
            before = value.callee
            for name, made in zip(("receiver", "args", "keywords"), passed, strict=True):
                object.__setattr__(value, name, made)
            _name_method(self._project, value)
            if value.callee != before:
                self.found.append(value)
        if value.open and any(name == "**" and type(one) in (Mapping, Call) for name, one in value.keywords):
            _unpack(self._project, value)
        if value.method in WRITES and type(value.receiver) is Call:
            self.found.append(value)
