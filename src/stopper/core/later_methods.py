"""Data classes whose methods are made without compiling them, and whose ``__init__`` is compiled once it has filled a few values: of the
hundreds of classes that a run imports it fills a part, and compiling six functions for each would be a sixth of what a small run costs.

A class is made once, with its slots and methods in it: to make it without them, make it anew with slots and hang methods on it, as the standard
library does, costs four times as much. What the library says of fields (``fields``, ``replace``, who derives from it) it is asked when somebody
wants to know. The slots are filled one by one through their own descriptors, which costs less than ``object.__setattr__``.
"""

import dataclasses
from collections.abc import Callable, Generator
from contextlib import contextmanager
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, Final, NamedTuple, cast

_dataclass: Final[Any] = dataclasses.dataclass
_PLAIN: Final = (
    {"frozen": True, "slots": True},
    {"slots": True},
    {"frozen": True, "slots": True, "order": True},
    {"frozen": True, "slots": True, "eq": False},
)
"""Which options a class may have."""
MOST_UNCOMPILED: Final = 16
"""Values that a class fills without a compiled ``__init__``; to compile costs as much as so many."""
_MADE: Final = frozenset({
    "__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__", "__slots__",
})  # fmt: skip
_NOT_CARRIED: Final = ("__dict__", "__weakref__")
_MISSING: Final = dataclasses.MISSING


class Member(NamedTuple):
    """One field as far as methods need to know it; ``hash`` is None where ``compare`` decides."""

    name: str
    default: Any = _MISSING
    default_factory: Any = _MISSING
    init: bool = True
    repr: bool = True
    compare: bool = True
    hash: bool | None = None


@contextmanager
def methods_later() -> Generator[None]:
    """Modules of ours that are imported meanwhile get later methods, without a word of it in them. Classes of others, classes that are
    derived from one or write such a method themselves, and data classes with any other option are made as ever."""
    before = dataclasses.dataclass
    dataclasses.dataclass = cast("Any", _later_if_plain)
    try:
        yield
    finally:
        dataclasses.dataclass = before


def _later_if_plain(cls: Any = None, /, **options: Any) -> Any:
    if cls is not None or options not in _PLAIN:
        return _dataclass(cls, **options)

    def decorate(plain: type) -> Any:
        return later_methods(plain, **options) if _is_simple(plain) else _dataclass(**options)(plain)

    return decorate


def _is_simple(cls: type) -> bool:
    said = cls.__dict__
    return (
        cls.__bases__ == (object,)
        and cls.__module__.startswith("stopper.")
        and _MADE.isdisjoint(said)
        and not any(type(one) is dataclasses.Field and one.kw_only is True for one in said.values())
    )


def later_methods(plain: Any, *, frozen: bool = False, eq: bool = True, order: bool = False, **_slots: bool) -> Any:
    """``dataclass(frozen=…, slots=True, eq=…, order=…)`` of a class that derives from none, has no ``InitVar``, no ``ClassVar`` and no field by
    keyword alone."""
    said: dict[str, Any] = dict(plain.__dict__)
    for name in _NOT_CARRIED:
        said.pop(name, None)
    written: dict[str, Any] = said.get("__annotations__", {})
    held = {name: said.pop(name) for name in written if name in said}
    members = tuple([_member(name, held[name]) if name in held else Member(name) for name in written])
    made: list[Any] = []
    options = {"frozen": frozen, "eq": eq, "order": order}
    said["__qualname__"] = plain.__qualname__
    said["__doc__"] = plain.__doc__ or plain.__name__  # else the signature would be worked out to be its docstring
    said["__slots__"] = tuple(written)
    said["__match_args__"] = tuple([one.name for one in members if one.init])
    said["__dataclass_fields__"] = _AskedFields(made, written, held, options)
    said["__dataclass_params__"] = _AskedParams(made, written, held, options)
    said["__init__"] = _first_init(made, members, frozen)
    said["__repr__"] = _shown
    if eq:
        said["__hash__"] = None
        said.update(_comparison(members, frozen))
    if order:
        said.update(_order(members))
    if frozen:
        said.update(_guards(made, frozenset(written)))
        said.update(_state(tuple(written)))
    cls = type(plain.__name__, (object,), said)
    made.append(cls)
    _KNOWN[cls] = members
    return cls


_KNOWN: Final[dict[type, tuple[Member, ...]]] = {}


def members_of(cls: Any) -> tuple[Member, ...]:
    """The fields of a data class, also of one that was made as ever, without asking the library where that can be spared."""
    known = _KNOWN.get(cls)
    return tuple(_member(one.name, one) for one in dataclasses.fields(cls)) if known is None else known


def _member(name: str, held: Any) -> Member:
    if type(held) is not dataclasses.Field:
        return Member(name, held)
    said = cast("Any", held)
    return Member(name, said.default, said.default_factory, said.init, said.repr, said.compare, said.hash)


