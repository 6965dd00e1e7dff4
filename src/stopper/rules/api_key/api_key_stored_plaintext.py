"""Whoever reads the database, or a copy of it, can act as every client."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name, is_kept_here
from stopper.core.flow.enumerations import is_enumerated
from stopper.core.flow.held_inside import elements, members
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.keys.api_key_names import is_key_name, is_shown_key, reads_keys
from stopper.core.keys.new_keys import HASH, MODEL, column_of_keys, is_new, kept_as_made, names_key
from stopper.core.people.password_columns import is_table_class
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.stores.named_columns import names_of_columns
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Name,
    Value,
    text_of,
    walk,
)

LOOKED_UP: Final = "a key is looked up by its raw value, so keys are stored in clear"
_OTHER: Final = re.compile(rf"{HASH.pattern}|(?i:(?:^|_)(?:id|prefix|owner|name)$)")
"""Columns of a key that are not the key: its hash, its id, what it begins with."""
_OUTRIGHT: Final = re.compile(r"(?i)api|access|secret|auth|client|service")
STORED: Final = "a new key is stored as it is"
_FINDERS: Final = (
    "*.filter_by",
    "*.find_one",
    "*.find",
    "*.find_one_and_update",
    "*.find_one_or_404",
    "*.update_one",
    "*.count_documents",
    "*.aggregate",
    "*.get_or_404",
    "*.objects",
    "*.get_or_none",
    "*.first_or_404",
    "*.select_by",
    "*.get_item",
)
_REDIS_READS: Final = frozenset({"get", "hget", "hgetall", "exists", "sismember", "hexists", "getex"})
_REDIS_CALLS: Final = tuple(f"*.{name}" for name in sorted(_REDIS_READS))
_REDIS: Final = re.compile(r"(?:flask_redis|redis|valkey|fakeredis)\.")
_INSERTS: Final = re.compile(
    r"(?is)insert\s+into\s+[\"`]?(?:\w*_)?(?:api|access|client|service|machine)_?(?:keys?|tokens)\b"
    r"|insert\s+into\s+\S+\s*\([^)]*\b(?:api|access|client|service)_?(?:key|token)\b"
)


def detect(app: App) -> Iterator[Hit]:
    """Queries that hold the shown key against a column, and new keys that are stored as they were made."""
    facts = source_of(app)
    lines: set[tuple[str, int]] = set()
    for span, message in (*(_look_ups(facts) if reads_keys(facts) else ()), *_stores(facts)):
        if message == STORED and lines:
            continue  # the look-up shows the same
        if (span.path, span.line) not in lines:
            lines.add((span.path, span.line))
            yield Hit(message, span, certainty="certain" if message == LOOKED_UP else "likely")


def _look_ups(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    for call in facts.calls(*_FINDERS):
        pairs = [*call.keywords, *(pair for one in call.args for pair in members(one))]
        pairs += [pair for _, one in call.keywords for pair in members(one)]
        if call.method == "aggregate":  # ``[{"$match": {"key": key}}]``
            pairs += [pair for one in call.args[:1] for part in walk(one, 3) for pair in members(part)]
        if call.span and any(not _OTHER.search(name) and is_shown_key(facts, value) for name, value in pairs):
            yield call.span, LOOKED_UP
    for comparison in facts.comparisons("=="):
        for column, shown in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
            if not _is_column(facts, column) or is_enumerated(facts, column):
                continue  # what derives from what is the dearest question
            if is_shown_key(facts, shown) or (column_of_keys(column) and _is_bearer(facts, shown)):
                yield comparison.span, LOOKED_UP
    for call in facts.calls(*_REDIS_CALLS) if facts.imports("redis", "flask_redis", "valkey") else ():
        if call.span and _in_redis(facts, call):
            yield call.span, LOOKED_UP
    for call in facts.calls("*.execute", "*.fetchone", "*.query_db", "*.query", "*.fetch_one", "*.get"):
        if call.span and _is_query(facts, call):
            yield call.span, LOOKED_UP


def _is_bearer(facts: SourceFacts, value: Value) -> bool:
    return facts.derives(value, "authorization-header", by_name=False)


def _in_redis(facts: SourceFacts, call: Call) -> bool:
    """``redis.get(f"apikey:{key}")``: the key as it was sent is the name of an entry."""
    if call.method not in _REDIS_READS or call.receiver is None or not call.args:
        return False
    made = [one.callee for one in walk(call.receiver, 4) if isinstance(one, Call)]
    if not any(_REDIS.match(name) for name in (*made, call.callee)):
        return False
    parts = [part for one in call.args[:2] for part in (one.parts if isinstance(one, Format) else (one,))]
    return any(is_shown_key(facts, part) for part in parts)


def _is_of_keys(facts: SourceFacts, assignment: Assignment, models: set[str]) -> bool:
    """``account.token = …``, where the same function has made the account of a model of keys."""
    return names_key(assignment.attribute, "ApiKey") and any(
        call.callee in models for call in facts.calls_in(assignment.function)
    )


def _is_column(facts: SourceFacts, value: Value) -> bool:
    """``ApiKey.key``: a member of a class, and none that holds a hash. A column of the project's own class is read as its Column."""
    if column_of_keys(value):
        return True
    if isinstance(value, Call):
        _, named = names_of_columns(facts).get(id(value), ("", ""))
        kinds = ("Column", "mapped_column", "CharField", "TextField", "StringField")
        return value.method in kinds and not HASH.search(named)
    if not isinstance(value, Name):
        return False
    owner, _, last = value.dotted.rpartition(".")
    name = owner.rpartition(".")[2]
    named_so = name[:1].isupper() and not name.isupper() and not HASH.search(last)
    return named_so and not is_kept_here(facts, owner)


