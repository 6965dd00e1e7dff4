"""What decides for whom something is done, or who may do it: a word of the caller, or what is known of the caller."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.passing import handed
from stopper.core.owner_names import WHO, WHOSE_ID
from stopper.core.values import Call, Choice, Constant, Item, Name, Parameter, Value, is_constant, parts, walk

if TYPE_CHECKING:
    from stopper.core.fact import Comparison, Condition
    from stopper.core.facts import SourceFacts


_STAMPS: Final = frozenset(
    {
        "author_id",
        "author",
        "user_id",
        "creator_id",
        "created_by",
        "created_by_id",
        "sender_id",
        "sender",
        "poster_id",
        "customer_id",
    }
)
_BETWEEN_PEOPLE: Final = re.compile(
    r"(?i)member|assign|invit|enrol|share|grant|follow|participa|permission|role|access|notif|friend|token|session|link|log|event|attend|subscri|relation|team"
)


def turns_away(facts: "SourceFacts", said: Value, other: Value) -> bool:
    """``if request.cookies.get("role") != "lead": abort(403)``: whatever the role is called, also where it is passed to the decorator
    that asks."""
    if not facts.derives(said, "cookie", "query-string", "request-header"):
        return False  # a role in a body may be the one that is given to somebody, or the one of a message
    if not isinstance(other, Constant) and not (isinstance(other, Parameter) and _is_always_written(facts, other)):
        return False
    return any(
        (asked.refuses or asked.stops)
        and any(part is said for part in walk(asked.value, 8))
        and not (isinstance(other, Parameter) and _is_asked_otherwise(facts, asked, said, other))
        for asked in facts.conditions()
    )


def _is_always_written(facts: "SourceFacts", value: Parameter) -> bool:
    """That every caller passes a literal text for it."""
    several = list(handed(facts, value))
    return bool(several) and all(isinstance(one, Constant) and isinstance(one.value, str) for one in several)


def _is_asked_otherwise(facts: "SourceFacts", asked: "Condition", said: Value, wanted: Parameter) -> bool:
    """``if sent != role or role not in granted``, also in an ``if`` of its own: what is known of the caller decides as well, so what is
    sent can only ask for less."""
    others = [one.value for one in facts.conditions_in(asked.function) if one is not asked and one.refuses]
    return any(
        any(part == wanted for part in walk(option, 3)) and not any(part is said for part in walk(option, 8))
        for option in (*(asked.value.options if isinstance(asked.value, Choice) else ()), *others)
    )


def lets_on(facts: "SourceFacts", one: "Comparison", said: Value) -> bool:
    """``if request.form["kind"] in ("hr", "director"): return …`` with a 403 for the others: a word of a body that is asked about and goes
    nowhere else."""
    if not one.function or not facts.derives(said, "request-data"):
        return False
    if not any(isinstance(part, Constant) and isinstance(part.value, str) for part in walk(one.right, 1)):
        return False
    refuses = any(
        is_constant(part, 401, 403)
        for values in (
            [value for call in facts.calls_in(one.function) if call.method == "abort" for value in call.args[:1]],
            [found.value for found in facts.returns_of(one.function)],
        )
        for value in values
        for part in walk(value, 1)
    )
    used = (
        value for call in facts.calls_in(one.function) for value in (*call.args, *(given for _, given in call.keywords))
    )
    return refuses and not any(part == said for value in used for part in walk(value, 2))


def weighs(facts: "SourceFacts", function: str) -> bool:
    """``g.person.id if g.person.role == PATIENT else body["patient_id"]``: what is known of the caller decides."""
    return any(
        isinstance(part, Name) and part.dotted.startswith("flask.g.") and part.dotted.count(".") > 2
        for one in facts.comparisons_in(function)
        for side in (one.left, one.right)
        for part in walk(side, 3)
    )


def is_stamped(noun: str, name: str) -> bool:
    """``Comment(author_id=…)``, ``INSERT INTO comments (author_id)``: who wrote or owns what is made. Who takes part in something, or is
    given it, may be said by another."""
    return bool(noun) and name in _STAMPS and _BETWEEN_PEOPLE.search(noun) is None


def is_or_mine(name: str, value: Value) -> bool:
    """``patient_id=body.get("patient_id") or g.person.id``: whoever says nothing is meant, and whoever says another is believed."""
    others = value.options if isinstance(value, Choice) else (value.default,) if isinstance(value, Item) else ()
    return WHOSE_ID.fullmatch(name) is not None and any(
        isinstance(part, Name) and (WHO.search(part.dotted) is not None or part.dotted.startswith("flask.g."))
        for one in others
        for part in walk(one, 2)
    )


def _without_defaults(value: Value) -> Iterator[Value]:
    """What stands in a value, without what ``request.args.get("tenant_id", g.user.tenant_id)`` gives where nothing was sent."""
    yield value
    for part in (value.owner, value.key) if isinstance(value, Item) else parts(value):
        yield from _without_defaults(part)


def looks_at_who(facts: "SourceFacts", function: str, but_for: Value | None = None) -> bool:
    """That the function asks something of who is calling, other than in *but_for*."""
    left_out = {part.span for part in walk(but_for, 6) if isinstance(part, Call)} if but_for is not None else ()
    sides = [side for one in facts.comparisons() if one.function == function for side in (one.left, one.right)]
    sides += [one.value for one in facts.conditions() if one.function == function]
    meant = {id(part) for side in sides for part in _without_defaults(side)}
    return any(
        isinstance(part, Name) and id(part) in meant and WHO.search(part.dotted)
        for side in sides
        for part in walk(side)
    ) or any(WHO.search(call.callee) and call.span not in left_out for call in facts.calls_in(function))
