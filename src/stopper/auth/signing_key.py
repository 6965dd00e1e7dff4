"""One private key with its one algorithm and its dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError

Algorithm = Literal["EdDSA", "ES256", "RS256"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("EdDSA", "ES256", "RS256")
RSA_BITS: Final = 3072
"""NIST SP 800-57 part 1 rev. 5, table 2: 128 bits of security."""

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. It signs from ``activates_at`` until ``retires_at`` and verifies until ``expires_at`` (None: no end is set).

    ``kid`` is the RFC 7638 thumbprint, so two keys never share one. ``public`` are the public members of its JWK. ``private`` is
    None in a process that only verifies.
    """

    kid: str
    algorithm: Algorithm
    public: Mapping[str, str]
    private: PrivateKey | None = field(repr=False)
    created_at: float
    activates_at: float
    retires_at: float | None = None
    expires_at: float | None = None

    def may_sign(self, now: float) -> bool:
        """Whether new tokens may be signed with it."""
        return (
            self.private is not None and self.activates_at <= now and (self.retires_at is None or now < self.retires_at)
        )

    def may_verify(self, now: float) -> bool:
        """Whether tokens signed with it are taken: also before it is active, and while it is retired but not expired."""
        return self.expires_at is None or now < self.expires_at

    def sign(self, message: bytes) -> bytes:
        """The JWS signature (RFC 7518 §3, RFC 8037 §3.1). Raises KeyringError in a process that only verifies.

        Not by joserfc: it warns on every token whose ``alg`` is written ``EdDSA``, which is what verifiers in the field know.
        """
        key = self._own()
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(message)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517) with ``kid``, ``alg`` and ``use``."""
        return {**self.public, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def verification_key(self) -> VerificationKey:
        """The public half, ready to verify."""
        return VerificationKey.from_jwk(self.public_jwk())

    def private_bytes(self) -> bytes:
        """PKCS#8, DER, not encrypted: for a store that encrypts it."""
        return self._own().private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def _own(self) -> PrivateKey:
        if self.private is None:
            raise KeyringError("this process has no key file, so it verifies tokens and cannot issue any")
        return self.private


def new_signing_key(algorithm: Algorithm, *, created_at: float, activates_at: float) -> SigningKey:
    """Make a key: Ed25519, P-256 or RSA with 3072 bits."""
    private: PrivateKey
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        raise KeyringError(f"{algorithm!r} is not an algorithm for new keys; use one of {', '.join(ALGORITHMS)}")
    public = _public_members(private)
    return SigningKey(_thumbprint(public), algorithm, public, private, created_at, activates_at)


def import_signing_key(pem: bytes, *, created_at: float, activates_at: float) -> SigningKey:
    """A key that was made elsewhere, from its PEM (PKCS#8, SEC 1 or PKCS#1, not encrypted). Its kind decides the algorithm.

    Raises KeyringError for what is no private key, or too weak.
    """
    try:
        loaded = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyringError(
            "the signing key is encrypted; give it without a pass phrase, in a file that only you read"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyringError("that is no private key in PEM; make one with: openssl genpkey -algorithm ed25519") from None
    if isinstance(loaded, ed25519.Ed25519PrivateKey):
        algorithm = "EdDSA"
    elif isinstance(loaded, rsa.RSAPrivateKey):
        algorithm = "RS256"
        if loaded.key_size < RSA_BITS:
            raise KeyringError(f"the signing key has {loaded.key_size} bits; RSA keys need {RSA_BITS} (NIST SP 800-57)")
    elif isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name == "secp256r1":
        algorithm = "ES256"
    else:
        raise KeyringError(
            f"a signing key is for {', '.join(ALGORITHMS)}: Ed25519, P-256 or RSA, and this is another kind"
        )
    der = loaded.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return load_signing_key(der, algorithm, created_at=created_at, activates_at=activates_at)


def load_signing_key(
    der: bytes,
    algorithm: str,
    *,
    created_at: float,
    activates_at: float,
    retires_at: float | None = None,
    expires_at: float | None = None,
) -> SigningKey:
    """Read back what :meth:`SigningKey.private_bytes` gave. Raises KeyringError where key and algorithm do not fit."""
    try:
        loaded = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError):
        raise KeyringError(
            "a stored signing key cannot be read; restore the database and the key file together"
        ) from None
    fits = (
        (algorithm == "EdDSA" and isinstance(loaded, ed25519.Ed25519PrivateKey))
        or (
            algorithm == "ES256" and isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name == "secp256r1"
        )
        or (algorithm == "RS256" and isinstance(loaded, rsa.RSAPrivateKey) and loaded.key_size >= RSA_BITS)
    )
    if not fits:
        raise KeyringError(f"a stored signing key is not a key for {algorithm}")
    private = cast("PrivateKey", loaded)
    name = cast("Algorithm", algorithm)
    public = _public_members(private)
    return SigningKey(_thumbprint(public), name, public, private, created_at, activates_at, retires_at, expires_at)


def load_public_key(
    jwk: Mapping[str, str],
    algorithm: str,
    *,
    created_at: float,
    activates_at: float,
    retires_at: float | None = None,
    expires_at: float | None = None,
) -> SigningKey:
    """A key that only verifies, from the public members of its JWK. Raises KeyringError where the algorithm is not one of ours."""
    if algorithm not in ALGORITHMS:
        raise KeyringError(f"a stored key is for {algorithm[:20]!r}; this version has {', '.join(ALGORITHMS)}")
    return SigningKey(_thumbprint(jwk), algorithm, jwk, None, created_at, activates_at, retires_at, expires_at)


def _public_members(private: PrivateKey) -> dict[str, str]:
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    family: type[OKPKey | RSAKey | ECKey] = OKPKey
    if isinstance(private, rsa.RSAPrivateKey):
        family = RSAKey
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        family = ECKey
    members = family.import_key(der).as_dict(private=False)
    return {name: str(value) for name, value in members.items() if name != "kid"}


def _thumbprint(public: Mapping[str, str]) -> str:
    return import_key(dict(public)).thumbprint()
