"""What a call comes to: what runs in its place, and what a part of a function runs in all."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Sequence, Value

_STEPS: Final = 12
"""Functions of the project that are looked into."""
_BARE: Final = re.compile(r"(?:.*\.)?(?:static|class|abstract)method")
"""Decorators that run nothing beside the function."""


def steps_run(facts: SourceFacts, callee: str, deep: int = 4) -> Iterator[str]:
    """The callee itself, or what runs in its place: ``current_user.confirm`` of ``def step(): return current_user.confirm(code)``."""
    given = facts.returns_of(callee) if deep and facts.function(callee) is not None else ()
    inner = [name for one in given for name in _answering(one.value)]
    if not inner:
        yield callee
    for name in dict.fromkeys(inner):
        yield from steps_run(facts, name, deep - 1)


def _answering(value: Value) -> Iterator[str]:
    match value:
        case Call(callee=callee):
            yield callee
        case Sequence(items=given) | Choice(options=given):
            for one in given:
                yield from _answering(one)
        case _:
            return


def run_within(facts: SourceFacts, function: str, place: Span) -> list[Call]:
    """The calls that are made where that part of the function runs: those that stand there, and those of the functions of the project that
    these name. Steps that nobody else takes are read as parts of the function, and stand elsewhere all the same."""
    return _run(facts, function, place)[0]


def only_runs(facts: SourceFacts, function: str, place: Span, known: re.Pattern[str]) -> bool:
    """That every call that is made there has one of these names, or takes a step of the project that does nothing else and raises nothing."""
    calls, steps = _run(facts, function, place)
    raised = [one.span for name in (function, *steps) for one in raised_in(facts, name)]
    if any(span.holds(one) for span in steps.values() for one in raised):
        return False
    made = _classes(facts)
    return all(
        known.fullmatch(one.callee) or {one.callee, f"{one.callee}.__init__"} & steps.keys()
        for one in calls
        if one.callee not in made
    )


def _run(facts: SourceFacts, function: str, place: Span) -> tuple[list[Call], dict[str, Span]]:
    """The calls, and the functions that are looked into for them."""
    found: list[Call] = []
    met: set[int] = set()
    places, steps = [place], dict[str, Span]()
    for inner in places:
        for one in (each for name in (function, *steps) for each in facts.calls_in(name)):
            if one.span is None or id(one) in met or not inner.holds(one.span):
                continue
            met.add(id(one))
            found.append(one)
            step = facts.function(one.callee) or facts.function(f"{one.callee}.__init__")
            if step is None or step.name in steps or len(steps) == _STEPS:
                continue
            if all(_BARE.fullmatch(each.name) for each in step.decorators):
                steps[step.name] = step.span
                places.append(step.span)
    return found, steps


def _classes(facts: SourceFacts) -> frozenset[str]:
    """Classes of the project that are made without running anything of it."""
    return facts.once(
        "classes that are made without a step",
        lambda: frozenset(one.name for one in facts.classes() if "__init__" not in one.methods),
    )
