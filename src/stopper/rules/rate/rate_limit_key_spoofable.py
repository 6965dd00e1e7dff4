"""Whoever writes another address into a header starts to count from nought again."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.app_extensions import CountingKey
from stopper.core.edits.call_edits import calls_at
from stopper.core.exchange import Exchange, Request
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Verdict
from stopper.core.people.limiter_facts import LIMITERS, LIMITING
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.accounts.login import login_routes
from stopper.core.probing.baseline import attempt
from stopper.core.probing.burst import burst
from stopper.core.probing.errors_seen import limits_met
from stopper.core.probing.other_address import counted_by_header
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Choice, Format, Item, Name, Unknown, Value, options, text_of, walk

SPOOFABLE: Final = frozenset(
    {
        "x-forwarded-for", "x-real-ip", "x-client-ip", "x-originating-ip", "x-remote-ip", "x-cluster-client-ip", "forwarded", "client-ip",
        "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "authorization", "x-auth-token", "x-access-token", "x-api-key",
        "x-user-id", "x-client-id", "x-device-id", "x-session-id", "user-agent", "x-request-id",
    }
)  # fmt: skip
_OLD: Final = ("flask_limiter.util.get_ipaddr", "flask_limiter.get_ipaddr")
"""Reads the first entry of ``X-Forwarded-For``."""
_MEASURES: Final = re.compile(r"(?i)stat(?:s|sd)\b|metric|prometheus|telemetry")
"""Counters that somebody looks at, and that limit nobody."""
_VERIFIES: Final = re.compile(r"(?i)verif|decode|identity|current_user|principal|get_jwt|compare_digest")
_LISTS: Final = frozenset({"flask.request.headers.getlist", "flask.request.headers.get_all"})
_CHOSEN: Final = re.compile(
    r"(?i)(?:device|client|visitor|install(?:ation)?|browser)_?(?:id|uuid)|(?:device_?)?fingerprint"
)
"""Members of a body by which a program says which one it is. Names of accounts are none: whoever guesses at one is counted by it."""
_QUERY: Final = "the query"
_OF_CONNECTION: Final = frozenset(
    {"flask.request.remote_addr", "flask_limiter.util.get_remote_address", "flask_limiter.get_remote_address"}
)
_COUNTS: Final = ("*.incr", "*.incrby", "*.zadd", "*.zcard", "*.hit", "*.hincrby")


def detect(app: App) -> Iterator[Hit]:
    """Keys of limiters, and of counters by hand, that come from a header which the caller writes."""
    facts = source_of(app)
    seen: set[object] = set()
    for call in facts.calls(*LIMITERS, "*.limit", "*.shared_limit"):
        key = call.keyword("key_func") or (call.argument(0) if call.callee in LIMITERS else None)
        if key is not None and (why := _judged(facts, key)) and call.span not in seen:
            again = call.callee in LIMITERS and ("limiter", call.function) in seen
            seen |= {call.span, *([("limiter", call.function)] if call.callee in LIMITERS else [])}
            if again:
                continue  # the same limiter, made in another way where the first does not work
            said = f"callers are counted by {why}, which they write themselves"
            if why == _QUERY and _is_beside_who_asks(facts, key):
                said = f"{said}, beside who they are: look whether the view takes any"
                yield Hit(said, call.span, certainty="possible", severity="low")
            else:
                yield Hit(said, call.span)
    told = bool(seen)
    yield from _by_hand(facts, seen)
    if not told:
        yield from _where_it_runs(app)


def _where_it_runs(app: App) -> Iterator[Hit]:
    """Keys that the registered limiters have, where no line shows which function that is."""
    place = next((call.span for call in source_of(app).calls(*LIMITERS)), None)
    for limiter in app.extensions.limiters:
        for key in limiter.keys:
            if limiter.enabled and (why := _read_by(key)):
                said = f"callers are counted by {why}, which they write themselves"
                yield Hit(said, key.span or place, certainty="likely", reader="running")


def _read_by(key: CountingKey) -> str | None:
    """The header that a function's code names, where nothing in it verifies anything."""
    if key.name in _OLD or "access_route" in key.names:
        return "`X-Forwarded-For`"
    if any(_VERIFIES.search(name) for name in key.names) or not key.names & {"headers", "environ"}:
        return None
    return next((f"`{text}`" for text in sorted(key.texts) if _header(text) in SPOOFABLE), None)


