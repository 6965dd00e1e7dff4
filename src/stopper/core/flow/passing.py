"""Which values a call passes for a parameter of the function that it calls."""

from collections.abc import Iterator
from collections.abc import Sequence as SequenceType
from typing import TYPE_CHECKING

from stopper.core.flow.nested_functions import inside
from stopper.core.flow.overriding import in_place_of
from stopper.core.flow.run_later import run_later
from stopper.core.values import NAMED, REST, Call, Constant, Item, Name, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def callers(facts: "SourceFacts", function: str) -> Iterator[Call]:
    """The calls that run a function; a constructor is run by calls of its class."""
    yield from facts.calls(function, f"{function}.delay")
    yield from run_later(facts).get(function, ())
    for base in in_place_of(facts, function):  # ``self.render(message)`` of the base runs it
        yield from (call for call in facts.calls(base) if call.receiver is None or isinstance(call.receiver, Name))
    if function.endswith(".__init__"):
        yield from facts.calls(*_made_by(facts).get(function, (function.removesuffix(".__init__"),)))


def _made_by(facts: "SourceFacts") -> "dict[str, tuple[str, ...]]":
    """``__init__`` → the class that has it, and the derived ones that have none of their own."""
    return facts.once("classes by what makes their objects", lambda: _by_maker(facts))


def _by_maker(facts: "SourceFacts") -> "dict[str, tuple[str, ...]]":
    known = {one.name: one for one in facts.all_classes}
    found: dict[str, tuple[str, ...]] = {}
    for name in known:
        home = name
        for _ in range(6):
            made = known[home]
            base = next((one for one in made.bases if one in known), "")
            if "__init__" in made.methods or not base:
                break
            home = base
        maker = f"{home}.__init__"
        found[maker] = (*found.get(maker, ()), name)
    return found


def unread(facts: "SourceFacts", call: Call) -> SequenceType[Value]:
    """What *call* passes by keywords that the function of the project takes as ``**named`` and does not look at:
    ``find(number, owner=g.user)`` of ``def find(self, number, **scope)``, which asks for the number alone."""
    function = facts.function(call.callee)
    own = frozenset(function.parameters) if function is not None else None
    beside = [value for name, value in call.keywords if own is not None and name != "**" and name not in own]
    return beside if beside and not _looks_at_named(facts, call.callee) else ()


def _looks_at_named(facts: "SourceFacts", function: str) -> bool:
    """That something in the function is made of what ``**`` gathers."""
    return any(
        isinstance(part, Parameter) and part.index == NAMED and part.function == function
        for name in (function, *inside(facts, function))
        for value in _said_in(facts, name)
        for part in walk(value)
    )


def _said_in(facts: "SourceFacts", function: str) -> Iterator[Value]:
    yield from facts.calls_in(function)
    yield from (one.value for one in facts.returns_of(function))
    yield from (one.value for one in facts.conditions_in(function))
    yield from (one.value for one in facts.assignments_in(function))
    yield from (side for one in facts.comparisons_in(function) for side in (one.left, one.right))


def handed(facts: "SourceFacts", value: Parameter) -> Iterator[Value]:
    """What callers pass for a parameter, call by call; nothing for a call that leaves it out."""
    for call in callers(facts, value.function):
        yield from passed(facts, value, call)


def named(facts: "SourceFacts", value: Parameter, name: str) -> tuple[Value, ...]:
    """What callers pass under that name for ``**named``."""
    return tuple(one for call in callers(facts, value.function) if (one := call.keyword(name)) is not None)


def given(facts: "SourceFacts", value: Parameter) -> tuple[Value, ...]:
    """What a parameter is, one time for each call: what is passed, else its default; without a call its default alone."""
    found: list[Value] = []
    calls = list(callers(facts, value.function))
    for call in calls:
        found += passed(facts, value, call) or (
            (value.default,) if value.default is not None and not call.open else (value,)
        )
    if not calls:
        found.append(value.default if value.default is not None else value)
    return tuple(found)


def passed(facts: "SourceFacts", value: Parameter, call: Call) -> SequenceType[Value]:
    """What *call* passes for a parameter; for ``*rest`` and ``**named`` everything that no other parameter takes."""
    if value.index <= REST:
        return call.args[REST - value.index :]
    if value.index == NAMED:
        function = facts.function(value.function)
        own = frozenset(function.parameters if function is not None else ())
        return [given for name, given in call.keywords if name not in own]
    given = call.argument(value.index, value.parameter)
    return () if given is None else (given,)


def put_under(facts: "SourceFacts", value: Value) -> tuple[Value, ...]:
    """``made(uid)["uid"]`` where the function of the project says ``made["uid"] = uid``: what it puts there; nothing where it is not seen."""
    match value:
        case Item(owner=Call(callee=callee) as call, key=Constant(value=str(key))) if (
            facts.function(callee) is not None
        ):
            found: list[Value] = []
            for one in facts.assignments_in(callee):
                if one.target == f"[{key}]":
                    if any(True for _ in facts.conditions_around(one.span)):
                        return ()  # else something else may stand there
                    own = isinstance(one.value, Parameter) and one.value.function == callee
                    found += (
                        passed(facts, one.value, call) if own and isinstance(one.value, Parameter) else (one.value,)
                    )
            return tuple(found)
        case _:
            return ()
