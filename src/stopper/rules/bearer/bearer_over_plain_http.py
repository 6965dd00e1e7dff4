"""Everybody on the way reads the token, and can use it."""

from typing import Final
from urllib.parse import urlsplit

from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import attempt, bearers, candidates
from stopper.core.probing.loopback import is_loopback
from stopper.core.rule import Rule

TRIED: Final = 3


def probe(target: Target) -> Steps[Verdict]:
    """Whether a token sent in the open is accepted, or is answered with a redirect that comes too late."""
    if is_loopback(target.base_url):
        return not_applicable("on the loopback nobody is on the way; ask the public address")
    if target.surface != "http":
        return not_applicable("the address is https")
    people = bearers(target)
    if not people:
        return unsure("no identity with a bearer token is known; give one with --identity")
    asked: RouteRef | None = None
    for route, method in list(candidates(target))[:TRIED]:
        request = target.request_for(route, method)
        bare = yield from attempt(send(request))
        if bare is None or bare.response.error:
            continue
        asked = RouteRef(method, route.path)
        shown = yield from attempt(send(people[0].on(request)))
        if shown is None or shown.response.error:
            continue
        control = Evidence("exchange", "control: without a credential", bare)
        if bare.response.refused and shown.response.succeeded:
            seen = Evidence("exchange", "the token is accepted over plain HTTP", shown)
            return failed(f"{asked} accepts a bearer token over plain HTTP", (asked,), (control, seen))
        if _to_https(shown.response):
            seen = Evidence("exchange", "the redirect to https comes after the token was sent", shown)
            return failed(f"{asked} redirects to https after the token was sent in the open", (asked,), (seen,))
    if asked is None:
        return passed("nothing answers over plain HTTP")
    return passed("plain HTTP is refused before a token is looked at")


def _to_https(response: Response) -> bool:
    where = urlsplit(response.header("Location") or "")
    return response.status in (301, 302, 303, 307, 308) and where.scheme == "https"


RULE = Rule(
    slug="bearer-over-plain-http",
    family="bearer",
    title="Bearer token accepted over plain HTTP",
    harm=__doc__ or "",
    severity="high",
    check="transport",
    cwe=(319,),
    owasp="API8:2023",
    asvs=("V4.1.2",),
    surfaces=("http",),
    ends="`Stopper(app)` in mode `prod` tells browsers to stay on HTTPS; `STOPPER_ISSUER` must be https.",
    probe=probe,
)
