"""Clients and monitors take a refusal for a success, or do not learn how to log in."""

import re
from typing import Final, cast

from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import NONSENSE, Baseline, alike, attempt, bearers, candidates, establish
from stopper.core.rule import Rule

TRIED: Final = {"quick": 3, "standard": 6, "deep": 20}
_REFUSAL: Final = frozenset({"error", "errors", "err", "msg", "message", "detail"})
_SAYS: Final = re.compile(r"(?i)unauthori[sz]ed|log(ged)? ?-?in|token|credential|authenticat|forbidden|denied")


def probe(target: Target) -> Steps[Verdict]:
    """Asks closed routes without a credential and with nonsense, and reads how the refusal is put."""
    people, asked = bearers(target), 0
    if not people:
        return unsure("no identity with a bearer token is known; give one with --identity")
    for route, method in candidates(target):
        if asked == TRIED[target.depth]:
            break
        baseline = yield from attempt(establish(target, route, method, people[0]))
        if baseline is None or not baseline.accepted.response.succeeded:
            continue
        if alike(baseline.accepted.response, baseline.anonymous.response):
            continue
        asked += 1
        bad = baseline.nonsense or (
            yield from send(baseline.request.with_headers(("Authorization", f"Bearer {NONSENSE}")))
        )
        for exchange in (baseline.anonymous, bad):
            if what := _wrong(exchange.response):
                return _convicted(baseline, exchange, what)
    if not asked:
        return unsure("no route was found that only a token opens")
    return passed(f"{asked} routes refuse with 401 and `WWW-Authenticate`")


def _wrong(response: Response) -> str:
    if response.error or response.truncated:
        return ""
    if response.wire is not None and response.wire.response.status != 401:
        return ""  # GraphQL says in its errors who is refused
    if response.status == 401:
        return "" if response.header("WWW-Authenticate") else "401 without `WWW-Authenticate`"
    if response.status == 422:
        return "422, which means a wrong body"
    return "success and an error in the body" if response.status // 100 == 2 and _is_refusal(response) else ""


def _is_refusal(response: Response) -> bool:
    found = response.json()
    if not isinstance(found, dict):
        return False
    members = cast("dict[str, object]", found)
    return any(name in _REFUSAL and _SAYS.search(str(value)) for name, value in members.items())


def _convicted(baseline: Baseline, exchange: Exchange, what: str) -> Verdict:
    ref: RouteRef = baseline.ref
    evidence = (
        Evidence("exchange", "control: a good token is let in", baseline.accepted),
        Evidence("exchange", "the refusal", exchange),
    )
    return failed(f"{ref} answers a failed authentication with {what}", (ref,), evidence)


RULE = Rule(
    slug="auth-failure-status-wrong",
    family="bearer",
    title="A failed authentication is answered with the wrong status",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(393,),
    owasp="API2:2023",
    asvs=(),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` answers every bad credential with 401 and `WWW-Authenticate`.",
    probe=probe,
)
