"""What a function changes that outlives the request: rows, records, files, and what its path names."""

import re
from collections.abc import Sequence as SequenceType
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing_changes import passes
from stopper.core.values import Call, Constant, Item, Mapping, Parameter, Sequence, Value, options, text_of, walk

_WRITES: Final = re.compile(
    r".*\.(commit|add|add_all|save|insert\w*|update\w*|delete\w*|remove|pop|append|create\w*|execute|executemany|put|set|write|"
    r"setdefault|bulk_\w+|merge|send|enqueue|delay|apply_async)$"
)
_CHANGES: Final = re.compile(
    r"(?:create|save|add|insert|update|delete|remove|store|persist|assign|transfer|charge|cancel|approve|run|trigger|schedule|sync|rebuild|reindex|purge|launch|import)_[a-z]\w+"
)
"""Functions whose name says that they change something, wherever they come from."""
_ROWS: Final = re.compile(r".*\bsession\.(?:commit|add|add_all|delete|merge)")
_VERB: Final = re.compile(
    r"(?:add|note|cancel|void|close|reopen|approve|reject|accept|decline|publish|unpublish|archive|restore|transfer|charge|pay|refund|capture|revoke|"
    r"enable|disable|rename|move|submit|finish|complete|start|stop|block|unblock|ban|assign|unassign|mark|lock|unlock|activate|deactivate|promote|"
    r"demote|resend|reset|ship|confirm|join|leave|invite|rate|vote|comment|attach|detach|queue|change)"
    r"(?:_\w+)?"
)
"""Verbs of changing, as the last word of what is called."""
_FETCHES: Final = frozenset(
    {"scalar", "scalar_one", "scalar_one_or_none", "scalars", "fetchone", "fetchall", "fetchmany", "mappings"}
)
"""What is asked of a statement's outcome when it was a question."""
_EMPTY: Final = re.compile(r"dict|list|set|collections\.(?:defaultdict|OrderedDict|Counter|deque)")
"""What makes a container."""
_SQL_READ: Final = re.compile(r"(?i)^\s*(?:select|with|show|explain|values)\b")
_SQL_WRITE: Final = re.compile(r"(?i)^\s*(insert|update|delete|replace|drop|truncate)\s")


_KEEPS: Final = re.compile(
    r"flask\..*|flask_(?:login|babel|wtf)\..*|re\.\w+|urllib\.parse\.\w+|(?:.*\.)?(?:logger|logging|log)\.\w+|datetime\..*|(?!open$|exec$|eval$)[a-z]+"
)
"""What changes nothing that lasts, or only what the caller's own browser holds: Flask's calls, builtins, a log."""
_READING: Final = _FETCHES | frozenset(
    word for kind in (str, bytes, int) for word in dir(kind) if word[0] != "_"
) | frozenset({"get", "items", "keys", "values", "getlist", "to_dict", "get_or_404", "first_or_404", "filter", "filter_by", "scalar", "scalars", "validate", "validate_on_submit", "is_valid"})  # fmt: skip


def writes(facts: SourceFacts, function: str, depth: int = 3) -> bool:
    """Whether something in the function changes what is kept."""
    fetched = [call.receiver for call in facts.calls_in(function) if call.method in _FETCHES]
    return any(
        _changes_something(facts, call, fetched, depth) for call in facts.calls_in(function) if call.callee != function
    ) or any(_is_kept(facts, one.into, function) for one in facts.assignments_in(function))


def _changes_something(facts: SourceFacts, call: Call, fetched: list[Value | None], depth: int) -> bool:
    if _stands_within(facts, call.callee) or (call.method == "execute" and facts.function(call.callee) is not None):
        return depth > 0 and writes(facts, call.callee, depth - 1)
    if _CHANGES.fullmatch(call.callee.rpartition(".")[2]) and not call.callee.startswith("flask."):
        return True
    if (
        _WRITES.fullmatch(call.callee)
        and not call.callee.startswith(("flask.session", "flask.g.", "flask.request."))
        and not _only_asks(call)
        and not (call.method == "execute" and any(one is call for one in fetched) and not _said(call))
        and not _is_its_own(facts, call, call.function)
        and not passes(facts, call)
    ):
        return True
    return any(_SQL_WRITE.match(text_of(argument) or "") for argument in call.args)


def _stands_within(facts: SourceFacts, name: str) -> bool:
    """A function inside another one, ``create_node`` of what builds a tree: what it does can be read, whatever it is called."""
    return facts.function(name) is not None and facts.function(name.rpartition(".")[0]) is not None


