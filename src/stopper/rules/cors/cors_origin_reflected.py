"""Whatever website asks is told that it is welcome, because its own name is sent back to it."""

from collections.abc import Iterator

from stopper.core.answers.reflected_origins import is_sent_back_unasked
from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.served_origins import let_in_by_server
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import keeps_by_cookie
from stopper.core.probing.origins import crossings, stranger
from stopper.core.rule import Hit, Rule


def detect(app: App) -> Iterator[Hit]:
    """The origin of the request as the value of ``Access-Control-Allow-Origin``, with no question about it in the function."""
    facts = source_of(app)
    for one in headers_set(facts, "Access-Control-Allow-Origin"):
        if is_sent_back_unasked(facts, one):
            yield Hit("the caller's own origin is sent back as an allowed one", one.span)
    for said, span in let_in_by_server(facts):
        if said in ("$http_origin", "${http_origin}"):
            yield Hit("the caller's own origin is sent back as an allowed one", span)


def probe(target: Target) -> Steps[Verdict]:
    """Name an invented origin; an answer that allows exactly it, while another gets another answer, repeats what it is told."""
    seen = yield from crossings(target, stranger(target))
    if not seen:
        return not_applicable("no route can be read")
    echoed = [one for one in seen if one.allowed == one.origin]
    if not echoed:
        return passed(f"{len(seen)} routes do not send an invented origin back")
    if not echoed[0].with_credentials and not any(True for _ in detect(target.app)):
        return passed("without credentials an origin that is sent back means no more than a star")
    if _by_library(target):
        return passed("Flask-CORS sends the origin back; that is another rule's matter")
    evidence = [
        Evidence("exchange", "control: the same request from no other website", echoed[0].honest),
        Evidence("exchange", "an origin that was just invented is sent back as allowed", echoed[0].crossed),
    ]
    text, refs = f"{echoed[0].ref} allows whatever origin asks", [one.ref for one in echoed]
    if not (yield from keeps_by_cookie(target)):
        return failed(f"{text}; no cookie was seen that a browser would send along", refs, evidence, "medium")
    return failed(text, refs, evidence)


def _by_library(target: Target) -> bool:
    """The source is known, nothing in it sends the origin back by hand, and Flask-CORS is there to do it."""
    facts = source_of(target.app)
    return facts.imports("flask_cors") and not any(True for _ in detect(target.app))


RULE = Rule(
    slug="cors-origin-reflected",
    family="cors",
    title="CORS: the caller's origin is sent back unasked",
    harm=__doc__ or "",
    severity="high",
    check="input-validation",
    cwe=(942,),
    owasp="API8:2023",
    asvs=("V3.4.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` sends an origin back only when `STOPPER_CORS_ORIGINS` names it.",
    repeats=("cors-any-origin-with-credentials",),
    detect=detect,
    probe=probe,
    effect_of=("cors-any-origin-with-credentials",),
)
