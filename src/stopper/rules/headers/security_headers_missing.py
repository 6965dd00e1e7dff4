"""Browsers guess what an answer is, tell its address to other sites, or take plain HTTP for HTTPS."""

import re
from typing import Final

from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.answers import honest_answers
from stopper.core.rule import Rule

NOSNIFF: Final = "X-Content-Type-Options"
REFERRER: Final = "Referrer-Policy"
HSTS: Final = "Strict-Transport-Security"

_PAGES: Final = ("text/html", "application/xhtml+xml")
_POLICIES: Final = frozenset(
    {
        "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin",
        "strict-origin-when-cross-origin", "unsafe-url",
    }
)  # fmt: skip
"""The policies of the W3C's Referrer Policy, §3."""
_META: Final = re.compile(rb"<meta\s[^>]{0,400}?name\s*=\s*[\"']?referrer\b", re.IGNORECASE)
_AGE: Final = re.compile(r"max-age\s*=\s*\"?(\d+)", re.IGNORECASE)


def probe(target: Target) -> Steps[Verdict]:
    """Look at one answer of each route; what a route lacks depends on what it answers."""
    judged = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    lacking: set[str] = set()
    for ref, exchange in (yield from honest_answers(target)):
        if not exchange.response.body or exchange.response.sends_on:
            continue
        judged += 1
        missing = missing_headers(exchange.response, secure=target.surface == "https")
        if not missing:
            continue
        places.append(ref)
        if not set(missing) <= lacking:
            evidence.append(Evidence("exchange", f"{ref.path} answers without {', '.join(missing)}", exchange))
        lacking.update(missing)
    if places:
        return failed(f"{len(places)} of {judged} answers lack {', '.join(sorted(lacking))}", places, evidence)
    if not judged:
        return not_applicable("no route that can be read answers with a body")
    return passed(f"{judged} answers carry the headers that their content needs")


def missing_headers(response: Response, *, secure: bool) -> tuple[str, ...]:
    """The headers that this answer needs and does not have."""
    missing: list[str] = []
    if (response.header(NOSNIFF) or "").strip().lower() != "nosniff":
        missing.append(NOSNIFF)
    if response.content_type in _PAGES and not _tells_referrer(response):
        missing.append(REFERRER)
    if secure and not _remembers_https(response):
        missing.append(HSTS)
    return tuple(missing)


def _tells_referrer(response: Response) -> bool:
    said = {word.strip().lower() for header in response.all_headers(REFERRER) for word in header.split(",")}
    return bool(said & _POLICIES) or bool(_META.search(response.body))


def _remembers_https(response: Response) -> bool:
    age = _AGE.search(response.header(HSTS) or "")
    return age is not None and int(age.group(1)) > 0


RULE = Rule(
    slug="security-headers-missing",
    family="headers",
    title="Security headers missing",
    harm="Browsers guess what an answer is, tell its address to other sites, or take plain HTTP for HTTPS.",
    severity="low",
    check="transport",
    cwe=(693,),
    owasp="API8:2023",
    asvs=("V3.4.1",),
    surfaces=("wsgi", "http", "https"),
    ends="`Stopper(app)` sets these headers on every answer, refusals included.",
    probe=probe,
)
