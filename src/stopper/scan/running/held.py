"""Looks at the objects of a stranger's application without running its code: no property, no ``__getattr__``, no call, no ``isinstance``."""

import inspect
from collections.abc import Iterator
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, Final

WRAPPERS: Final = 20
"""Wrappers round one function that are looked through."""


def held(thing: object, name: str, default: object = None) -> Any:
    """What *thing* or its class holds under *name*; *default* where only code of its own could say."""
    found = inspect.getattr_static(thing, name, default)
    if type(found) is MemberDescriptorType:
        try:
            return found.__get__(thing, type(thing))
        except AttributeError:
            return default
    return default if type(found) is property else found


def is_a(thing: object, *kinds: type) -> bool:
    """``isinstance`` that asks the type alone: a proxy answers ``__class__`` by running code."""
    return issubclass(type(thing), kinds)


def items(thing: object) -> tuple[tuple[Any, Any], ...]:
    """The items of a dictionary; none of anything else."""
    return tuple(dict.items(thing)) if is_a(thing, dict) else ()  # type: ignore[arg-type]


def members(thing: object) -> tuple[Any, ...]:
    """The members of a list, tuple or set, the keys of a dictionary; none of anything else."""
    for kind in (dict, set, frozenset, list, tuple):
        if is_a(thing, kind):
            return tuple(kind.__iter__(thing))  # type: ignore[arg-type]
    return ()


def lineage(thing: object) -> tuple[str, ...]:
    """The dotted names of the class of *thing* and of those it comes from."""
    return tuple(f"{_module(known)}.{_of_type('__qualname__', known)}" for known in _of_type("__mro__", type(thing)))


def comes_from(thing: object, package: str, name: str) -> bool:
    """Whether the class of *thing*, or one it comes from, is called *name* and lies in *package*."""
    return any(one.partition(".")[0] == package and one.rpartition(".")[2] == name for one in lineage(thing))


def class_name(thing: object) -> str:
    """The dotted name of the class of *thing*; of a module its own."""
    if type(thing) is ModuleType:
        return str(vars(thing).get("__name__", ""))
    return lineage(thing)[0]


def function_of(thing: object) -> FunctionType | None:
    """The plain function behind a function or a bound method."""
    if type(thing) is MethodType:
        return function_of(thing.__func__)
    return thing if type(thing) is FunctionType else None


def layers(view: object) -> Iterator[FunctionType]:
    """The functions that a view is wrapped in, outermost first, as far as they tell whom they wrap."""
    current, seen = view, 0
    while current is not None and seen < WRAPPERS:
        function = function_of(current)
        if function is not None:
            yield function
        current, seen = held(current if function is None else function, "__wrapped__"), seen + 1


def enclosed(function: FunctionType, name: str, default: object = None) -> Any:
    """What *function* remembers of the function around it under *name*."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    try:
        return cells[name].cell_contents if name in cells else default
    except ValueError:  # not filled yet
        return default


def _of_type(name: str, known: type) -> Any:
    """What every class has under *name*, whatever its metaclass says."""
    return type.__dict__[name].__get__(known)


def _module(known: type) -> str:
    found = _of_type("__dict__", known).get("__module__", "")
    return found if type(found) is str else ""
