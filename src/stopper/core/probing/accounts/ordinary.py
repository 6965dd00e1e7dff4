"""Who of the scan's people is an ordinary user, as far as the credential and the names say."""

import re
from typing import Final

from stopper.core.finding import Evidence
from stopper.core.probe import Identity, Target
from stopper.core.probing.things.objects import entries
from stopper.core.tokens.flask_cookie import payload

_ROLES: Final = re.compile(r"(?i)role|scope|perm|group|admin")
_HIGH: Final = re.compile(r"(?i)admin|root|super|staff|manager|operator")


def is_low(target: Target, one: Identity) -> bool:
    """Neither the name nor the claims of the credential say that somebody has a higher role."""
    claims = _told(target, one)
    said = [str(value) for name, value in claims.items() if _ROLES.search(name)]
    high = any(_HIGH.search(text) or text == "True" for text in said)
    return not high and not _HIGH.search(one.name) and not _HIGH.search(one.subject or "")


def least(target: Target) -> Identity | None:
    """Somebody without a higher role: of those whom the scan has registered the last, because the first one of an application is often made its
    administrator."""
    several = [one for one in target.identities if one.headers and is_low(target, one)]
    own = [one for one in several if target.canary and target.canary in (one.subject or "")]
    return next(iter(own[::-1]), None) or next(iter(several), None)


def is_shown_high(one: Identity, answer: Evidence) -> bool:
    """That an answer shows somebody with a higher role: ``{"email": "ann@…", "role": "admin"}`` in a list of accounts."""
    seen = answer.exchange.response.json() if answer.exchange is not None else None
    return bool(one.subject) and any(
        one.subject in entry.values()
        and any(_ROLES.search(name) and _HIGH.search(str(said)) for name, said in entry.items())
        for entry in entries(seen)
    )


def may_be_the_only_one(target: Target, one: Identity) -> bool:
    """Whether nothing says that somebody is ordinary: nobody else is known, no claim tells a role, and the scan did not register them itself."""
    others = [other for other in target.identities if not other.minted and other.name != one.name]
    registered = bool(target.canary) and target.canary in (one.subject or "")
    return not others and not registered and not one.minted and not _tells_roles(target, one)


def _tells_roles(target: Target, one: Identity) -> bool:
    return any(_ROLES.search(name) for name in _told(target, one))


def _told(target: Target, one: Identity) -> dict[str, object]:
    """What the credential itself says: the claims of a token, and what a session of Flask holds, which anybody may read. ``_permanent`` and
    ``_fresh`` are Flask's own, and say nothing of anybody's rights."""
    claims = dict(target.forge.claims(one.token.reveal())) if one.token is not None else {}
    for part in one.cookies.split("; "):
        claims |= payload(part.partition("=")[2])
    return {name: said for name, said in claims.items() if not name.startswith("_")}
