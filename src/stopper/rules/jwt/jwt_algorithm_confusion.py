"""Everybody may have the public key, and with it everybody can sign."""

from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import controls
from stopper.core.probing.public_keys import public_texts
from stopper.core.probing.signature import any_signature, first_let_in, no_baseline, stepped_back, token_baseline
from stopper.core.probing.token_doors import elsewhere
from stopper.core.rule import Rule
from stopper.core.tokens.jwt_names import HMAC

MOST: Final = 16
"""Spellings of public keys that are tried as a secret."""


def probe(target: Target) -> Steps[Verdict]:
    """Signs a good token's claims by HMAC, with the server's own public key as the secret, in each of its spellings."""
    verdict = yield from _at_the_first(target)
    texts = (yield from public_texts(target)) if verdict.outcome != "fail" else ()
    forms = list(dict.fromkeys(form for text in texts for form in target.forge.public_forms(text)))[:MOST]

    def by_public_key(token: str, rights: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for form in forms if target.forge.header(token).get("alg") not in HMAC else ():
            yield (
                "that was signed by HMAC with the public key",
                target.forge.headed(token, form, {"alg": "HS256"}, **rights),
            )

    return (yield from elsewhere(target, verdict, by_public_key)) if forms else verdict


def _at_the_first(target: Target) -> Steps[Verdict]:
    baseline = yield from token_baseline(target)
    if baseline is None or baseline.identity.token is None:
        return no_baseline(target)
    token = baseline.identity.token.reveal()
    if target.forge.header(token).get("alg") in HMAC:
        return not_applicable("the tokens are signed by HMAC, so there is no public key to take for a secret")
    if (yield from any_signature(target, baseline)):
        return stepped_back(baseline)
    texts = yield from public_texts(target)
    forms = list(dict.fromkeys(form for text in texts for form in target.forge.public_forms(text)))[:MOST]
    if not forms:
        return unsure("no public key of the server is in reach, so it could not be tried as a secret")
    forged = [
        ("signed by HMAC with the public key", target.forge.headed(token, form, {"alg": "HS256"})) for form in forms
    ]
    seen = yield from first_let_in(baseline, forged)
    if seen is None:
        return passed(f"{baseline.ref} does not take its public key for a secret")
    message = f"{baseline.ref} accepts a token that was signed by HMAC with the public key, so anybody can be anybody"
    evidence = Evidence("exchange", f"the same claims, {seen[0]}, are accepted", seen[1])
    return failed(message, (baseline.ref,), (*controls(baseline), evidence))


RULE = Rule(
    slug="jwt-algorithm-confusion",
    family="jwt",
    title="The server accepts its public key as an HMAC secret",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.2",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` takes the algorithm from the key, so a public key never verifies an HMAC.",
    probe=probe,
    effect_of=(
        "jwt-algorithms-too-broad",
        "jwt-algorithm-from-token",
        "jwt-algorithms-missing",
        "public-key-as-secret",
    ),
)
