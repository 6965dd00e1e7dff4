"""The signature algorithms that Stopper speaks (RFC 7518 §3.1, RFC 8037, RFC 9864), and what each asks of its key."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Family = Literal["HMAC", "RSA", "RSA-PSS", "ECDSA", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm. ``kty`` is the JWK key type; ``hash`` the digest's name; ``curve`` and ``signature_size`` where they are fixed."""

    name: str
    family: Family
    kty: str
    hash: str = ""
    curve: str = ""
    signature_size: int | None = None

    @property
    def symmetric(self) -> bool:
        """Whether who verifies can also sign."""
        return self.family == "HMAC"


_ALL: Final = (
    *(Algorithm(f"HS{bits}", "HMAC", "oct", f"sha{bits}", signature_size=bits // 8) for bits in (256, 384, 512)),
    *(Algorithm(f"RS{bits}", "RSA", "RSA", f"sha{bits}") for bits in (256, 384, 512)),
    *(Algorithm(f"PS{bits}", "RSA-PSS", "RSA", f"sha{bits}") for bits in (256, 384, 512)),
    Algorithm("ES256", "ECDSA", "EC", "sha256", "P-256", 64),
    Algorithm("ES384", "ECDSA", "EC", "sha384", "P-384", 96),
    Algorithm("ES512", "ECDSA", "EC", "sha512", "P-521", 132),
    Algorithm("EdDSA", "EdDSA", "OKP", "", "Ed25519", 64),
)

ALGORITHMS: Final = MappingProxyType({algorithm.name: algorithm for algorithm in _ALL})
"""Every algorithm by its name. `none` is not among them and never will be."""


def canonical_name(name: str) -> str:
    """The one name of an algorithm: ``Ed25519`` (RFC 9864) is ``EdDSA`` here."""
    return "EdDSA" if name == "Ed25519" else name
