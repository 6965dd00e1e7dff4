"""A stranger's request has its effect, or gets an answer from the cache, before anybody asks for the key."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Condition, Decorator, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.keys.api_key_names import is_key_name, is_key_reading, is_shown_key, reads_keys
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Item, Mapping, Name, Parameter, Truth, Value, is_constant, text_of, walk

_EFFECT: Final = re.compile(
    r".*\.(?:commit|flush|insert_one|insert_many|insert|update_one|update_many|delete_one|delete_many|bulk_save_objects|publish|send_message"
    r"|sendmail|send_mail|delay|apply_async|enqueue|incr|incrby|hincrby|decr|setex|lpush|rpush|unlink|write_text|write_bytes|save|put|put_async|put_multi)"
    r"|(?:requests|httpx)\.(?:post|put|patch|delete)|os\.(?:remove|unlink)|shutil\.\w+|.*\.session\.(?:add|delete|merge)|smtplib\..*"
)
_COUNTS: Final = frozenset({"incr", "incrby", "hincrby", "setex", "lpush", "rpush"})
_ADDRESS: Final = re.compile(r"(?i)(?:^|_)(?:ip|addr(?:ess)?)$")
_WRITES: Final = re.compile(r"(?is)^\s*(?:insert|update|delete|replace)\b")
_CACHE: Final = re.compile(r"(?i).*(?:cache|memoiz)\w*(?:\.cached|\.memoize)?$|functools\.(?:lru_)?cache")
_ASKS: Final = re.compile(
    r"(?:get|fetch|load|find|build|is|has|read|parse|make|look_?up|query|authenticate|verify|check|valid\w*)(?:_|$)"
)
"""What is called so is there for what it gives back."""
_DEEDS: Final = re.compile(
    r"(?:save|store|insert|create|delete|remove|send|charge|persist|write|enqueue|publish|notify|debit|book|submit|import|archive)_(?!\w*(?:log|metric|stats?|span|trace|header|breadcrumb|context|warning))\w+"
)
"""Functions by whose name something is done."""
_NOTES_DOWN: Final = re.compile(
    r"(?i)(?:^|[._])(?:audit_?)?log(?:ger)?(?:\.\w+)?$|(?:^|[._])(?:write_)?(?:access_|audit_|request_)log$"
)
"""What writes down who came, which is meant to know of strangers too."""
_CACHE_READS: Final = frozenset({"get", "hget", "hgetall", "mget", "get_many", "get_dict", "lookup"})
_CACHE_OBJECT: Final = re.compile(r"(?i)cache|redis|memcache|valkey")
_AFTER: Final = ("after_request", "after_app_request", "teardown_request")
_OTHERS: Final = (
    "flask.session",
    "flask_login.current_user",
    "flask.g.",
    "flask.request.authorization",
    "flask.request.cookies",
)
_REFUSED: Final = 400
"""The first status that refuses."""
_KEY_GUARD: Final = re.compile(r"(?i).*(?:api_?key|require_?key|key_?required|check_?key|valid_?key|verify_?key)\w*")


def detect(app: App) -> Iterator[Hit]:
    """Effects above the refusal in the same function, or in a hook or decorator before the one that refuses, and a cache above the guard."""
    facts = source_of(app)
    reads = reads_keys(facts)
    checks = _checks(facts) if reads else frozenset[str]()
    guards = _guards(app)
    told: set[Span] = set()
    for route in facts.routes:
        done = _done_outside(facts, route, checks) if reads else ()
        for hit in (*_cached_outside(facts, route, checks, guards.get(route.view, set())), *done):
            if hit.span is not None and hit.span not in told:
                told.add(hit.span)
                yield hit
    if not reads:
        return
    asking = checks | {one.function for one in facts.conditions() if one.refuses and one.function}
    for function in sorted(
        {one.function for one in facts.conditions()}
        | {call.function for call in (facts.calls(*asking) if asking else ())}
    ):
        refusal = _refusal(facts, function, checks) if function else None
        if refusal is None:
            continue
        if _runs_after(facts, function):
            yield Hit("the answer is made before the key is checked", refusal)
            continue
        for call in facts.calls_in(function):
            before = call.span is not None and call.span.path == refusal.path and call.span.line < refusal.line
            if before and call.callee == "?" and _wraps(facts, function) and not _by_another_way(facts, call):
                yield Hit("the view runs before the key is checked", call.span)
                break
            if (
                before
                and not _NOTES_DOWN.search(call.callee)
                and _leads_to_effect(facts, call)
                and not _looks_key_up(facts, call)
            ):
                yield Hit(f"{call.method}() runs before the key is checked in line {refusal.line}", call.span)
                break
        for one in facts.conditions_in(function):
            before = one.function == function and one.span.line < refusal.line
            if before and _answers_from_cache(facts, one):
                yield Hit("the cache answers before the key is checked", one.span)
                break


def _looks_key_up(facts: SourceFacts, call: Call) -> bool:
    """``owner = key_owner(request.headers["X-Api-Key"])``: it finds whose key this is, and may keep when it was used."""
    return any(is_shown_key(facts, one) or is_key_reading(one) for one in call.args) and not stands_alone(facts, call)


def _runs_after(facts: SourceFacts, function: str) -> bool:
    """That Flask runs the function when the view is done: ``@app.after_request``, ``bp.after_request(function)``."""
    made = facts.function(function)
    decorated = made is not None and any(one.name.rpartition(".")[2] in _AFTER for one in made.decorators)
    given = (one for call in facts.calls(*(f"*.{word}" for word in _AFTER)) for one in call.args[:1])
    return decorated or any(isinstance(one, Name) and one.dotted == function for one in given)


def _wraps(facts: SourceFacts, function: str) -> bool:
    """That the function is the inner one of a decorator."""
    outer = function.rpartition(".")[0]
    return any(call.callee == "functools.wraps" for call in facts.calls_in(outer)) if outer else False


def _by_another_way(facts: SourceFacts, view: Call) -> bool:
    """``if "Authorization" in request.headers: …; return view()``: whoever shows something else is asked about that, above."""
    return any(
        (text_of(part) or "").lower() == "authorization" or (isinstance(part, Name) and part.dotted.startswith(_OTHERS))
        for condition in (facts.conditions_around(view.span) if view.span is not None else ())
        if not condition.negated
        for part in walk(condition.value, 4)
    )


def _turns_away(facts: SourceFacts, condition: Condition) -> bool:
    """That the body refuses for another reason, as a limit does: 429, 503."""
    body = condition.body
    ended = [call.span for call in facts.calls_in(condition.function) if call.method == "abort"]
    answered = [
        one.span
        for one in facts.returns_of(condition.function)
        if any(
            isinstance(part, Constant) and type(part.value) is int and part.value >= _REFUSED
            for part in walk(one.value, 2)
        )
    ]
    return body is not None and any(span is not None and body.holds(span) for span in (*ended, *answered))


def _checks(facts: SourceFacts) -> frozenset[str]:
    """The functions of the project that read a key from the request and say yes or no, or turn the caller away."""
    reading = {
        one.function for one in facts.readings() if one.source == "flask.request.headers" and is_key_name(one.key)
    }
    return frozenset(
        name
        for name in reading
        if name
        and not facts.is_view(name)
        and (facts.returns_of(name) or any(one.refuses for one in facts.conditions_in(name)))
    )


def _done_outside(facts: SourceFacts, route: SourceRoute, checks: frozenset[str]) -> Iterator[Hit]:
    """A hook or decorator of the project with an effect, before the one that asks for the key."""
    steps = [*route.hooks, *(inner for one in route.decorators for inner in _inner(facts, one.name))]
    for place, name in enumerate(steps):
        if _refusal(facts, name, checks) is not None:
            for before in steps[:place]:
                for one in facts.conditions_in(before):
                    if one.function == before and _gives(facts, one) and _answers_from_cache(facts, one):
                        yield Hit(f"the cache answers before {name.rpartition('.')[2]} asks for the key", one.span)
                        break
                for call in facts.calls_in(before):
                    if call.span is not None and _leads_to_effect(facts, call):
                        yield Hit(f"{call.method}() runs before {name.rpartition('.')[2]} asks for the key", call.span)
                        break
            return


def _inner(facts: SourceFacts, decorator: str) -> list[str]:
    """The functions written inside a decorator of the project, itself among them."""
    return [] if facts.function(decorator) is None else [decorator, *inside(facts, decorator)]


def _leads_to_effect(facts: SourceFacts, call: Call) -> bool:
    """That the call has an effect, or is one of a function of the project that has."""
    if _has_effect(call):
        return True
    made = facts.function(call.callee)
    if made is None and _is_a_deed(facts, call):
        return True
    if made is None or _ASKS.match(call.callee.rpartition(".")[2]) is not None:
        return False
    place = made.span  # by the place: a step may be read as if it stood where its one caller is
    inside = calls_between(facts, place.path, place.line, place.end_line)
    return any(_has_effect(inner) for inner in (*inside, *facts.calls_in(call.callee)))


def _is_a_deed(facts: SourceFacts, call: Call) -> bool:
    """``save_event(event)`` of a module that was not read: what it is called says that it does something, and nobody looks at its answer."""
    home, _, name = call.callee.rpartition(".")
    return bool(home) and home != "?" and _DEEDS.match(name) is not None and stands_alone(facts, call)


def _answers_from_cache(facts: SourceFacts, one: Condition) -> bool:
    """That who comes with something which is cached goes no further, and is not turned away."""
    return one.stops and not one.refuses and _asks_cache(one.value) and not _turns_away(facts, one)


def _gives(facts: SourceFacts, condition: Condition) -> bool:
    """That the body of the condition returns an answer."""
    body = condition.body
    return body is not None and any(
        body.holds(one.span) and not is_constant(one.value, None) for one in facts.returns_of(condition.function)
    )


def _asks_cache(value: Value) -> bool:
    """That the value is what a cache or Redis has under some key."""
    for one in walk(value, 4):
        if isinstance(one, Item) and isinstance(one.owner, Item) and _CACHE_OBJECT.search(text_of(one.owner.key) or ""):
            return True  # ``current_app.extensions["redis"].get(key)``
        if isinstance(one, Truth) and len(one.parts) == 2 and not one.differs and _is_memory(one.parts[1]):
            return True
        if isinstance(one, Call) and one.method in _CACHE_READS and one.receiver is not None:
            said = [one.callee, one.receiver.name]
            said += [getattr(inner, "dotted", "") or getattr(inner, "callee", "") for inner in walk(one.receiver, 3)]
            if any(_CACHE_OBJECT.search(name) for name in said):
                return True
    return False


def _is_memory(value: Value) -> bool:
    """A dict that begins empty, as one of a module does in which answers are kept."""
    return isinstance(value, Mapping) and not value.items


def _guards(app: App) -> dict[str, set[str]]:
    """What stands before each view and asks who is calling, by the name of the view."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        for access in route.access.values():
            if access.state == "guarded":
                found.setdefault(route.view, set()).update(one.name for one in access.guards if one.stops is not False)
    return found


