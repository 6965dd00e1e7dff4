"""Makes values anew with something else in place of the parameters in them. What has none in it stays the same object."""

from collections.abc import Callable
from typing import Any, Final

from stopper.core.drafts import changed
from stopper.core.naming import sensitive
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
    options,
)
from stopper.scan.source.drafts import new_constant, new_name
from stopper.scan.source.reader import CONFIGS, canonical

MOST_OPTIONS: Final = 12
"""What one of several may be, once functions that choose are read into each other: each step would double it."""


class Rebuilding:
    """Rebuilds values that share parts, each part once. A subclass says what stands in place of a parameter."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Value, Value]] = {}
        """Identity → the value, kept alive so that its identity cannot pass to another, and what it became."""

    def parameter(self, value: Parameter) -> Value:
        """What stands in place of that parameter; itself where nothing does."""
        return value

    def is_config(self, value: Value) -> bool:
        """That the value is the settings of an application."""
        if type(value) is Name:
            return value.dotted in CONFIGS
        owner = value.owner if type(value) is Member and value.attribute == "config" else None
        return type(owner) is Call and owner.callee == "flask.Flask"

    def into(self, value: Value) -> Value:
        """The value anew."""
        rebuild = _REBUILD.get(type(value))
        if rebuild is None:
            return value
        known = self._made.get(id(value))
        if known is None:
            known = self._made[id(value)] = (value, rebuild(self, value))
        return known[1]

    def maybe(self, value: Value | None) -> Value | None:
        """The value anew, where there is one."""
        return None if value is None else self.into(value)

    def several(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Each of them anew; the same tuple where nothing changed."""
        changed: list[Value] | None = None
        for place, one in enumerate(values):
            if type(one) in _REBUILD and (made := self.into(one)) is not one:
                changed = changed if changed is not None else list(values)
                changed[place] = made
        return values if changed is None else tuple(changed)

    def call(self, value: Call) -> Value:
        """A call anew: a copy where something in it changed."""
        passed = self.passed(value)
        if passed is None:
            return value
        receiver, args, keywords = passed
        return changed(value, receiver=receiver, args=args, keywords=keywords)

    def passed(
        self, value: Call
    ) -> tuple[Value | None, tuple[Value, ...], tuple[tuple[str, Value], ...]] | None:  # fmt: skip
        """Receiver, arguments and keywords of a call anew; None where nothing changed."""
        receiver, args = self.maybe(value.receiver), self.several(value.args)
        held = tuple([one for _, one in value.keywords])
        made = self.several(held)
        if receiver is value.receiver and args is value.args and made is held:
            return None
        return (
            receiver,
            args,
            tuple((name, one) for (name, _), one in zip(value.keywords, made, strict=True)),
        )

    def of_parts(self, value: Format | Unknown | Truth) -> Value:
        """Any value that has nothing but parts."""
        parts = self.several(value.parts)
        if parts is value.parts:
            return value
        if type(value) is Format and all(type(one) is Constant and type(one.value) in (str, int) for one in parts):
            return new_constant(
                "".join([str(one.value) for one in parts if type(one) is Constant]), value.span, value.name
            )
        return changed(value, parts=parts)

    def sequence(self, value: Sequence) -> Value:
        """A display anew."""
        items = self.several(value.items)
        return value if items is value.items else changed(value, items=items)

    def choice(self, value: Choice) -> Value:
        """One of several anew."""
        found = self.several(value.options)
        if found is value.options:
            return value
        flat: list[Value] = []
        for one in found:
            inner = one.options if type(one) is Choice and one.every == value.every else (one,)
            flat += [part for part in inner if not any(part is known for known in flat)]
        return changed(value, options=tuple(flat[:MOST_OPTIONS]))

    def mapping(self, value: Mapping) -> Value:
        """A dict anew."""
        flat = tuple([part for pair in value.items for part in pair])
        made = self.several(flat)
        if made is flat:
            return value
        return changed(value, items=tuple(zip(made[::2], made[1::2], strict=True)))

    def member(self, value: Member) -> Value:
        """An attribute anew."""
        owner = self.into(value.owner)
        if owner is value.owner:
            return value
        if type(owner) is Name:
            return new_name(canonical(f"{owner.dotted}.{value.attribute}"), value.span, value.name)
        return changed(value, owner=owner)

    def item(self, value: Item) -> Value:
        """An element anew."""
        owner, key, default = (
            self.into(value.owner),
            self.into(value.key),
            self.maybe(value.default),
        )
        if owner is value.owner and key is value.key and default is value.default:
            return value
        held = _held(owner, key, default)
        if held is not None:
            return held
        if isinstance(owner, (Name, Member)) and (names := _literals(key)):
            if type(owner) is Name and owner.dotted == "os.environ":
                read = [EnvironmentValue(one, default, value.span, value.name or _said(one)) for one in names]
                return read[0] if len(read) == 1 else Choice(tuple(read))
            if self.is_config(owner):
                held_there = [ConfigValue(one, default, value.span, value.name or _said(one)) for one in names]
                return held_there[0] if len(held_there) == 1 else Choice(tuple(held_there))
        return changed(value, owner=owner, key=key, default=default)

    def with_default(self, value: EnvironmentValue | ConfigValue) -> Value:
        """A look-up by name anew."""
        default = self.maybe(value.default)
        return value if default is value.default else changed(value, default=default)


def _held(owner: Value, key: Value, default: Value | None) -> Value | None:
    """What a display holds under a literal key."""
    if type(key) is not Constant:
        return None
    if type(owner) is Mapping and type(key.value) is str:
        known = owner.get(key.value)
        return default if known is None and not owner.open else known
    if (
        type(owner) is Sequence
        and type(key.value) is int
        and not owner.open
        and -len(owner.items) <= key.value < len(owner.items)
    ):
        return owner.items[key.value]
    return None


def _literals(key: Value) -> tuple[str, ...]:
    """The literal texts that the key is one of: all of them, or none."""
    texts = [one.value if type(one) is Constant else None for one in options(key)]
    return tuple([one for one in texts if type(one) is str]) if all(type(one) is str for one in texts) else ()


def _said(key: str) -> str:
    return key if sensitive(key) else ""


_REBUILD: Final["dict[type[Any], Callable[[Rebuilding, Any], Value]]"] = {
    Parameter: lambda made, value: made.parameter(value),
    Call: lambda made, value: made.call(value),
    Sequence: lambda made, value: made.sequence(value),
    Format: lambda made, value: made.of_parts(value),
    Unknown: lambda made, value: made.of_parts(value),
    Truth: lambda made, value: made.of_parts(value),
    Choice: lambda made, value: made.choice(value),
    Mapping: lambda made, value: made.mapping(value),
    Member: lambda made, value: made.member(value),
    Item: lambda made, value: made.item(value),
    EnvironmentValue: lambda made, value: made.with_default(value),
    ConfigValue: lambda made, value: made.with_default(value),
}
"""How each class of value that may hold a parameter is made anew."""