class _Asked:
    """What the standard library says of a class, which it is asked when somebody reads it."""

    def __init__(
        self, made: list[Any], written: dict[str, Any], held: dict[str, Any], options: dict[str, bool]
    ) -> None:
        self._given = (made, written, held, options)

    def __get__(self, _value: object, _owner: type) -> Any:
        made, written, held, options = self._given
        like: Any = type(made[0].__name__, (), {**held, "__annotations__": written, "__doc__": made[0].__doc__})
        like.__module__ = made[0].__module__
        like = _dataclass(init=False, repr=False, eq=False, match_args=False)(like)
        for name, value in options.items():
            setattr(like.__dataclass_params__, name, value)  # who derives from it is asked to be frozen as well
        made[0].__dataclass_params__ = like.__dataclass_params__
        made[0].__dataclass_fields__ = like.__dataclass_fields__
        return like


class _AskedFields(_Asked):
    def __get__(self, _value: object, _owner: type) -> Any:
        return super().__get__(_value, _owner).__dataclass_fields__


class _AskedParams(_Asked):
    def __get__(self, _value: object, _owner: type) -> Any:
        return super().__get__(_value, _owner).__dataclass_params__


def _first_init(made: list[Any], members: tuple[Member, ...], frozen: bool) -> Callable[..., None]:
    """``__init__`` of the first values. What it cannot fill, the compiled one does, or says what is wrong."""
    left = MOST_UNCOMPILED
    names: list[str] = []
    makers: dict[str, Any] = {}
    known: dict[str, Any] = {}
    filled: dict[str, Any] = {}
    finish: Callable[[Any], None] | None = None

    def begin() -> None:
        nonlocal finish
        names.extend(one.name for one in members if one.init)
        makers.update((one.name, one.default_factory) for one in members if one.default_factory is not _MISSING)
        known.update((one.name, one.default) for one in members if one.default is not _MISSING)
        filled.update((name, getattr(made[0], name).__set__) for name in dict.fromkeys((*names, *known, *makers)))
        finish = getattr(made[0], "__post_init__", None)

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        nonlocal left
        if left == MOST_UNCOMPILED:
            begin()
        left -= 1
        values = {**known, **dict(zip(names, given, strict=False)), **named}
        values.update((name, make()) for name, make in makers.items() if name not in values)
        wrong = len(given) > len(names) or len(values) != len(filled) or not named.keys() <= set(names[len(given) :])
        if left < 0 or wrong:
            made[0].__init__ = compiled = _init(made[0], members, frozen)
            compiled(self, *given, **named)
            return
        for name, fill in filled.items():
            fill(self, values[name])
        if finish is not None:
            finish(self)

    return __init__


def _guards(made: list[Any], names: frozenset[str]) -> dict[str, Callable[..., Any]]:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is made[0] or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        above = cast("Any", super(made[0], self))
        above.__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is made[0] or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        above = cast("Any", super(made[0], self))
        above.__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _comparison(members: tuple[Member, ...], frozen: bool) -> dict[str, Callable[..., Any]]:
    compared = _getter([one.name for one in members if one.compare])

    def __eq__(self: Any, other: Any) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    if not frozen:
        return {"__eq__": __eq__}
    hashed = _getter([one.name for one in members if (one.compare if one.hash is None else one.hash)])

    def __hash__(self: Any) -> int:
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _order(members: tuple[Member, ...]) -> dict[str, Callable[..., Any]]:
    compared = _getter([one.name for one in members if one.compare])

    def __lt__(self: Any, other: Any) -> Any:
        return compared(self) < compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __le__(self: Any, other: Any) -> Any:
        return compared(self) <= compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __gt__(self: Any, other: Any) -> Any:
        return compared(self) > compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __ge__(self: Any, other: Any) -> Any:
        return compared(self) >= compared(other) if other.__class__ is self.__class__ else NotImplemented

    return {"__lt__": __lt__, "__le__": __le__, "__gt__": __gt__, "__ge__": __ge__}


@recursive_repr()
def _shown(self: Any) -> str:
    """``__repr__`` of all of them."""
    said = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({said})"


def _state(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    def __getstate__(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=False):
            object.__setattr__(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Gives these attributes as a tuple, also one or none."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    one = attrgetter(names[0])
    return lambda value: (one(value),)


def _init(cls: Any, members: tuple[Member, ...], frozen: bool) -> Callable[..., None]:
    """``__init__``, from a text as the standard library makes it. Only names of fields, which are identifiers, come into the text."""
    known: dict[str, Any] = {"_none": _MISSING}
    given, body = ["self"], list[str]()
    for one in members:
        name = value = one.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        if one.default_factory is not _MISSING:
            known[f"_make_{name}"] = one.default_factory
            value = f"_make_{name}() if {name} is _none else {name}" if one.init else f"_make_{name}()"
        elif one.default is not _MISSING:
            known[f"_default_{name}"] = one.default
            value = name if one.init else f"_default_{name}"
        elif not one.init:
            continue  # __post_init__ fills it
        if one.init:
            given.append(name + _default_of(one))
        body.append(f" _set_{name}(self, {value})" if frozen else f" self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(given)}):\n" + ("\n".join(body) or " pass"), known)
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _default_of(one: Member) -> str:
    if one.default_factory is not _MISSING:
        return "=_none"
    return "" if one.default is _MISSING else f"=_default_{one.name}"
