"""``app.view_functions[name] = login_required(view)``: views that are wrapped after they were registered."""

from collections.abc import Iterator

from stopper.core.place import Span
from stopper.core.values import Call, Constant, Member, Sequence, Value, walk
from stopper.scan.source.judging import Judges
from stopper.scan.source.project import Registration
from stopper.scan.source.reader import Reader

REPLACED = "view_functions"


def view_replaced(reader: Reader, table: Value, key: Value, value: Value, span: Span) -> None:
    """Note a row of the table that is given anew; ``target`` is the endpoint, ``""`` where a loop goes through many."""
    if isinstance(table, Member) and table.attribute == REPLACED and isinstance(value, Call):
        name = key.value if isinstance(key, Constant) and isinstance(key.value, str) else ""
        reader.project.registrations.append(Registration(REPLACED, table.owner, value, name, span))


def is_meant(judges: Judges, replaced: Registration, endpoint: str) -> bool | None:
    """That the endpoint's view is the one that is replaced; None where the tests around it cannot be told."""
    if replaced.target:
        return replaced.target == endpoint
    for test, negated in judges.project.under.get(id(replaced.call), ()):
        known = _holds(judges, test, endpoint)
        if known is None:
            return None
        if known is negated:
            return False
    return not any(_holds(judges, test, endpoint) for test in _passed_over(judges, replaced))


def _passed_over(judges: Judges, replaced: Registration) -> Iterator[Value]:
    """The tests before it in the same loop that go on with the next one: ``if name in PUBLIC: continue``."""
    function = replaced.call.function if replaced.call is not None else ""
    for one in judges.conditions.get(function, ()):
        if one.skips and not one.negated and one.span.path == replaced.span.path and one.span.line < replaced.span.line:
            yield one.value


def _holds(judges: Judges, test: Value, endpoint: str) -> bool | None:
    """Whether a test of names, ``name not in PUBLIC``, holds for this endpoint."""
    for comparison in judges.comparisons_of(test):
        words = {word for side in (comparison.left, comparison.right) for word in _words(side)}
        if words and comparison.operator in ("in", "==", "not in", "!="):
            return (endpoint in words) is (comparison.operator in ("in", "=="))
    if isinstance(test, Call) and test.method in ("startswith", "endswith") and test.args:
        ends = tuple(_words(test.args[0]))
        if ends:
            return endpoint.startswith(ends) if test.method == "startswith" else endpoint.endswith(ends)
    return None


def _words(value: Value) -> list[str]:
    return [
        word
        for part in walk(value, 2)
        for word in (
            part.plain() if isinstance(part, Sequence) else (part.value,) if isinstance(part, Constant) else ()
        )
        if isinstance(word, str)
    ]
