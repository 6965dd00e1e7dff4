"""Classes of settings that serve people and derive from one that is for a desk."""

from collections.abc import Iterator
from dataclasses import replace

from stopper.core.deployment.stages_of_settings import is_for_one_desk, is_for_tests, is_live
from stopper.core.fact import ClassFact, ConfigWrite
from stopper.core.facts import SourceFacts
from stopper.core.values import Constant


def inherited_from_tests(facts: SourceFacts, write: ConfigWrite) -> Iterator[ConfigWrite]:
    """``class ProductionConfig(TestingConfig)``: the write in the class for tests once more for each class for people that has it, there
    where that class stands."""
    names = {name for name in served_heirs(facts, write) if is_live(name)} if write.how == "class" else set[str]()
    for one in facts.classes(write.owner) if names else ():
        if one.name in names:
            value = replace(write.value, span=None) if isinstance(write.value, Constant) else write.value
            yield replace(write, value=value, owner=one.name, span=one.span)


def served_heirs(facts: SourceFacts, write: ConfigWrite) -> Iterator[str]:
    """``class Live(Local)``: the classes below that of *write* which are neither for a desk nor for tests by their name, and for which
    no class on the way says the setting anew."""
    below = {one.name: one for one in facts.classes(write.owner) if one.name != write.owner}
    for name, one in below.items():
        there = replace(write, owner=name, span=one.span)
        if not is_for_one_desk(there) and not is_for_tests(there) and _keeps(one, write, below):
            yield name


def is_said_anew(facts: SourceFacts, write: ConfigWrite) -> bool:
    """That a class for people below that of *write* says the setting anew, and those that have it as it is are for a desk or for tests."""
    live = (
        [one for one in facts.classes(write.owner) if one.name != write.owner and is_live(one.name)]
        if write.owner
        else []
    )
    return any(write.key in one.attributes for one in live) and not any(True for _ in served_heirs(facts, write))


def _keeps(one: ClassFact, write: ConfigWrite, below: dict[str, ClassFact], depth: int = 8) -> bool:
    """That the class has the setting from that of *write*, before any other class that it derives from."""
    if write.key in one.attributes or not depth:
        return False
    first = next(iter(one.bases), "")
    return first == write.owner or (first in below and _keeps(below[first], write, below, depth - 1))
