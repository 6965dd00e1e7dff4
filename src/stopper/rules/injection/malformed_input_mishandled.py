"""One wrong character makes the server fail, which tells of its inside and can be repeated until nobody is served."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_baseline import answered, attempt, candidates
from stopper.core.probe_inputs import members
from stopper.core.probe_query import query_names, with_query
from stopper.core.rule import Rule
from stopper.core.spec_document import mapping

_ROUTES: Final = {"quick": 8, "standard": 20, "deep": 80}
_JSON: Final = ("Content-Type", "application/json")


def probe(target: Target) -> Steps[Verdict]:
    """Each route is asked as it wants to be asked, then with one thing wrong; a failure of the server is none of the client's."""
    asked = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for route, method in list(candidates(target, ("GET", "POST", "PUT", "PATCH")))[: _ROUTES[target.depth]]:
        honest = yield from attempt(answered(target, target.request_for(route, method)))
        if honest is None or honest.response.error or honest.response.status >= 500:
            continue
        asked += 1
        found = yield from attempt(_mishandled(target, route, honest))
        if found is not None:
            text, answer = found
            places.append(RouteRef(method, route.path))
            evidence += [
                Evidence("exchange", "control: asked as it wants to be asked", honest),
                Evidence("exchange", text, answer),
            ]
        if len(places) >= 3:
            break
    if places:
        return failed(f"{places[0]} does not refuse what is malformed", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"{asked} routes refuse what is malformed")


def _mishandled(target: Target, route: Route, honest: Exchange) -> Steps[tuple[str, Exchange] | None]:
    for text, request in _wrong(target, route, honest.request):
        answer = yield from send(request)
        if answer.response.status >= 500:
            return f"{text} makes the server fail", answer
    if honest.response.succeeded:
        for text, request in _against_the_document(route, honest.request):
            answer = yield from send(request)
            if answer.response.succeeded:
                return f"{text} is accepted against the document", answer
    return None


def _wrong(target: Target, route: Route, honest: Request) -> Iterator[tuple[str, Request]]:
    """The honest request with one thing wrong, the most telling first."""
    if honest.method == "GET":
        names = dict.fromkeys((*query_names(honest), *route.fields, *(() if route.parameters else ("page", "limit"))))
        for name in list(names)[:3]:
            yield f"a word where {name} may be a number", with_query(honest, name, f"{target.canary}\u00e9")
        return
    headers = (*(pair for pair in honest.headers if pair[0].lower() != "content-type"), _JSON)
    for text, body in (
        ("a body that is no JSON", b'{"'),
        ("a list in place of an object", b"[1]"),
        ("an empty object", b"{}"),
    ):
        yield text, replace(honest, headers=headers, body=body)
    wrong = {
        name: ["stopper"] if isinstance(value, (str, int, float)) else "stopper"
        for name, value in members(honest).items()
    }
    if wrong:
        yield "members of the wrong type", replace(honest, headers=headers, body=_dumped(wrong))


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
    cwe=(20,),
    owasp="API8:2023",
    asvs=("V2.2.1",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` refuses a malformed credential with 400 or 401 and never with an error of its own.",
    effect_of=("request-body-not-validated",),
    probe=probe,
)
