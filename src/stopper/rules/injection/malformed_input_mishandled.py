"""One wrong character makes the server fail, which tells of its inside and can be repeated until nobody is served."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.provoke import Provoked, provoked, to_the_end
from stopper.core.probing.slow_text import slow_text
from stopper.core.rule import Rule
from stopper.core.spec_document import mapping


def probe(target: Target) -> Steps[Verdict]:
    """Each route is asked as it wants to be asked, then with one thing wrong; a failure of the server is none of the client's, and no
    check of a short text takes long."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    routes = {(route.path, method): route for route in target.app.routes for method in route.methods}
    asked = [one for one in (yield from provoked(target)) if _answers(one.honest)]
    for one in asked:
        found = _failing(one) or (yield from attempt(_accepted(routes[one.ref.path, one.ref.method], one.honest)))
        if found is not None:
            text, answer = found
            places.append(one.ref)
            evidence += [
                Evidence("exchange", "control: asked as it wants to be asked", one.honest),
                Evidence("exchange", text, answer),
            ]
        if len(places) >= 3:
            break
    if (slow := (yield from slow_text(target))) is not None:
        given, shown = slow
        text = f"{given.ref} takes ever longer over a text as {given.name}: its pattern tries every way to split it"
        return failed(text, [given.ref, *(place for place in places if place != given.ref)], [*shown, *evidence])
    if places:
        return failed(f"{places[0]} does not refuse what is malformed", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    yield from to_the_end(target)
    return passed(f"{len(asked)} routes refuse what is malformed")


def _answers(honest: Exchange) -> bool:
    return not honest.response.error and honest.response.status < 500


def _failing(one: Provoked) -> tuple[str, Exchange] | None:
    answer = next((wrong for wrong in one.wrong if wrong.response.status >= 500), None)
    return ("one thing wrong makes the server fail", answer) if answer is not None else None


def _accepted(route: Route, honest: Exchange) -> Steps[tuple[str, Exchange] | None]:
    if honest.response.succeeded:
        for text, request in _against_the_document(route, honest.request):
            answer = yield from send(request)
            if answer.response.succeeded:
                return f"{text} is accepted against the document", answer
    return None


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def _against_the_document(route: Route, honest: Request) -> Iterator[tuple[str, Request]]:
    """What the document of the API rules out: a required member that is missing, a member of another type."""
    schema = route.request_schema or {}
    body = members(honest)
    required = schema.get("required")
    if route.spec_security is None or honest.method == "GET" or not body:
        return
    if isinstance(required, list):
        for name in cast("list[object]", required)[:1]:
            if name in body:
                yield (
                    f"a body without {name}",
                    replace(honest, body=_dumped({key: value for key, value in body.items() if key != name})),
                )
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name, node in list(cast("dict[str, object]", properties).items())[:2]:
            said = mapping(node)
            if name in body and said.get("type") in ("integer", "number", "boolean", "string"):
                yield f"a list as {name}", replace(honest, body=_dumped({**body, name: ["stopper"]}))


RULE = Rule(
    slug="malformed-input-mishandled",
    family="injection",
    title="Malformed input is accepted or makes the server fail",
    harm=__doc__ or "",
    severity="low",
    check="input-validation",
    cwe=(20, 1333),
    owasp="API8:2023",
    asvs=("V2.2.1",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` answers what fails with a bare 500; checking input is the application's own.",
    effect_of=("request-body-not-validated",),
    echo_of=("sql-injection", "code-injection"),
    probe=probe,
    measures=True,
)
