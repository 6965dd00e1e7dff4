"""Who acts, after verification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Optional, cast

CredentialKind = Literal["bearer", "api_key", "browser_session", "client_certificate"]

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts, after verification. Frozen through and through: a view cannot edit another request's principal.

    ``claims``: what the credential states, read-only, nested values too.
    ``auth_time``: seconds since the epoch at which the person last proved who they are (OpenID Connect Core §2), or None.
    ``amr``: how they proved it (RFC 8176). ``credential_id``: the token's ``jti``, the key's id or the session's id.
    ``also``: a second principal, where a policy asks for two credentials.
    """

    subject: str
    kind: CredentialKind
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    claims: Mapping[str, object] = field(default_factory=lambda: _NOTHING, hash=False)
    auth_time: int | None = None
    amr: tuple[str, ...] = ()
    credential_id: str | None = None
    tenant: str | None = None
    also: Optional["Principal"] = None


def frozen(value: object) -> object:
    """A deeply read-only form of what ``json.loads`` gives."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        # Nearly every claim is a plain value: a copy of all, then the few others.
        found = members.copy()
        for key, item in members.items():
            if type(item) not in _PLAIN:
                found[key] = frozen(item)
        return MappingProxyType(found)
    if isinstance(value, list):
        return tuple(frozen(item) for item in cast("list[object]", value))
    return value
