"""Bodies that a view takes apart itself, ``json.loads(request.data)``, and bodies that go to where things are kept as they come."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.left_out import is_spread
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Mapping, Name, Value, options, walk

_LOADS: Final = frozenset({"json.loads", "flask.json.loads", "simplejson.loads", "ujson.loads", "orjson.loads"})
_RAW: Final = frozenset({"flask.request.data", "flask.request.get_data", "flask.request.stream"})
_KEEPS: Final = re.compile(r".*\.(?:save|store|put|insert_one|replace_one|set|set_by_id|write|upsert|create)")
_JSON: Final = frozenset({"flask.request.get_json", "flask.request.json"})


def read_by_hand(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """The views that change something and take members of such a body, with the place that reads it."""
    for call in facts.calls(*_LOADS):
        if call.span is None or not _changes(facts, call.function) or not call.args or not _is_raw(call.args[0]):
            continue
        if any(_takes_member(part, call) for value in _used(facts, call.function) for part in walk(value, 4)):
            yield call.function, call.span


def kept_whole(facts: SourceFacts) -> Iterator[Call]:
    """``profiles.save(request.get_json())``"""
    for call in facts.calls():
        if (
            any(map(_is_json, call.args))
            and _KEEPS.fullmatch(call.callee)
            and not call.callee.startswith(("flask.", "werkzeug."))
            and (_changes(facts, call.function) or _is_handed_it(facts, call))
        ):
            yield call


def _changes(facts: SourceFacts, function: str) -> bool:
    return any(set(route.methods) & {"POST", "PUT", "PATCH"} for route in facts.routes_of_view(function))


def _is_handed_it(facts: SourceFacts, call: Call) -> bool:
    """``people.update(number, request.get_json())``, and the service keeps it: each way to it begins in a view that changes something."""
    ways = facts.routes_reaching(call.function)
    return bool(ways) and all(way.method in ("POST", "PUT", "PATCH") for way in ways)


def _is_raw(value: Value) -> bool:
    return any(
        (isinstance(part, Name) and part.dotted in _RAW)
        or (isinstance(part, Call) and not _RAW.isdisjoint((part.callee, part.callee.rpartition(".")[0])))
        for part in walk(value, 3)
    )


def _is_json(value: Value) -> bool:
    """The body, also with members that are written beside it: ``{**body, "updated_at": now}``."""
    return any(
        (isinstance(one, Call) and one.callee in _JSON)
        or (isinstance(one, Name) and one.dotted in _JSON)
        or (isinstance(one, Mapping) and any(is_spread(key) and _is_json(held) for key, held in one.items))
        for one in options(value)
    )


def _used(facts: SourceFacts, function: str) -> Iterator[Value]:
    for call in facts.calls_in(function):
        yield from (*call.args, *(given for _, given in call.keywords))


def _takes_member(part: Value, body: Call) -> bool:
    return (
        isinstance(part, Item)
        and isinstance(part.key, Constant)
        and isinstance(part.owner, Call)
        and part.owner.span == body.span
    )
