"""Fields of a request that have a largest value, by what the class of declared fields says of them."""

import math
from typing import TYPE_CHECKING

from stopper.core.flow.body_models import admitted_words, class_of, declared_as, given_at_first, is_validated
from stopper.core.values import Call, Constant, Name, Truth, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def is_bounded(facts: "SourceFacts", owner: Value, word: str, most: float = math.inf) -> bool:
    """That a field has a largest value, of at *most* so much: ``Field(le=100)``, ``conint(le=100)``, ``Range(max=100)``, or a list of what
    it may be."""
    known = class_of(facts, owner)
    if known is None:
        return False
    if is_validated(facts, known, word) or admitted_words(facts, owner, word) is not None:
        return True
    asked = [
        part for one in (declared_as(facts, known, word), given_at_first(facts, known, word)) for part in walk(one, 5)
    ]
    checks = [part.keyword("validate", "validators") for part in asked if isinstance(part, Call)]
    if any(_looks_at_it(facts, part) for one in checks for part in walk(one, 4)):
        return True
    return any(
        isinstance(part, Call) and (part.method == "OneOf" or (_has_top(part) and not _is_more(_top_of(part), most)))
        for part in asked
    )


def _looks_at_it(facts: "SourceFacts", part: Value) -> bool:
    """``validate=few_enough`` of the project, ``validate=lambda number: 0 < number <= 50``."""
    if isinstance(part, Truth):
        numbers = [one.value for one in part.parts if isinstance(one, Constant)]
        return any(isinstance(one, (int, float)) and one > 1 for one in numbers)
    return isinstance(part, Name) and facts.function(part.dotted) is not None


def _has_top(call: Call) -> bool:
    named = call.keyword("le", "lt", "max", "maximum") is not None
    return named or (call.method in ("Range", "Le", "Lt") and (call.method != "Range" or len(call.args) > 1))


def _top_of(call: Call) -> Value | None:
    return call.keyword("le", "lt", "max", "maximum") or call.argument(1 if call.method == "Range" else 0)


def _is_more(value: Value | None, most: float) -> bool:
    return isinstance(value, Constant) and isinstance(value.value, (int, float)) and value.value > most
