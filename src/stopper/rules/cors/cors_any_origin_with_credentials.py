"""Every website can read and change what a visitor of it may see here."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.call_edits import passing
from stopper.core.cors_facts import sayings
from stopper.core.exchange import Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_baseline import candidates
from stopper.core.probe_cookies import keeps_by_cookie
from stopper.core.response_headers import headers_set
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.switched_on import asked_for
from stopper.core.values import is_constant, text_of

ENOUGH: Final = 10
"""Routes that are asked; Flask-CORS is set for an application or for a prefix, seldom for one route."""


def detect(app: App) -> Iterator[Hit]:
    """Flask-CORS with credentials on and no origin named."""
    seen: set[object] = set()
    for said in sayings(source_of(app)):
        if said.any_origin and said.with_credentials and not said.hidden and said.span not in seen:
            seen.add(said.span)
            yield Hit("any website may call with the visitor's cookies and read the answer", said.span)
    yield from _by_hand(source_of(app))


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    """A star beside credentials. Browsers refuse the pair, so whoever wants it to work will reflect the origin next."""
    allowing = {
        one.function
        for one in headers_set(facts, "Access-Control-Allow-Credentials")
        if (text_of(one.value) or "").lower() == "true" or is_constant(one.value, True)
    }
    for one in headers_set(facts, "Access-Control-Allow-Origin") if allowing else ():
        if one.function in allowing and is_constant(one.value, "*") and not asked_for(facts, one.span):
            yield Hit("any website is let in, and credentials are allowed beside it", one.span, certainty="possible")


def probe(target: Target) -> Steps[Verdict]:
    """Name an origin that nobody has heard of and see whether the answer lets it in with credentials."""
    stranger = f"https://stopper-{target.canary}.example"
    asked = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    for route, method in candidates(target):
        if asked >= ENOUGH:
            break
        request = target.request_for(route, method)
        try:
            honest = yield from send(request)
            crossed = yield from send(request.with_headers(("Origin", stranger)))
        except Skipped:
            continue
        if honest.response.error or crossed.response.error:
            continue
        asked += 1
        if not lets_in(crossed.response, stranger) or lets_in(honest.response, stranger):
            continue
        places.append(RouteRef(method, route.path))
        if not evidence:
            evidence = [
                Evidence("exchange", "control: the same request from no other website", honest),
                Evidence("exchange", "an origin that was just invented is allowed, with credentials", crossed),
            ]
    if places and not (yield from keeps_by_cookie(target)):
        text = f"{places[0]} lets any website in with credentials; no cookie was seen that a browser would send along"
        return failed(text, places, evidence, "medium")
    if places:
        return failed(f"{places[0]} lets any website read its answer with the visitor's cookies", places, evidence)
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"{asked} routes do not let an invented origin in with credentials")


def lets_in(response: Response, origin: str) -> bool:
    """That a browser would give this answer to a page of *origin* that sent its visitor's cookies (Fetch standard, CORS check)."""
    allowed = response.all_headers("Access-Control-Allow-Origin")
    credentials = response.all_headers("Access-Control-Allow-Credentials")
    return [value.strip() for value in allowed] == [origin] and [value.strip() for value in credentials] == ["true"]


def fix(app: App, hit: Hit) -> Edit | None:
    """``supports_credentials=False``, where the literal True stands in the call; whoever needs cookies must name the origins instead."""
    for call in source_of(app).calls():
        if call.span == hit.span and is_constant(call.keyword("supports_credentials"), True):
            return passing(call, ("supports_credentials", "False"), safe=False)
    return None


RULE = Rule(
    slug="cors-any-origin-with-credentials",
    family="cors",
    title="CORS: any origin with credentials",
    harm="Every website can read and change what a visitor of it may see here.",
    severity="critical",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` allows no other origin until `STOPPER_CORS_ORIGINS` names it.",
    detect=detect,
    fix=fix,
    probe=probe,
)
