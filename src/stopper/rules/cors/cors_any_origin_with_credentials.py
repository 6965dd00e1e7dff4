"""Every website can read and change what a visitor of it may see here."""

from collections.abc import Iterator

from stopper.core.answers.cors_facts import sayings
from stopper.core.answers.reflected_origins import is_sent_back_unasked
from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.switched_on import asked_for
from stopper.core.edits.call_edits import passing
from stopper.core.exchange import Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import keeps_by_cookie
from stopper.core.probing.origins import crossings, stranger
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import is_constant, text_of


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
        if one.function not in allowing:
            continue
        if is_constant(one.value, "*") and not asked_for(facts, one.span):
            yield Hit("any website is let in, and credentials are allowed beside it", one.span, certainty="possible")
        elif is_sent_back_unasked(facts, one):
            yield Hit("whatever website asks is let in, and credentials are allowed beside it", one.span)


def probe(target: Target) -> Steps[Verdict]:
    """Name an origin that nobody has heard of and see whether the answer lets it in with credentials."""
    seen = yield from crossings(target, stranger(target))
    let_in = [
        one
        for one in seen
        if lets_in(one.crossed.response, one.origin) and not lets_in(one.honest.response, one.origin)
    ]
    places = [one.ref for one in let_in]
    evidence = [
        part
        for one in let_in[:1]
        for part in (
            Evidence("exchange", "control: the same request from no other website", one.honest),
            Evidence("exchange", "an origin that was just invented is allowed, with credentials", one.crossed),
        )
    ]
    if places and not (yield from keeps_by_cookie(target)):
        text = f"{places[0]} lets any website in with credentials; no cookie was seen that a browser would send along"
        return failed(text, places, evidence, "medium")
    if places:
        return failed(f"{places[0]} lets any website read its answer with the visitor's cookies", places, evidence)
    if not seen:
        return not_applicable("no route can be read")
    return passed(f"{len(seen)} routes do not let an invented origin in with credentials")


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
