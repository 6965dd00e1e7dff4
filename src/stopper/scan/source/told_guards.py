"""Guards that are told, where they stand, to turn nobody away: ``@guarded(auth=False)``, ``@route("/notes", "DELETE")`` with ``auth=False`` as the default."""

from collections.abc import Iterator

from stopper.core.fact import Condition
from stopper.core.values import NAMED, Call, Choice, Constant, Item, Parameter, Sequence, Truth, Value, text_of
from stopper.scan.source.judging import Judges


def is_told_off(judges: Judges, name: str, call: Call | None) -> bool:
    """That every refusal of this decorator stands under a test of what it is told, and that test fails for this call."""
    places = list(_places(judges, name))
    never = bool(places) and all(
        any(_holds(value, name, call) is negated for value, negated in under) for under in places
    )
    return never or _is_left_first(judges, name, call)


def _is_left_first(judges: Judges, name: str, call: Call | None) -> bool:
    """``if not login_required: return view(…)``, which holds for this call, before every refusal of the decorator and of the guards that it calls."""
    members: list[tuple[str, Call | None]] = [(member, None) for member in judges.family(name)]
    for outer, _ in tuple(members):
        for inner in judges.facts.calls_in(outer):
            if inner.callee in judges.project.functions and judges.is_guard_call(inner):
                members += [(member, inner) for member in judges.family(inner.callee)]
    refusing = [(member, inner) for member, inner in members if judges.refusals.get(member)]
    return bool(refusing) and all(
        any(
            _runs_the_view(judges, member, one)
            and one.span.line < min(refusal.span.line for refusal in judges.refusals[member])
            and _holds(one.value, name, call, inner=inner) is (not one.negated)
            for one in judges.conditions.get(member, ())
        )
        for member, inner in refusing
    )


def _runs_the_view(judges: Judges, function: str, one: Condition) -> bool:
    return one.body is not None and any(
        isinstance(back.value, Call) and back.value.callee == "?" and one.body.holds(back.span)
        for back in judges.facts.returns_of(function)
    )


def _places(judges: Judges, name: str) -> Iterator[tuple[tuple[Value, bool], ...]]:
    """The tests around each place where the decorator, or a function inside it, turns somebody away."""
    for member in judges.family(name):
        for refusal in judges.refusals.get(member, ()):
            yield refusal.under
        for call in judges.facts.calls_in(member):
            if judges.is_guard_call(call):
                yield judges.project.under.get(id(call), ())


def _holds(value: Value, name: str, call: Call | None, depth: int = 4, inner: Call | None = None) -> bool | None:
    """Whether a test holds for what is told; None where that says nothing of it. *inner* is the call by which a function inside is handed it on."""
    if isinstance(value, Parameter) and value.function == name:
        return _truth(_given(value, call))
    if isinstance(value, Item) and isinstance(value.owner, Parameter) and value.owner.function == name:
        return _truth(_taken(value, call))
    if not depth:
        return None
    if isinstance(value, Parameter) and inner is not None and value.function == inner.callee:
        handed = inner.argument(value.index if value.index >= 0 else None, value.parameter)
        return None if handed is None else _holds(handed, name, call, depth - 1)
    if isinstance(value, Truth) and len(value.parts) == 1:
        said = _holds(value.parts[0], name, call, depth - 1, inner)
        return None if said is None else not said
    if isinstance(value, Choice):
        answers = [_holds(option, name, call, depth - 1, inner) for option in value.options]
        if value.every:
            return False if False in answers else None if None in answers else True
        return True if True in answers else None if None in answers else False
    return None


def _given(value: Parameter, call: Call | None) -> Value | None:
    told = None if call is None else call.argument(value.index if value.index >= 0 else None, value.parameter)
    if told is None and call is not None and call.open:
        return None
    return value.default if told is None else told


def _taken(value: Item, call: Call | None) -> Value | None:
    """``options.pop("login_required", True)`` of what ``**options`` is told."""
    key = text_of(value.key)
    if key is None or call is None or call.open or not isinstance(value.owner, Parameter) or value.owner.index != NAMED:
        return None
    return call.keyword(key) or value.default


def _truth(value: Value | None) -> bool | None:
    if isinstance(value, Constant):
        return bool(value.value)
    return bool(value.items) if isinstance(value, Sequence) and not value.open else None
