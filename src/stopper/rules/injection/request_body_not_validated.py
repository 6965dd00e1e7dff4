"""Whatever a client sends is worked with: the wrong type, the missing field, the body that is no JSON at all."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.bodies_by_hand import kept_whole, read_by_hand
from stopper.core.flow.expected_bodies import expects
from stopper.core.flow.passing import callers
from stopper.core.labels import UNTRUSTED
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import answered, attempt, candidates, is_door
from stopper.core.probing.inputs import members
from stopper.core.rule import Hit, Rule
from stopper.core.stores.found_rows import is_found
from stopper.core.values import Call, Item, Member, Name, Truth, Value, is_constant, options, walk

_JSON: Final = ("flask.request.get_json", "flask.request.json")
_SCHEMAS: Final = re.compile(
    r"(?i)marshmallow|pydantic|jsonschema|webargs|flask_smorest|apiflask|flask_pydantic|cerberus|voluptuous|schema|colander|attrs|cattrs|msgspec|flask_openapi3|"
    r"flask_expects_json|wtforms|flask_wtf|spectree|typeguard|dacite|flask_inputs|connexion|fastjsonschema|trafaret|valideer"
)
_CHECK: Final = re.compile(
    r"(?i)(?:.*\.)?(?:\w*valid\w*|\w*schema\w*|load|loads_json|model_validate\w*|parse_obj|from_dict|isinstance|check_\w+|require\w*|sanitize\w*|clean\w*|parse_\w+|expect\w*|compare_digest|construct_event)"
)
_SHOWS: Final = re.compile(
    r"route|get|post|put|patch|delete|output|doc|response|alt_response|auth_required|login_required|etag|paginate|marshal_\w+"
)
"""What the same libraries decorate a view with that looks at no body."""
_ANSWERS: Final = frozenset({"abort", "HTTPError", "jsonify", "url_for", "dump", "dumps"})
"""What the same libraries have to answer with."""
_VALIDATES: Final = re.compile(r"(?i)valid|(?:^|[._])(?:expects?_|request_|body_|json_)\w*schema")
_DECORATED: Final = re.compile(r"(?i)valid|schema|expects|use_args|use_kwargs|arguments|input|body|json|parse")


def detect(app: App) -> Iterator[Hit]:
    """``get_json(force=True, silent=True)``, and views that use members of raw JSON and check none of them."""
    facts = source_of(app)
    seen: set[str] = set()
    for call in facts.calls("flask.request.get_json"):
        if _truthy(call.argument(0, "force")) and _truthy(call.argument(1, "silent")):
            seen.add(call.function)
            if _type_is_asked(facts, call) or _is_validated(facts, call.function):
                continue
            message = "a body of any type is read as JSON, and one that is none passes as nothing"
            if facts.is_view(call.function) or facts.routes_reaching(call.function):
                yield Hit(message, call.span, certainty="certain")
            else:
                yield Hit(f"{message}: look what asks for it here", call.span, certainty="possible", severity="low")
    for function, span in _raw_readers(facts).items():
        if function not in seen:
            yield Hit(
                "members of the JSON body are used, and nothing asks whether they are there and of the right type", span
            )
    for call in facts.calls("*.model_construct", "*.construct"):
        if call.function not in seen and any(name == "**" and _of_json(value) for name, value in call.keywords):
            seen.add(call.function)
            yield Hit("the JSON body becomes an object of a model that checks nothing of it", call.span)
    for call in kept_whole(facts):
        views = {one.function for one in callers(facts, call.function)}
        if call.function not in seen and not any(_is_checked(facts, one) for one in (call.function, *views)):
            seen.add(call.function)
            yield Hit("the JSON body is kept as it comes, and nothing asks what is in it", call.span)
    yield from _undescribed(app)


def _type_is_asked(facts: SourceFacts, body: Call) -> bool:
    """``if not isinstance(body, dict): …``: what is no object does not pass as nothing."""
    return any(
        other.callee == "isinstance" and other.args and any(part is body for part in walk(other.args[0], 3))
        for other in facts.calls_in(body.function)
    )


def _is_validated(facts: SourceFacts, function: str) -> bool:
    """``@validation.request_body_schema(schema)`` above the view, ``validate(schema, body)`` in it, or a decorator that does so for others."""
    own = facts.function(function)
    return (
        _VALIDATES.search(function) is not None
        or (own is not None and any(_VALIDATES.search(one.name) for one in own.decorators))
        or any(
            _VALIDATES.search(call.method) and any(facts.derives(one, *UNTRUSTED) for one in call.args)
            for call in facts.calls_in(function)
        )
    )


def _truthy(value: Value | None) -> bool:
    return is_constant(value, True, 1)


def _raw_readers(facts: SourceFacts) -> dict[str, Span]:
    """Views that change something with members of raw JSON, with the first place that reads one."""
    found: dict[str, Span] = {}
    for reading in facts.readings(*_JSON):
        function = reading.function
        if function in found or not function:
            continue
        routes = facts.routes_of_view(function)
        if routes and not any(method in ("POST", "PUT", "PATCH") for route in routes for method in route.methods):
            continue
        if routes and not _is_checked(facts, function) and not _login(routes[0].path):
            found[function] = reading.span
    found |= _read_below(facts, frozenset(found))
    for function, span in read_by_hand(facts):
        if function not in found and not _is_checked(facts, function):
            found[function] = span
    return found


def _read_below(facts: SourceFacts, told: frozenset[str]) -> dict[str, Span]:
    """Functions that a view which changes something hands the body to, ``make_order(request.json)``, and that take members of it unasked."""
    found: dict[str, Span] = {}
    for reading in facts.readings(*_JSON):
        function = reading.function
        if not function or function in found or facts.is_view(function):
            continue
        ways = list(facts.routes_reaching(function))
        if not ways or not all(way.method in ("POST", "PUT", "PATCH") and not _login(way.path) for way in ways):
            continue
        handing = {call.function for call in callers(facts, function) if any(_of_json(one) for one in call.args)}
        views = {function, *handing}
        if handing and told.isdisjoint(views) and not any(_is_checked(facts, one) for one in views):
            found[function] = reading.span
    return found


def _login(path: str) -> bool:
    """A log-in compares what it is sent; there the account is the check."""
    return bool(re.search(r"(?i)(log-?in|sign-?in|logout|refresh|token)/?$", path))


def _is_checked(facts: SourceFacts, function: str) -> bool:
    """That anything in the view looks like a check: a schema, a type, a test of a member, a caught failure, a decorator."""
    own = facts.function(function)
    if own is not None and any(
        _DECORATED.search(word := one.name.rpartition(".")[2])
        or (_SCHEMAS.search(one.name) and not _SHOWS.fullmatch(word))
        or expects(facts, one)
        for one in own.decorators
    ):
        return True
    if any(
        _CHECK.fullmatch(call.callee)
        or (_SCHEMAS.search(call.callee) and call.method not in _ANSWERS)
        or _makes_type(call)
        for call in facts.calls_in(function)
    ):
        return True
    if any(
        _of_json(part)
        for one in facts.conditions_in(function)
        for part in options(one.value)
        if not _compares(part) and not is_found(part)
    ):
        return True
    if any(_judges_a_member(one) for one in facts.comparisons_in(function)):
        return True
    return bool(facts.handlers_in(function))


def _compares(value: Value) -> bool:
    """The outcome of a comparison, which is a fact of its own."""
    return isinstance(value, Truth) and len(value.parts) > 1


def _judges_a_member(one: Comparison) -> bool:
    """That a member is held against something the program knows; ``product.stock < data["amount"]`` asks what is there and takes any type."""
    sides = [side for side in (one.left, one.right) if not is_found(side)]
    measured = one.operator in ("<", "<=", ">", ">=") and any(isinstance(side, Member) for side in sides)
    return any(map(_of_json, sides)) and not (measured and any(isinstance(side, Item) for side in sides))


def _makes_type(call: Call) -> bool:
    return call.callee in ("int", "str", "float", "bool", "uuid.UUID", "decimal.Decimal") and any(
        _of_json(one) for one in call.args
    )


def _of_json(value: Value) -> bool:
    return any(
        (isinstance(part, Call) and part.callee in _JSON)
        or (isinstance(part, Name) and part.dotted == "flask.request.json")
        for part in walk(value)
    )


def _undescribed(app: App) -> Iterator[Hit]:
    """Operations of the document that take a body of which it says nothing."""
    if app.spec is None:
        return
    for route in app.routes:
        if route.spec_security is None or route.request_schema is None:
            continue
        schema = route.request_schema
        if not any(
            key in schema for key in ("properties", "$ref", "allOf", "oneOf", "anyOf", "items", "enum")
        ) and schema.get("type") in (None, "object"):
            for method in sorted({"POST", "PUT", "PATCH"} & set(route.methods)):
                message = f"the document says nothing of what the body of {method} {route.path} holds"
                yield Hit(message, None, RouteRef(method, route.path), "likely", "spec")


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_ROUTES: Final = {"quick": 4, "standard": 10, "deep": 40}


def probe(target: Target) -> Steps[Verdict]:
    """Where a body is accepted, the same body with every member of a wrong type must not be."""
    tried = 0
    unclear = 0
    for route, method in list(candidates(target, ("POST", "PUT", "PATCH")))[: _ROUTES[target.depth]]:
        if is_door(route):
            continue
        honest = yield from attempt(answered(target, target.request_for(route, method)))
        if honest is None:
            continue
        if not honest.response.succeeded or not members(honest.request):
            unclear += 1
            continue
        tried += 1
        evidence = yield from attempt(_wrong(honest))
        if evidence:
            ref = RouteRef(method, route.path)
            return failed(f"{ref} takes members of any type", [ref], evidence)
    if tried:
        return passed(f"{tried} routes refuse a body whose members have the wrong type")
    return (
        unsure("no body was accepted to begin with")
        if unclear
        else not_applicable("no route that takes a JSON body is in reach")
    )


def _wrong(honest: Exchange) -> Steps[list[Evidence]]:
    request = honest.request
    nested = {name: [{"stopper": [1]}] for name in members(request)}
    answer = yield from send(_body(request, nested))
    if not answer.response.succeeded or answer.response.error:
        return []
    return [
        Evidence("exchange", "control: an honest body is accepted", honest),
        Evidence("exchange", "a list in place of every member is accepted as well", answer),
    ]


def _body(request: Request, members_of_it: object) -> Request:
    return replace(request, body=json.dumps(members_of_it).encode())


RULE = Rule(
    slug="request-body-not-validated",
    family="injection",
    title="Raw JSON is used without a schema",
    harm=__doc__ or "",
    severity="medium",
    check="input-validation",
    cwe=(20,),
    owasp="API8:2023",
    asvs=("V2.2.1",),
    surfaces=("source", "wsgi"),
    ends="`stopper serve` reads every body by a strict schema of its own.",
    certainty="possible",
    detect=detect,
    probe=probe,
)
