"""Guards that are told, where they stand, to turn nobody away: ``@guarded(auth=False)``, ``@route("/notes", "DELETE")`` with ``auth=False`` as the default."""

from collections.abc import Iterator

from stopper.core.values import Call, Choice, Constant, Parameter, Sequence, Truth, Value
from stopper.scan.source.judging import Judges


def is_told_off(judges: Judges, name: str, call: Call | None) -> bool:
    """That every refusal of this decorator stands under a test of what it is told, and that test fails for this call."""
    places = list(_places(judges, name))
    return bool(places) and all(
        any(_holds(value, name, call) is negated for value, negated in under) for under in places
    )


def _places(judges: Judges, name: str) -> Iterator[tuple[tuple[Value, bool], ...]]:
    """The tests around each place where the decorator, or a function inside it, turns somebody away."""
    for member in judges.family(name):
        for refusal in judges.refusals.get(member, ()):
            yield refusal.under
        for call in judges.facts.calls_in(member):
            if judges.is_guard_call(call):
                yield judges.project.under.get(id(call), ())


def _holds(value: Value, name: str, call: Call | None, depth: int = 4) -> bool | None:
    """Whether a test holds for what is told; None where that says nothing of it."""
    if isinstance(value, Parameter) and value.function == name:
        return _truth(_given(value, call))
    if not depth:
        return None
    if isinstance(value, Truth) and len(value.parts) == 1:
        said = _holds(value.parts[0], name, call, depth - 1)
        return None if said is None else not said
    if isinstance(value, Choice):
        answers = [_holds(option, name, call, depth - 1) for option in value.options]
        if value.every:
            return False if False in answers else None if None in answers else True
        return True if True in answers else None if None in answers else False
    return None


def _given(value: Parameter, call: Call | None) -> Value | None:
    told = None if call is None else call.argument(value.index if value.index >= 0 else None, value.parameter)
    if told is None and call is not None and call.open:
        return None
    return value.default if told is None else told


def _truth(value: Value | None) -> bool | None:
    if isinstance(value, Constant):
        return bool(value.value)
    return bool(value.items) if isinstance(value, Sequence) and not value.open else None
