"""What a verification costs: ours against raw `cryptography`, joserfc and PyJWT, interleaved (goals P6 and P7).

Run: python bench/verify_speed.py
Each round runs every candidate for a few milliseconds in shuffled order on the thread's CPU clock; a ratio is taken inside
the round, then the median over the rounds.
"""

import hmac
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from stopper.auth import base64url
from stopper.auth.issuer import Issuer
from stopper.auth.verification_key import VerificationKey
from stopper.auth.verifier import Verifier
from stopper.core.secret import Secret

ROUNDS = 41
BLOCK_SECONDS = 0.004
ISSUER, AUDIENCE = "https://issuer.example", "https://api.example"
SECRET = bytes(range(130, 194))
NOW = int(time.time())
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 3600, "jti": "a1b2c3d4e5f6", "scope": "notes:read notes:write",
          "client_id": "web", "roles": ["user"], "auth_time": NOW}  # fmt: skip


def token_of(algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    head = base64url.encode(json.dumps({"alg": algorithm, "kid": "k", "typ": "at+jwt"}).encode())
    message = f"{head}.{base64url.encode(json.dumps(CLAIMS).encode())}"
    return f"{message}.{base64url.encode(sign(message.encode()))}"


def candidates(algorithm: str) -> Mapping[str, Callable[[], object]]:
    sign, key, raw, pyjwt_key, jose_key = materials(algorithm)
    token = token_of(algorithm, sign)
    head, payload, signature = token.encode().rsplit(b".", 2)
    message, decoded = head + b"." + payload, base64url.decode(signature)
    issuer = Issuer(ISSUER, [algorithm], keys=key, audience=AUDIENCE)
    cold, seen = Verifier([issuer], cache_size=0), Verifier([issuer])
    registry = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True}, iat={"essential": True}, sub={"essential": True}, jti={"essential": True},
    )  # fmt: skip
    require = {"require": ["exp", "iat", "iss", "aud", "sub", "jti"]}

    def joserfc() -> object:
        found = joserfc_jwt.decode(token, jose_key, algorithms=[algorithm])
        registry.validate(found.claims)
        return found

    return {
        "raw": lambda: raw(message, decoded),
        "ours": lambda: cold.verify(token),
        "ours, seen before": lambda: seen.verify(token),
        "joserfc": joserfc,
        "PyJWT": lambda: jwt.decode(token, pyjwt_key, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER, options=require),
    }  # fmt: skip


def materials(
    algorithm: str,
) -> tuple[Callable[[bytes], bytes], VerificationKey, Callable[[bytes, bytes], Any], Any, Key]:
    if algorithm == "HS256":
        return (
            lambda message: hmac.digest(SECRET, message, "sha256"),
            VerificationKey.from_secret("k", algorithm, Secret(SECRET)),
            lambda message, signature: hmac.compare_digest(hmac.digest(SECRET, message, "sha256"), signature),
            SECRET,
            OctKey.import_key(SECRET),
        )
    if algorithm == "RS256":
        private = rsa.generate_private_key(65537, 2048)
        public = private.public_key()
        scheme, digest = padding.PKCS1v15(), hashes.SHA256()
        return (
            lambda message: private.sign(message, scheme, digest),
            VerificationKey.from_public_key("k", algorithm, public, allow_rsa_2048=True),
            lambda message, signature: public.verify(signature, message, scheme, digest),
            public,
            RSAKey.import_key(public),
        )
    if algorithm == "ES256":
        curve = ec.generate_private_key(ec.SECP256R1())
        point, ecdsa = curve.public_key(), ec.ECDSA(hashes.SHA256())

        def sign(message: bytes) -> bytes:
            r, s = decode_dss_signature(curve.sign(message, ecdsa))
            return r.to_bytes(32) + s.to_bytes(32)

        def verify(message: bytes, signature: bytes) -> None:
            point.verify(
                encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:])), message, ecdsa
            )

        return sign, VerificationKey.from_public_key("k", algorithm, point), verify, point, ECKey.import_key(point)
    edwards = ed25519.Ed25519PrivateKey.generate()
    half = edwards.public_key()
    return (
        edwards.sign,
        VerificationKey.from_public_key("k", algorithm, half),
        lambda message, signature: half.verify(signature, message),
        half,
        OKPKey.import_key(half),
    )


def per_call(call: Callable[[], object], times: int) -> float:
    started = time.thread_time()
    for _ in range(times):
        call()
    return (time.thread_time() - started) / times


def measure(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    times = {name: max(1, int(BLOCK_SECONDS / max(per_call(call, 20), 1e-7))) for name, call in calls.items()}
    ratios: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        found = {name: per_call(calls[name], times[name]) for name in random.sample(list(calls), len(calls))}
        for name, seconds in found.items():
            ratios[name].append(seconds / found["raw"])
    return {name: statistics.median(values) for name, values in ratios.items()}


def main() -> None:
    limits = {"RS256": 1.8, "ES256": 1.4, "EdDSA": 1.3, "HS256": 8.0}
    for algorithm, limit in limits.items():
        found = measure(candidates(algorithm))
        shown = "  ".join(f"{name} {ratio:.2f}" for name, ratio in found.items() if name != "raw")
        sys.stdout.write(f"{algorithm:6} x raw verify (limit {limit}): {shown}\n")


if __name__ == "__main__":
    main()
