"""Rows with every column of a table: ``SELECT *`` in what is executed, and what an answer holds of the rows."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Choice, Constant, Item, Mapping, Member, Sequence, Unknown, Value, text_of, walk

_ALL: Final = re.compile(
    r"(?is)\bselect\s+(?:distinct\s+)?(?:[\w.\"`][\w.\s\"`]{0,59},\s*){0,12}(?:[\w\"`]+\.)?\*(?:\s+from\b|\s*,)"
)
"""``SELECT * FROM``, ``SELECT u.*, r.name FROM``. A column begins with no space: else the many ways to share spaces out take hours."""
_EXECUTES: Final = (
    "*.execute", "*.executemany", "*.raw", "*.exec_driver_sql", "*.fetch_all", "*.fetch_one", "pandas.read_sql", "pandas.read_sql_query",
)  # fmt: skip
_WRAPS: Final = frozenset(
    {"dict", "list", "zip", "flask.jsonify", "json.dumps", "bson.json_util.dumps", "flask.json.dumps"}
)
_ROWS: Final = frozenset({"fetchall", "fetchone", "fetchmany", "mappings", "all", "first", "one", "_asdict"})


def running_functions(facts: SourceFacts) -> frozenset[str]:
    """The functions of the project that run statements."""
    return frozenset(
        call.function for call in facts.calls(*_EXECUTES) if call.function and facts.function(call.function)
    )


def wide_functions(facts: SourceFacts) -> frozenset[str]:
    """The functions that select every column of a table."""
    return frozenset(call.function for call in facts.calls(*_EXECUTES) if call.function and _selects_all(call))


def giving_functions(facts: SourceFacts, wide: frozenset[str]) -> frozenset[str]:
    """Those of them that give the rows back as they are: ``return dict(row) if row else None``, with nothing taken out."""
    return frozenset(
        name
        for name in wide
        if not any(call.method == "pop" or call.callee == "operator.delitem" for call in facts.calls_in(name))
        and any(
            is_row_of_all(one, frozenset(), True) for back in facts.returns_of(name) for one in held_in(back.value, 8)
        )
    )


def _selects_all(call: Call) -> bool:
    """``execute("SELECT * …")``, whose rows are gone through as they come."""
    return any(_ALL.search(text_of(value) or "") for given in call.args for value in walk(given, 2))


def is_row_of_all(value: Value, runs: frozenset[str], wide: bool, gives: frozenset[str] = frozenset()) -> bool:
    """That the value is rows with every column: what a function that *runs* statements is handed one for, what one *gives* back, or, in
    a *wide* function, what is fetched there."""
    if not isinstance(value, Call):
        return False
    return (
        value.callee in gives
        or (value.callee in runs and any(_ALL.search(text_of(one) or "") is not None for one in value.args))
        or (wide and (value.method in _ROWS or _selects_all(value)))
    )


def held_in(value: Value, depth: int = 4, met: dict[int, int] | None = None) -> Iterator[Value]:
    """What an answer holds as it is: its members and elements, and not what a look-up takes out of something. What is in ``met`` was looked
    through as deep."""
    met = {} if met is None else met
    if met.get(id(value), -1) >= depth:
        return
    met[id(value)] = depth
    yield value
    if depth == 0:
        return
    match value:
        case Choice(options=several, every=True):  # ``row and row["town"]`` is never the row
            inner = several[-1:]
        case Choice(options=inner) | Sequence(items=inner) | Unknown(parts=inner):
            pass
        case Mapping(items=items):
            inner = tuple(one for _, one in items)
        case Item(
            owner=Call(method="fetchone" | "first" | "one") | Item(), key=Constant(value=int())
        ):  # one column of a row
            return
        case Member(attribute="_mapping", owner=owner):
            inner = (owner,)
        case Call(method="limit" | "sort" | "skip", receiver=Call() as found):
            inner = (found,)
        case Call(callee="str" | "repr", args=(Item() as part,)) if (
            text_of(part.key) is None
        ):  # each column, written down
            inner = (part,)
        case Item(owner=owner, key=key) if text_of(key) is None:  # one row of several
            inner = (owner,)
        case Call(callee=callee, args=given, keywords=named) if callee in _WRAPS:
            inner = (*given, *(one for _, one in named))
        case _:
            return
    for one in inner:
        yield from held_in(one, depth - 1, met)
