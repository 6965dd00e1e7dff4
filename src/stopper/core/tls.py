"""What a client saw of a server's TLS: which old versions it takes, and its certificate."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

WEAK_CIPHERS: Final = "weak ciphers"
OLD_VERSIONS: Final = ("TLS 1.0", "TLS 1.1")
"""Versions that RFC 8996 forbids."""
RSA_LEAST: Final = 2048
"""Bits of an RSA key, NIST SP 800-57 part 1 table 2 (112 bits of strength)."""
WEAK_HASHES: Final = frozenset({"md5", "sha1"})
"""Hashes under which a second certificate with the same signature can be made (RFC 9155)."""


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """The server's own certificate, read without trusting it. ``trouble`` is why this machine does not trust it, or an empty text."""

    begins: datetime
    ends: datetime
    fits_host: bool
    self_signed: bool
    rsa_bits: int | None
    signature_hash: str | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """One look at a server. ``taken``, ``refused`` and ``untested`` share the old versions; ``untested`` says why."""

    at: datetime
    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    untested: tuple[tuple[str, str], ...] = ()
    certificate: CertificateSeen | None = None
    unread: str = ""
    """Why there is no certificate."""
    weak: str = ""
    """Why a careful client's handshake fails where one that takes every cipher holds."""
    ciphers: tuple[str, ...] = ()
    """The families of weak ciphers that are taken, beside whatever else."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as the rest of a sentence that begins with the server. ``open_now``: whoever is on the way can read or pose as
    the server today; else it takes a client that is talked into something old, or an attack that costs much."""

    text: str
    open_now: bool = False


def faults(seen: TlsSeen) -> tuple[Fault, ...]:
    """What is wrong with the server's TLS."""
    found = [Fault(f"still takes {version}") for version in seen.taken]
    found += [Fault(f"takes {family}", family not in _COSTLY) for family in seen.ciphers]
    if seen.weak:
        said = f"holds no handshake with a careful client ({seen.weak}), only with one that takes every cipher"
        found.append(Fault(said, True))
    if seen.certificate is not None:
        found += _certificate_faults(seen.certificate, seen.at)
    return tuple(found)


_COSTLY: Final = ("RC4", "3DES")
"""Families that are broken at a price: millions of requests, or gigabytes of one connection (RFC 7465, Sweet32)."""


def _certificate_faults(one: CertificateSeen, now: datetime) -> list[Fault]:
    found: list[Fault] = []
    if now > one.ends:
        found.append(Fault(f"shows a certificate that ended on {one.ends:%Y-%m-%d}", True))
    if now < one.begins:
        found.append(Fault(f"shows a certificate that begins on {one.begins:%Y-%m-%d} only", True))
    if not one.fits_host:
        found.append(Fault("shows a certificate for another host", True))
    if one.self_signed and one.trouble:
        found.append(Fault("shows a certificate that it signed itself", True))
    if one.rsa_bits is not None and one.rsa_bits < RSA_LEAST:
        found.append(Fault(f"shows a certificate with an RSA key of {one.rsa_bits} bits"))
    if one.signature_hash in WEAK_HASHES and not one.self_signed:
        found.append(Fault(f"shows a certificate whose signature stands on {one.signature_hash.upper()}"))
    if one.trouble and not found:
        found.append(Fault(f"shows a certificate that is not trusted here ({one.trouble})", True))
    return found
