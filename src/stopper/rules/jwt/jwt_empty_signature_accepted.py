"""Whoever takes the signature off a token, or signs it with nothing, is let in under any name."""

from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, passed
from stopper.core.probing.baseline import controls
from stopper.core.probing.signature import any_signature, first_let_in, no_baseline, stepped_back, token_baseline
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Shows a good token without its signature, then one under HMAC with an empty secret."""
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    token, forge = baseline.identity.token.reveal(), target.forge
    blank = [
        (f"signed with an empty secret ({alg})", forge.headed(token, b"", {"alg": alg}))
        for alg in _algorithms(target, token)
    ]
    seen = yield from first_let_in(baseline, [("with an empty signature", forge.stripped(token)), *blank])
    if seen is None:
        return passed(f"{baseline.ref} refuses an empty signature and an empty secret")
    if (yield from any_signature(target, baseline)):
        return stepped_back(baseline)
    message = f"{baseline.ref} accepts a token {seen[0]}, so anybody can be anybody"
    evidence = Evidence("exchange", f"the same claims, {seen[0]}, are accepted", seen[1])
    return failed(message, (baseline.ref,), (*controls(baseline), evidence))


def _algorithms(target: Target, token: str) -> tuple[str, ...]:
    said = target.forge.header(token).get("alg")
    return (str(said),) if said in ("HS256", "HS384", "HS512") else ("HS256",)


RULE = Rule(
    slug="jwt-empty-signature-accepted",
    family="jwt",
    title="An empty signature, or one made with a blank secret, is accepted",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.1",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` refuses an empty signature, and `Stopper(app)` refuses an empty secret.",
    probe=probe,
    effect_of=("jwt-signature-not-verified", "jwt-verification-disabled-indirectly"),
)
