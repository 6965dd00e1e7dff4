"""What slows down the guessing of passwords and codes, as the source says it: limits, locks, counters and what they answer."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Decorator, SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.people.idle_limits import limits_nobody
from stopper.core.people.limiter_facts import default_a_day, has_default, times_a_day
from stopper.core.values import Call, Item, Name, Sequence, Value, may_be, options, text_of, walk

_THROTTLES: Final = re.compile(
    r"(?i)throttl|rate_?limit|limiter\b|\blimit$|\.limit$|shared_limit|lock_?out|is_locked|too_?many|brute|login_?attempt|failed_?(login|attempt)|"
    r"attempts|back_?off|captcha|turnstile|slow_?down|ban_|(?<![a-z])tries|cool_?down|(locked|blocked|banned)_?until|is_(blocked|banned)|strikes"
)
_COUNTED: Final = re.compile(r"(?i)attempt|fail|guess|(?<![a-z])tries|strike|locked|blocked|banned|(?<![a-z])hits")
_INCREASES: Final = frozenset({"incr", "incrby", "hincrby", "zincrby", "incrbyfloat"})
"""What counts up in Redis and its kin: nothing else of a log-in does."""
MOST_GUESSES: Final = 200_000
"""Requests a day above which a limit slows no guessing down: a hundred a minute, which is usual, are 144,000."""
_TOO_MANY: Final = (429, 423)
"""Too Many Requests (RFC 6585) and Locked (RFC 4918): who answers so counts the attempts."""


def counts_attempts(index: FunctionIndex, route: SourceRoute, functions: list[str]) -> bool:
    """A decorator, hook, call, status, comparison, limit on the blueprint or name that speaks of limits."""
    facts = index.facts
    if any(name.endswith(".post") for name in functions):  # the page of a view class takes no guesses
        functions = [name for name in functions if not name.endswith((".get", ".head"))]
    told = [*route.decorators, *(one for name in functions for one in index.by_name[name].decorators)]
    idle = [one.name for one in told if _THROTTLES.search(one.name) and limits_nobody(facts, one.name)]
    functions = [name for name in functions if not any(name == one or name.startswith(f"{one}.") for one in idle)]
    decorators = [one for one in told if one.name not in idle and not _holds_no_guesses(one, route)]
    calls = [call for name in functions for call in facts.calls_in(name)]
    names = [*(decorator.name for decorator in decorators), *route.hooks, *functions]
    names += _of_classes(index, functions, route)
    names += [call.callee for call in calls if call.method != "limit" or "limiter" in call.callee.lower()]
    names += [one.target for name in functions for one in facts.assignments_in(name)]
    home = max((one for one in facts.modules if route.view.startswith(f"{one}.")), key=len, default="")
    said = (name.removeprefix(f"{home}.") for name in names)  # what the file of the log-in is called limits nobody
    if any(_THROTTLES.search(name) for name in said) or _answers_too_many(index, functions):
        return True
    if any(call.method in _INCREASES for call in calls) and _is_asked_for(index, functions):
        return True
    if _held_against_a_bound(index, functions):
        return True
    return limits_from_outside(facts, route)


def _holds_no_guesses(one: Decorator, route: SourceRoute) -> bool:
    """``@limiter.limit("5/minute", methods=["GET"])`` over a form that is posted, ``@limiter.limit("5000/minute")``."""
    return one.call is not None and _lets_guess(one.call, route)


def _lets_guess(limit: Call, route: SourceRoute) -> bool:
    if limit.method not in ("limit", "shared_limit"):
        return False
    methods = limit.keyword("methods")
    named = [text_of(word) for word in methods.items] if isinstance(methods, Sequence) else []
    if "POST" in route.methods and all(named) and named and "POST" not in {str(word).upper() for word in named}:
        return True
    times = times_a_day(text_of(limit.argument(0, "limit_value")) or "")
    return times is not None and times > MOST_GUESSES


_ASKED: Final = _INCREASES | {"exists", "get", "hget", "ttl", "zcard", "zcount", "scard", "llen"}


def _is_asked_for(index: FunctionIndex, functions: list[str]) -> bool:
    """That what was counted decides something: a bound, or a test of what the store says. Who counts for the log alone slows nobody down."""
    facts = index.facts
    return any(
        one.operator in ("<", "<=", ">", ">=") for name in functions for one in index.comparisons.get(name, ())
    ) or any(
        isinstance(part, Call) and part.method in _ASKED and not part.callee.startswith("flask.")
        for name in functions
        for one in facts.conditions_in(name)
        for part in walk(one.value, 4)
    )


def _held_against_a_bound(index: FunctionIndex, functions: list[str]) -> bool:
    """``if failures[address] >= 5``, ``if user.locked_at > …``: something that was counted or kept is held against a bound."""
    sides = [
        side
        for name in functions
        for one in index.comparisons.get(name, ())
        if one.operator in ("<", "<=", ">", ">=")
        for side in (one.left, one.right)
    ]
    if not sides:
        return False
    kept = index.facts.once(
        "names that modules give",
        lambda: {id(one.value): one.attribute for one in index.facts.assignments() if not one.function},
    )
    return any(_COUNTED.search(word) for side in sides for part in walk(side, 5) for word in _words(part, kept))


def _words(part: Value, kept: dict[int, str]) -> Iterator[str]:
    """What a value is called; a dict or an object of the module by the name that the module gave it."""
    if isinstance(part, Name):
        yield part.dotted.rpartition(".")[2]
    elif isinstance(part, Call):
        yield part.method
    yield kept.get(id(part), "")
    yield getattr(part, "attribute", "") or text_of(getattr(part, "key", None)) or part.name


def _of_classes(index: FunctionIndex, functions: list[str], route: SourceRoute) -> list[str]:
    """What is called in the ``decorators`` of the view classes that these are methods of."""
    owners = {index.by_name[name].owner for name in functions} - {""}
    listed = [
        one.attributes.get(attribute)
        for one in (index.facts.classes() if owners else ())
        if one.name in owners
        for attribute in ("decorators", "method_decorators")
    ]
    several = [part for one in listed for part in (one.items if isinstance(one, Sequence) else (one,))]
    return [
        part.callee if isinstance(part, Call) else part.dotted
        for one in several
        if not (isinstance(one, Call) and _lets_guess(one, route))
        for part in walk(one, 2)
        if isinstance(part, (Call, Name))
    ]


def _answers_too_many(index: FunctionIndex, functions: list[str]) -> bool:
    """One of the functions can answer 429 or 423: `abort(429)`, `return {…}, 429`, `status=HTTPStatus.TOO_MANY_REQUESTS`."""
    given = [
        value
        for name in functions
        for call in index.facts.calls_in(name)
        for value in (*call.args, *(said for _, said in call.keywords))
    ]
    returned = [
        part
        for name in functions
        for value in index.by_name[name].returns
        for one in options(value)
        for part in (one.items if isinstance(one, Sequence) else ())
    ]
    return any(
        may_be(value, *_TOO_MANY) or (isinstance(value, Name) and _THROTTLES.search(value.dotted) is not None)
        for value in (*given, *returned)
    )


def limits_from_outside(facts: SourceFacts, route: SourceRoute) -> bool:
    """What a limiter gives is called with the blueprint (or with the one whose prefix the path begins with), the view or its row:
    `limiter.limit("…")(auth)`, `limiter.limit("…")(app.view_functions["auth.login"])`."""
    if not any(_THROTTLES.search(name) for name in facts.imported):
        return False
    word = route.view.rpartition(".")[2]
    for call in facts.calls("?", "*.__call__"):
        if call.callee != "?" and not _THROTTLES.search(call.callee.removesuffix(".__call__")):
            continue
        for given in call.args:
            if isinstance(given, Call) and given.method == "Blueprint" and route.blueprint:
                prefix = (text_of(given.keyword("url_prefix")) or "").rstrip("/")
                if text_of(given.argument(0, "name")) == route.blueprint or (
                    prefix and route.path.startswith(f"{prefix}/")
                ):
                    return True
            elif (isinstance(given, Name) and given.dotted == route.view) or (
                isinstance(given, Item) and (text_of(given.key) or "") in (f"{route.blueprint}.{word}", word)
            ):
                return True
    return False


def limited_as_a_whole(facts: SourceFacts) -> bool:
    """A limiter with default limits, by argument or by setting, or a hook that is called so counts on every route."""
    return (
        (has_default(facts) and (default_a_day(facts) or 0) <= MOST_GUESSES)
        or facts.imports("stopper.service")
        or any(_limits(facts, name) for name in hung(facts, *BEFORE))
    )


def _limits(facts: SourceFacts, hook: str, depth: int = 1) -> bool:
    """That a hook is called so, or calls what is and turns callers away."""
    if _THROTTLES.search(hook.rpartition(".")[2]):
        return True
    if any(_THROTTLES.search(one.exception) for one in raised_in(facts, hook)):
        return True
    return depth > 0 and any(
        facts.function(call.callee) is not None and _limits(facts, call.callee, depth - 1)
        for call in facts.calls_in(hook)
    )
