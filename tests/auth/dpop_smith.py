"""Makes DPoP proofs, honest and bent."""

import hashlib
import threading
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.auth.token_smith import NOW, b64, segment

from stopper.auth.dpop_proof import thumbprint_of

URL = "https://api.example/notes"


class Holder:
    """A client with a P-256 key."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.jwk: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32)), "y": b64(numbers.y.to_bytes(32))}  # fmt: skip
        self.thumbprint = thumbprint_of(self.jwk)
        self._count = 0

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def proof(self, head: dict[str, Any] | None = None, **claims: Any) -> str:
        """A proof; None takes a claim or a member of the header away."""
        self._count += 1
        said = {"jti": f"p{self._count}", "htm": "GET", "htu": URL, "iat": NOW, **claims}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk, **(head or {})}
        return self.raw(segment(present(header)), segment(present(said)))

    def raw(self, header: str, payload: str) -> str:
        message = f"{header}.{payload}"
        return f"{message}.{b64(self.sign(message.encode()))}"


class Okp(Holder):
    """A client with an Ed25519 key."""

    def __init__(self) -> None:
        super().__init__()
        self.own = ed25519.Ed25519PrivateKey.generate()
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.own.public_key().public_bytes_raw())}
        self.thumbprint = thumbprint_of(self.jwk)

    def sign(self, message: bytes) -> bytes:
        return self.own.sign(message)

    def proof(self, head: dict[str, Any] | None = None, **claims: Any) -> str:
        return super().proof({"alg": "EdDSA", **(head or {})}, **claims)


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def ath(token: str) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


class Once:
    """Remembers what was used, in memory; says which purposes were asked for."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        assert 0 < valid_for <= 120
        with self._lock:
            new = (purpose, value) not in self.used
            self.used.add((purpose, value))
            return new
