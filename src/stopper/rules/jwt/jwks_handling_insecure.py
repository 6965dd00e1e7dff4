"""Whoever reads or swaps the keys signs tokens for everybody, and whoever makes them be fetched again and again stops the service."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.facts import Comparison, SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.public_keys import published
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_keys import reached
from stopper.core.tokens.jwt_names import written_in
from stopper.core.tokens.published_members import PRIVATE, publishing
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    literals,
    options,
    text_of,
    walk,
)

_ADDRESS: Final = re.compile(r"(?i)jwks|\.well-known|openid-?(?:conf|conn)|/certs\b|/keys\b|jwk")
_OTHER_DOOR: Final = re.compile(
    r"(?i)(?:userinfo|token|authorization|introspection|revocation|end_session|registration)_?endpoint$"
)
_CLIENTS: Final = re.compile(r"(?:requests|httpx)\.(?:\w*[Ss]ession|Client)")
_LOCAL: Final = re.compile(r"^http://(localhost|127\.|\[::1\]|0\.0\.0\.0|[a-z0-9_-]+(:\d+)?(/|$))")
_FETCH: Final = re.compile(
    r"(requests|httpx)(\.\w+)*\.(get|request)|urllib\.request\.urlopen|(requests|httpx)\.\w*([Ss]ession|Client)\.get"
)

_STEPS: Final = 4
"""How far a fetch is followed back through the functions that make it."""
_CLOCKS: Final = ("monotonic", "time", "now", "utcnow", "perf_counter")


def detect(app: App) -> Iterator[Hit]:
    """Clients of key sets without TLS, time-out or cache, and views that publish private members."""
    facts = source_of(app)
    seen: set[Span | None] = set()
    for hit in (*_clients(facts), *_fetches(facts), *_unbounded(facts), *publishing(facts, _ADDRESS)):
        if hit.span not in seen:
            seen.add(hit.span)
            yield hit


def _clients(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("*.PyJWKClient"):
        address = call.argument(0, "uri")
        if _is_plain(facts, address):
            yield Hit("keys are fetched over plain http, so whoever sits between can swap them", call.span)
        elif _trusts_anybody(facts, call, "ssl_context"):
            yield Hit("keys are fetched without checking the certificate", call.span)
        elif is_constant(call.argument(3, "cache_jwk_set"), False) and not is_constant(
            call.argument(1, "cache_keys"), True
        ):
            yield Hit("every token makes the server fetch the keys again", call.span)
        elif _is_per_request(facts, call):
            yield Hit(
                "a client is made for every request, so every token makes the server fetch the keys",
                call.span,
                certainty="likely",
            )
        elif is_constant(call.keyword("timeout"), None):
            yield Hit("keys are fetched without a time-out", call.span)


def _is_per_request(facts: SourceFacts, call: Call) -> bool:
    function = facts.function(call.function) if call.function else None
    around = facts.function(written_in(facts, call))
    calling = (facts.function(written_in(facts, one)) for one in facts.calls(around.name)) if around is not None else ()
    cached = (decorator.name for one in (function, around, *calling) if one is not None for decorator in one.decorators)
    if function is None or any("cache" in name for name in cached):
        return False
    kept = any(
        ("." in one.target or "[" in one.target) and _is_put(call, one.value)
        for one in facts.assignments_in(call.function)
    )
    returned = any(value is call for value in function.returns) or _is_made_once(facts, call)
    return not kept and not returned and bool(facts.routes_reaching(call.function))


def _is_made_once(facts: SourceFacts, call: Call) -> bool:
    """``if CLIENT is None: CLIENT = PyJWKClient(…)`` with a name of the module, which begins as nothing."""
    asked = (
        one.value for one in (facts.conditions_around(call.span) if call.span is not None else ()) if not one.negated
    )
    begun = (part for value in asked if isinstance(value, Truth) for part in value.parts[:1] if is_constant(part, None))
    return any(part.span is not None and not facts.function_around(part.span) for part in begun)


def _is_put(call: Call, value: Value) -> bool:
    """The client itself, also in a list or table; not what a call made with it."""
    return any(one is call for one in options(value)) or (
        isinstance(value, (Mapping, Sequence)) and any(part is call for part in walk(value, 2))
    )


def _trusts_anybody(facts: SourceFacts, call: Call, *names: str) -> bool:
    """The call, or the session it is a method of, is told not to look at certificates; a context of TLS may be."""
    for one in (call, *(part for part in walk(call.receiver, 2) if isinstance(part, Call))):
        if is_constant(one.keyword("verify"), False):
            return True
    if call.receiver is not None and facts.says("verify"):
        path = call.span.path if call.span is not None else ""
        for put in facts.assignments():
            if put.attribute == "verify" and put.span.path == path and is_constant(put.value, False):
                return True  # ``session.verify = False``
    contexts = [part for part in walk(call.keyword(*names), 2) if isinstance(part, Call)] if names else []
    blind = any(
        one.attribute == "verify_mode" and isinstance(one.value, Name) and one.value.dotted.endswith("CERT_NONE")
        for one in (facts.assignments() if contexts and facts.says("verify_mode") else ())
    )
    return any(one.method == "_create_unverified_context" or blind for one in contexts)


def _fetches(facts: SourceFacts) -> Iterator[Hit]:
    for call in facts.calls("*.get", "*.urlopen", "*.request"):
        if not _fetches_by(call):
            continue
        address = call.argument(1 if call.method == "request" else 0, "url")
        if not _is_key_address(facts, address):
            continue
        if _is_plain(facts, address):
            yield Hit("keys are fetched over plain http, so whoever sits between can swap them", call.span)
        elif _trusts_anybody(facts, call, "context"):
            yield Hit("keys are fetched without checking the certificate", call.span)
        elif is_constant(call.keyword("timeout"), None) or (
            not call.callee.startswith("httpx") and call.lacks(2 if call.method == "urlopen" else None, "timeout")
        ):
            yield Hit("keys are fetched without a time-out, so a slow server stops this one", call.span)
    for call in facts.calls("*.register"):
        address = call.keyword("jwks_uri", "server_metadata_url")
        if address is not None and _is_plain(facts, address):
            yield Hit("keys are fetched over plain http, so whoever sits between can swap them", call.span)


def _fetches_by(call: Call) -> bool:
    """A call of a library of HTTP, or a method of its session or client."""
    made = call.receiver.callee if isinstance(call.receiver, Call) and call.callee[:1] == "?" else ""
    return bool(_FETCH.fullmatch(call.callee)) or _CLIENTS.fullmatch(made) is not None


def _unbounded(facts: SourceFacts) -> Iterator[Hit]:
    """A kid that is not in what is kept makes the server fetch, and nothing asks when it last did."""
    fetching = {
        call.function
        for call in facts.calls("*.get", "*.urlopen", "*.request")
        if call.function and _FETCH.fullmatch(call.callee) and _is_key_address(facts, call.argument(0, "url"))
    }
    for home in fetching:
        if facts.function(home) is None or _is_cached(facts, home):
            continue
        fetches = [one for one in facts.calls_in(home) if _FETCH.fullmatch(one.callee)]
        steps = {step for one in fetches if (step := written_in(facts, one)) != home}
        for call in (*facts.calls(home), *fetches, *(one for step in steps for one in facts.calls(step))):
            if call.span is None:
                continue
            missing = [
                one
                for one in facts.comparisons_in(call.function)
                if (one.operator == "not in" and _is_kid(facts, one.left))
                or (
                    one.operator in ("is", "==")
                    and is_constant(one.right, None)
                    and isinstance(one.left, Item)
                    and _is_kid(facts, one.left.key)
                )
            ]
            asked = [
                condition
                for condition in (facts.conditions_around(call.span) if missing else ())
                for one in missing
                if condition.span.holds(one.span) or any(part is one.left for part in walk(condition.value, 3))
            ]
            if _is_looked_up_again(facts, call) and not any(
                _looks_at_the_clock(facts, where, []) for where in (home, call.function)
            ):
                yield Hit("every unknown kid makes the server fetch the keys again", call.span, certainty="likely")
                break  # one mend of the function that fetches ends it
            either = [condition.value for condition in asked if _is_enough(condition.value, missing)]
            if asked and not any(_looks_at_the_clock(facts, where, either) for where in (home, call.function)):
                yield Hit("every unknown kid makes the server fetch the keys again", call.span, certainty="likely")


def _is_looked_up_again(facts: SourceFacts, call: Call) -> bool:
    """``try: return KEYS[kid]`` and ``except KeyError: load()``, in which the call stands, or that of a function which makes it: one that
    neither looks at the clock nor keeps what it gives."""
    made = [call]
    for _ in range(_STEPS):
        if any(_stands_where_none_was_found(facts, one) for one in made):
            return True
        steps = {written_in(facts, one) for one in made}
        free = [
            one for one in sorted(steps) if one and not (_is_cached(facts, one) or _looks_at_the_clock(facts, one, []))
        ]
        made = [one for step in free for one in facts.calls(step)]
    return False


def _stands_where_none_was_found(facts: SourceFacts, call: Call) -> bool:
    return call.span is not None and any(
        {"KeyError", "LookupError"} & set(one.catches)
        and one.span.holds(call.span)
        and not _looks_at_the_clock(facts, call.function, [])
        for one in facts.handlers_in(call.function)
    )


def _is_cached(facts: SourceFacts, function: str) -> bool:
    known = facts.function(function)
    return known is not None and any("cache" in one.name for one in known.decorators)


def _is_enough(value: Value, missing: list[Comparison]) -> bool:
    """``kid not in keys or is_old(keys)``: an unknown kid alone is enough, whatever the clock says."""
    return (
        isinstance(value, Choice)
        and not value.every
        and any(
            isinstance(option, Truth) and option.parts and option.parts[0] is one.left
            for option in value.options
            for one in missing
        )
    )


def _is_one_of(value: Value, one: Comparison) -> bool:
    """That the comparison is one of those that a test is put together from."""
    return any(isinstance(part, Truth) and bool(part.parts) and part.parts[0] is one.left for part in walk(value, 2))


def _is_kid(facts: SourceFacts, value: Value) -> bool:
    named = getattr(value, "parameter", "") or getattr(value, "name", "")
    return named in ("kid", "key_id") or any(
        isinstance(part, Item) and text_of(part.key) == "kid" for part in walk(value, 4)
    )


def _looks_at_the_clock(facts: SourceFacts, function: str, either: list[Value]) -> bool:
    """That something is held against the clock there, or a lock or counter is asked; noting the time alone bounds nothing, and nor does
    a test of *either*, where an unknown kid is enough."""
    if any(call.method in ("acquire", "setex", "hit", "is_allowed") for call in facts.calls_in(function)):
        return True
    return any(
        isinstance(part, Call) and part.method in _CLOCKS
        for one in facts.comparisons_in(function)
        if not any(_is_one_of(test, one) for test in either)
        for side in (one.left, one.right)
        for part in walk(side, 5)
    )


def _is_key_address(facts: SourceFacts, value: Value | None) -> bool:
    for one in (value, *reached(facts, value)):
        if isinstance(one, Item) and (_OTHER_DOOR.search(text_of(one.key) or "") or _OTHER_DOOR.search(one.name)):
            continue  # ``discovered["userinfo_endpoint"]``: the document has keys and other doors
        for part in walk(one, 5):
            words = [
                getattr(part, "name", ""),
                getattr(part, "key", ""),
                getattr(part, "variable", ""),
                text_of(part) or "",
            ]
            if isinstance(part, Name):
                words.append(part.dotted.rpartition(".")[2])
            if isinstance(part, Item):
                words.append(text_of(part.key) or "")
            if any(isinstance(word, str) and _ADDRESS.search(word) for word in words):
                return True
    return False


def _is_plain(facts: SourceFacts, value: Value | None) -> bool:
    for one in (value, *reached(facts, value)):
        first = one.parts[0] if isinstance(one, Format) and one.parts else one
        known = [part for part in reached(facts, first) if isinstance(part, (Constant, EnvironmentValue, Item))]
        for literal in (found for part in known for found in literals(part)):
            text = literal.value if isinstance(literal.value, str) else ""
            if text.startswith("http://") and not _LOCAL.match(text):
                return True
    return False


def probe(target: Target) -> Steps[Verdict]:
    """Reads the published key sets, and looks for members that only the owner may have."""
    found = yield from published(target)
    if not found:
        return not_applicable("no key set is published")
    for ref, exchange in found:
        names = sorted(set(_private(exchange.response.json(), 4)))
        if names or re.search(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY", exchange.response.text):
            told = f"the members {', '.join(names)}" if names else "a private key"
            seen = [
                Evidence("exchange", "the key set, asked for by nobody", exchange),
                Evidence("effect", f"it holds {told}"),
            ]
            return failed(f"{ref} publishes private keys, so everybody can sign tokens", (ref,), seen)
    return passed("the published keys have no private members")


def _private(said: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(said, dict):
        members = cast("dict[str, object]", said)
        if "kty" in members:
            yield from (name for name in members if name in PRIVATE and isinstance(members[name], str))
        for value in members.values():
            yield from _private(value, depth - 1)
    elif isinstance(said, list):
        for value in cast("list[object]", said)[:20]:
            yield from _private(value, depth - 1)


_PRIVATE: Final = frozenset({"private", "is_private", "private_key", "private_keys", "as_private"})


def fix(app: App, hit: Hit) -> Edit | None:
    """A time-out of five seconds, ``https`` in a literal, and the public members alone."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        if "time-out" in hit.message:
            return passing(call, ("timeout", "5"), safe=False)
        if "private members" in hit.message:
            named = next((name for name, value in call.keywords if name in _PRIVATE and is_constant(value, True)), None)
            return passing(call, (named, "False"), safe=False) if named else None
        for one in (*call.args, *(value for _, value in call.keywords)) if "plain http" in hit.message else ():
            if isinstance(one, Constant) and one.span is not None and str(one.value).startswith("http://"):
                return Edit(one.span, repr("https" + str(one.value).removeprefix("http")), safe=False)
    return None


RULE = Rule(
    slug="jwks-handling-insecure",
    family="jwt",
    title="Key sets (JWKS) are handled unsafely",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(522,),
    owasp="API2:2023",
    asvs=("V9.1.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper fetches the keys of `STOPPER_ISSUERS` over TLS, bounded, and publishes public halves only.",
    detect=detect,
    fix=fix,
    probe=probe,
)
