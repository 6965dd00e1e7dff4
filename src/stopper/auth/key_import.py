"""Private keys that were made elsewhere: PEM, JWK, or the bare secret of HS256."""

from collections.abc import Mapping
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from stopper.auth import base64url
from stopper.auth.algorithm import canonical_name
from stopper.auth.private_key import ALGORITHMS, RSA_BITS, SECRET_BYTES, Algorithm, LocalKey, PrivateKey, fits
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.auth.weak_secret import weakness
from stopper.core.errors import KeyringError
from stopper.core.secret import Secret

_PEM = b"-----BEGIN"
_MEND = "make one with: openssl genpkey -algorithm ed25519"


def read_private_key(material: Secret, preferred: str = "EdDSA") -> tuple[LocalKey, Algorithm]:
    """The key in *material* and the algorithm that it signs with. Raises KeyringError for what is no private key, or too weak.

    PEM (PKCS#8, SEC 1 or PKCS#1, not encrypted): its kind decides, and RSA is RS256 unless PS256 is *preferred*. A JWK: its ``alg``,
    else its kind. Anything else is the secret of HS256, where that is *preferred*: a secret is taken by name alone.
    """
    raw = material.reveal_bytes().strip()
    if raw.startswith(b"{"):
        return _from_jwk(raw, preferred)
    if preferred == "HS256" and not raw.startswith(_PEM):
        return _secret(Secret(raw), typed=True), "HS256"
    key = _from_pem(raw)
    algorithm = _algorithm_of(key, preferred)
    return cast("PrivateKey", key), algorithm


def _from_pem(pem: bytes) -> object:
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        wrong = "the signing key is encrypted; give it without a pass phrase, in a file that only you read"
    except (ValueError, UnsupportedAlgorithm):
        wrong = f"that is no private key in PEM or JWK; {_MEND}"
    raise KeyringError(wrong)


def _algorithm_of(key: object, preferred: str) -> Algorithm:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < RSA_BITS:
            raise KeyringError(f"the signing key has {key.key_size} bits; RSA keys need {RSA_BITS} (NIST SP 800-57)")
        return "PS256" if preferred == "PS256" else "RS256"
    found: Algorithm | None = next((name for name in ALGORITHMS if fits(key, name)), None)
    if found is None:
        raise KeyringError("a signing key is Ed25519, P-256, P-384 or RSA, and this is another kind")
    return found


def _from_jwk(raw: bytes, preferred: str) -> tuple[LocalKey, Algorithm]:
    try:
        members = read_object(raw)
        wrong = ""
    except NotStrictError as refusal:
        members, wrong = {}, str(refusal)
    if wrong:
        raise KeyringError(f"that is no JWK ({wrong}); {_MEND}")
    _judge_purpose(members)
    said = canonical_name(str(members["alg"])) if "alg" in members else None
    if members.get("kty") == "oct":
        if (said or preferred) != "HS256":
            raise KeyringError('a secret signs under HS256 alone, and by name: put "alg": "HS256" into its JWK')
        return _secret(_k(members), typed=False), "HS256"
    key = _loaded(members)
    found = _algorithm_of(key, said or preferred)
    if said is not None and said != found:
        raise KeyringError(f"the signing key is for {said[:20]!r}; a key of its kind signs under {found}")
    return key, found


def _judge_purpose(members: Mapping[str, object]) -> None:
    operations = members.get("key_ops", ["sign"])
    if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "sign" not in operations:
        raise KeyringError("the JWK is not for signing: its `use` must be `sig`, its `key_ops` must hold `sign`")


def _k(members: Mapping[str, object]) -> Secret:
    try:
        return Secret(base64url.decode(str(members.get("k", "")).encode("ascii")))
    except ValueError:
        pass
    raise KeyringError("the `k` of the JWK is not base64url")


def _loaded(members: Mapping[str, object]) -> PrivateKey:
    # Errors are raised outside the handler: the library's own ones carry frames with the key in clear.
    private: object = None
    try:
        found = import_key(
            cast("dict[str, str | list[str]]", {name: members[name] for name in members if name != "alg"})
        )
        if isinstance(found, (OKPKey, ECKey, RSAKey)):
            private = found.private_key
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        pass
    if not isinstance(private, (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise KeyringError(f"that is no private key in PEM or JWK; {_MEND}")
    return private


def _secret(secret: Secret, *, typed: bool) -> Secret:
    wrong = weakness(secret, SECRET_BYTES, typed=typed)
    if wrong is not None:
        raise KeyringError(
            f"the secret of HS256 {wrong}; make one with: python -c 'import secrets; print(secrets.token_urlsafe({SECRET_BYTES}))'"
        )
    return secret
