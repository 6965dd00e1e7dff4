"""Which values a call passes for a parameter of the function that it calls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stopper.core.values import NAMED, REST, Call, Parameter, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def passed(facts: "SourceFacts", value: Parameter, call: Call) -> Sequence[Value]:
    """What *call* passes for a parameter; for ``*rest`` and ``**named`` everything that no other parameter takes."""
    if value.index <= REST:
        return call.args[REST - value.index :]
    if value.index == NAMED:
        function = facts.function(value.function)
        own = frozenset(function.parameters if function is not None else ())
        return [given for name, given in call.keywords if name not in own]
    given = call.argument(value.index, value.parameter)
    return () if given is None else (given,)
