"""Anybody can change the name inside a token, and the server believes the new name."""

from stopper.core.probing.signature import broken_signature
from stopper.core.rule import Rule

RULE = Rule(
    slug="jwt-broken-signature-accepted",
    family="jwt",
    title="The server accepts a token whose payload was changed or whose signature is broken",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(347,),
    owasp="API2:2023",
    asvs=("V9.1.1",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `@bearer` verifies the signature before the view runs.",
    probe=broken_signature,
    effect_of=("jwt-signature-not-verified", "jwt-verification-disabled-indirectly", "jwt-decode-error-swallowed"),
)
