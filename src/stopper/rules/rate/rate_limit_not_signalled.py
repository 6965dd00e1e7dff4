"""A client that is not told to wait asks again at once, and its owner cannot tell a limit from a fault."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.people.limiter_facts import limits_somehow
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.burst import BURST, burst
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import mapping, operations, place_of

_RATE: Final = re.compile(r"(?i)(x-)?rate-?limit|retry-after")
_COVERED: Final = frozenset({"429", "4XX", "4xx", "default"})


def detect(app: App) -> Iterator[Hit]:
    """A document in which no operation has a 429 reply or a header that speaks of a limit."""
    facts = source_of(app)
    if app.spec is None or not _silent(app) or (facts.routes and not limits_somehow(facts)):
        return  # where there is no limit at all, there is nothing to signal: rate-limit-missing
    top = "openapi" if "openapi" in app.spec.document else "swagger"
    yield Hit("the document has no reply 429, no Retry-After and no rate header", place_of(app, top), reader="spec")


def _silent(app: App) -> bool:
    if app.spec is None:
        return False
    replies = [mapping(one.node.get("responses")) for one in operations(app.spec)]
    headers = (name for said in replies for reply in said.values() for name in mapping(mapping(reply).get("headers")))
    told = any(status in _COVERED for said in replies for status in said) or any(_RATE.match(name) for name in headers)
    return bool(replies) and not told


def probe(target: Target) -> Steps[Verdict]:
    """A burst of reading requests: a limit that is reached must say how long to wait, or headers must tell of it before. Where none is
    reached, nothing was to be signalled."""
    found = yield from burst(target)
    if found is None:
        return not_applicable("no route can be read")
    if found.announced:
        return passed(f"{found.ref} tells its callers of the limit")
    if not found.reached:
        return unsure(f"{BURST} requests in a row did not reach a limit")
    text = "the limit is reached, and nothing says how long to wait"
    evidence = [Evidence("exchange", "the first request", found.first), Evidence("exchange", text, found.last)]
    return failed(f"{found.ref}: {text}", [found.ref], evidence)


RULE = Rule(
    slug="rate-limit-not-signalled",
    family="rate",
    title="Limits are not signalled to callers",
    harm=__doc__ or "",
    severity="low",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V2.4.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper answers 429 with `Retry-After`, and `RateLimit` tells what is left before.",
    certainty="likely",
    detect=detect,
    probe=probe,
    echo_of=("rate-limit-missing",),
    depth="standard",
    disturbs=True,
)
