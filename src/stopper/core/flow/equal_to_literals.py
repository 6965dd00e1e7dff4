"""Values that are one literal wherever something is done with them: ``if name == "sum" or name == "mean": …``."""

from typing import TYPE_CHECKING, Final

from stopper.core.answers.exception_texts import EVERYTHING
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import callers, passed
from stopper.core.flow.places_in_steps import comes_before, ways_to
from stopper.core.flow.read_parts import Origin, origins
from stopper.core.values import Call, Choice, Constant, Item, Member, Parameter, Truth, Value, walk

if TYPE_CHECKING:
    from stopper.core.fact import Comparison, Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_TIDIES: Final = frozenset({"strip", "lower", "upper", "casefold", "str"})
_READS: Final = frozenset({"get", "getlist", "pop", "get_json"})
_TAKES_APART: Final = frozenset({"split", "rsplit", "partition", "rpartition", "splitext"})


def is_literal_there(
    facts: "SourceFacts", value: Value, function: str, place: "Span | None", *, steps: int = 3
) -> bool:
    """That a test around the place lets only literals through, or one before it turns everything else away, of the one thing of the request which
    the value is made of."""
    mine = origins(value)
    if place is None or len(mine) != 1:
        return False
    asked = [
        one
        for one in facts.comparisons_in(function)
        if one.operator in ("==", "!=") and _is_to_literal(facts, one, mine)
    ]
    if asked and _is_asked(facts, asked, function, place):
        return True
    return steps > 0 and _is_literal_for_callers(facts, value, function, steps)


def _is_literal_for_callers(facts: "SourceFacts", value: Value, function: str, steps: int) -> bool:
    """That the value is made of a parameter, and every call passes a literal for it, or what is one where the call stands."""
    mine = next((one for one in walk(value) if isinstance(one, Parameter) and one.function == function), None)
    if mine is None or facts.routes_of_view(function):
        return False
    calls = list(callers(facts, function))
    given = [(one, call) for call in calls for one in passed(facts, mine, call) if not isinstance(one, Constant)]
    return bool(given) and all(
        is_literal_there(facts, one, call.function, call.span, steps=steps - 1) for one, call in given
    )


def _is_asked(facts: "SourceFacts", asked: "list[Comparison]", function: str, place: "Span", steps: int = 4) -> bool:
    """That it is asked where the place is, or at each call by which the function comes to it."""
    if _is_asked_there(facts, asked, function, place):
        return True
    ways = ways_to(facts, place, function) if steps else ()
    return bool(ways) and all(_is_asked(facts, asked, function, one, steps - 1) for one in ways)


def _is_asked_there(facts: "SourceFacts", asked: "list[Comparison]", function: str, place: "Span") -> bool:
    around = list(facts.conditions_around(place))
    if any(_lets_through(one.value, asked, differs=one.negated) for one in around):
        return True
    outer = {(one.span, one.negated) for one in around}
    return any(
        one.stops
        and comes_before(facts, one.span, place)
        and not (one.body is not None and one.body.holds(place))
        and _lets_through(one.value, asked, differs=not one.negated)
        and {(each.span, each.negated) for each in facts.conditions_around(one.span)} <= outer
        and not _is_caught_before(facts, one, place)
        for one in facts.conditions_in(function)
    )


def _is_caught_before(facts: "SourceFacts", test: "Condition", place: "Span") -> bool:
    """``raise ValueError`` of the test, with an ``except ValueError:`` between it and the place that goes on: what is another value comes there too."""
    raised = {
        one.exception for one in facts.raises() if test.body is not None and test.body.holds(one.span) and one.exception
    }
    return bool(raised) and any(
        test.span < one.span < place
        and not one.span.holds(place)
        and one.action in ("pass", "go-on")
        and not raised.union(EVERYTHING).isdisjoint(one.catches)
        for one in facts.handlers_in(test.function)
    )


def _is_to_literal(facts: "SourceFacts", one: "Comparison", mine: frozenset[Origin]) -> bool:
    sides = ((one.left, one.right), (one.right, one.left))
    return any(
        isinstance(said, Constant) and _is_as_sent(facts, asked) and bool(mine & origins(asked))
        for asked, said in sides
    )


def _is_as_sent(facts: "SourceFacts", asked: Value) -> bool:
    """The text itself, tidied at most: ``gethostbyname(host) == "127.0.0.1"`` says nothing of how the host is written, nor does
    ``urlsplit(url).scheme == "https"`` or ``name.split("/")[0] == "files"`` of all of it."""
    if _is_piece(facts, asked):
        return False
    while isinstance(asked, Call) and asked.method in _TIDIES:
        inner = asked.args[0] if asked.callee == "str" and asked.args else asked.receiver
        if inner is None:
            break
        asked = inner
    return not isinstance(asked, Call) or asked.method in _READS


def _is_piece(facts: "SourceFacts", asked: Value) -> bool:
    """One part of what a text was taken apart to. A field of a record of the project is the text that was put there."""
    owner = asked
    while isinstance(owner, (Member, Item)):
        owner = owner.owner
    if owner is asked or not isinstance(owner, Call):
        return False
    if owner.method in _TAKES_APART:
        return True
    return isinstance(asked, Member) and owner.method not in _READS and owner.callee not in classes_by_name(facts)


def _lets_through(value: Value, asked: "list[Comparison]", *, differs: bool) -> bool:
    """Each half of an ``or`` compares with a literal, or some part of an ``and``; the other way round, where what holds is turned away (*differs*)."""
    if not isinstance(value, Choice):
        return _is_one_of(value, asked, differs)
    holds = [_is_one_of(one, asked, differs) for one in value.options]
    return any(holds) if value.every is not differs else all(holds)


def _is_one_of(value: Value, asked: "list[Comparison]", differs: bool) -> bool:
    return (
        isinstance(value, Truth)
        and value.differs is differs
        and any(value.parts == (one.left, one.right) for one in asked)
    )