def _cached_outside(facts: SourceFacts, route: SourceRoute, checks: frozenset[str], guards: set[str]) -> Iterator[Hit]:
    names = [one.name for one in route.decorators]
    for place, one in enumerate(route.decorators):
        if _CACHE.fullmatch(one.name) and any(
            _KEY_GUARD.fullmatch(name) or not checks.isdisjoint(_inner(facts, name)) for name in names[place + 1 :]
        ):
            yield Hit("the cache answers before the key is checked", one.span, certainty="certain")
        elif _CACHE.fullmatch(one.name) and not _by_own_name(one) and _refusal(facts, route.view, checks) is not None:
            yield Hit("the cache answers before the view asks for the key", one.span)
        elif _CACHE.fullmatch(one.name) and not _by_own_name(one) and not guards.isdisjoint(names[place + 1 :]):
            yield Hit("the cache answers before anybody asks who is calling", one.span)


def _by_own_name(decorator: Decorator) -> bool:
    """That a function of the project names what is kept: it may put the key, or whose it is, into the name."""
    call = decorator.call
    return call is not None and call.keyword("make_cache_key", "key_prefix", "unless") is not None


def _refusal(facts: SourceFacts, function: str, checks: frozenset[str]) -> Span | None:
    """``_first_refusal``, worked out once for each function: a hook stands before every route."""
    known = facts.once("refusals because of a key", dict[str, "Span | None"])
    if function not in known:
        known[function] = _first_refusal(facts, function, checks)
    return known[function]


