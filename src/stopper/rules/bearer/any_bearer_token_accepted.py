"""Anybody who invents a token is let in."""

import re
from collections.abc import Mapping
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import alike, attempt, candidates, same
from stopper.core.probing.signature import any_signature, token_baseline
from stopper.core.rule import Rule

ENOUGH: Final = 5
"""Routes that are named in one verdict; one careless check usually guards them all."""
FULLY: Final = 8
"""Routes that are shown every invention; those after them the first one, because one guard mostly stands before all."""
INVENTIONS: Final = 3
_PASSWORD_FIELD: Final = re.compile(r"<input[^>]{1,400}?type\s*=\s*[\"']?password", re.IGNORECASE)
_DENIALS: Final = ("active", "valid", "ok", "success", "authenticated", "authorized", "logged_in", "allowed")


def probe(target: Target) -> Steps[Verdict]:
    """A route that refuses nobody's request must refuse invented credentials as well."""
    refusing = 0
    doubtful = 0
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    shaped = True
    for route, method in candidates(target):
        if len(places) >= ENOUGH:
            break
        try:
            nobody = yield from send(target.request_for(route, method))
            if not nobody.response.refused:
                continue
            refusing += 1
            most = INVENTIONS if refusing <= FULLY else 1
            found, doubt = yield from _invent(target, nobody, most)
        except Skipped:
            continue
        doubtful += doubt
        if found is not None:
            places.append(RouteRef(method, route.path))
            evidence += _shown(route, nobody, found)
            shaped = shaped and _is_jwt(target, found)
    if places and shaped and (yield from _any_signature(target)):
        return not_applicable(
            "only tokens in the right form are let in: any signature is (jwt-broken-signature-accepted)"
        )
    if places:
        return failed(f"{places[0]} lets in a credential that was just invented", places, evidence)
    if doubtful:
        return unsure("an invented credential is answered, but the answer may be a refusal in other words")
    if not refusing:
        return not_applicable("no route that can be read asks for a credential")
    return passed(f"{refusing} routes refuse invented credentials")


def _invent(target: Target, nobody: Exchange, most: int) -> Steps[tuple[Exchange | None, bool]]:
    """The first invented credential that is let in, and whether some answer could not be told."""
    doubt = False
    honest: list[Exchange] = []
    for credential in _inventions(target)[:most]:
        request = nobody.request.with_headers(("Authorization", credential))
        answer = yield from send(request)
        if not answer.response.succeeded or same(answer.response, nobody.response):
            continue
        if target.identities and not honest:
            honest.append((yield from send(target.identities[0].on(nobody.request))))
        if denies(answer.response) or (honest and not _agrees(honest[0], answer)):
            doubt = True
            continue
        again = yield from send(nobody.request)
        if again.response.refused:
            return answer, doubt
    return None, doubt


def _is_jwt(target: Target, found: Exchange) -> bool:
    return bool(target.forge.claims((found.request.header("Authorization") or "").removeprefix("Bearer ")))


def _any_signature(target: Target) -> Steps[bool]:
    """Whether a token of the server itself is let in too when a stranger has signed it: one cause, and another rule tells it."""
    baseline = yield from attempt(token_baseline(target))
    return baseline is not None and bool((yield from attempt(any_signature(target, baseline))))


def _inventions(target: Target) -> tuple[str, ...]:
    return (
        f"Bearer {target.forge.garbage()}",
        f"Bearer {target.canary}{'0' * 24}",
        f"Stopper {target.canary}",
    )


def _agrees(honest: Exchange, answer: Exchange) -> bool:
    """That somebody with a good credential gets no other answer, where a good one is at hand."""
    return not honest.response.succeeded or alike(honest.response, answer.response)


def denies(response: Response) -> bool:
    """That an answer says no although its status says yes: in the words of a JSON body, or with a form to log in."""
    body = response.json()
    if not isinstance(body, Mapping):
        return _PASSWORD_FIELD.search(response.text) is not None
    said = cast("Mapping[str, object]", body)
    return any(said.get(name) is False for name in _DENIALS) or bool(said.get("error") or said.get("errors"))


def _shown(route: Route, nobody: Exchange, found: Exchange) -> tuple[Evidence, Evidence]:
    return (
        Evidence("exchange", f"control: without a credential {route.path} refuses", nobody),
        Evidence("exchange", "an invented credential is let in", found),
    )


RULE = Rule(
    slug="any-bearer-token-accepted",
    family="bearer",
    title="Any bearer token accepted",
    harm="Anybody who invents a token is let in.",
    severity="critical",
    check="authentication",
    cwe=(287,),
    owasp="API2:2023",
    asvs=("V8.3.1",),
    surfaces=("http", "wsgi"),
    ends="Stopper's `@bearer` takes a token only when its signature, issuer, audience and expiry hold.",
    effect_of=("jwt-signature-not-verified", "jwt-verification-disabled-indirectly"),
    probe=probe,
)
