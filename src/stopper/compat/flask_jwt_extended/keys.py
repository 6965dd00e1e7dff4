"""Keys, judged before they are used: no weak secret, no public key as a secret, one algorithm for one key."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hmac import digest
from typing import Any, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import load_pem_x509_certificate

from stopper.auth.algorithm import ALGORITHMS, Algorithm, canonical_name
from stopper.auth.private_key import ecdsa
from stopper.auth.verification_key import VerificationKey
from stopper.compat.flask_jwt_extended.exceptions import JWTSettingError
from stopper.core.errors import KeyringError
from stopper.core.secret import Secret

Sign = Callable[[bytes], bytes]
_KEPT: Final = 64
_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def judge_algorithms(names: Sequence[str]) -> None:
    """Raises JWTSettingError for ``none``, an algorithm that we do not speak, and secrets beside key pairs."""
    found = [ALGORITHMS.get(canonical_name(name)) for name in names]
    if None in found:
        wrong = names[found.index(None)]
        raise JWTSettingError(
            f"{str(wrong)[:20]!r} is not an algorithm for tokens here; choose from {', '.join(ALGORITHMS)}",
            rule="jwt-none-algorithm-listed" if str(wrong).lower() == "none" else "jwt-algorithms-missing",
        )
    if len({algorithm.symmetric for algorithm in found if algorithm is not None}) > 1:
        raise JWTSettingError(
            "JWT_ALGORITHM and JWT_DECODE_ALGORITHMS mix HMAC with public keys, so a public key could pass for a secret;"
            " name one kind",
            rule="jwt-algorithms-too-broad",
        )


def verification_key(algorithm: str, material: Any, *, allow_rsa_2048: bool) -> VerificationKey:
    """The key to verify *algorithm* with. Raises JWTSettingError when it is weak or does not fit."""
    return cast("VerificationKey", _prepared(_verification_key, algorithm, material, allow_rsa_2048))


def signer(algorithm: str, material: Any, *, allow_rsa_2048: bool) -> Sign:
    """What signs with *algorithm*. Raises JWTSettingError when the key is weak or does not fit."""
    return cast("Sign", _prepared(_signer, algorithm, material, allow_rsa_2048))


def _prepared(make: Callable[[str, Any, bool], Any], algorithm: str, material: Any, allow_rsa_2048: bool) -> Any:
    judge_algorithms([algorithm])
    try:
        if isinstance(material, (str, bytes)):
            return _kept(make, algorithm, material, allow_rsa_2048)[1]
        return make(algorithm, material, allow_rsa_2048)
    except KeyringError as refused:
        wrong = str(refused).removeprefix("key without kid: ")
    raise JWTSettingError(f"the key for {algorithm}: {wrong}", rule=_rule_of(wrong))


@lru_cache(_KEPT)
def _kept(
    make: Callable[[str, Any, bool], Any], algorithm: str, material: str | bytes, allow_rsa_2048: bool
) -> tuple[Secret, Any]:
    # The Secret is kept beside what was made of it: as long as it lives the redactor knows the key.
    secret = Secret(material)
    return secret, make(algorithm, secret, allow_rsa_2048)


def _verification_key(algorithm: str, material: Any, allow_rsa_2048: bool) -> VerificationKey:
    if ALGORITHMS[canonical_name(algorithm)].symmetric:
        if not isinstance(material, Secret):
            raise KeyringError("a secret must be a text or bytes")
        return VerificationKey.from_secret(None, algorithm, material)
    public = _load_public(material) if isinstance(material, Secret) else material
    return VerificationKey.from_public_key(None, algorithm, public, allow_rsa_2048=allow_rsa_2048)


def _signer(algorithm: str, material: Any, allow_rsa_2048: bool) -> Sign:
    wanted = ALGORITHMS[canonical_name(algorithm)]
    if wanted.symmetric:
        _verification_key(algorithm, material, allow_rsa_2048)  # judges the secret
        return _hmac(cast("Secret", material).reveal_bytes(), wanted.hash)
    private = _load_private(material) if isinstance(material, Secret) else material
    if not hasattr(private, "public_key"):
        raise KeyringError("this is no private key")
    _verification_key(algorithm, private.public_key(), allow_rsa_2048)  # judges kind, size and curve
    return _sign_with(private, wanted)


def _hmac(secret: bytes, name: str) -> Sign:
    return lambda message: digest(secret, message, name)


def _sign_with(key: Any, wanted: Algorithm) -> Sign:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    made = _HASHES[wanted.hash]
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(made()), made().digest_size)  # RFC 7518 §3.5: the salt is as long as the hash
        scheme = pss if wanted.family == "RSA-PSS" else padding.PKCS1v15()
        return lambda message: key.sign(message, scheme, made())
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyringError("this kind of private key cannot sign tokens")
    half = cast("int", wanted.signature_size) // 2

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ecdsa(made())))
        return r.to_bytes(half) + s.to_bytes(half)

    return sign


def _load_public(secret: Secret) -> Any:
    raw = secret.reveal_bytes().strip()
    try:
        if b"CERTIFICATE" in raw[:40]:
            return load_pem_x509_certificate(raw).public_key()
        if b"PRIVATE" in raw[:40]:
            return _load_private(secret).public_key()
        return serialization.load_pem_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise KeyringError("this is no public key in PEM")


def _load_private(secret: Secret) -> Any:
    try:
        return serialization.load_pem_private_key(secret.reveal_bytes().strip(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise KeyringError("this is no private key in PEM without a password")


def _rule_of(message: str) -> str | None:
    if "public key, a certificate" in message:
        return "public-key-as-secret"
    if "RSA" in message:
        return "rsa-key-too-small"
    return "jwt-secret-too-short" if "secret" in message else None