def _first_refusal(facts: SourceFacts, function: str, checks: frozenset[str]) -> Span | None:
    """The first place of the function that refuses because of the key: a condition, or a call of a check that refuses by itself."""
    found = [
        one.span
        for one in facts.conditions_in(function)
        if one.function == function and one.refuses and _about_key(facts, one.value, checks)
    ]
    found += [
        call.span
        for call in facts.calls_in(function)
        if call.span is not None
        and (call.callee in checks or _is_handed_key(facts, call))
        and any(one.refuses for one in facts.conditions_in(call.callee))
    ]
    return min(found, key=lambda span: span.line) if found else None


def _is_handed_key(facts: SourceFacts, call: Call) -> bool:
    """``self._check(api_key)``: a function of the project whose refusal is about the key that it is given, and that gives nothing back."""
    made = facts.function(call.callee)
    return (
        made is not None
        and not made.returns
        and any(is_shown_key(facts, one) for one in call.args)
        and any(
            one.refuses and one.function == call.callee and _about_key(facts, one.value, frozenset())
            for one in facts.conditions_in(call.callee)
        )
    )


def _about_key(facts: SourceFacts, value: Value, checks: frozenset[str]) -> bool:
    kept = _kept_keys(facts)
    if kept and any(isinstance(one, Name) and one.dotted.startswith(kept) for one in walk(value, 6)):
        return True
    return any(is_shown_key(facts, one) for one in walk(value, 6)) or any(
        isinstance(one, Call) and (one.callee in checks or _KEY_GUARD.fullmatch(one.callee)) for one in walk(value, 3)
    )


def _kept_keys(facts: SourceFacts) -> tuple[str, ...]:
    """``flask.g.key``, which a hook has filled with what belongs to the key that was shown."""
    return facts.once(
        "kept keys",
        lambda: tuple(
            {
                f"flask.{one.target}"
                for one in facts.assignments()
                if one.target.startswith("g.") and any(is_key_reading(part) for part in walk(one.value, 6))
            }
        ),
    )


def _has_effect(call: Call) -> bool:
    if call.method in ("execute", "executemany"):
        return bool(call.args) and _WRITES.match(text_of(call.args[0]) or "") is not None
    if call.method in _COUNTS and any(_is_address(part) for value in call.args for part in walk(value, 4)):
        return False  # who guesses keys must be counted before the key is known to be wrong
    own = call.callee.startswith("flask.g.")  # a connection that is kept there
    return _EFFECT.fullmatch(call.callee) is not None and (own or not call.callee.startswith(("flask.", "logging.")))


def _is_address(value: Value) -> bool:
    """Where the caller comes from, be it handed on as a parameter."""
    if isinstance(value, Parameter):
        return _ADDRESS.search(value.parameter) is not None
    said = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return said.endswith(("request.remote_addr", "request.access_route", "get_remote_address"))


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
