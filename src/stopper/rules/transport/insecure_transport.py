"""Everybody on the way reads the tokens and the data, and may change them."""

from typing import Final
from urllib.parse import urlsplit

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import attempt, candidates
from stopper.core.probe_loopback import is_loopback
from stopper.core.rule import Rule

_BAD: Final = (
    "certificate",
    "self-signed",
    "self signed",
    "hostname mismatch",
    "unsupported protocol",
    "handshake failure",
)
_TRIES: Final = 3


def probe(target: Target) -> Steps[Verdict]:
    """Whether routes answer over plain HTTP with more than a redirect to https; over https, whether the handshake holds."""
    if is_loopback(target.base_url):
        return not_applicable("on the loopback nobody is on the way; ask the public address")
    tried = last = None
    for route, method in list(candidates(target))[:_TRIES]:
        exchange = yield from attempt(send(target.request_for(route, method)))
        if exchange is None:
            continue
        tried, last = RouteRef(method, route.path), exchange
        if found := _wrong(target, exchange):
            return failed(f"{tried} {found}", (tried,), (Evidence("exchange", found, exchange),))
    if tried is None or last is None or last.response.error:
        return unsure("no route answered")
    return passed("plain HTTP is turned to https" if target.surface == "http" else "the API answers over https")


def _wrong(target: Target, exchange: Exchange) -> str:
    response = exchange.response
    if response.error:
        return f"has a bad handshake: {response.error}" if any(word in response.error.lower() for word in _BAD) else ""
    if target.surface != "http":
        return ""
    away = (
        response.status in (301, 302, 303, 307, 308) and urlsplit(response.header("Location") or "").scheme == "https"
    )
    refused = response.status in (400, 403, 421, 426)
    return "" if away or refused else "answers over plain HTTP"


RULE = Rule(
    slug="insecure-transport",
    family="transport",
    title="The API answers over plain HTTP",
    harm=__doc__ or "",
    severity="high",
    check="transport",
    cwe=(319,),
    owasp="API8:2023",
    asvs=("V12.2.1",),
    surfaces=(
        "http",
        "https",
    ),
    ends="`Stopper(app)` in mode `prod` tells browsers to stay on HTTPS; `STOPPER_ISSUER` must be https.",
    probe=probe,
)
