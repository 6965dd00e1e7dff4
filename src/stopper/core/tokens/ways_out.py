"""Routes that end what was given out by what they do, whatever they are called, and routes that give out a key."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.view_functions import index_of
from stopper.core.keys.new_keys import is_new
from stopper.core.stores.sql_conditions import statement_of
from stopper.core.tokens.jwt_names import encodings
from stopper.core.values import Call, Item, Mapping, Value, is_constant, text_of, walk

_KEEPS: Final = frozenset(
    {"add", "sadd", "set", "setex", "hset", "insert", "insert_one", "append", "put", "zadd", "create", "execute"}
)
_COOKIES: Final = frozenset({"unset_jwt_cookies", "unset_access_cookies"})
_STATE: Final = re.compile(
    r"(?i)^_?(?:is_?)?(?:revoked|disabled|enabled|active|deactivated|status|state|ended|valid)(?:_at|_on|_until)?$"
)
_SETS: Final = re.compile(
    r"(?is)\bupdate\b.*\bset\b.*\b(?:is_)?(?:revoked|disabled|enabled|active|deactivated|status|state|ended|valid)(?:_at|_on|_until)?\s*="
)
_OF_CREDENTIALS: Final = re.compile(r"(?i)key|token|session|client|device|credential")
_KEY: Final = re.compile(r"(?i)^(?:api|access|client|secret)?_?key$")
_STEPS: Final = 2
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def ends_by_deed(app: App, route: Route) -> bool:
    """A change that puts the ``jti`` of the token that is shown among the ended ones, or switches a row off."""
    facts = source_of(app)
    if not _CHANGES & set(route.methods):
        return False
    names = _run_by(facts, route)
    if any(call.function in names for call, _ in encodings(facts)):
        return False  # a refresh ends the old token and gives out a new one
    calls = [call for name in names for call in facts.calls_in(name)]
    if any(call.method.startswith("create_") and call.method.endswith("_token") for call in calls):
        return False
    if any(call.method in _COOKIES for call in calls):
        return True
    if any(
        _is_kept(facts, call) and any(_is_jti(part) for value in _given(call) for part in walk(value)) for call in calls
    ):
        return True
    return _OF_CREDENTIALS.search(route.path) is not None and (
        any(_SETS.search(statement_of(call.args[0])) for call in calls if call.method == "execute" and call.args)
        or any(
            _STATE.match(one.attribute) and "." in one.target for name in names for one in facts.assignments_in(name)
        )
    )


def gives_a_key(app: App, route: Route) -> bool:
    """A view whose answer has a key that it has just made by chance: ``jsonify(api_key=key)``."""
    facts = source_of(app)
    return any(
        _KEY.match(name) and is_new(value)
        for returned in facts.returns_of(route.view)
        for part in walk(returned.value, 4)
        for name, value in _members(part)
    )


def _run_by(facts: SourceFacts, route: Route) -> list[str]:
    index = index_of(facts)
    views: list[Function] = list(index.of_view(route.view))
    return index.calling([one.name for one in views], _STEPS)


def _given(call: Call) -> Iterator[Value]:
    yield from call.args
    yield from (value for _, value in call.keywords)


def _is_kept(facts: SourceFacts, call: Call) -> bool:
    return call.method in _KEEPS or any(True for _ in facts.classes(call.callee)) or call.method[:1].isupper()


def _is_jti(part: Value) -> bool:
    return isinstance(part, Item) and text_of(part.key) == "jti"


def _members(part: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(part, Call):
        yield from part.keywords
    elif isinstance(part, Mapping):
        yield from ((text_of(key) or "", value) for key, value in part.items if not is_constant(value, None))
