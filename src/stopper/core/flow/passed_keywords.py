"""What calls pass by keyword, by the keyword: a rule asks for a few names, and most calls pass none of them."""

from collections.abc import Callable, Iterator
from operator import itemgetter

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Constant, Mapping, Parameter, Value

_Passed = tuple[int, Call, str, Value]


def passed_as(facts: SourceFacts, wanted: Callable[[str], object]) -> Iterator[tuple[Call, str, Value]]:
    """What calls pass under each name that is *wanted*, with the name, call by call in their order, tests left out. *wanted* is asked
    once a name."""
    index = facts.once("what calls pass by keyword", lambda: _by_name(facts))
    found = [one for name, several in index.items() if wanted(name) for one in several]
    found.sort(key=itemgetter(0))
    return ((call, name, value) for _, call, name, value in found)


def _by_name(facts: SourceFacts) -> dict[str, list[_Passed]]:
    found: dict[str, list[_Passed]] = {}
    number = 0
    for call in facts.calls():
        for name, value in call.keywords:
            number += 1
            found.setdefault(name, []).append((number, call, name, value))
    return found


def gathered(facts: SourceFacts, parameter: Parameter) -> Iterator[Mapping]:
    """``def read(raw, **checks)``: what each caller passes by keyword for which the function has no parameter of its own."""
    function = facts.function(parameter.function)
    own = function.parameters if function is not None else ()
    for call in facts.calls(parameter.function):
        rest = tuple((Constant(name), value) for name, value in call.keywords if name not in own)
        yield Mapping(rest, call.open, call.span)
