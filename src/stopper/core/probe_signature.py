"""The proof that a server does not look at a token's signature, for the rules that ask for it."""

from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probe_baseline import Baseline, controls, judge, protected, shown


def token_baseline(target: Target) -> Steps[Baseline | None]:
    """A protected route together with an identity whose credential is a signed token."""
    baseline = yield from protected(target, ("protected", "presence-only"))
    if baseline is None or baseline.identity.token is None:
        return None
    return baseline if target.forge.claims(baseline.identity.token.reveal()) else None


def no_baseline(target: Target) -> Verdict:
    """What to say where there is no such route: nothing to ask, or nothing that could be asked."""
    shown = [one.token.reveal() for one in target.identities if one.token is not None]
    if target.identities and not any(target.forge.claims(token) for token in shown):
        return not_applicable("the credentials of this scan are no signed tokens")
    return unsure("no route was found that a signed token opens and that refuses a caller without one")


def broken_signature(target: Target) -> Steps[Verdict]:
    """Shows a good token's own text under the signature of an unknown key; one thing is varied, the signature."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
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
