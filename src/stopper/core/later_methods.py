"""Data classes whose methods are made without compiling them, and whose ``__init__`` is compiled once it has filled a few values: of the
hundreds of classes that a run imports it fills a part, and compiling six functions for each would be a sixth of what a small run costs.

Fields, slots, ``replace`` and ``match`` are those of the standard library, which still makes the class. The slots are filled one by one
through their own descriptors, which costs less than ``object.__setattr__``.
"""

import dataclasses
from collections.abc import Callable, Generator
from contextlib import contextmanager
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, Final, cast

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
_MADE: Final = (
    "__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__",
)  # fmt: skip


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
        cls.__module__.startswith("stopper.")
        and cls.__bases__ == (object,)
        and not any(name in said for name in _MADE)
        and not any(isinstance(one, dataclasses.Field) and one.kw_only is True for one in said.values())
    )


def later_methods(plain: Any, *, frozen: bool = False, eq: bool = True, order: bool = False, **_slots: bool) -> Any:
    """``dataclass(frozen=…, slots=True, eq=…, order=…)`` of a class that derives from none, has no ``InitVar`` and no field by keyword alone."""
    if not plain.__doc__:
        plain.__doc__ = plain.__name__  # else the signature would be worked out to be its docstring
    cls: Any = _dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    cls.__dataclass_params__.eq, cls.__dataclass_params__.order = eq, order
    cls.__dataclass_params__.frozen = frozen  # who derives from it is asked to be frozen as well
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(cls)
    methods = [_first_init(cls, fields), *_shown(fields)]
    methods += _comparison(fields, frozen) if eq else ()
    methods += _order(fields) if order else ()
    methods += (*_guards(cls, fields), *_state(fields)) if frozen else ()
    for method in methods:
        setattr(cls, method.__name__, method)
    if eq and not frozen:
        cls.__hash__ = None
    return cls


def _first_init(cls: Any, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """``__init__`` of the first values. What it cannot fill, the compiled one does, or says what is wrong."""
    left = MOST_UNCOMPILED
    names = [one.name for one in fields if one.init]
    makers = {one.name: one.default_factory for one in fields if one.default_factory is not dataclasses.MISSING}
    known = {one.name: one.default for one in fields if one.default is not dataclasses.MISSING}
    filled = {
        name: getattr(cls, name).__set__
        for name in (*names, *(name for name in (*known, *makers) if name not in names))
    }
    finish: Callable[[Any], None] | None = getattr(cls, "__post_init__", None)

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        values = {**known, **dict(zip(names, given, strict=False)), **named}
        values.update((name, make()) for name, make in makers.items() if name not in values)
        wrong = len(given) > len(names) or len(values) != len(filled) or not named.keys() <= set(names[len(given) :])
        if left < 0 or wrong:
            cls.__init__ = made = _init(cls, fields)
            made(self, *given, **named)
            return
        for name, fill in filled.items():
            fill(self, values[name])
        if finish is not None:
            finish(self)

    return __init__


def _guards(cls: Any, fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    names = frozenset(one.name for one in fields)

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        above = cast("Any", super(cls, self))
        above.__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        above = cast("Any", super(cls, self))
        above.__delattr__(name)

    return __setattr__, __delattr__


def _comparison(fields: tuple[dataclasses.Field[Any], ...], frozen: bool) -> tuple[Callable[..., Any], ...]:
    compared = _getter([one.name for one in fields if one.compare])
    hashed = _getter([one.name for one in fields if (one.compare if one.hash is None else one.hash)])

    def __eq__(self: Any, other: Any) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(hashed(self))

    return (__eq__, __hash__) if frozen else (__eq__,)


def _order(fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    compared = _getter([one.name for one in fields if one.compare])

    def __lt__(self: Any, other: Any) -> Any:
        return compared(self) < compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __le__(self: Any, other: Any) -> Any:
        return compared(self) <= compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __gt__(self: Any, other: Any) -> Any:
        return compared(self) > compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __ge__(self: Any, other: Any) -> Any:
        return compared(self) >= compared(other) if other.__class__ is self.__class__ else NotImplemented

    return __lt__, __le__, __gt__, __ge__


def _shown(fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    shown = [one.name for one in fields if one.repr]

    @recursive_repr()
    def __repr__(self: Any) -> str:
        return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    return (__repr__,)


def _state(fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    names = [one.name for one in fields]

    def __getstate__(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=False):
            object.__setattr__(self, name, value)

    return __getstate__, __setstate__


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Gives these attributes as a tuple, also one or none."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    one = attrgetter(names[0])
    return lambda value: (one(value),)


def _init(cls: Any, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """``__init__``, from a text as the standard library makes it. Only names of fields, which are identifiers, come into the text."""
    known: dict[str, Any] = {"_none": dataclasses.MISSING}
    frozen = cls.__dataclass_params__.frozen
    given, body = ["self"], list[str]()
    for one in fields:
        name = value = one.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        if one.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = one.default_factory
            value = f"_make_{name}() if {name} is _none else {name}" if one.init else f"_make_{name}()"
        elif one.default is not dataclasses.MISSING:
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


def _default_of(one: "dataclasses.Field[Any]") -> str:
    if one.default_factory is not dataclasses.MISSING:
        return "=_none"
    return "" if one.default is dataclasses.MISSING else f"=_default_{one.name}"
