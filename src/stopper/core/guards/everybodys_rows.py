"""What says of a row that it may be everybody's: a list of all of them, a model without an owner, a filter that only narrows."""

from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.changing_calls import writes
from stopper.core.guards.directories import models_named
from stopper.core.guards.reached_by_admins import is_reached_by_admins
from stopper.core.guards.whose_it_is import looks_at_who
from stopper.core.owner_names import OWNER
from stopper.core.people.password_columns import is_table_class
from stopper.core.people.people_tables import is_of_people
from stopper.core.stores.queries_by_owner import only_narrows, rows_of
from stopper.core.values import Call, Item, Name, Value, walk

_NARROWS: Final = frozenset({"filter", "filter_by", "where", "get", "having", "join", "outerjoin"})


def is_read_for_all(facts: SourceFacts, own: Sequence[Function], looked_up: Call | Item) -> bool:
    """That the view changes nothing, and another one gives all the rows of that model to whoever comes there."""
    known = classes_by_name(facts)
    models = frozenset(name for name in models_named(looked_up) if name in known)
    if not models or any(is_of_people(name.rpartition(".")[2]) for name in models):
        return False  # of people a list says their names, and the thing itself much more
    if any(writes(facts, one.name) for one in own):
        return False
    return models <= facts.once("models that are listed for all", lambda: frozenset(_listed(facts)))


def _listed(facts: SourceFacts) -> Iterator[str]:
    """``Order.query.order_by(Order.id).all()`` in a view that asks nobody who they are beyond their log-in."""
    for call in facts.calls("*.all", "*.paginate", "*.scalars"):
        of_view = facts.is_view(call.function) and not any(
            "{" in one.path for one in facts.routes_of_view(call.function)
        )
        if not of_view or any(isinstance(part, Call) and part.method in _NARROWS for part in walk(call, 12)):
            continue
        shown = any(_holds(one.value, call) for one in facts.returns_of(call.function))
        if shown and not looks_at_who(facts, call.function) and not is_reached_by_admins(facts, call.function):
            yield from rows_of(call)


def _holds(given: Value, call: Call) -> bool:
    return any(isinstance(part, Call) and part.span == call.span for part in walk(given, 10))


def is_a_wish(facts: SourceFacts, look: Call | Item) -> bool:
    """``if number: query = query.filter_by(branch_id=number)``: a list that is there without it as well."""
    given = (*look.args, *(value for _, value in look.keywords)) if isinstance(look, Call) else ()
    return isinstance(look, Call) and any(only_narrows(facts, look, value) for value in given)


def says_no_owner(facts: SourceFacts, looked_up: Call | Item) -> bool:
    """That the models which the look-up names are known, and none has a column of whoever owns a row: what it finds may be everybody's."""
    named = {model_of(looked_up)} | {part.dotted for part in walk(looked_up, 4) if isinstance(part, Name)}
    named |= {name.rpartition(".")[0] for name in named}
    models = [known for name in named if (known := classes_by_name(facts).get(name)) and is_table_class(known)]
    return bool(models) and not any(OWNER.search(name) for one in models for name in (*one.attributes, *one.fields))


def model_of(looked_up: Call | Item) -> str:
    """``Order`` of ``Order.query.get(number)``"""
    return looked_up.callee.rpartition(".query.")[0] if isinstance(looked_up, Call) else ""
