"""Everybody on the way reads the tokens and the data, and may change them."""

from typing import Final
from urllib.parse import urlsplit

from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, look_at_tls, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.loopback import is_loopback
from stopper.core.rule import Rule, Severity
from stopper.core.tls import WEAK_CIPHERS, TlsSeen, faults

_TRIES: Final = 3


def probe(target: Target) -> Steps[Verdict]:
    """Whether routes answer over plain HTTP with more than a redirect; over https, which versions are taken and what certificate is shown."""
    if is_loopback(target.base_url):
        return not_applicable("on the loopback nobody is on the way; ask the public address")
    return (yield from (_plain(target) if target.surface == "http" else _encrypted(target)))


def _plain(target: Target) -> Steps[Verdict]:
    heard = False
    for route, method in list(candidates(target))[:_TRIES]:
        exchange = yield from attempt(send(target.request_for(route, method)))
        if exchange is None or exchange.response.error:
            continue
        heard, found = True, RouteRef(method, route.path)
        if not _turned_away(exchange.response):
            text = "answers over plain HTTP"
            return failed(f"{found} {text}", (found,), (Evidence("exchange", text, exchange),))
    return passed("plain HTTP is turned to https") if heard else unsure("no route answered")


def _turned_away(response: Response) -> bool:
    away = (
        response.status in (301, 302, 303, 307, 308) and urlsplit(response.header("Location") or "").scheme == "https"
    )
    return away or response.status in (400, 403, 421, 426)


def _encrypted(target: Target) -> Steps[Verdict]:
    seen = yield from look_at_tls()
    found = faults(seen)
    if found:
        text = f"the server {', and '.join(one.text for one in found)}"
        severity: Severity = "high" if any(one.open_now for one in found) else "medium"
        return failed(text, (_any_route(target),), (Evidence("effect", _account(seen)),), severity)
    if seen.unread:
        return unsure(f"no certificate could be read: {seen.unread}")
    if seen.untested:
        lacking = "; ".join(f"{version}: {why}" for version, why in seen.untested)
        return unsure(f"what was tested is good; not tested: {lacking}")
    return passed(
        "the certificate is good, and old versions and weak ciphers are refused", (Evidence("effect", _account(seen)),)
    )


def _account(seen: TlsSeen) -> str:
    """What was seen, in one line."""
    parts = [f"{version} is taken" for version in seen.taken]
    parts += [f"{version} is refused" for version in seen.refused]
    parts += [f"{version} was not tested ({why})" for version, why in seen.untested]
    parts += [f"it takes {family}" for family in seen.ciphers]
    if not seen.ciphers and WEAK_CIPHERS not in dict(seen.untested):
        parts.append("weak ciphers are refused")
    parts += [f"a careful client's handshake fails: {seen.weak}"] if seen.weak else []
    one = seen.certificate
    if one is not None:
        parts.append(f"the certificate is good from {one.begins:%Y-%m-%d} to {one.ends:%Y-%m-%d}")
        parts += [f"its verification says: {one.trouble}"] if one.trouble else []
    return "; ".join(parts)


def _any_route(target: Target) -> RouteRef:
    """A handshake is before any route: the first one stands for them all."""
    return next((RouteRef(method, route.path) for route, method in candidates(target)), RouteRef("GET", "/"))


RULE = Rule(
    slug="insecure-transport",
    family="transport",
    title="The API answers over plain HTTP, weak TLS or a bad certificate",
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
