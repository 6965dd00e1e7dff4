"""Whoever reads the answer can act at the provider as the service."""

from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.key_shapes import KeyShape, holds_private_key, key_in
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.baseline import is_door
from stopper.core.probing.provoke import Provoked, asked_honestly
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Look for keys of known providers, signed tokens and private keys in answers to honest requests."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = yield from asked_honestly(target)
    for one in asked:
        found = _key(target, one)
        if found is not None:
            places.append(one.ref)
            evidence.append(Evidence("exchange", f"{one.ref.path} answers with {found.kind}", one.honest))
    if places:
        return failed(f"{places[0]} answers with a key", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with a key")


def _key(target: Target, one: Provoked) -> KeyShape | None:
    route = target.app.route(one.ref.path)
    text = one.honest.response.text
    if one.ref.method != "GET" or route is None or is_door(route) or not one.honest.response.succeeded:
        return None  # a door gives a token to whoever logs in: that is its work
    for identity in target.identities:
        for secret in (identity.token, identity.refresh_token, *(value for _, value in identity.headers)):
            if secret is not None:
                text = text.replace(secret.reveal(), "")
    return KeyShape("a private key", "") if holds_private_key(text) else key_in(text)


RULE = Rule(
    slug="credential-pattern-in-response",
    family="leak",
    title="A key in a response",
    harm="Whoever reads the answer can act at the provider as the service.",
    severity="critical",
    check="data-exposure",
    cwe=(200,),
    owasp="API8:2023",
    asvs=("V14.2.6",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `Secret` is answered as `***`, so a key that is one does not go out.",
    probe=probe,
)
