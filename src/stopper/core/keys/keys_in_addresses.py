"""API keys that come in an address by ways that no look-up in ``request.args`` shows."""

from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.declared_queries import modelled_queries
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.keys.keys_looked_up import turns_away
from stopper.core.naming import may_be_key
from stopper.core.place import Span
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Item, Parameter, Value, parts, text_of, walk

_LISTS: Final = ("flask.request.args.getlist", "flask.request.values.getlist")
_IN_URL: Final = ("flask.request.args", "flask.request.values", "flask.request.view_args")
_VAGUE: Final = frozenset({"key", "token"})
_SPELLS: Final = frozenset(
    {"encode", "decode", "strip", "lower", "upper", "hexdigest", "str", "bytes", "b64encode", "urlsafe_b64encode"}
)
_HASHES: Final = ("sha256", "sha512", "sha384", "sha3_256", "blake2b")
_PROVING: Final = ("compare_digest", "sha256", "sha512", "sha1", "md5", "blake2b", "new", "digest")


def keys_in_addresses(facts: SourceFacts) -> Iterator[Span]:
    """Where a key is taken out of a list of arguments or a model of the query."""
    for call in facts.calls(*_LISTS):
        name = text_of(call.args[0]) if call.args else None
        if name and call.span is not None and (is_key_name(name) or _is_proven(facts, call, name)):
            yield call.span
    yield from (span for span, _, fields in modelled_queries(facts) if any(map(is_key_name, fields)))
    yield from _proven_readings(facts)


def _proven_readings(facts: SourceFacts) -> Iterator[Span]:
    """Where what is read from the address as ``roast_key`` or ``key`` is compared or hashed for the check, in whatever function."""
    asked = {
        one.span
        for one in facts.readings(*_IN_URL)
        if (one.key.lower() in _VAGUE or may_be_key(one.key)) and not is_key_name(one.key)
    }
    for call in facts.calls() if asked else ():
        for place, given in enumerate(call.args):
            places = {part.span for part in walk(given, 7) if isinstance(part, Item) and part.span is not None} & asked
            if places and _proves(facts, call, place):
                yield from places
                asked -= places


def _proves(facts: SourceFacts, call: Call, place: int) -> bool:
    """That a call holds what it is given there against a setting, or turns callers away by its hash."""
    if call.method == "compare_digest" and len(call.args) == 2:
        return any(_is_setting(part) for part in walk(call.args[1 - place], 4))
    if not turns_away(facts, call.function):
        return False
    function = facts.function(call.callee)
    if function is None:
        return call.method in _HASHES
    named = function.parameters[place] if place < len(function.parameters) else ""
    return any(
        inner.method in _HASHES and any(_carries(one, named) for one in inner.args)
        for inner in facts.calls_in(call.callee)
    )


def _is_setting(value: Value) -> bool:
    name = (
        value.variable if isinstance(value, EnvironmentValue) else value.key if isinstance(value, ConfigValue) else ""
    )
    return is_key_name(name) or may_be_key(name)


def _is_proven(facts: SourceFacts, call: Call, name: str) -> bool:
    """That a vague name is held against a key, in the same function."""
    return name.lower() in _VAGUE and any(
        one.method == "compare_digest" and any(part is call for given in one.args for part in walk(given, 6))
        for one in facts.calls_in(call.function)
    )


def is_proof(facts: SourceFacts, view: str, parameter: str) -> bool:
    """That a part of the path called a key is hashed or compared by the view: it opens something, and names nothing. A step of its own may
    do so where the view refuses for it."""
    if not parameter.lower().endswith("key"):
        return False
    handed = turns_away(facts, view)
    return any(
        (call.method in _PROVING and any(_carries(given, parameter) for given in call.args))
        or (handed and _is_proven_there(facts, call, parameter))
        for call in facts.calls_in(view)
    )


def _is_proven_there(facts: SourceFacts, call: Call, parameter: str, steps: int = 2) -> bool:
    """``find_key(key)``, where that function of the project hashes or compares what it is given, or hands it on to one that does."""
    function = facts.function(call.callee)
    place = next((place for place, given in enumerate(call.args) if _carries(given, parameter, 1)), None)
    if function is None or place is None or place >= len(function.parameters):
        return False
    name = function.parameters[place]
    return any(
        (inner.method in _PROVING and any(_carries(given, name) for given in inner.args))
        or (steps > 0 and inner is not call and _is_proven_there(facts, inner, name, steps - 1))
        for inner in facts.calls_in(call.callee)
    )


def _carries(value: Value, parameter: str, depth: int = 6) -> bool:
    """That it is that part of the path, hashed or spelt otherwise: what was looked up by it is something else."""
    if isinstance(value, Parameter):
        return value.parameter == parameter
    if isinstance(value, Call) and value.method not in _PROVING and value.method not in _SPELLS:
        return False
    return depth > 0 and any(_carries(part, parameter, depth - 1) for part in parts(value))
