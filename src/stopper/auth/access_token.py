"""Access tokens: RFC 9068 ``at+jwt``, signed by the issuer's key of the day."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stopper.auth import base64url
from stopper.auth.clock import Clock
from stopper.auth.signing_key import SigningKey
from stopper.core.secret import Secret
from stopper.core.settings import number

lifetime: Final = number("ACCESS_TOKEN_LIFETIME", 900, "Seconds that an access token lives.", least=60, most=86_400)

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Issues access tokens for one issuer and audience. ``life`` is in seconds."""

    issuer: str
    audience: str
    signing_key: Callable[[], SigningKey]
    clock: Clock
    life: int = 900

    def issue(
        self,
        subject: str,
        *,
        client_id: str,
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
        auth_time: int | None,
        amr: Sequence[str] = ("pwd",),
        sid: str,
        not_before: int = 0,
        key: str | None = None,
        tenant: str | None = None,
        more: Mapping[str, object] = _NOTHING,
    ) -> Secret:
        """One token with ``iss aud sub iat exp jti client_id scope roles auth_time amr sid``.

        *sid* names the refresh family, so that ending it ends the token. *not_before*: ``iat`` is never earlier, for
        tokens that follow a "void everything before" within the same second. *key*: the thumbprint of the DPoP key that the
        token is bound to (``cnf``, RFC 9449 §6.1). *more*: claims besides these. *auth_time*: None where nobody logged in.
        """
        issued = max(int(self.clock()), not_before)
        claims: dict[str, object] = {
            **more,
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": issued,
            "exp": issued + self.life,
            "jti": secrets.token_urlsafe(16),
            "client_id": client_id,
            "scope": " ".join(scopes),
            "roles": list(roles),
            "amr": list(amr),
            "sid": sid,
        }
        if auth_time is not None:
            claims["auth_time"] = auth_time
        if tenant is not None:
            claims["tenant"] = tenant
        if key is not None:
            claims["cnf"] = {"jkt": key}
        return Secret(sign(self.signing_key(), claims))


def sign(key: SigningKey, claims: dict[str, object]) -> str:
    """A compact JWS of *claims* with ``typ: at+jwt`` (RFC 9068 §2.1, RFC 7515 §3.1)."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}
    message = f"{_segment(header)}.{_segment(claims)}"
    return f"{message}.{base64url.encode(key.sign(message.encode('ascii')))}"


def _segment(value: dict[str, object] | dict[str, str]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8"))
