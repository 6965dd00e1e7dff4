"""Who of the scan's people is an ordinary user, as far as the credential and the names say."""

import re
from typing import Final

from stopper.core.probe import Identity, Target

_ROLES: Final = re.compile(r"(?i)role|scope|perm|group|admin")
_HIGH: Final = re.compile(r"(?i)admin|root|super|staff|manager|operator")


def is_low(target: Target, one: Identity) -> bool:
    """Neither the name nor the claims of the credential say that somebody has a higher role."""
    claims = target.forge.claims(one.token.reveal()) if one.token is not None else {}
    said = [str(value) for name, value in claims.items() if _ROLES.search(name)]
    high = any(_HIGH.search(text) or text == "True" for text in said)
    return not high and not _HIGH.search(one.name) and not _HIGH.search(one.subject or "")


def may_be_the_only_one(target: Target, one: Identity) -> bool:
    """Whether nothing says that somebody is ordinary: nobody else is known, no claim tells a role, and the scan did not register them itself."""
    others = [other for other in target.identities if not other.minted and other.name != one.name]
    registered = bool(target.canary) and target.canary in (one.subject or "")
    return not others and not registered and not one.minted and not _tells_roles(target, one)


def _tells_roles(target: Target, one: Identity) -> bool:
    claims = target.forge.claims(one.token.reveal()) if one.token is not None else {}
    return any(_ROLES.search(name) for name in claims)
