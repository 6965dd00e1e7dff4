"""A caller without a token reads or changes what belongs to somebody."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.guards.kept_caller import hooks_before_guards
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import alike, bearers
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import guarded, uses
from stopper.core.values import Call, Choice, Item, Name, Truth, Value, is_constant, parts

_CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OPEN: Final = re.compile(
    r"(?i)(^|[/_-])(log-?in|sign-?in|log-?out|sign-?out|register|sign-?up|search|contact|feedback|subscribe|newsletter|token|refresh|cart|basket|views?|track|"
    r"password|forgot|reset|verify|confirm|graphql|vote|report)([/_-]|$)"
)
_ASKS: Final = (
    "flask_jwt_extended.get_jwt_identity", "flask_jwt_extended.get_current_user", "flask_jwt_extended.get_jwt",
    "flask_jwt_extended.utils.get_jwt_identity", "flask_jwt_extended.get_jwt_claims", "flask_jwt_extended.get_raw_jwt",
)  # fmt: skip
_PRIVATE: Final = re.compile(
    r"(?i)(^|[/_-])(me|profile|accounts?|orders?|invoices?|payments?|admin|users?|customers?|settings|messages?|documents?|files?|patients?|transactions?)([/_-]|$)"
)
_SHOWN: Final = re.compile(
    r"(?i)(?:^|/)(?:users?|profiles?|people|members?|authors?)/\{[^{}/]+\}/(?:posts|comments|articles|threads|topics|reviews|recipes|blogs?)/?$"
)
"""What somebody has written for everybody to read."""


def detect(app: App) -> Iterator[Hit]:
    """An optional guard on a method that changes state, or on objects by id, where the view refuses nobody by itself."""
    if not uses(app):
        return
    facts = source_of(app)
    for one in guarded(facts):
        if not one.optional or any(_OPEN.search(path) for path in one.paths) or _refuses_itself(facts, one.function):
            continue
        if one.call is not None and not one.spared and one.call.function in hooks_before_guards(app):
            continue
        if changed := sorted(one.methods & _CHANGING):
            yield Hit(f"{changed[0]} {one.shown} changes state, and its token is optional", one.span)
        elif "GET" in one.methods and any(_PRIVATE.search(path) and not _SHOWN.search(path) for path in one.paths):
            yield Hit(f"GET {one.shown} serves what belongs to somebody, and its token is optional", one.span)


def _refuses_itself(facts: SourceFacts, function: str) -> bool:
    """The view asks who is calling and refuses, or leaves, where nobody is."""
    ways = {function, f"{function.rpartition('.')[0]}.dispatch_request"}
    ways |= {call.callee for call in facts.calls_in(function) if facts.function(call.callee) is not None}
    return any(
        condition.function in ways
        and (condition.stops or condition.refuses)
        and _asks_who(condition.value)
        and not _is_for_somebody_alone(facts, condition)
        for condition in facts.conditions()
    )


def _is_for_somebody_alone(facts: SourceFacts, condition: Condition) -> bool:
    """``if claims and "editor" not in claims["roles"]``: who shows no token is not turned away by it."""
    value = condition.value
    joined = value.options if isinstance(value, Choice) and value.every and not condition.negated else ()
    around = [one.value for one in facts.conditions_around(condition.span) if not one.negated]
    return any(_is_somebody(one) for one in (*joined, *around))


def _is_somebody(value: Value) -> bool:
    """A test that holds where somebody is: ``claims``, ``who is not None``."""
    if isinstance(value, Truth):
        asked, *others = value.parts or (value,)
        return value.differs and _is_asked(asked) and all(is_constant(one, None) for one in others)
    return _is_asked(value)


def _is_asked(part: Value) -> bool:
    match part:
        case Call(callee=callee) | Item(owner=Call(callee=callee)):
            return callee in _ASKS
        case Name(dotted=dotted):
            return dotted.startswith(("flask_jwt_extended.current_user", "flask.g."))
        case _:
            return False


def _asks_who(value: Value, depth: int = 10, found: bool = False) -> bool:
    """That it is made of who is calling; of what is *found* by something, that each way to look for it is."""
    if _is_asked(value):
        return True
    found = found or isinstance(value, Call)
    inside = [_asks_who(part, depth - 1, found) for part in parts(value)] if depth else []
    return bool(inside) and (all(inside) if found and isinstance(value, Choice) else any(inside))


def fix(app: App, hit: Hit) -> Edit | None:
    """``optional=False``, so that a caller without a token is refused."""
    for one in guarded(source_of(app)):
        if one.span == hit.span and one.call is not None and one.call.keyword("optional") is not None:
            return passing(one.call, ("optional", "False"), safe=False)
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Ask the reading routes that the source points at, with a token and without."""
    facts = source_of(target.app)
    spans = {hit.span for hit in detect(target.app)}
    paths = [path for one in guarded(facts) if one.span in spans and "GET" in one.methods for path in one.paths]
    if not paths:
        return not_applicable("the source shows no reading route that matters behind an optional token")
    last = None
    for route in [route for route in target.app.routes if route.path in paths][:5]:
        request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
        anonymous = yield from send(request)
        if anonymous.response.refused:
            last = passed(f"{ref} refuses a caller without a token")
            continue
        for identity in bearers(target)[:1]:
            honest = yield from send(identity.on(request))
            if (
                honest.response.succeeded
                and anonymous.response.succeeded
                and alike(honest.response, anonymous.response)
            ):
                evidence = (
                    Evidence("exchange", f"control: the answer to {identity.name}'s own token", honest),
                    Evidence("exchange", "without any token the answer is of the same form", anonymous),
                )
                return failed(f"{ref} serves a caller without a token: its token is optional", (ref,), evidence)
    return last or unsure("no route behind an optional token answered nobody as it answers somebody")


RULE = Rule(
    slug="jwt-optional-on-sensitive-route",
    family="flask-jwt-extended",
    title="An optional token guards a route that matters",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper has no optional credential: `@public` shows everything to everybody and `@bearer` asks.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
)
