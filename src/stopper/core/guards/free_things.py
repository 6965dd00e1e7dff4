"""Look-ups that only ask whether a thing is free: nobody's, or not there at all."""

from stopper.core.fact import Condition, Function
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.who_calls import is_who
from stopper.core.values import Call, Item, Member, Truth, Value, is_constant, walk


def takes_what_is_free(index: FunctionIndex, own: list[Function]) -> bool:
    """``if tool.borrower is not None: abort(409)`` before ``tool.borrower = g.neighbour``: what nobody has is everybody's to take."""
    taken = {
        one.target.rpartition(".")[2]
        for view in own
        for one in index.facts.assignments_in(view.name)
        if any(map(is_who, walk(one.value, 3)))
    }
    return any(
        isinstance(one.left, Member) and one.left.attribute in taken and is_constant(one.right, None)
        for view in own
        for one in index.comparisons.get(view.name, ())
        if any(
            asked.refuses or asked.stops for asked in index.conditions.get(view.name, ()) if asked.span.holds(one.span)
        )
    )


def stops_where_found(index: FunctionIndex, own: list[Function], look: Call | Item) -> bool:
    """``if Note.query.filter_by(uuid=sent).first(): abort(409)``: whoever names a thing that is there gets nothing of it."""
    return look.span is not None and any(
        asked.stops and not asked.negated and _is_whether_found(asked.value, look) and not _is_used(index, asked, look)
        for view in own
        for asked in index.conditions.get(view.name, ())
    )


def _is_whether_found(asked: Value, look: Call | Item) -> bool:
    """That an ``if`` holds where the look-up finds something, whatever that is: ``found``, ``found is not None``."""
    if isinstance(asked, Truth):
        rows = [one for one in asked.parts if not is_constant(one, None)] if asked.differs else []
        return len(rows) == 1 < len(asked.parts) and _is_of(rows[0], look)
    return _is_of(asked, look)


def _is_of(row: Value | None, look: Call | Item) -> bool:
    while isinstance(row, Call):
        if row.span == look.span:
            return True
        row = row.receiver
    return False


def _is_used(index: FunctionIndex, asked: Condition, look: Call | Item) -> bool:
    """That what was found goes on where the ``if`` holds: it is shown, changed, or handed to somebody."""
    facts, body = index.facts, asked.body
    said: list[Value] = [one.value for one in facts.returns_of(asked.function) if body is None or body.holds(one.span)]
    for call in facts.calls_in(asked.function):
        if call.span is not None and (body is None or body.holds(call.span)):
            said += [one for one in (call.receiver, *call.args, *(value for _, value in call.keywords)) if one]
    if body is None or any(body.holds(one.span) for one in facts.assignments_in(asked.function)):
        return True
    return any(_is_of(part, look) for value in said for part in walk(value, 6))
