"""Values that are one literal wherever something is done with them: ``if name == "sum" or name == "mean": …``."""

from typing import TYPE_CHECKING

from stopper.core.flow.read_parts import Origin, origins
from stopper.core.values import Choice, Constant, Truth, Value

if TYPE_CHECKING:
    from stopper.core.fact import Comparison, Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span


def is_literal_there(facts: "SourceFacts", value: Value, function: str, place: "Span | None") -> bool:
    """That a test around the place lets only literals through, of the one thing of the request which the value is made of."""
    mine = origins(value)
    if place is None or len(mine) != 1:
        return False
    equal = [one for one in facts.comparisons_in(function) if one.operator == "==" and _is_to_literal(one, mine)]
    return bool(equal) and any(_lets_through(one, equal) for one in facts.conditions_around(place))


def _is_to_literal(one: "Comparison", mine: frozenset[Origin]) -> bool:
    sides = ((one.left, one.right), (one.right, one.left))
    return any(isinstance(said, Constant) and bool(mine & origins(asked)) for asked, said in sides)


def _lets_through(condition: "Condition", equal: "list[Comparison]") -> bool:
    """Each half of an ``or`` compares with a literal, or some part of an ``and``."""
    if condition.negated:
        return False
    asked = condition.value
    if not isinstance(asked, Choice):
        return _is_one_of(asked, equal)
    holds = [_is_one_of(one, equal) for one in asked.options]
    return any(holds) if asked.every else all(holds)


def _is_one_of(asked: Value, equal: "list[Comparison]") -> bool:
    return isinstance(asked, Truth) and not asked.differs and any(asked.parts == (one.left, one.right) for one in equal)
