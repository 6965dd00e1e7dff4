"""A token that was stolen long ago still opens the door."""

import time
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import Baseline, controls, judge, shown
from stopper.core.probing.secret import known_secret
from stopper.core.probing.signature import no_baseline, token_baseline
from stopper.core.rule import Rule

LONG_AGO: Final = 7 * 24 * 3600
"""Seconds. A week is past every leeway that a server may allow for clocks."""


def probe(target: Target) -> Steps[Verdict]:
    """Signs the same claims anew with an expiry ahead and with one a week ago; only the expiry differs."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    token = baseline.identity.token.reveal()
    stranger = yield from send(shown(baseline, target.forge.foreign(token)))
    if judge(baseline, stranger.response) == "let-in":
        return not_applicable(
            "any signature is accepted here (jwt-broken-signature-accepted), so an expiry binds nobody"
        )
    secret = yield from known_secret(target, token)
    if secret is None:
        return (yield from _given(target, baseline))
    now = int(time.time())
    ahead = yield from send(shown(baseline, target.forge.signed(token, secret, exp=now + 3600)))
    if judge(baseline, ahead.response) != "let-in":
        return unsure(f"{baseline.ref} does not accept a token that the scan signed itself")
    past = yield from send(shown(baseline, target.forge.signed(token, secret, exp=now - LONG_AGO)))
    honest = Evidence("exchange", "control: the same claims, signed anew with an expiry ahead, are accepted", ahead)
    return _verdict(baseline, past, (honest,))


def _given(target: Target, baseline: Baseline) -> Steps[Verdict]:
    """Without the key only a given token that has run out by itself can tell."""
    now = time.time()
    for identity in target.identities:
        expiry = target.forge.claims(identity.token.reveal()).get("exp") if identity.token else None
        if isinstance(expiry, (int, float)) and expiry < now - 3600:
            past = yield from send(identity.on(baseline.request))
            return _verdict(baseline, past, ())
    return unsure("the signing key is not known and no given token has expired, so there is no expired token to show")


def _verdict(baseline: Baseline, past: Exchange, more: tuple[Evidence, ...]) -> Verdict:
    match judge(baseline, past.response):
        case "let-in":
            seen = Evidence("exchange", "a token that expired long ago is accepted", past)
            message = f"{baseline.ref} accepts a token that expired long ago"
            return failed(message, (baseline.ref,), (*controls(baseline), *more, seen))
        case "kept-out":
            return passed(f"{baseline.ref} refuses an expired token")
        case _:
            return unsure(
                f"the answer of {baseline.ref} to an expired token is neither a refusal nor the honest answer"
            )


RULE = Rule(
    slug="jwt-expired-token-accepted",
    family="jwt",
    title="The server accepts an expired token",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V9.2.1",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` checks `exp` on every token and refuses a token without it.",
    probe=probe,
    effect_of=("jwt-claim-checks-disabled", "jwt-signature-not-verified"),
)
