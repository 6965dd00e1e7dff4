"""The doctor's checks of tokens: whose are taken, under which keys, and to whom they are bound."""

import re
from collections.abc import Iterable

from stopper.extension import settings as setting
from stopper.extension.doctor.words import Deployment, Outcome, met, not_here, unmet, yours
from stopper.outbound.introspection import INTROSPECTION_LIFETIME


def issuers_name_an_audience(deployment: Deployment) -> Outcome:
    """Each issuer's tokens must be meant for this API."""
    common = deployment.guard.settings.get(setting.AUDIENCE)
    if not deployment.guard.issuers:
        return not_here("no issuer of signed tokens is trusted")
    open_ones = [
        issuer.url
        for issuer in deployment.guard.issuers
        if "aud" not in issuer.require and not (issuer.audience or common)
    ]
    if open_ones:
        return unmet(
            f"{open_ones[0]} may leave aud out, so its tokens for other APIs pass",
            'let it send aud and take it out of require=[…], or name an audience: Issuer(…, audience="https://api.example.com")',
        )
    return met(f"audience judged for {_named(issuer.url for issuer in deployment.guard.issuers)}")


def keys_strong(deployment: Deployment) -> Outcome:
    """Every key was judged when it was loaded: its size, its curve, its entropy."""
    if not deployment.guard.issuers:
        return not_here("no issuer of signed tokens is trusted")
    weak = [issuer.url for issuer in deployment.guard.issuers if issuer.allow_rsa_2048]
    if weak:
        return unmet(
            f"allow_rsa_2048 is on for {weak[0]}",
            "let the issuer sign with RSA from 3072 bits, ES256 or EdDSA, and take allow_rsa_2048 out",
        )
    return met(f"the keys of {_named(issuer.url for issuer in deployment.guard.issuers)} are judged as they are loaded")


def types_explicit(deployment: Deployment) -> Outcome:
    """Access tokens say that they are some."""
    loose = [issuer.url for issuer in deployment.guard.issuers if issuer.profile == "jwt"]
    if loose:
        return yours(
            f"{loose[0]} sends plain JWT: ID and refresh tokens are told by their claims",
            'let it send at+jwt (RFC 9068) and take profile="jwt" out',
        )
    return met("every issuer sends typ: at+jwt")


def tokens_bound_as_level_asks(deployment: Deployment) -> Outcome:
    """RFC 9700 §2.2.1 says that tokens should be bound; level 3 says that they must."""
    found = tokens_bound(deployment)
    if found.verdict == "not met" and deployment.level < 3:
        return yours(found.evidence, found.mend)
    return found


def password_grant_absent(deployment: Deployment) -> Outcome:
    """No OAuth client trades somebody's password for a token."""
    own = [path for path, _ in deployment.doors if re.search(r"/oauth2?/token", path)]
    if own:
        return yours(f"this application has a token endpoint, {own[0]}", "take no grant_type=password there")
    return met("no route is an OAuth token endpoint; /auth/login serves people and no clients")


def tokens_bound(deployment: Deployment) -> Outcome:
    """A stolen token opens nothing without its holder's key."""
    if "bearer" not in deployment.kinds:
        return not_here("no route takes bearer tokens")
    if deployment.guard.binding.required:
        return met("every bearer token must be bound: DPoP or a client certificate")
    return unmet(
        "tokens that are bound to no key pass", "set STOPPER_REQUIRE_BOUND_TOKENS, which STOPPER_ASVS_LEVEL=3 does too"
    )


def opaque_tokens_end_at_once(deployment: Deployment) -> Outcome:
    """What an issuer has revoked is refused at the next request."""
    if deployment.guard.parts.opaque is None:
        return not_here("no issuer of opaque tokens is trusted")
    settings = deployment.guard.settings
    kept = settings.get(INTROSPECTION_LIFETIME)
    if deployment.level == 3 and not settings.is_set(INTROSPECTION_LIFETIME):
        return met("an issuer is asked about an opaque token each time, as level 3 sets it")
    if deployment.level == 3 and kept:
        return unmet(f"an issuer's word is believed for {kept} seconds", "take STOPPER_INTROSPECTION_LIFETIME out")
    return met(f"an issuer's word is believed for {kept} seconds at most")


def certificates_by_authority(deployment: Deployment) -> Outcome:
    """Client certificates count where an authority that is named has signed them."""
    found = deployment.guard.binding.certificates
    if found is None:
        return not_here("STOPPER_CLIENT_CERTIFICATE_HEADER is not set: no certificate is read")
    if not found.stands_alone:
        return met("certificates bind tokens and are no credential of their own")
    return met("STOPPER_CLIENT_CERTIFICATE_AUTHORITIES names who signs them")


def _named(urls: Iterable[str]) -> str:
    found = sorted(set(urls))
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
