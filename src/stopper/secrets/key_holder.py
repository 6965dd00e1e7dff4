"""What every place that signs answers. One kind of place is one file; its keys never leave it."""

import contextlib
import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from stopper.auth.verification_key import PublicKey
from stopper.secrets.errors import FetchError

_CURVES: Final = {"secp256r1": ("ES256",), "secp384r1": ("ES384",)}
_HASHES: Final = {"ES384": hashlib.sha384}


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One key pair at its place. ``version`` is the place's own word for it and never means another one."""

    version: str
    public_key: PublicKey

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What a key of this kind signs under; the first where nobody says."""
        if isinstance(self.public_key, rsa.RSAPublicKey):
            return ("RS256", "PS256")
        if isinstance(self.public_key, ed25519.Ed25519PublicKey):
            return ("EdDSA",)
        return _CURVES.get(self.public_key.curve.name, ())


class KeyHolder(Protocol):
    """Signs with keys of one kind of place. Safe to call from several threads and after a fork."""

    def newest(self, path: str) -> KeyVersion:
        """The key pair that the place signs with now. Raises FetchError."""
        ...

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The JWS signature of that very version. Raises FetchError."""
        ...


def digest(algorithm: str, message: bytes) -> bytes:
    """What is sent to be signed: the place sees no claims where the algorithm lets it sign a digest."""
    return _HASHES.get(algorithm, hashlib.sha256)(message).digest()


def public_key_of(encoded: bytes, name: str) -> PublicKey:
    """A public key in PEM or DER. Raises FetchError for what is none, or of a kind that signs no tokens."""
    found: object = None
    with contextlib.suppress(ValueError, UnsupportedAlgorithm):
        found = load_pem_public_key(encoded) if encoded.startswith(b"-----") else load_der_public_key(encoded)
    if not isinstance(found, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        raise FetchError("malformed", f"{name} is no key that signs tokens; make one of Ed25519, P-256, P-384 or RSA")
    return found