def _header(text: str) -> str:
    return text.lower().removeprefix("http_").replace("_", "-")


def _judged(facts: SourceFacts, key: Value) -> str | None:
    for option in options(key):
        if isinstance(option, Name):
            if option.dotted in _OLD:
                return "`X-Forwarded-For`"
            if (found := _given_back(facts, option.dotted)) is not None:
                return found
        elif isinstance(option, Call) and (found := _given_back(facts, f"{option.callee}.__call__")) is not None:
            return found  # an object that is called
        elif (why := _source(facts, option)) is not None:
            return why
    return None


def _is_beside_who_asks(facts: SourceFacts, key: Value) -> bool:
    """``f"{request.remote_addr}/{request.args['room']}"``: each caller has a count of their own for each room, and no header names them."""
    made = [own for one in options(key) if isinstance(one, Name) and (own := facts.function(one.dotted)) is not None]
    parts = [part for own in made for value in own.returns for part in walk(value, 6)]
    names = {part.dotted if isinstance(part, Name) else part.callee for part in parts if isinstance(part, (Name, Call))}
    whose = names & _OF_CONNECTION or any(facts.derives(part, "session", "claims", by_name=False) for part in parts)
    headers = (label.source.lower() for part in parts for label in facts.labels(part) if label.kind == "request-header")
    return bool(whose) and SPOOFABLE.isdisjoint(headers)


def _given_back(facts: SourceFacts, name: str) -> str | None:
    function = facts.function(name)
    values = function.returns if function is not None else ()
    return next((why for value in values if (why := _source(facts, value))), None)


def _source(facts: SourceFacts, value: Value) -> str | None:
    """The header (or the query or body) that the value is, where no verified principal stands in it."""
    for label in facts.labels(value):
        if label.kind == "request-header" and label.source.lower() in SPOOFABLE:
            return f"`{label.source}`"
        if label.kind == "authorization-header":
            return "`Authorization`"
        if label.kind == "query-string":
            return _QUERY
    if any(map(_is_cookie, _stands_in(value))):
        return "a cookie"
    for part in walk(value):
        said = (text_of(part.argument(0)) or "") if isinstance(part, Call) and part.callee in _LISTS else ""
        if said.lower() in SPOOFABLE:
            return f"`{said}`"
        if (
            isinstance(part, Item)
            and isinstance(part.owner, Name)
            and part.owner.dotted == "flask.request.access_route"
        ):
            return "`X-Forwarded-For`"
        if isinstance(part, Name) and part.dotted == "flask.request.access_route":
            return "`X-Forwarded-For`"
        named = (text_of(part.key) or "") if isinstance(part, Item) else ""
        if _CHOSEN.fullmatch(named) and facts.derives(part, "request-data", by_name=False):
            return f"`{named}` of the body"
    return None


def _stands_in(value: Value) -> Iterator[Value]:
    """The value, and what is put into it as it comes."""
    yield value
    inner: tuple[Value, ...] = ()
    if isinstance(value, Format) or (isinstance(value, Unknown) and len(value.parts) == 1):
        inner = value.parts  # the second: a lambda
    elif isinstance(value, Choice):
        inner = value.options
    for part in inner:
        yield from _stands_in(part)


def _is_cookie(value: Value) -> bool:
    """``request.cookies.get("visitor")``: whoever sends none, or another one, is somebody else."""
    return isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.request.cookies"


def _by_hand(facts: SourceFacts, seen: set[object]) -> Iterator[Hit]:
    """Counters in Redis or in a dictionary, in functions that speak of limits or answer 429."""
    headers = [one for one in facts.readings("flask.request.headers") if one.key.lower() in SPOOFABLE]
    functions = {one.function for one in headers if one.key.lower() != "authorization"}
    if not headers:
        return
    told: set[tuple[str, frozenset[str]]] = set()
    for call in facts.calls(*_COUNTS):
        if (
            call.args
            and (why := _source(facts, call.args[0]))
            and call.span not in seen
            and not call.callee.startswith("flask_limiter")
            and not _MEASURES.search(call.callee)
            and ((functions and why != _QUERY) or _calls_429(facts, call.function))
        ):
            seen.add(call.span)
            readers = frozenset(_read_in(facts, call.args[0]))
            if readers and (why, readers) in told:
                continue  # one function of the project reads the header for all of them
            told.add((why, readers))
            yield Hit(f"callers are counted by {why}, which they write themselves", call.span)
    for one in facts.comparisons(">", ">=", "<", "<="):
        if one.function not in functions and not LIMITING.search(one.function):
            continue
        keys = [part.key for side in (one.left, one.right) for part in walk(side) if isinstance(part, Item)]
        if any(_source(facts, key) for key in keys) and one.span not in seen and _calls_429(facts, one.function):
            seen.add(one.span)
            yield Hit("callers are counted by a header that they write themselves", one.span)


