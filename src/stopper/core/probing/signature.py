"""The proof that a server does not look at a token's signature, and the baseline of a token that the scan can sign anew."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.login import entered, token_in
from stopper.core.probing.baseline import (
    Baseline,
    attempt,
    bearers,
    controls,
    judge,
    protected,
    shown,
)
from stopper.core.probing.plain_cookies import plain_token
from stopper.core.probing.secret import known_secret
from stopper.core.probing.token_doors import elsewhere
from stopper.core.secret import Secret


def token_baseline(target: Target) -> Steps[Baseline | None]:
    """A protected route together with an identity whose credential is a signed token."""
    baseline = yield from protected(target, ("protected", "presence-only"))
    if baseline is None or baseline.identity.token is None:
        return None
    return baseline if target.forge.claims(baseline.identity.token.reveal()) else None


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed token that a log-in handed out, with the route and the exchange."""

    token: str
    ref: RouteRef
    exchange: Exchange


def handed_out(target: Target) -> Steps[Issued | None]:
    """The first signed token that a log-in of the scan gave, for what can be told of a token where no route is known that it opens."""
    for person in bearers(target):
        came = None if person.minted else (yield from attempt(entered(target, person)))
        token = token_in(came[1].response) if came is not None else None
        if came is not None and token is not None and target.forge.claims(token):
            return Issued(token, RouteRef("POST", came[0].path), came[1])
    return None


def no_baseline(target: Target) -> Verdict:
    """What to say where there is no such route: nothing to ask, or nothing that could be asked."""
    shown = [one.token.reveal() for one in target.identities if one.token is not None]
    if target.identities and not any(target.forge.claims(token) for token in shown):
        return not_applicable("the credentials of this scan are no signed tokens")
    return unsure("no route was found that a signed token opens and that refuses a caller without one")


def broken_signature(target: Target) -> Steps[Verdict]:
    """Shows a good token's own text under the signature of an unknown key; one thing is varied, the signature."""
    verdict = yield from _broken_signature(target)

    def strangers(token: str, rights: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        yield "that was signed by a stranger", target.forge.foreign(token, **rights)

    return (yield from elsewhere(target, verdict, strangers, by_stranger=True))


def _broken_signature(target: Target) -> Steps[Verdict]:
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        if (plain := (yield from attempt(plain_token(target)))) is not None:
            return failed(f"{plain[0]} believes whoever a token names that nobody signed", (plain[0],), plain[1])
        return no_baseline(target)
    forged = yield from send(shown(baseline, target.forge.foreign(baseline.identity.token.reveal())))
    match judge(baseline, forged.response):
        case "let-in":
            seen = Evidence("exchange", "the same claims, signed by a key that nobody trusts, are accepted", forged)
            message = f"{baseline.ref} accepts a token that was signed by a stranger, so anybody can be anybody"
            return failed(message, (baseline.ref,), (*controls(baseline), seen))
        case "kept-out":
            return passed(f"{baseline.ref} refuses a token with a broken signature")
        case _:
            return unsure(
                f"the answer of {baseline.ref} to a broken signature is neither a refusal nor the honest answer"
            )


def any_signature(target: Target, baseline: Baseline) -> Steps[bool]:
    """Whether a stranger's signature is let in here; asked once a scan. Then every other forgery says nothing new.

    One root cause is one finding: rules that forge tokens step back for jwt-broken-signature-accepted where this is so.
    """
    known = cast("dict[str, bool]", target.notes.setdefault("any-signature", {}))
    if str(baseline.ref) not in known and baseline.identity.token is not None:
        forged = yield from send(shown(baseline, target.forge.foreign(baseline.identity.token.reveal())))
        known[str(baseline.ref)] = judge(baseline, forged.response) == "let-in"
    return known.get(str(baseline.ref), False)


def stepped_back(baseline: Baseline) -> Verdict:
    """What a weaker rule says where any signature is let in."""
    return not_applicable(
        f"{baseline.ref} takes any signature (jwt-broken-signature-accepted), so this says nothing new"
    )


def telling_baseline(target: Target) -> Steps[tuple[Baseline, str] | Verdict]:
    """A baseline beside which a forged token says something, with its good token; else the verdict: there is none, or any is taken."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    if (yield from any_signature(target, baseline)):
        return stepped_back(baseline)
    return baseline, baseline.identity.token.reveal()


def first_let_in(baseline: Baseline, forged: Iterable[tuple[str, str]]) -> Steps[tuple[str, Exchange] | None]:
    """Shows tokens, each with what was done to it, until one is let in."""
    for what, token in forged:
        exchange = yield from send(shown(baseline, token))
        if judge(baseline, exchange.response) == "let-in":
            return what, exchange
    return None


@dataclass(frozen=True, slots=True)
class Signable:
    """A protected route, a token that opens it, and the HMAC secret that signs such tokens; *control* shows that it does."""

    baseline: Baseline
    token: str
    secret: Secret
    control: Exchange

    def evidence(self) -> tuple[Evidence, ...]:
        """The controls, and that an honest token of the scan's own making is accepted."""
        honest = Evidence(
            "exchange", "control: the same claims, signed anew with an expiry ahead, are accepted", self.control
        )
        return (*controls(self.baseline), honest)

    def with_claims(self, target: Target, **claims: object) -> Steps[Exchange]:
        """Shows the token with these claims changed (None takes one out), signed well and with an expiry ahead."""
        changed = {"exp": int(time.time()) + 3600, **claims}
        return (yield from send(shown(self.baseline, target.forge.signed(self.token, self.secret, **changed))))


def signable(target: Target) -> Steps[Signable | Verdict]:
    """The baseline of the rules that change one claim, or the verdict where there is none."""
    telling = yield from telling_baseline(target)
    if isinstance(telling, Verdict):
        return telling
    baseline, token = telling
    secret = yield from known_secret(target, token)
    if secret is None:
        return unsure("the signing key is not known, so the scan cannot change a claim")
    forged = target.forge.signed(token, secret, exp=int(time.time()) + 3600)
    control = yield from send(shown(baseline, forged))
    if judge(baseline, control.response) != "let-in":
        return unsure(f"{baseline.ref} does not accept a token that the scan signed itself")
    return Signable(baseline, token, secret, control)
