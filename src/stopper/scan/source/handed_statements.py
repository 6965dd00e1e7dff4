"""Functions of a project that run the statement which they are given: ``def query(sql, values=()): … cursor.execute(sql, values)``. A call
of one runs that statement where it stands: the text and its values are seen there, and nowhere else."""

from typing import Final

from stopper.core.values import REST, Call, Constant, Parameter, Value, options
from stopper.scan.source.drafts import new_call, new_sequence
from stopper.scan.source.held_fields import Given
from stopper.scan.source.project import Project

_RUNS: Final = frozenset({"execute", "executemany", "executescript"})
"""Methods of PEP 249 and of SQLAlchemy that run a statement."""
_TEXT: Final = frozenset({"sqlalchemy.text", "sqlalchemy.sql.text"})
_DEEPEST: Final = 3
"""Functions that hand the statement to each other."""


def run_handed_statements(project: Project) -> None:
    """Put the statement that a function runs beside each call which hands it to the function."""
    running: list[Call] = [
        call for call in project.calls if call.method in _RUNS and _handed(project, call) is not None
    ]
    for _ in range(_DEEPEST):
        if not running:
            return
        homes: dict[str, Call] = {}
        for call in running:
            asked = _handed(project, call)
            if asked is not None:
                homes.setdefault(asked.function, call)
        running = list[Call]()
        for call in list(project.calls) if homes else ():
            inner = homes.get(call.callee)
            if inner is None or call.function == call.callee or _is_known(project, call):
                continue
            made: Call | None = _where_it_is_handed(project, call, inner)
            if made is not None:
                project.calls.append(made)
                running.append(made)


def _handed(project: Project, call: Call) -> Parameter | None:
    """The parameter that the statement is; None where the function has one of its own."""
    for option in options(call.args[0] if call.args else None):
        inner = option.args[0] if type(option) is Call and option.callee in _TEXT and option.args else option
        if type(inner) is Parameter and inner.index >= 0 and inner.function in project.functions:
            return inner
    return None


def _is_known(project: Project, call: Call) -> bool:
    return call.method in _RUNS and call.callee not in project.functions


def _where_it_is_handed(project: Project, call: Call, inner: Call) -> Call | None:
    asked = _handed(project, inner)
    statement = call.argument(asked.index, asked.parameter) if asked is not None else None
    if asked is None or statement is None or (type(statement) is Constant and type(statement.value) is not str):
        return None
    given = Given(project, call, asked.function)
    args: list[Value] = [statement, *(_rest(call, asked.function, one) or given.into(one) for one in inner.args[1:])]
    keywords = tuple((word, given.into(value)) for word, value in inner.keywords)
    return new_call(inner.callee, tuple(args), keywords, inner.open, inner.receiver, call.function, call.span)


def _rest(call: Call, function: str, value: Value) -> Value | None:
    """What is passed for the ``*values`` of the function."""
    if type(value) is not Parameter or value.function != function or value.index > REST or call.open:
        return None
    return new_sequence(call.args[REST - value.index :], "tuple")
