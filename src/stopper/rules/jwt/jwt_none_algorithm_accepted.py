"""Anybody can write a token without any signature, and the server takes it."""

from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import controls, judge, shown
from stopper.core.probing.signature import any_signature, no_baseline, stepped_back, token_baseline
from stopper.core.probing.token_doors import elsewhere
from stopper.core.rule import Rule

SPELLINGS: Final = ("none", "None", "NONE", "nOnE")
"""`none` is case-sensitive (RFC 7518 §3.6); checks that forget it compare with one spelling only."""

ELSEWHERE: Final = ("none", "nOnE")
"""Spellings that are tried at further doors."""


def probe(target: Target) -> Steps[Verdict]:
    """Takes the signature off a good token and lets its header say `none`, in four spellings."""
    verdict = yield from _at_the_first(target)

    def unsigned(token: str, rights: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for spelling in ELSEWHERE:
            yield f"without a signature (alg {spelling})", target.forge.unsigned(token, spelling, **rights)

    return (yield from elsewhere(target, verdict, unsigned))


def _at_the_first(target: Target) -> Steps[Verdict]:
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    token, unclear = baseline.identity.token.reveal(), False
    for spelling in SPELLINGS:
        unsigned = yield from send(shown(baseline, target.forge.unsigned(token, spelling)))
        judged = judge(baseline, unsigned.response)
        if judged == "let-in":
            if (yield from any_signature(target, baseline)):
                return stepped_back(baseline)
            seen = Evidence("exchange", f"the same claims without a signature, alg {spelling}, are accepted", unsigned)
            message = f"{baseline.ref} accepts an unsigned token (alg {spelling}), so anybody can be anybody"
            return failed(message, (baseline.ref,), (*controls(baseline), seen))
        unclear = unclear or judged == "unclear"
    if unclear:
        return unsure(f"the answer of {baseline.ref} to an unsigned token is neither a refusal nor the honest answer")
    return passed(f"{baseline.ref} refuses a token without a signature")


RULE = Rule(
    slug="jwt-none-algorithm-accepted",
    family="jwt",
    title="The server accepts a token with `alg: none` in some spelling of upper and lower case",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` takes the algorithm from the key, and `none` belongs to no key.",
    probe=probe,
    effect_of=("jwt-none-algorithm-listed", "jwt-algorithm-from-token", "jwt-signature-not-verified"),
)
