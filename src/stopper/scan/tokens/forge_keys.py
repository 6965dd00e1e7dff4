"""The keys of the forge: public keys in every spelling that a careless server may use as a secret, and a key pair of its own."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_CURVES: Final[dict[str, Callable[[], ec.EllipticCurve]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


@lru_cache(maxsize=1)
def own_rsa_key() -> rsa.RSAPrivateKey:
    """A key pair of this run that no server trusts."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=1)
def own_certificate() -> str:
    """A certificate that the forge's own key signed for itself, as a member of ``x5c`` (RFC 7515 §4.1.6)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stopper")])
    now = datetime.fromtimestamp(int(time.time()), UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own_rsa_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(own_rsa_key(), hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode("ascii")


def own_jwk(kid: str) -> dict[str, object]:
    """The public half of the forge's own key as a JWK (RFC 7518 §6.3.1)."""
    numbers = own_rsa_key().public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _number(numbers.n), "e": _number(numbers.e)}


def public_forms(text: str) -> tuple[bytes, ...]:
    """Every public key in *text* (a JWK Set, a JWK, PEM) as the bytes that may have become an HMAC secret.

    SubjectPublicKeyInfo first, then PKCS#1 (RSA only), each with and without the last line end, then DER, then as it was written.
    """
    forms: dict[bytes, None] = {}
    for key in _keys_in(text):
        for encoded in _encodings(key):
            forms[encoded] = None
            forms[encoded.rstrip(b"\n")] = None
        forms[_der(key)] = None
    if "-----BEGIN" in text:
        start, end = text.index("-----BEGIN"), text.rfind("-----") + 5
        written = text[start:end].replace("\\n", "\n").encode()
        forms[written] = None
        forms[written + b"\n"] = None
    return tuple(forms)


def _encodings(key: PublicKey) -> Iterator[bytes]:
    pem = serialization.Encoding.PEM
    yield key.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    if isinstance(key, rsa.RSAPublicKey):
        yield key.public_bytes(pem, serialization.PublicFormat.PKCS1)


def _der(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _keys_in(text: str) -> Iterator[PublicKey]:
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    yield from _of_json(said, 4)
    if isinstance(said, dict) or "-----BEGIN" not in text:
        return
    yield from _of_pem(text)


def _of_json(said: object, depth: int) -> Iterator[PublicKey]:
    if depth == 0:
        return
    if isinstance(said, dict):
        members = cast("dict[str, object]", said)
        if "kty" in members and (key := _of_jwk(members)) is not None:
            yield key
        for member in members.values():
            yield from _of_json(member, depth - 1)
    elif isinstance(said, list):
        for member in cast("list[object]", said)[:20]:
            yield from _of_json(member, depth - 1)
    elif isinstance(said, str) and "-----BEGIN" in said:
        yield from _of_pem(said)


def _of_pem(text: str) -> Iterator[PublicKey]:
    data = text[text.index("-----BEGIN") :].replace("\\n", "\n").encode()
    try:
        if b"BEGIN CERTIFICATE" in data:
            found: object = x509.load_pem_x509_certificate(data).public_key()
        else:
            found = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return
    if isinstance(found, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        yield found


def _of_jwk(jwk: Mapping[str, object]) -> PublicKey | None:
    try:
        if jwk["kty"] == "RSA":
            return rsa.RSAPublicNumbers(_integer(jwk["e"]), _integer(jwk["n"])).public_key()
        if jwk["kty"] == "EC":
            curve = _CURVES[str(jwk["crv"])]()
            return ec.EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), curve).public_key()
        if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_decoded(jwk["x"]))
    except (KeyError, ValueError, UnsupportedAlgorithm):
        return None
    return None


def _decoded(part: object) -> bytes:
    text = str(part)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _integer(part: object) -> int:
    return int.from_bytes(_decoded(part), "big")


def _number(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