def _is_query(facts: SourceFacts, call: Call) -> bool:
    """SQL that compares with a parameter which is the shown key, or ``session.get(ApiKey, key)``."""
    if call.method == "get":
        return (
            len(call.args) == 2
            and isinstance(call.args[0], Name)
            and call.args[0].dotted.rpartition(".")[2][:1].isupper()
            and is_shown_key(facts, call.args[1])
        )
    texts = [
        one.value
        for arg in call.args[:1]
        for one in walk(arg, 4)
        if isinstance(one, Constant) and isinstance(one.value, str)
    ]
    if not any("where" in text.lower() and not HASH.search(text) for text in texts):
        return False
    given = [*call.args[1:], *(value for _, value in call.keywords), *(_parts(call.args[0]) if call.args else ())]
    return any(is_shown_key(facts, one) for value in given for one in elements(value))


def _parts(value: Value) -> Iterator[Value]:
    for one in walk(value, 2):
        if isinstance(one, Format):
            yield from one.parts


def _stores(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    models = {one.name for one in facts.classes() if MODEL.search(one.name.rpartition(".")[2])}
    for model in sorted(models):
        for call in facts.calls(model):
            if call.span and any(names_key(name, model) and is_new(value) for name, value in call.keywords):
                yield call.span, STORED
    for call, name, value in passed_as(facts, is_key_name):
        known = classes_by_name(facts).get(call.callee) if call.callee not in models else None
        if known is not None and call.span and is_table_class(known) and names_key(name) and is_new(value):
            yield call.span, STORED
    for assignment in facts.assignments():
        if (
            (
                "." in assignment.target
                and assignment.function
                and (is_key_name(assignment.attribute) or _is_of_keys(facts, assignment, models))
                and is_new(assignment.value)
            )
            and not assignment.target.startswith(("flask.", "g."))
            and not _is_of_plain_object(facts, assignment)
        ):
            yield assignment.span, STORED
    yield from ((span, STORED) for span in kept_as_made(facts))
    for call in facts.calls("*.execute"):
        text = text_of(call.args[0]) if call.args else None
        if (
            call.span
            and text
            and _INSERTS.search(text)
            and not HASH.search(text)
            and any(is_new(one) for value in call.args[1:] for one in elements(value))
        ):
            yield call.span, STORED


def _is_of_plain_object(facts: SourceFacts, made: Assignment) -> bool:
    """``self.subscription_key = uuid4()`` of a class that derives from nothing: what it holds is sent or shown, and no table keeps it. An
    ``api_key`` may be looked for among such objects."""
    vague = made.target.startswith("self.") and _OUTRIGHT.search(made.attribute) is None
    method = facts.function(made.function) if vague else None
    one = classes_by_name(facts).get(method.owner) if method is not None and method.owner else None
    return one is not None and set(one.bases) <= {"object"} and not is_table_class(one)


RULE = Rule(
    slug="api-key-stored-plaintext",
    family="api-key",
    title="API keys stored in clear",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(256,),
    owasp="API2:2023",
    asvs=("V6.5.2",),
    surfaces=("source",),
    ends="Stopper's `@api_key` stores a keyed hash and shows a key once.",
    certainty="likely",
    detect=detect,
)
