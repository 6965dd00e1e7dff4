"""One private key with its one algorithm and its dates."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from cryptography.hazmat.primitives import serialization

from stopper.auth import base64url
from stopper.auth.key_import import read_private_key
from stopper.auth.private_key import (
    ALGORITHMS,
    RSA_BITS,
    Algorithm,
    LocalKey,
    PrivateKey,
    fits,
    name_of,
    new_private_key,
    private_bytes,
    public_members,
    signature,
    thumbprint,
)
from stopper.auth.remote_key import FoundKey, OpenKey, RemoteKey, UnopenedKey
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError, StoreUnavailableError
from stopper.core.secret import Secret

__all__ = [
    "ALGORITHMS", "RSA_BITS", "Algorithm", "PrivateKey", "SigningKey", "found_signing_key", "import_signing_key",
    "load_public_key", "load_signing_key", "new_signing_key",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. It signs from ``activates_at`` until ``retires_at`` and verifies until ``expires_at`` (None: no end is set).

    ``kid`` is the RFC 7638 thumbprint, so two keys never share one. ``public`` are the public members of its JWK, none for a secret.
    ``private`` is None in a process that only verifies, and a RemoteKey where the key lives elsewhere and signs there.
    """

    kid: str
    algorithm: Algorithm
    public: Mapping[str, str]
    private: LocalKey | RemoteKey | None = field(repr=False)
    created_at: float
    activates_at: float
    retires_at: float | None = None
    expires_at: float | None = None

    @property
    def symmetric(self) -> bool:
        """Whether who verifies can also sign; such a key is never published."""
        return self.algorithm == "HS256"

    @property
    def place(self) -> str:
        """Where it signs, for a key that lives elsewhere; empty for one that is kept here."""
        return "" if self.private is None or isinstance(self.private, LocalKey) else self.private.place

    @property
    def verifiable(self) -> bool:
        """Whether this process can verify with it: not with a secret that it cannot open."""
        return not self.symmetric or self.private is not None

    def may_sign(self, now: float) -> bool:
        """Whether new tokens may be signed with it."""
        return (
            self.private is not None and self.activates_at <= now and (self.retires_at is None or now < self.retires_at)
        )

    def may_verify(self, now: float) -> bool:
        """Whether tokens signed with it are taken: also before it is active, and while it is retired but not expired."""
        return self.expires_at is None or now < self.expires_at

    def sign(self, message: bytes) -> bytes:
        """The JWS signature (RFC 7518 §3, RFC 8037 §3.1).

        Raises KeyringError in a process that only verifies, StoreUnavailableError where the key lives elsewhere and does not sign
        now. What comes from elsewhere is verified before it is given out.
        """
        key = self._own()
        if isinstance(key, LocalKey):
            return signature(key, self.algorithm, message)
        made = key.sign(message)
        if not self.verification_key().verify(message, made):
            raise StoreUnavailableError("signing-key-mismatch")
        return made

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517) with ``kid``, ``alg`` and ``use``. Raises KeyringError for a secret."""
        if self.symmetric:
            raise KeyringError("a secret is never published; only who may sign can verify under HS256")
        return {**self.public, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def verification_key(self) -> VerificationKey:
        """The public half, or the secret, ready to verify. Raises KeyringError where this process cannot open the secret."""
        if not self.symmetric:
            return VerificationKey.from_jwk(self.public_jwk())
        secret = cast("Secret", self._own()).reveal_bytes()
        return VerificationKey.from_jwk(
            {"kty": "oct", "k": base64url.encode(secret), "kid": self.kid, "alg": self.algorithm}
        )

    def private_bytes(self) -> bytes:
        """What a store that encrypts it keeps: the key itself, or where it lives with its public half."""
        key = self._own()
        if isinstance(key, LocalKey):
            return private_bytes(key)
        kept = {"place": key.place, "version": key.version, "public": dict(self.public)}
        return json.dumps(kept).encode("utf-8")

    def _own(self) -> LocalKey | RemoteKey:
        if self.private is None:
            raise KeyringError("this process has no key file, so it verifies tokens and cannot issue any")
        return self.private


def new_signing_key(algorithm: Algorithm, *, created_at: float, activates_at: float) -> SigningKey:
    """Make a key: Ed25519, P-256, P-384, RSA with 3072 bits, or 256 random bits for HS256. Raises KeyringError."""
    return _local(new_private_key(algorithm), algorithm, created_at=created_at, activates_at=activates_at)


def import_signing_key(
    material: Secret, *, created_at: float, activates_at: float, preferred: str = "EdDSA"
) -> SigningKey:
    """A key that was made elsewhere; see :func:`stopper.auth.key_import.read_private_key`. Raises KeyringError."""
    key, algorithm = read_private_key(material, preferred)
    return _local(key, algorithm, created_at=created_at, activates_at=activates_at)


def found_signing_key(found: FoundKey, *, created_at: float, activates_at: float) -> SigningKey:
    """A key that lives elsewhere. Raises KeyringError where it is too weak, or its algorithm is not one of ours."""
    if found.algorithm not in ALGORITHMS or found.algorithm == "HS256":
        raise KeyringError(f"{found.key.place} signs under {found.algorithm[:20]!r}, which is not one of ours")
    name = cast("Algorithm", found.algorithm)
    made = SigningKey(thumbprint(found.public), name, found.public, found.key, created_at, activates_at)
    made.verification_key()  # judges size, exponent and curve
    return made


def load_signing_key(
    kept: bytes,
    algorithm: str,
    *,
    created_at: float,
    activates_at: float,
    retires_at: float | None = None,
    expires_at: float | None = None,
    open_key: OpenKey | None = None,
) -> SigningKey:
    """Read back what :meth:`SigningKey.private_bytes` gave. Raises KeyringError where key and algorithm do not fit.

    *open_key* opens keys that live elsewhere; without it they verify and do not sign.
    """
    elsewhere = _elsewhere(kept)
    if elsewhere is not None:
        public = load_public_key(
            "", elsewhere.public, algorithm,
            created_at=created_at, activates_at=activates_at, retires_at=retires_at, expires_at=expires_at,
        )  # fmt: skip
        place, version = elsewhere.place, elsewhere.version
        opened = UnopenedKey(place, version) if open_key is None else open_key(place, version, public.algorithm)
        return replace(public, private=opened)
    loaded = _loaded(kept)
    if algorithm not in ALGORITHMS or not fits(loaded, algorithm):
        raise KeyringError(f"a stored signing key is not a key for {algorithm[:20]}")
    return _local(
        cast("LocalKey", loaded), algorithm,
        created_at=created_at, activates_at=activates_at, retires_at=retires_at, expires_at=expires_at,
    )  # fmt: skip


def load_public_key(
    kid: str,
    jwk: Mapping[str, str],
    algorithm: str,
    *,
    created_at: float,
    activates_at: float,
    retires_at: float | None = None,
    expires_at: float | None = None,
) -> SigningKey:
    """A key that only verifies, from the public members of its JWK. *kid* counts for a secret alone, which verifies nothing here.

    Raises KeyringError where the algorithm is not one of ours.
    """
    if algorithm not in ALGORITHMS:
        raise KeyringError(f"a stored key is for {algorithm[:20]!r}; this version has {', '.join(ALGORITHMS)}")
    name = kid if algorithm == "HS256" else thumbprint(jwk)
    return SigningKey(name, algorithm, jwk, None, created_at, activates_at, retires_at, expires_at)


def _local(
    key: LocalKey,
    algorithm: Algorithm,
    *,
    created_at: float,
    activates_at: float,
    retires_at: float | None = None,
    expires_at: float | None = None,
) -> SigningKey:
    return SigningKey(
        name_of(key), algorithm, public_members(key), key, created_at, activates_at, retires_at, expires_at
    )


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    place: str
    version: str
    public: Mapping[str, str]


def _elsewhere(kept: bytes) -> _Elsewhere | None:
    try:
        found = read_object(kept) if kept.startswith(b"{") else {}
    except NotStrictError:
        found = {}
    if "place" not in found:
        return None
    return _Elsewhere(str(found["place"]), str(found["version"]), cast("Mapping[str, str]", found["public"]))


def _loaded(kept: bytes) -> object:
    found: object = None
    try:
        if kept.startswith(b"{"):
            found, _ = read_private_key(Secret(kept), "HS256")
        else:
            found = serialization.load_der_private_key(kept, password=None)
    except (ValueError, TypeError, KeyringError):
        pass
    if found is None:
        raise KeyringError("a stored signing key cannot be read; restore the database and the key file together")
    return found
