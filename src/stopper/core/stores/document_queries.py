"""Queries of document stores that take JSON of the caller as it is, with the operators that stand in it."""

from collections.abc import Iterator, Set
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.expected_bodies import expected_fields, is_plain
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.labels import UNTRUSTED_TEXT
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Format, Item, Mapping, Name, Sequence, Value, options, text_of, walk

_FINDERS: Final = (
    "*.find_one", "*.find", "*.count_documents", "*.delete_one", "*.delete_many", "*.update_one", "*.update_many",
    "*.find_one_and_update", "*.find_one_and_delete", "*.replace_one", "*.distinct",
)  # fmt: skip
_PIPELINES: Final = ("*.aggregate", "*.find_raw_batches", "*.aggregate_raw_batches")
_BODIES: Final = ("body", "init", "accumulate", "merge", "finalize")
"""The parts of ``$function`` and ``$accumulator`` that are JavaScript."""
_KINDS: Final = tuple(UNTRUSTED_TEXT)
_HOMES: Final = ("pymongo", "flask_pymongo", "mongoengine", "mongomock", "motor", "flask_mongoengine")


def documents_by_request(facts: SourceFacts) -> Iterator[tuple[Span | None, str]]:
    """Each such query, with what is wrong there."""
    if not facts.imports(*_HOMES):
        return
    raw_queries = (call for call, _, _ in passed_as(facts, "__raw__".__eq__))
    asked = [
        (call, call.keyword("__raw__") or call.argument(0, "filter", "query"))
        for call in (*facts.calls(*_FINDERS), *raw_queries)
    ]
    asked += [(call, found) for call in facts.calls(*_PIPELINES) for found in _matched(call.argument(0, "pipeline"))]
    for call, query in asked:
        if query is None or not facts.derives(query, *_KINDS):
            continue
        expected = expected_fields(facts, call.function)
        plain = {name for name, said in expected.items() if is_plain(said)}
        raw = list(_raw(query, plain))
        if any(_is_json(part) for part in raw) and not is_checked(facts, query, call.function, text_counts=True):
            yield call.span, "JSON of the request becomes part of the query, operators such as $ne with it"
    scripts = [
        (call, text) for call in facts.calls(*_FINDERS, *_PIPELINES) for one in call.args for text in _scripts(one)
    ]
    scripts += [(call, call.args[0]) for call in facts.calls("bson.code.Code", "bson.Code") if call.args]
    for call, text in scripts:
        if facts.derives(text, "request-data") and not is_checked(facts, text, call.function):
            yield call.span, "text from the request becomes JavaScript of the query"


def _matched(pipeline: Value | None) -> Iterator[Value]:
    """What a pipeline looks for: each ``{"$match": …}``; all of it, where it is no list of one's own."""
    for one in options(pipeline) if pipeline is not None else ():
        if not isinstance(one, Sequence):
            yield one
        for stage in one.items if isinstance(one, Sequence) else ():
            found = stage.get("$match") if isinstance(stage, Mapping) else None
            yield from (found,) if found is not None else ()


def _scripts(query: Value) -> Iterator[Value]:
    """What the database runs: under ``$where``, ``$function`` and ``$accumulator``; their arguments are handed to it and run nothing."""
    for part in walk(query, 8):
        if not isinstance(part, Mapping):
            continue
        if (where := part.get("$where")) is not None:
            yield where
        for operator in ("$function", "$accumulator"):
            held = part.get(operator)
            for one in options(held) if held is not None else ():
                if isinstance(one, Mapping):
                    yield from (text for key in _BODIES if (text := one.get(key)) is not None)


def _raw(value: Value, plain: Set[str]) -> Iterator[Value]:
    """The parts of a query that keep the type the caller chose: what ``str(…)``, ``int(…)`` or a format made is left out, and the fields
    that are *plain*."""
    if isinstance(value, Format) or (isinstance(value, Call) and not _is_json(value) and value.method != "get_json"):
        return
    if isinstance(value, Item) and text_of(value.key) in plain and _is_json(value.owner):
        return
    yield value
    if isinstance(value, Choice):
        for one in value.options:
            yield from _raw(one, plain)
    elif isinstance(value, Mapping):
        for _, inner in value.items:
            yield from _raw(inner, plain)
    elif isinstance(value, Item):
        yield from _raw(value.owner, plain)


def _is_json(value: Value) -> bool:
    if isinstance(value, Call) and value.callee == "json.loads" and value.args:
        return any(isinstance(one, Name) and one.dotted.startswith("flask.request.") for one in walk(value.args[0], 4))
    said = value.callee if isinstance(value, Call) else value.dotted if isinstance(value, Name) else ""
    return said in ("flask.request.get_json", "flask.request.json")
