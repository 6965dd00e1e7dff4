"""Frozen data classes whose methods are made without compiling them, and whose ``__init__`` is made when the first value is: of the hundreds
of classes that a run imports it fills a part, and compiling six functions for each would be a sixth of what a small run costs.

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
_PLAIN: Final = {"frozen": True, "slots": True}
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
    if cls is not None or options != _PLAIN:
        return _dataclass(cls, **options)

    def decorate(plain: type) -> Any:
        return later_methods(plain) if _is_simple(plain) else _dataclass(**options)(plain)

    return decorate


def _is_simple(cls: type) -> bool:
    said = cls.__dict__
    return (
        cls.__module__.startswith("stopper.")
        and cls.__bases__ == (object,)
        and not any(name in said for name in _MADE)
        and not any(isinstance(one, dataclasses.Field) and one.kw_only is True for one in said.values())
    )


def later_methods(plain: Any) -> Any:
    """``dataclass(frozen=True, slots=True)`` of a class that derives from none, has no ``InitVar`` and no field by keyword alone."""
    if not plain.__doc__:
        plain.__doc__ = plain.__name__  # else the signature would be worked out to be its docstring
    cls: Any = _dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    cls.__dataclass_params__.frozen = True  # who derives from it is asked to be frozen as well
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(cls)

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        cls.__init__ = made = _init(cls, fields)
        made(self, *given, **named)

    for method in (__init__, *_guards(cls, fields), *_comparison(fields), *_state(fields)):
        setattr(cls, method.__name__, method)
    return cls


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


def _comparison(fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    compared = _getter([one.name for one in fields if one.compare])
    hashed = _getter([one.name for one in fields if (one.compare if one.hash is None else one.hash)])

    def __eq__(self: Any, other: Any) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(hashed(self))

    return __eq__, __hash__


def _state(fields: tuple[dataclasses.Field[Any], ...]) -> tuple[Callable[..., Any], ...]:
    names = [one.name for one in fields]
    shown = [one.name for one in fields if one.repr]

    @recursive_repr()
    def __repr__(self: Any) -> str:
        return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def __getstate__(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=False):
            object.__setattr__(self, name, value)

    return __repr__, __getstate__, __setstate__


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
        body.append(f" _set_{name}(self, {value})")
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
