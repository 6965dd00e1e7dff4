"""Says whether an access token holds, and who acts with it. Strict: what any good library refuses, this refuses."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

from stopper.auth.clock import Clock, system_clock
from stopper.auth.issuer import RFC9068_CLAIMS, Issuer
from stopper.auth.jws import MAX_TOKEN, Compact, Header, read_header, split
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.auth.token_cache import SECONDS, TokenCache, Verified
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import InvalidCredentialError, SettingError
from stopper.core.principal import Principal, frozen

LEEWAY: Final = 30.0
"""Seconds by which two honest clocks may differ."""
MAX_TIME: Final = 2**53
"""Beyond this a JSON number is not exact everywhere (RFC 7493 §2.2)."""
MAX_ID: Final = 255
_HEADERS_KEPT: Final = 64
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f]")

_TYPES: Final[Mapping[str, frozenset[str | None]]] = {
    "rfc9068": frozenset({"at+jwt", "application/at+jwt"}),
    "jwt": frozenset({None, "jwt", "application/jwt", "at+jwt", "application/at+jwt"}),
}
# What tells other kinds of token from an access token, for providers that write `typ: JWT` on all of them.
_FOREIGN_CLAIMS: Final = ("nonce", "at_hash", "c_hash", "s_hash", "events", "htm", "htu")
_FOREIGN_KINDS: Final = (
    ("typ", frozenset({"id", "refresh", "offline", "logout"})),
    ("token_use", frozenset({"id", "refresh"})),
    ("type", frozenset({"id", "refresh"})),
    ("token_type", frozenset({"id", "refresh", "id_token", "refresh_token"})),
)


class Verifier:
    """Verifies access tokens of the declared issuers. Its rules never change, so what it has verified may be remembered."""

    __slots__ = ("_cache", "_clock", "_headers", "_issuers", "_leeway", "audience")

    def __init__(
        self,
        issuers: Sequence[Issuer],
        *,
        audience: str | None = None,
        clock: Clock = system_clock,
        leeway: float = LEEWAY,
        cache_size: int = 4096,
    ) -> None:
        """*audience* is for issuers that name none. Raises SettingError for an issuer without one, or two of one url."""
        self.audience = audience
        self._clock = clock
        self._leeway = leeway
        self._cache = TokenCache(cache_size)
        self._headers: dict[bytes, Header] = {}
        self._issuers: dict[str, tuple[Issuer, str | None]] = {}
        for issuer in issuers:
            ours = issuer.audience or audience
            if ours is None and "aud" in issuer.require:
                raise SettingError(
                    f"{issuer.url} has no audience, so tokens for other APIs would pass; set STOPPER_AUDIENCE or Issuer(audience=…)",
                    rule="jwt-audience-issuer-unchecked",
                )
            if issuer.url in self._issuers:
                raise SettingError(f"the issuer {issuer.url} is declared twice")
            self._issuers[issuer.url] = (issuer, ours)
        if not self._issuers:
            raise SettingError(
                "no issuer is declared; set STOPPER_ISSUER or STOPPER_ISSUERS", rule="jwt-audience-issuer-unchecked"
            )

    def verify(self, token: str) -> Principal:
        """Who acts with *token*.

        Raises InvalidCredentialError with a short stable reason; no part of the token is in it. Revocation is not asked here.
        """
        return self.recall(token) or self.verify_anew(token)

    def recall(self, token: str) -> Principal | None:
        """Who acts with *token* if these very bytes were verified before; None where they have to be verified anew.

        Raises InvalidCredentialError where the token's time is over.
        """
        if len(token) > MAX_TOKEN or (known := self._cache.get(token)) is None:
            return None
        now = self._clock()
        # Times and key are judged on every use; only structure and signature are taken from memory.
        if now < known.until and known.issuer.keys.find(known.kid) is known.key:
            self._judge_times(known.expires, known.not_before, now)
            return known.principal
        self._cache.drop(token)
        return None

    def verify_anew(self, token: str) -> Principal:
        """Like :meth:`verify`, without a look into what was verified before."""
        now = self._clock()
        parts = split(token)
        header = self._headers.get(parts.header_segment) or read_header(parts.header_segment)
        claims = _read_claims(parts)
        issuer, audience = self._issuer_of(claims)
        key = _key_for(issuer, header)
        if not key.verify(parts.signing_input, parts.signature):
            raise InvalidCredentialError("signature")
        _judge_type(issuer, header, claims)
        _judge_required(issuer, claims)
        expires = _time(claims, "exp")
        starts = max(_time(claims, "iat"), _time(claims, "nbf") if "nbf" in claims else 0.0)
        self._judge_times(expires, starts, now)
        _judge_audience(claims, audience)
        principal = _principal(claims)
        if parts.header_segment not in self._headers:
            self._remember_header(parts.header_segment, header)
        if self._cache.size:
            until = min(expires + self._leeway, now + SECONDS)
            self._cache.put(token, Verified(principal, issuer, key, header.kid, expires, starts, until))
        return principal

    def _issuer_of(self, claims: Mapping[str, object]) -> tuple[Issuer, str | None]:
        said = claims.get("iss")
        found = self._issuers.get(said) if isinstance(said, str) else None
        if found is None:
            raise InvalidCredentialError("issuer")
        return found

    def _judge_times(self, expires: float, not_before: float, now: float) -> None:
        if now >= expires + self._leeway:
            raise InvalidCredentialError("expired")
        if not_before > now + self._leeway:
            raise InvalidCredentialError("not-yet-valid")

    def _remember_header(self, segment: bytes, header: Header) -> None:
        # Headers of verified tokens only, so strangers cannot fill it.
        if len(self._headers) >= _HEADERS_KEPT:
            self._headers = {}
        self._headers[segment] = header


def _read_claims(parts: Compact) -> dict[str, object]:
    try:
        return read_object(parts.payload)
    except NotStrictError as wrong:
        reason = f"payload-{wrong}"
    raise InvalidCredentialError(reason)


def _key_for(issuer: Issuer, header: Header) -> VerificationKey:
    key = issuer.keys.find(header.kid)
    if key is None:
        raise InvalidCredentialError("unknown-key")
    # The issuer's list and the key must both allow it; what the token says only has to agree (RFC 8725 §3.1).
    if key.algorithm not in issuer.algorithms or header.algorithm != key.algorithm:
        raise InvalidCredentialError("algorithm")
    return key


def _judge_type(issuer: Issuer, header: Header, claims: Mapping[str, object]) -> None:
    typ = None if header.typ is None else header.typ.lower()
    if typ not in _TYPES[issuer.profile]:
        raise InvalidCredentialError("type")
    if issuer.profile == "rfc9068":
        return
    if any(name in claims for name in _FOREIGN_CLAIMS):
        raise InvalidCredentialError("not-an-access-token")
    for name, foreign in _FOREIGN_KINDS:
        said = claims.get(name)
        if isinstance(said, str) and said.lower() in foreign:
            raise InvalidCredentialError("not-an-access-token")


def _judge_required(issuer: Issuer, claims: Mapping[str, object]) -> None:
    if not issuer.required <= claims.keys():
        missing = next(name for name in issuer.require if name not in claims)
        raise InvalidCredentialError(f"missing-{missing}" if missing in RFC9068_CLAIMS else "missing-claim")
    _judge_id(claims["sub"], "bad-sub")
    if "jti" in claims:
        _judge_id(claims["jti"], "bad-jti")


def _judge_id(value: object, reason: str) -> None:
    if (
        type(value) is not str
        or not 0 < len(value) <= MAX_ID
        or ((not value.isascii() or not value.isprintable()) and _CONTROL.search(value))
    ):
        raise InvalidCredentialError(reason)


def _time(claims: Mapping[str, object], name: str) -> float:
    value = claims[name]
    # Exact types: True is an int in Python, and "1" is not a time (RFC 7519 §2, NumericDate).
    if (type(value) is not int and type(value) is not float) or not 0 <= value < MAX_TIME:
        raise InvalidCredentialError(f"bad-{name}")
    return float(value)


def _judge_audience(claims: Mapping[str, object], ours: str | None) -> None:
    if "aud" not in claims:  # only where the issuer's profile does not require it
        return
    said = claims["aud"]
    names: list[object] = cast("list[object]", said) if type(said) is list else [said]
    if not names:
        raise InvalidCredentialError("bad-aud")
    for name in names:
        if type(name) is not str or not name:
            raise InvalidCredentialError("bad-aud")
    # A token that names its audience must name us, also where we have no name (RFC 7519 §4.1.3).
    if ours is None or ours not in names:
        raise InvalidCredentialError("audience")


def judge_statement(claims: dict[str, object], required: frozenset[str], audience: str | None, now: float) -> Principal:
    """Who acts, by what an issuer has stated of a token itself (RFC 7662 §2.2), by the same rules as the claims of a signed one.

    Raises InvalidCredentialError.
    """
    if not required <= claims.keys():
        raise InvalidCredentialError("missing-claim")
    _judge_id(claims.get("sub"), "bad-sub")
    if "jti" in claims:
        _judge_id(claims["jti"], "bad-jti")
    if "exp" in claims and now >= _time(claims, "exp"):
        raise InvalidCredentialError("expired")
    if any(_time(claims, name) > now + LEEWAY for name in ("iat", "nbf") if name in claims):
        raise InvalidCredentialError("not-yet-valid")
    _judge_audience(claims, audience)
    return _principal(claims)


def _principal(claims: dict[str, object]) -> Principal:
    # By position: the names would cost a microsecond on every request.
    return Principal(
        cast("str", claims["sub"]),
        "bearer",
        _scopes(claims),
        frozenset(_texts(claims, "roles")),
        cast("Mapping[str, object]", frozen(claims)),
        int(_time(claims, "auth_time")) if "auth_time" in claims else None,
        _texts(claims, "amr"),
        cast("str | None", claims.get("jti")),
        _tenant(claims),
    )


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    name = "scope" if "scope" in claims else "scp"  # RFC 8693 §4.2; `scp` is what Entra and Okta send
    said = claims.get(name)
    if isinstance(said, str):
        return frozenset(said.split(" ")) - {""}
    return frozenset(_texts(claims, name))


def _texts(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    if name not in claims:
        return ()
    said = claims[name]
    if not isinstance(said, list):
        raise InvalidCredentialError(f"bad-{name}")
    for item in cast("list[object]", said):
        if type(item) is not str:
            raise InvalidCredentialError(f"bad-{name}")
    return tuple(cast("list[str]", said))


def _tenant(claims: Mapping[str, object]) -> str | None:
    said = claims.get("tenant")
    if "tenant" in claims and (not isinstance(said, str) or not said):
        raise InvalidCredentialError("bad-tenant")
    return cast("str | None", said)
