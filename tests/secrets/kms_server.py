"""A local AWS KMS for two operations, GetPublicKey and Sign, that checks Signature Version 4 and signs digests for real.

The mock server that the other AWS tests use hashes what is a digest already (it says so itself), so it cannot stand in here.
"""

import base64
import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from tests.secrets.clouds import Answer, Cloud

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "canary-aws-credential"
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384()}
MAKE = {
    "ECC_NIST_P256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECC_NIST_P384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ECC_NIST_EDWARDS25519": ed25519.Ed25519PrivateKey.generate,
    "RSA_3072": lambda: rsa.generate_private_key(65537, 3072),
}


def arn(number: int) -> str:
    """The ARN of the key of that number."""
    return f"arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-{number:012x}"


def kms(keys: list[Any], aliases: dict[str, int], seen: list[dict[str, Any]]):  # type: ignore[no-untyped-def]
    """Decides over POST / as the JSON 1.1 protocol of KMS. *seen* gathers what was asked to be signed."""

    def decide(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
        body: bytes = request.sent  # type: ignore[attr-defined]
        if not _signed_by_us(request, body):
            return 400, {"__type": "InvalidSignatureException", "message": "no"}, {}
        asked = json.loads(body)
        number = next((n for n in range(len(keys)) if asked["KeyId"] == arn(n)), aliases.get(asked["KeyId"], -1))
        if number < 0:
            return 400, {"__type": "NotFoundException", "message": "no key"}, {}
        if request.headers["X-Amz-Target"] == "TrentService.GetPublicKey":
            return 200, {"KeyId": arn(number), "KeyUsage": "SIGN_VERIFY", "PublicKey": _public(keys[number])}, {}
        assert request.headers["X-Amz-Target"] == "TrentService.Sign"
        seen.append(asked)
        made = _sign(keys[number], asked)
        if made is None:
            return 400, {"__type": "ValidationException", "message": "bad request"}, {}
        shown = base64.b64encode(made).decode()
        return 200, {"KeyId": arn(number), "Signature": shown, "SigningAlgorithm": asked["SigningAlgorithm"]}, {}

    return decide


def _public(key: Any) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _sign(key: Any, asked: dict[str, str]) -> bytes | None:
    """None where the real one refuses: a digest of the wrong length, a raw message above 4096 bytes, an algorithm of another kind of key."""
    message, way = base64.b64decode(asked["Message"]), asked["SigningAlgorithm"]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        fits = way == "ED25519_SHA_512" and asked["MessageType"] == "RAW" and len(message) <= 4096
        return key.sign(message) if fits else None
    kind = _HASHES[way[-3:]]
    if asked["MessageType"] != "DIGEST" or len(message) != kind.digest_size:
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(Prehashed(kind))) if way == f"ECDSA_SHA_{key.key_size}" else None
    if not way.startswith("RSASSA_"):
        return None
    pad = padding.PSS(padding.MGF1(kind), kind.digest_size) if "_PSS_" in way else padding.PKCS1v15()
    return bytes(key.sign(message, pad, Prehashed(kind)))


def _signed_by_us(request: BaseHTTPRequestHandler, body: bytes) -> bool:
    """Signature Version 4 over the request, computed anew."""
    kind, _, rest = (request.headers.get("Authorization") or "").partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if kind != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= set(said):
        return False
    key_id, *scope = said["Credential"].split("/")
    headers = "".join(f"{name}:{(request.headers[name] or '').strip()}\n" for name in said["SignedHeaders"].split(";"))
    canonical = "\n".join(
        (request.command, request.path, "", headers, said["SignedHeaders"], hashlib.sha256(body).hexdigest())
    )
    text = "\n".join(
        (kind, request.headers["X-Amz-Date"], "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest())
    )
    signer = f"AWS4{SECRET_KEY}".encode()
    for part in scope:
        signer = hmac.digest(signer, part.encode(), "sha256")
    right = hmac.digest(signer, text.encode(), "sha256").hex()
    return key_id == ACCESS_KEY and scope[1:] == ["eu-central-1", "kms", "aws4_request"] and right == said["Signature"]
