"""A stranger's request has its effect, or gets an answer from the cache, before anybody asks for the key."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.api_key_names import is_shown_key, reads_keys
from stopper.core.app import App
from stopper.core.fact import Condition, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Value, text_of, walk

_EFFECT: Final = re.compile(
    r".*\.(?:commit|flush|insert_one|insert_many|insert|update_one|update_many|delete_one|delete_many|bulk_save_objects|publish|send_message"
    r"|sendmail|send_mail|delay|apply_async|enqueue|incr|incrby|hincrby|decr|setex|lpush|rpush|unlink|write_text|write_bytes|save)"
    r"|(?:requests|httpx)\.(?:post|put|patch|delete)|os\.(?:remove|unlink)|shutil\.\w+|.*\.session\.(?:add|delete|merge)|smtplib\..*"
)
_WRITES: Final = re.compile(r"(?is)^\s*(?:insert|update|delete|replace|drop|create)\b")
_CACHE: Final = re.compile(r"(?i).*(?:cache|memoiz)\w*(?:\.cached|\.memoize)?$|functools\.(?:lru_)?cache")
_ASKS: Final = re.compile(r"(?:get|fetch|load|find|build|is|has|read|parse|make)_")
"""What is called so is there for what it gives back."""
_CACHE_READS: Final = frozenset({"get", "hget", "hgetall", "mget", "get_many", "get_dict", "lookup"})
_CACHE_OBJECT: Final = re.compile(r"(?i)cache|redis|memcache|valkey")
_KEY_GUARD: Final = re.compile(r"(?i).*(?:api_?key|require_?key|key_?required|check_?key|valid_?key|verify_?key)\w*")


def detect(app: App) -> Iterator[Hit]:
    """Effects above the refusal in the same function, and a cache above the guard."""
    facts = source_of(app)
    for route in facts.routes:
        yield from _cached_outside(facts, route)
    if not reads_keys(facts):
        return
    for function in {one.function for one in facts.readings() if one.source.startswith("flask.request")}:
        refusal = _refusal(facts, function)
        if refusal is None:
            continue
        for call in facts.calls_in(function):
            if call.span is not None and call.span.line < refusal.span.line and _leads_to_effect(facts, call):
                yield Hit(f"{call.method}() runs before the key is checked in line {refusal.span.line}", call.span)
                break
        for one in facts.conditions_in(function):
            if one.stops and not one.refuses and one.span.line < refusal.span.line and _asks_cache(one.value):
                yield Hit("the cache answers before the key is checked", one.span)
                break


def _leads_to_effect(facts: SourceFacts, call: Call) -> bool:
    """That the call has an effect, or is one of a function of the project that has."""
    if _has_effect(call):
        return True
    asks = _ASKS.match(call.callee.rpartition(".")[2]) is not None
    return not asks and any(_has_effect(inner) for inner in facts.calls_in(call.callee))


def _asks_cache(value: Value) -> bool:
    """That the value is what a cache or Redis has under some key."""
    for one in walk(value, 4):
        if isinstance(one, Call) and one.method in _CACHE_READS and one.receiver is not None:
            said = [one.callee, one.receiver.name]
            said += [getattr(inner, "dotted", "") or getattr(inner, "callee", "") for inner in walk(one.receiver, 3)]
            if any(_CACHE_OBJECT.search(name) for name in said):
                return True
    return False


def _cached_outside(facts: SourceFacts, route: SourceRoute) -> Iterator[Hit]:
    names = [one.name for one in route.decorators]
    for place, one in enumerate(route.decorators):
        if _CACHE.fullmatch(one.name) and any(_KEY_GUARD.fullmatch(name) for name in names[place + 1 :]):
            yield Hit("the cache answers before the key is checked", one.span, certainty="certain")


def _refusal(facts: SourceFacts, function: str) -> Condition | None:
    """The first condition of the function that refuses because of the key."""
    found = [one for one in facts.conditions_in(function) if one.refuses and _about_key(facts, one.value)]
    return min(found, key=lambda one: one.span.line) if found else None


def _about_key(facts: SourceFacts, value: Value) -> bool:
    return any(is_shown_key(facts, one) for one in walk(value, 6)) or any(
        isinstance(one, Call) and _KEY_GUARD.fullmatch(one.callee) for one in walk(value, 3)
    )


def _has_effect(call: Call) -> bool:
    if call.method in ("execute", "executemany"):
        return bool(call.args) and _WRITES.match(text_of(call.args[0]) or "") is not None
    return _EFFECT.fullmatch(call.callee) is not None and not call.callee.startswith(("flask.", "logging."))


RULE = Rule(
    slug="api-key-checked-too-late",
    family="api-key",
    title="API key checked after something was already done",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(696,),
    owasp="API2:2023",
    asvs=("V8.3.1",),
    surfaces=("source",),
    ends="With `Stopper(app)` a policy such as `@api_key` is decided before the view and its decorators run.",
    certainty="likely",
    detect=detect,
)
