"""Changes that end with the request: a record is trimmed before it is shown, an answer is remembered, and an object of the request is filled."""

from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import is_kept_here, is_model
from stopper.core.flow.written_alike import written_alike
from stopper.core.values import Call, Choice, Item, Mapping, Member, Name, Sequence, Value, options, text_of

_DEPTH: Final = 6
_GATHERS: Final = frozenset({"zip", "list", "tuple", "sorted", "enumerate", "reversed", "iter", "next", "dict"})
"""Builtins that hand on what is in what they are given."""
_FRESH: Final = frozenset(
    {
        "execute",
        "mappings",
        "fetchall",
        "fetchone",
        "fetchmany",
        "json",
        "loads",
        "copy",
        "deepcopy",
        "to_dict",
        "asdict",
    }
)
"""What is made anew for whoever asks."""


def passes(facts: SourceFacts, call: Call) -> bool:
    """That what the call changes is gone when the answer has been sent."""
    return _trims(facts, call) or _remembers(facts, call) or _fills_a_model(facts, call)


def _trims(facts: SourceFacts, call: Call) -> bool:
    """``row.pop("internal_id", None)`` of a row that was looked up, ``row.update({"name": …})`` of one in a loop."""
    if call.method not in ("pop", "update") or not call.args or call.receiver is None:
        return False
    if call.method == "pop" and text_of(call.args[0]) is None:
        return False
    if call.method == "update" and not isinstance(call.args[0], Mapping):
        return False
    return all(
        (isinstance(one, Item) and text_of(one.key) is None) or (call.method == "pop" and isinstance(one, Call))
        for one in options(call.receiver)
    ) and not _is_kept(facts, call.receiver)


def _is_kept(facts: SourceFacts, value: Value, depth: int = _DEPTH) -> bool:
    """That it may be a part of what a module or an object holds on to, which is where small applications keep their data."""
    if depth == 0:
        return True
    match value:
        case Mapping(span=span) | Sequence(span=span):
            return span is None or not facts.function_around(span)
        case Name() | Member():
            return True
        case Choice(options=several):
            return any(_is_kept(facts, one, depth - 1) for one in several)
        case Item(owner=owner):
            return _is_kept(facts, owner, depth - 1)
        case Call(method=method) if method in _FRESH:
            return False
        case Call():
            return any(_is_kept(facts, one, depth - 1) for one in _given_back(facts, value))
        case _:
            return False


def _given_back(facts: SourceFacts, call: Call) -> Iterator[Value]:
    """What the call may give a part of: what a function of the project returns, of what a method is asked, what a builtin goes through."""
    if (made := facts.function(call.callee)) is not None:
        yield from made.returns
    elif call.callee in _GATHERS:
        yield from call.args
    elif call.callee.startswith("?.") and call.receiver is not None:
        yield call.receiver


def _remembers(facts: SourceFacts, call: Call) -> bool:
    """``cache.set(key, answer)`` in a function that asks ``cache.get(key)``: it would be made anew."""
    owner, _, verb = call.callee.rpartition(".")
    if verb not in ("set", "put", "add") or "cache" not in owner.lower() or not call.args:
        return False
    return any(
        other.callee == f"{owner}.get" and other.args and written_alike(other.args[0], call.args[0])
        for other in facts.calls_in(call.function)
    )


def _fills_a_model(facts: SourceFacts, call: Call) -> bool:
    """``playlist.tracks.append(track)`` where ``tracks`` is a list of a pydantic model or another record, each of which has its own."""
    if call.method not in ("append", "extend", "insert", "add", "update"):
        return False
    homes = [one.span for one in options(call.receiver) if isinstance(one, (Sequence, Mapping))]
    return bool(homes) and all(
        span is not None
        and any(
            one.span.holds(span) and (is_kept_here(facts, one.name) or is_model(facts, one.name))
            for one in facts.classes()
        )
        for span in homes
    )
