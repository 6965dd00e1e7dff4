"""What is picked out of a few that are seen: a class out of a table by the name of a stage, a method out of those of derived classes."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Truth,
    Value,
    text_of,
)
from stopper.scan.source.drafts import new_call
from stopper.scan.source.project import Project
from stopper.scan.source.reader import NONE, Reader, either, named
from stopper.scan.source.straight import result_of

LITERAL: Final = frozenset({Constant, EnvironmentValue, ConfigValue, Mapping})
"""What several classes are asked for: a setting, whichever of them it is."""
_SETTINGS: Final = frozenset({EnvironmentValue, ConfigValue})
_FOR_TESTS: Final = re.compile(
    r"(?i)^(?:test|dev|local|debug)|test(?:s|ing)?(?:config|settings)?$|(?:development|local)(?:config|settings)?$"
)
_DEBUG: Final = re.compile(r"(?i)(?:^|[._])debug(?:_?mode)?$")
_MOST: Final = 12


def picked(value: Value) -> tuple[Value, ...]:
    """Those that the value may be one of: what a table in the source holds whose key is not seen, what a choice is between. What is for
    tests and for one desk is left out where there is anything else."""
    if type(value) is Choice and not value.every:
        several = value.options
    elif (
        type(value) is Item
        and type(value.owner) is Mapping
        and not value.owner.open
        and type(value.key) is not Constant
    ):
        kept = [held for key, held in value.owner.items if not _is_for_tests(key) and not _is_for_tests(held)]
        several = tuple(kept) or tuple([held for _, held in value.owner.items])
        if value.default is not None and not any(value.default is one for one in several):
            several = (*several, value.default)
    else:
        return ()
    return tuple([one for one in several if one != NONE]) if len(several) <= _MOST else ()


def _is_for_tests(value: Value) -> bool:
    said = value.dotted if type(value) is Name else value.callee if type(value) is Call else text_of(value)
    return said is not None and bool(_FOR_TESTS.search(said.rpartition(".")[2]))


def holds_for_tests(value: Value, negated: bool) -> bool | None:
    """Whether a test holds while tests run, and only then: ``app.testing``, ``os.environ.get("ENV") == "testing"``; False where it holds
    everywhere else, None where it asks something else."""
    match value:
        case ConfigValue(key="TESTING") | Name(dotted="flask.current_app.testing"):
            return not negated
        case Truth(parts=(EnvironmentValue() | ConfigValue(), Constant(value=str(said))), differs=differs):
            return differs == negated if said.lower() in ("test", "testing", "tests") else None
        case _:
            return None


def debug_flag(test: ast.expr, value: Value) -> Value | None:
    """What a test asks that is a flag for debugging by its name: ``app.debug``, ``app.config["DEBUG"]``, ``settings.debug``. One that is
    off where the object is made bears its name."""
    match value:
        case Name(dotted=said) | Member(attribute=said) | ConfigValue(key=said):
            return value if _DEBUG.search(said) else None
        case Constant(value=False) if type(test) is ast.Attribute and _DEBUG.search(test.attr):
            return named(value, test.attr)
        case _:
            return None


def is_by_setting(value: Value) -> bool:
    """That the key under which it is looked up comes from the environment or a setting."""
    return type(value) is Item and type(value.key) in _SETTINGS


def attribute_of_picked(
    reader: Reader, owner: Value, name: str, attribute: Callable[[Reader, Value, str], Value]
) -> Value | None:
    """What ``owner.name`` is where *owner* is one of a few classes or objects of the project, and each has a setting or literal there."""
    several = picked(owner)
    if not several or not all(_class_of(reader.project, one) for one in several):
        return None
    found = [attribute(reader, one, name) for one in several]
    return either(*found) if all(type(one) in LITERAL for one in found) else None


def attribute_of_result(
    reader: Reader, results: Sequence[Value], name: str, attribute: Callable[[Reader, Value, str], Value]
) -> Value | None:
    """What ``settings.name`` is of ``settings = chosen()``, where the function gives back one of a few classes or objects of the project. Those
    for tests and for one desk are left out where there is another; what an object is made with may stand under the name."""
    several = either(*results)
    every = several.options if type(several) is Choice and not several.every else (several,)
    if not every[1:] or not all(_class_of(reader.project, one) for one in every):
        return None
    if any(type(one) is Call and (one.args or one.keywords) for one in every):
        return None
    kept = [one for one in every if not _is_for_tests(one)] or [*every]
    found = [attribute(reader, one, name) for one in kept]
    return either(*found) if all(type(one) in LITERAL for one in found) else None


def _class_of(project: Project, value: Value) -> str:
    name = value.dotted if type(value) is Name else value.callee if type(value) is Call else ""
    return name if name in project.classes else ""


def heirs_of(project: Project, name: str, depth: int = 4) -> Iterator[str]:
    """The classes that are derived from that class, as far as they have been read."""
    for one in project.heirs.get(name, ()) if depth else ():
        yield one
        yield from heirs_of(project, one, depth - 1)


def attribute_of_heirs(reader: Reader, name: str, known: Value | None) -> Value | None:
    """``self.name`` in a method: what the class has there, or a derived one that says it anew; None where no derived one does."""
    classes = reader.project.classes
    heirs = [one for one in heirs_of(reader.project, reader.owner) if not _is_for_tests(Name(one))]
    anew = [classes[one].attributes[name] for one in heirs if name in classes[one].attributes]
    if known is None and not anew:  # what a class beside it brings, where both are bases of one
        anew = [held for one in heirs if (held := reader.project.attribute(one, name)) is not None]
    if not anew or not all(type(one) in LITERAL for one in anew):
        return None
    if known is None or known == NONE:
        return either(*anew[:_MOST])
    return either(known, *anew[:_MOST]) if type(known) in LITERAL else None


def result_of_several(reader: Reader, call: Call, owner: Value, word: str, given: Value | None) -> Value | None:
    """What the call of a method gives that a few classes each have in their own way: a literal or a setting, whichever it is. *given* is
    what it gives where the class is that of the call."""
    project = reader.project
    if type(owner) is Name:
        if owner.dotted != reader.owner or owner.dotted not in project.heirs:
            return None
        heirs = [one for one in heirs_of(project, owner.dotted) if not _is_for_tests(Name(one))]
        names = [f"{one}.{word}" for one in heirs if word in project.classes[one].methods]
    else:
        several = [_class_of(project, one) for one in picked(owner)]
        methods = [project.attribute(one, word) for one in several if one]
        names = [one.dotted for one in methods if type(one) is Name and one.dotted != call.callee]
        if not several or len(methods) != len(several):
            return None
    if not names:
        return None
    found = [
        result_of(reader, new_call(name, call.args, call.keywords, call.open, call.receiver, call.function, call.span))
        for name in dict.fromkeys(names)
    ]
    held = [one for one in found if one is not None and type(one) in LITERAL]
    if len(held) != len(found):
        return None
    if given is None:
        return either(*held[:_MOST]) if _gives_nothing(reader, call.callee) else None
    return either(given, *held[:_MOST]) if type(given) in LITERAL else None


def _gives_nothing(reader: Reader, function: str) -> bool:
    """That a method is there to be written by derived classes."""
    return (
        not reader.results(function)
        and function in reader.project.functions
        and not reader.project.functions[function].calls[1:]
    )
