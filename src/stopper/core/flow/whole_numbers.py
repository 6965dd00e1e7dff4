"""How small a whole number may be that a program chooses: of rounds, of bytes, of tries."""

from stopper.core.deployment.stages_of_settings import is_for_tests
from stopper.core.deployment.switched_on import asked_for
from stopper.core.facts import SourceFacts
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.passing import given
from stopper.core.tokens.jwt_keys import reached
from stopper.core.values import Call, Choice, ConfigValue, Constant, EnvironmentValue, Item, Member, Parameter, Value


def least_number(facts: SourceFacts, value: Value | None, depth: int = 6) -> int | None:
    """The smallest whole number that a value may be: a literal, what stands where the environment says nothing (``int(os.getenv("ROUNDS",
    "4"))``), what is passed for a parameter or kept by an object; ``max(12, …)`` is never less than 12."""
    if value is None or depth == 0:
        return None
    match value:
        case Constant(value=bool()):
            return None
        case Constant(value=int() as number):
            return number
        case Constant(value=str(text)):
            return int(text) if text.isdigit() else None
        case EnvironmentValue(default=default) | Item(default=default) if default is not None:
            return least_number(facts, default, depth - 1)
        case Call(callee="int" | "float" | "str" | "round", args=(inner, *_)):
            return least_number(facts, inner, depth - 1)
        case Call(callee="max", args=(_, _, *_) as args):
            known = [one for arg in args if (one := least_number(facts, arg, depth - 1)) is not None]
            return max(known, default=None)
        case Choice(options=several):
            return _least(facts, several, depth)
        case Call(callee="min", args=(_, _, *_) as several):
            return _least(facts, several, depth)
        case ConfigValue(key=key, default=default):
            in_force = [
                one.value for one in facts.config_writes(key) if one.loaded is not False and not is_for_tests(one)
            ]
            return _least(facts, in_force or [one for one in (default,) if one is not None], depth)
        case Parameter():
            return _least(facts, [one for one in given(facts, value) if one is not value], depth)
        case Member(owner=owner, attribute=attribute):
            return _least(facts, [one for one, _ in held_under(facts, owner, attribute)], depth)
        case Call(callee=callee) if made := [one for one in facts.returns_of(callee) if not asked_for(facts, one.span)]:
            return _least(facts, [one.value for one in made], depth)
        case _:
            return _least(facts, [one for one in reached(facts, value) if one is not value], depth)


def _least(facts: SourceFacts, several: "list[Value] | tuple[Value, ...]", depth: int) -> int | None:
    known = [one for value in several if (one := least_number(facts, value, depth - 1)) is not None]
    return min(known, default=None)
