"""A key that verifies signatures: prepared once, bound to one algorithm, refused when it is weak."""

import hmac
from collections.abc import Callable, Mapping
from typing import Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from stopper.auth import base64url
from stopper.auth.algorithm import ALGORITHMS, Algorithm, canonical_name
from stopper.auth.roca import has_roca_fingerprint
from stopper.auth.small_order import has_small_order
from stopper.auth.weak_secret import weakness
from stopper.core.errors import KeyringError
from stopper.core.secret import Secret

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Check = Callable[[bytes, bytes], bool]

LEAST_RSA_BITS: Final = 3072
"""128 bits of security (NIST SP 800-57 part 1, table 2)."""
ALLOWED_RSA_BITS: Final = 2048
"""The floor when ``allow_rsa_2048`` is given: 112 bits, for providers that still sign with it."""
LONGEST_KID: Final = 128
_CURVES: Final[Mapping[str, type[ec.EllipticCurve]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
_HASHES: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class VerificationKey:
    """One key with its one algorithm. ``kid`` names it; None only for the single key of an issuer that sends no ``kid``.

    Made by :meth:`from_jwk`, :meth:`from_public_key` or :meth:`from_secret`, which raise KeyringError for a weak or
    misfit key. It cannot be changed, printed or pickled with its material.
    """

    __slots__ = ("_check", "algorithm", "kid")
    kid: str | None
    algorithm: str
    _check: Check

    def __init__(self, kid: str | None, algorithm: Algorithm, check: Check) -> None:
        """Not for callers: the three constructors judge the key first."""
        object.__setattr__(self, "kid", _checked_kid(kid))
        object.__setattr__(self, "algorithm", algorithm.name)
        object.__setattr__(self, "_check", check)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether *signature* is this key's over *signing_input*. Never raises."""
        return self._check(signing_input, signature)

    @property
    def symmetric(self) -> bool:
        """Whether who verifies with it can also sign."""
        return ALGORITHMS[self.algorithm].symmetric

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a VerificationKey does not change")

    def __reduce__(self) -> str:
        raise TypeError("a VerificationKey is not pickled; load it again from where it is kept")

    def __repr__(self) -> str:
        return f"VerificationKey(kid={self.kid!r}, algorithm={self.algorithm!r})"

    @classmethod
    def from_secret(cls, kid: str | None, algorithm: str, secret: Secret) -> "VerificationKey":
        """An HMAC key. Raises KeyringError when the secret is short, well known, or a public key in any form."""
        return cls._from_secret(kid, algorithm, secret, typed=True)

    @classmethod
    def _from_secret(cls, kid: str | None, algorithm: str, secret: Secret, *, typed: bool) -> "VerificationKey":
        wanted = _algorithm(algorithm)
        if not wanted.symmetric:
            raise KeyringError(f"key {_shown(kid)}: {algorithm} needs a public key, not a secret")
        size = cast("int", wanted.signature_size)
        if (wrong := weakness(secret, size, typed=typed)) is not None:
            raise KeyringError(
                f"key {_shown(kid)}: the secret {wrong}; make one with"
                f" `python -c 'import secrets; print(secrets.token_urlsafe({size}))'`"
            )
        return cls(kid, wanted, _hmac_check(secret.reveal_bytes(), wanted))

    @classmethod
    def from_public_key(
        cls, kid: str | None, algorithm: str, key: PublicKey, *, allow_rsa_2048: bool = False
    ) -> "VerificationKey":
        """A public key of the `cryptography` package. Raises KeyringError when it is weak or does not fit *algorithm*."""
        wanted = _algorithm(algorithm)
        if isinstance(key, rsa.RSAPublicKey) and wanted.kty == "RSA":
            _judge_rsa(kid, key, ALLOWED_RSA_BITS if allow_rsa_2048 else LEAST_RSA_BITS)
            return cls(kid, wanted, _rsa_check(key, wanted))
        if isinstance(key, ec.EllipticCurvePublicKey) and wanted.family == "ECDSA":
            if not isinstance(key.curve, _CURVES[wanted.curve]):
                raise KeyringError(
                    f"key {_shown(kid)}: {algorithm} needs the curve {wanted.curve}, not {key.curve.name}"
                )
            return cls(kid, wanted, _ecdsa_check(key, wanted))
        if isinstance(key, ed25519.Ed25519PublicKey) and wanted.family == "EdDSA":
            if has_small_order(key.public_bytes_raw()):
                raise KeyringError(f"key {_shown(kid)}: is a point of small order, which fits signatures of anybody")
            return cls(kid, wanted, _ed25519_check(key))
        raise KeyringError(f"key {_shown(kid)}: this kind of key cannot verify {algorithm}")

    @classmethod
    def from_jwk(
        cls, jwk: Mapping[str, object], *, algorithm: str | None = None, allow_rsa_2048: bool = False
    ) -> "VerificationKey":
        """A key from its JWK (RFC 7517, 7518 §6, 8037 §2); private members are not read.

        *algorithm* is needed where the JWK has no ``alg`` and must equal it where it has one. Raises KeyringError for a
        key that is not for signatures (``use``, ``key_ops``), is malformed, weak, or does not fit the algorithm.
        """
        kid = jwk.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise KeyringError("a JWK's kid must be a text")
        _judge_purpose(kid, jwk)
        wanted = _algorithm(_agreed_algorithm(kid, jwk, algorithm))
        if jwk.get("kty") != wanted.kty:
            raise KeyringError(f"key {_shown(kid)}: {wanted.name} needs kty {wanted.kty}")
        if wanted.symmetric:
            return cls._from_secret(kid, wanted.name, Secret(_member(kid, jwk, "k")), typed=False)
        return cls.from_public_key(kid, wanted.name, _public_key(kid, jwk, wanted), allow_rsa_2048=allow_rsa_2048)


def _algorithm(name: str) -> Algorithm:
    found = ALGORITHMS.get(canonical_name(name))
    if found is None:
        raise KeyringError(f"{name[:40]!r} is not an algorithm of Stopper; choose from {', '.join(ALGORITHMS)}")
    return found


def _shown(kid: str | None) -> str:
    return "without kid" if kid is None else repr(kid[:LONGEST_KID])


def _checked_kid(kid: str | None) -> str | None:
    if kid is not None and (not kid or len(kid) > LONGEST_KID or not kid.isprintable()):
        raise KeyringError(f"a kid is a printable text of 1 to {LONGEST_KID} characters")
    return kid


def _judge_purpose(kid: str | None, jwk: Mapping[str, object]) -> None:
    if jwk.get("use", "sig") != "sig":
        raise KeyringError(f"key {_shown(kid)}: its `use` is not `sig`, so it must not verify signatures")
    operations = jwk.get("key_ops")
    if operations is None:
        return
    if not isinstance(operations, (list, tuple)) or "verify" not in cast("list[object]", operations):
        raise KeyringError(f"key {_shown(kid)}: its `key_ops` do not hold `verify`")


def _agreed_algorithm(kid: str | None, jwk: Mapping[str, object], algorithm: str | None) -> str:
    said = jwk.get("alg")
    if said is not None and not isinstance(said, str):
        raise KeyringError(f"key {_shown(kid)}: its `alg` must be a text")
    if said is None and algorithm is None:
        raise KeyringError(f"key {_shown(kid)}: has no `alg`; say which algorithm it is for")
    if said is not None and algorithm is not None and canonical_name(said) != canonical_name(algorithm):
        raise KeyringError(f"key {_shown(kid)}: is for {said[:40]}, not for {algorithm}")
    return cast("str", algorithm if said is None else said)


def _member(kid: str | None, jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    try:
        if not isinstance(value, str):
            raise ValueError
        return base64url.decode(value.encode("ascii"))
    except ValueError:
        raise KeyringError(f"key {_shown(kid)}: its `{name}` is not base64url") from None


def _public_key(kid: str | None, jwk: Mapping[str, object], wanted: Algorithm) -> PublicKey:
    try:
        if wanted.kty == "RSA":
            n, e = (int.from_bytes(_member(kid, jwk, name)) for name in "ne")
            return rsa.RSAPublicNumbers(e, n).public_key()
        if jwk.get("crv") != wanted.curve:
            raise KeyringError(f"key {_shown(kid)}: {wanted.name} needs the curve {wanted.curve}")
        if wanted.kty == "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(_member(kid, jwk, "x"))
        x, y = _member(kid, jwk, "x"), _member(kid, jwk, "y")
        size = cast("int", wanted.signature_size) // 2
        if len(x) != size or len(y) != size:  # RFC 7518 §6.2.1.2: the full size of a coordinate
            raise ValueError
        return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), _CURVES[wanted.curve]()).public_key()
    except ValueError:
        raise KeyringError(f"key {_shown(kid)}: its numbers are not a key of {wanted.kty}") from None


def _judge_rsa(kid: str | None, key: rsa.RSAPublicKey, least: int) -> None:
    numbers = key.public_numbers()
    if key.key_size < least:
        raise KeyringError(
            f"key {_shown(kid)}: RSA with {key.key_size} bits is too short; use {LEAST_RSA_BITS} or EdDSA"
        )
    if numbers.e < 65537 or numbers.e % 2 == 0:  # FIPS 186-5 §A.1.1
        raise KeyringError(f"key {_shown(kid)}: the RSA exponent {numbers.e} is too small; use 65537")
    if has_roca_fingerprint(numbers.n):
        raise KeyringError(f"key {_shown(kid)}: was made by a flawed generator (CVE-2017-15361) and can be factored")


def _hmac_check(secret: bytes, algorithm: Algorithm) -> Check:
    digest, compare, name = hmac.digest, hmac.compare_digest, algorithm.hash

    def check(signing_input: bytes, signature: bytes) -> bool:
        return compare(digest(secret, signing_input, name), signature)

    return check


def _rsa_check(key: rsa.RSAPublicKey, algorithm: Algorithm) -> Check:
    digest = _HASHES[algorithm.hash]()
    size = (key.key_size + 7) // 8
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm.family == "RSA-PSS":  # RFC 7518 §3.5: the salt is as long as the hash
        scheme = padding.PSS(padding.MGF1(_HASHES[algorithm.hash]()), digest.digest_size)

    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != size:
            return False
        try:
            key.verify(signature, signing_input, scheme, digest)
        except InvalidSignature:
            return False
        return True

    return check


def _ecdsa_check(key: ec.EllipticCurvePublicKey, algorithm: Algorithm) -> Check:
    scheme = ec.ECDSA(_HASHES[algorithm.hash]())
    size = cast("int", algorithm.signature_size)
    half = size // 2

    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != size:  # RFC 7518 §3.4: R and S at full length
            return False
        der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
        try:
            key.verify(der, signing_input, scheme)
        except InvalidSignature:
            return False
        return True

    return check


def _ed25519_check(key: ed25519.Ed25519PublicKey) -> Check:
    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != 64:  # RFC 8032 §5.1.6
            return False
        try:
            key.verify(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return check