def changes_rows(facts: SourceFacts, function: str) -> bool:
    """That it writes into a database for sure: below a view stand caches and counters too, which change nothing of anybody's."""
    return any(
        _ROWS.fullmatch(call.callee) or any(_SQL_WRITE.match(text_of(argument) or "") for argument in call.args)
        for call in facts.calls_in(function)
    )


def only_remembers(facts: SourceFacts, functions: SequenceType[str]) -> bool:
    """``session["language"] = …`` and nothing else that lasts: what the caller's own browser holds."""
    remembered = any(flow.function in functions for flow in facts.flows("session"))
    return remembered and not any(writes(facts, name) or _may_do_more(facts, name) for name in functions)


def _may_do_more(facts: SourceFacts, function: str) -> bool:
    """Beside what it remembers: calls of which nobody knows that they only read, a member of a row that is written."""
    made_here = classes_by_name(facts)
    return any(
        not (facts.function(call.callee) or _KEEPS.fullmatch(call.callee) or call.method in _READING)
        and call.callee not in made_here
        for call in facts.calls_in(function)
    ) or any(isinstance(one.into, (Call, Parameter)) and "." in one.target for one in facts.assignments_in(function))


def _is_kept(facts: SourceFacts, into: Value | None, function: str) -> bool:
    """``ORDERS[key] = …``, ``ORDERS[key]["closed"] = True``: what is put into what a module holds."""
    while isinstance(into, Item):
        into = into.owner
    owner = facts.function(function)
    made = into.span if isinstance(into, Mapping) else None
    return made is not None and owner is not None and not owner.span.holds(made) and not facts.function_around(made)


def hands_on(facts: SourceFacts, named: set[str], own: SequenceType[Function]) -> bool:
    """``orders.cancel(oid)``, ``members.note(mid, text)``: a verb of changing gets what the path names, the parameters *named*."""
    return any(
        _VERB.fullmatch(call.callee.rpartition(".")[2]) is not None
        and any(isinstance(part, Parameter) and part.parameter in named for one in call.args for part in walk(one, 3))
        for function in own
        for call in facts.calls_in(function.name)
    )


def _only_asks(call: Call) -> bool:
    """``execute`` of a statement that stands there and changes nothing."""
    if call.method not in ("execute", "executemany"):
        return False
    said = _said(call)
    if any(map(_is_selection, call.args[:1])):
        return True
    return any(map(_SQL_READ.match, said)) and not any(map(_SQL_WRITE.match, said))


def _is_selection(value: Value | None) -> bool:
    """``select(Song).where(…)`` of SQLAlchemy."""
    while isinstance(value, Call):
        if value.method == "select":
            return True
        value = value.receiver
    return False


def _said(call: Call) -> list[str]:
    """The texts of the statement that is passed."""
    return [
        part.value
        for argument in call.args[:1]
        for part in walk(argument, 3)
        if isinstance(part, Constant) and isinstance(part.value, str)
    ]


def _is_its_own(facts: SourceFacts, call: Call, function: str) -> bool:
    """``append``, ``update`` and the like of a list or mapping that the function made itself: nothing outlives the request."""
    made, owner = tuple(map(_grouped, options(call.receiver))), facts.function(_home(facts, function))
    return bool(made) and all(
        (isinstance(one, (Sequence, Mapping)) or (isinstance(one, Call) and _EMPTY.fullmatch(one.callee) is not None))
        and one.span is not None
        and owner is not None
        and owner.span.holds(one.span)
        for one in made
    )


def _home(facts: SourceFacts, function: str) -> str:
    """The function, or the one around it that calls it: what that one makes is gone when both are done."""
    around = function.rpartition(".")[0]
    calls = facts.calls_in(around) if _stands_within(facts, function) else ()
    return _home(facts, around) if any(one.callee == function for one in calls) else function


def _grouped(value: Value) -> Value:
    """``by_year`` for ``by_year[song.year]``, which a ``defaultdict`` has just made, and for ``by_year.setdefault(song.year, [])``."""
    if (
        isinstance(value, Call)
        and value.method == "setdefault"
        and value.args
        and isinstance(value.args[-1], (Sequence, Mapping))
    ):
        return value.receiver or value
    owner = value.owner if isinstance(value, Item) else None
    return owner if isinstance(owner, Call) and owner.callee == "collections.defaultdict" else value
