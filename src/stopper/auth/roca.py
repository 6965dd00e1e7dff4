"""Tells RSA moduli of the flawed Infineon generator (CVE-2017-15361) by their fingerprint."""

from typing import Final

_GENERATOR: Final = 65537
# The primes of the fingerprint: every prime to 167 modulo which 65537 does not generate all residues (Nemec et al., 2017).
_PRIMES: Final = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


def _residues(prime: int) -> frozenset[int]:
    found: set[int] = set()
    power = 1
    while power not in found:
        found.add(power)
        power = power * _GENERATOR % prime
    return frozenset(found)


_ALLOWED: Final = tuple((prime, _residues(prime)) for prime in _PRIMES)


def has_roca_fingerprint(modulus: int) -> bool:
    """Whether *modulus* stands, modulo every fingerprint prime, in the subgroup that 65537 generates."""
    return all(modulus % prime in allowed for prime, allowed in _ALLOWED)
