"""``filter_by(user_id=request.args["user_id"])`` where the function never looks at who is calling."""

from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.flow.read_parts import origins
from stopper.core.flow.said_by_caller import CASTS, as_brought, is_for_services, kept_in_g, said_under
from stopper.core.guards.whose_it_is import looks_at_who
from stopper.core.owner_names import WHOSE
from stopper.core.people.made_for_others import asks_who
from stopper.core.place import Span
from stopper.core.stores.queries_by_owner import is_of_a_session, owners_asked_for, reads_all_otherwise
from stopper.core.values import Call, Name, Value


def owners_said(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """Each such place with the key that the caller sends; of several that one view brings the same key to, the first: they are mended at once."""
    if not any(WHOSE.search(one.key) for one in facts.readings()):
        return
    told: set[tuple[str, str]] = set()
    for value, span, function in owners_asked_for(facts):
        if reads_all_otherwise(facts, value, span, function):
            continue
        before = [(one, function) for one in _from_before(facts, value)]
        for one, where in (*as_brought(facts, value, function, 1), *before):  # the views that hand it over
            key = said_under(facts, one)
            services = where != function and is_for_services(facts, where)
            asks = services or is_of_a_session(facts, one) or looks_at_who(facts, function)
            if key and WHOSE.search(key) and not asks_who(facts, where) and not asks:
                if (where, key) not in told:
                    yield span, key
                told.add((where, key))


def _from_before(facts: SourceFacts, value: Value) -> list[Value]:
    """What functions that run before put into ``g`` under that name, where they do not ask who is calling, or what a function of the
    project gives without asking."""
    if isinstance(value, Call) and (made := facts.function(value.callee)) is not None:
        asks = looks_at_who(facts, made.name)
        return [] if asks else [one for one in made.returns if not _is_held(facts, one, made.name)]
    if not isinstance(value, Name) or not value.dotted.startswith("flask.g."):
        return []
    return [
        one.value
        for one in kept_in_g(facts, value.dotted)
        if not looks_at_who(facts, one.function) and not _is_held(facts, one.value, one.function)
    ]


def _is_held(facts: SourceFacts, value: Value, function: str) -> bool:
    """That the function compares it with something, or asks something else about it: which tenants the caller has."""
    mine = origins(value)
    sides = [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    sides += [one for call in facts.calls_in(function) if call.callee not in CASTS for one in call.args]
    sides += [one for call in facts.calls_in(function) for _, one in call.keywords]
    return any(mine & origins(side) for side in sides)
