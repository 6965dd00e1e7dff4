"""Private keys in memory: made, signed with, and read back."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Final, Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from stopper.auth import base64url
from stopper.auth.algorithm import ALGORITHMS as VERIFIED
from stopper.auth.verification_key import PublicKey
from stopper.auth.weak_secret import weakness
from stopper.core.errors import KeyringError
from stopper.core.secret import Secret

Algorithm = Literal["EdDSA", "ES256", "ES384", "RS256", "PS256", "HS256"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("EdDSA", "ES256", "ES384", "RS256", "PS256", "HS256")
"""What own tokens are signed with. HS256 is made by name alone: whoever verifies with it can also sign."""
RSA_BITS: Final = 3072
"""NIST SP 800-57 part 1 rev. 5, table 2: 128 bits of security."""
SECRET_BYTES: Final = 32
"""RFC 7518 §3.2: a key for HS256 has at least the 256 bits of its hash."""

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LocalKey = PrivateKey | Secret
_HASHES: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {"sha256": hashes.SHA256, "sha384": hashes.SHA384}
_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}


def new_private_key(algorithm: str) -> LocalKey:
    """A fresh key for *algorithm*: Ed25519, P-256, P-384, RSA with 3072 bits, or 256 random bits. Raises KeyringError."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    if algorithm in ("RS256", "PS256"):
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    if algorithm == "HS256":
        return Secret(secrets.token_bytes(SECRET_BYTES))
    raise KeyringError(f"{algorithm[:20]!r} is not an algorithm for new keys; use one of {', '.join(ALGORITHMS)}")


def fits(key: object, algorithm: str) -> bool:
    """Whether *key* may sign under *algorithm*: the right kind, curve and size."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return algorithm == "EdDSA"
    if isinstance(key, rsa.RSAPrivateKey):
        return algorithm in ("RS256", "PS256") and key.key_size >= RSA_BITS
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return algorithm in _CURVES and key.curve.name == _CURVES[algorithm].name
    return isinstance(key, Secret) and algorithm == "HS256" and weakness(key, SECRET_BYTES, typed=False) is None


def signature(key: LocalKey, algorithm: str, message: bytes) -> bytes:
    """The JWS signature (RFC 7518 §3, RFC 8037 §3.1).

    Not by joserfc: it warns on every token whose ``alg`` is written ``EdDSA``, which is what verifiers in the field know.
    """
    if isinstance(key, Secret):
        return hmac.digest(key.reveal_bytes(), message, "sha256")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    wanted = VERIFIED[algorithm]
    digest = _HASHES[wanted.hash]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return raw_ecdsa(key.sign(message, ecdsa(digest)), algorithm)
    if wanted.family == "RSA-PSS":  # RFC 7518 §3.5: the salt is as long as the hash
        return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(message, padding.PKCS1v15(), digest)


def ecdsa(digest: hashes.HashAlgorithm) -> ec.ECDSA:
    """ECDSA whose nonce comes from key and message (RFC 6979; RFC 8725 §3.2), so that a poor random source gives no key away.

    An OpenSSL before 3.2 cannot; it mixes key and message into a random nonce, which holds the same promise.
    """
    try:
        return ec.ECDSA(digest, deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(digest)


def raw_ecdsa(der: bytes, algorithm: str) -> bytes:
    """R and S side by side, each in the full size of the curve (RFC 7518 §3.4), from their DER. Raises ValueError."""
    size = cast("int", VERIFIED[algorithm].signature_size) // 2
    try:
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(der))
    except OverflowError:
        raise ValueError("the numbers of the signature are larger than the curve") from None


def public_members(key: LocalKey) -> dict[str, str]:
    """The public members of its JWK; none for a secret."""
    return {} if isinstance(key, Secret) else jwk_members(key.public_key())


def jwk_members(public: PublicKey) -> dict[str, str]:
    """The members of a public key's JWK (RFC 7518 §6, RFC 8037 §2), without ``kid``."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    family: type[OKPKey | RSAKey | ECKey] = OKPKey
    if isinstance(public, rsa.RSAPublicKey):
        family = RSAKey
    elif isinstance(public, ec.EllipticCurvePublicKey):
        family = ECKey
    members = family.import_key(der).as_dict(private=False)
    return {name: str(value) for name, value in members.items() if name != "kid"}


def thumbprint(public: Mapping[str, str]) -> str:
    """RFC 7638."""
    return import_key(dict(public)).thumbprint()


def name_of(key: LocalKey) -> str:
    """The ``kid``: the RFC 7638 thumbprint; for a secret an HMAC under it, which tells no more than any token does."""
    if isinstance(key, Secret):
        return base64url.encode(hmac.digest(key.reveal_bytes(), b"stopper kid", "sha256"))
    return thumbprint(public_members(key))


def private_bytes(key: LocalKey) -> bytes:
    """What a store that encrypts it keeps: PKCS#8 in DER, or the JWK of a secret."""
    if isinstance(key, Secret):
        encoded = base64.urlsafe_b64encode(key.reveal_bytes()).rstrip(b"=").decode("ascii")
        return json.dumps({"kty": "oct", "k": encoded}).encode("ascii")
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
