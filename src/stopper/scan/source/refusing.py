"""Refusals inside an expression: ``user = found() or abort(401)`` says what ``if not user: abort(401)`` says."""

import ast

from stopper.core.values import Call, Value
from stopper.scan.source.drafts import new_choice, new_condition
from stopper.scan.source.leaving import refuse, refuses, says
from stopper.scan.source.reader import Reader, either
from stopper.scan.source.removing import or_as_before


def turned(test: ast.expr) -> tuple[ast.expr, bool]:
    """A test without the ``not`` before it, and whether it was turned round."""
    negated = False
    while type(test) is ast.UnaryOp and type(test.op) is ast.Not:
        test, negated = test.operand, not negated
    return test, negated


def is_abort(node: ast.expr) -> bool:
    """That an operand is a call which raises and gives nothing."""
    if type(node) is not ast.Call:
        return False
    return (type(node.func) is ast.Name and node.func.id == "abort") or (
        type(node.func) is ast.Attribute and node.func.attr == "abort"
    )


def or_refused(reader: Reader, node: ast.BoolOp) -> Value:
    """``a or abort(…)``, ``not a and abort(…)``: what it gives where nobody is turned away."""
    is_or = type(node.op) is ast.Or
    first, inverted = turned(node.values[0]) if len(node.values) == 2 else (node.values[0], False)
    asked = [reader.value(first), *reader.values(node.values[1:-1])]
    head = asked[0] if len(asked) == 1 else either(*asked) if is_or else new_choice(tuple(asked), every=True)
    _refused(reader, node.values[-1], first, head, is_or is not inverted)
    return head


def unless_refused(reader: Reader, node: ast.IfExp) -> Value:
    """``a if allowed(a) else abort(403)``: what it gives where nobody is turned away."""
    reader.branches = True
    test, negated = turned(node.test)
    asked = reader.value(test)
    away, kept = (node.orelse, node.body) if is_abort(node.orelse) else (node.body, node.orelse)
    found = reader.value(kept)
    _refused(reader, away, test, asked, negated is (away is node.body))
    return found


def _refused(reader: Reader, away: ast.expr, test: ast.expr, asked: Value, negated: bool) -> None:
    """Keep that callers are turned away where the test holds (does not hold, *negated*)."""
    outer, taken = reader.under, len(reader.taken)
    reader.under = (*outer, (asked, negated))
    value = reader.value(away)
    if type(value) is Call:
        refuse(reader, away, says(value, 401, "401"))
        place, shown = reader.span(test), reader.span(away)
        reader.project.conditions.append(
            new_condition(asked, negated, True, refuses(value), place, reader.function, shown)
        )
    reader.under = outer
    or_as_before(reader, taken)


def two_ways(reader: Reader, node: ast.IfExp, asked: Value, negated: bool) -> tuple[Value, Value]:
    """``return given if test else other``: both, and the facts that ``if test: return given`` with ``return other`` below would be."""
    outer, found = reader.under, list[Value]()
    for side, denied in ((node.body, negated), (node.orelse, not negated)):
        reader.under = (*outer, (asked, denied))
        reader.returned = side
        value = reader.value(side)
        if away := refuses(value):
            refuse(reader, side, says(value, 401, "401"))
        place, shown = reader.span(node.test), reader.span(side)
        reader.project.conditions.append(new_condition(asked, denied, True, away, place, reader.function, shown))
        found.append(value)
    reader.under = outer
    return found[0], found[1]
