"""Makes tokens, honest and bent, for the tests of the verifier."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
SECRET = b"\x01\x9f" + bytes(range(100, 162))
"""64 bytes: enough for every HMAC algorithm."""


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def segment(value: Any) -> str:
    """*value* as a segment: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        value = json.dumps(value, separators=(",", ":")).encode()
    return b64(value)


def claims(**other: Any) -> dict[str, Any]:
    """Every claim that the profile `rfc9068` asks for; None takes one away."""
    found = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 600, "jti": "id-1", **other}
    return {name: value for name, value in found.items() if value is not None}


def header(**other: Any) -> dict[str, Any]:
    found = {"alg": "HS256", "kid": "k", "typ": "at+jwt", **other}
    return {name: value for name, value in found.items() if value is not None}


def hs256(head: Any = None, payload: Any = None, *, key: bytes = SECRET, algorithm: str = "sha256") -> str:
    """A token with a right HMAC signature over whatever header and payload."""
    message = f"{segment(header() if head is None else head)}.{segment(claims() if payload is None else payload)}"
    return f"{message}.{b64(hmac.digest(key, message.encode(), algorithm))}"


def eddsa(private: ed25519.Ed25519PrivateKey, head: Mapping[str, Any], payload: Any) -> str:
    message = f"{segment(dict(head))}.{segment(payload)}"
    return f"{message}.{b64(private.sign(message.encode()))}"


def public_forms(private: Any) -> dict[str, bytes]:
    """A public key as every text that people have fed to an HMAC."""
    public = private.public_key()
    encoding, fmt = serialization.Encoding, serialization.PublicFormat
    pem = public.public_bytes(encoding.PEM, fmt.SubjectPublicKeyInfo)
    der = public.public_bytes(encoding.DER, fmt.SubjectPublicKeyInfo)
    forms = {
        "pem": pem,
        "pem-stripped": pem.strip(),
        "der": der,
        "base64-der": base64.b64encode(der),
        "hex-der": der.hex().encode(),
    }
    forms["bom-pem"] = b"\xef\xbb\xbf" + pem
    forms["ssh"] = public.public_bytes(encoding.OpenSSH, fmt.OpenSSH)
    forms["prefixed-pem"] = b"key=" + pem
    forms["base64-pem"] = base64.b64encode(pem)
    forms["json-pem"] = json.dumps(pem.decode()).encode()
    return forms


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