def _read_in(facts: SourceFacts, key: Value) -> Iterator[str]:
    """Where the caller's part of a key is read: a function of the project, or the place of the reading itself."""
    for part in walk(key):
        if isinstance(part, Call) and facts.function(part.callee) is not None and _source(facts, part) is not None:
            yield part.callee
        elif isinstance(part, Item) and part.span is not None and _source(facts, part) is not None:
            yield f"{part.span.path}:{part.span.line}"


def _calls_429(facts: SourceFacts, function: str) -> bool:
    if LIMITING.search(function):
        return True
    given: list[Value] = [value for call in facts.calls_in(function) if call.method == "abort" for value in call.args]
    known = facts.function(function)
    given += [part for value in (known.returns if known is not None else ()) for part in walk(value, 2)]
    return any(getattr(value, "value", None) == 429 for value in given)


_ADDRESS: Final = "flask_limiter.util.get_remote_address"


def fix(app: App, hit: Hit) -> Edit | None:
    """Flask-Limiter's own function, which takes the address of the connection; behind a proxy, ``ProxyFix`` has to be told so."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        beside = [one for one in facts.calls(*LIMITERS) if one.function == call.function and one.span != call.span]
        others = [_by_address(one) for one in beside] if call.callee in LIMITERS else []
        edit = _by_address(call)
        if edit is not None:
            return replace(edit, also=tuple(one for one in others if one is not None))
    return None


def _by_address(call: Call) -> Edit | None:
    named = call.keyword("key_func") is not None
    if call.open or call.span is None or not (named or (call.callee in LIMITERS and call.args)):
        return None
    where = "key_func" if named else "0"
    return Edit(call.span, "", safe=False, imports=("flask_limiter.util",), arguments=((where, _ADDRESS),))


DOORS_MOST: Final = 2
"""Limits that are tried: one function mostly says who is counted at all of them."""


def probe(target: Target) -> Steps[Verdict]:
    """A limit that the scan has met anyway: the same with another address in headers, without it, and with one more."""
    yield from attempt(burst(target))  # which another probe sends else
    tried: set[str] = set()
    doors = {route.path for route in login_routes(target)}  # where passwords are guessed, the limit of guesses is tried
    last = reversed(limits_met(target))  # the likeliest to be limited still; who is known may be counted by name
    for ref, met in sorted(last, key=lambda pair: pair[1].request.identity is not None):
        if ref.path in doors or str(ref) in tried or len(tried) == DOORS_MOST:
            continue
        tried.add(str(ref))
        said, seen = yield from counted_by_header(target, partial(_itself, met), _turned_away, met)
        if said:
            past = f"{ref} counts its callers by {said}, which they write themselves: with another address its limit is gone"
            return failed(past, (ref,), seen)
    if not tried:
        return not_applicable("no answer of the scan met a limit")
    return passed(f"{len(tried)} limits stay whatever address the caller says")


def _itself(met: Exchange) -> Request:
    return met.request


def _turned_away(one: Exchange) -> bool:
    return one.response.status in (0, 403, 429) or one.response.status >= 500


RULE = Rule(
    slug="rate-limit-key-spoofable",
    family="rate",
    title="The limiter's key can be spoofed",
    harm=__doc__ or "",
    severity="high",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V2.4.1",),
    surfaces=("source", "running", "wsgi", "http"),
    ends="`@limit` of Stopper counts by who acts, or by an address that `STOPPER_TRUSTED_PROXIES` vouch for.",
    detect=detect,
    probe=probe,
    fix=fix,
    disturbs=True,
    depth="standard",
)
