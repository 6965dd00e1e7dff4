"""Ed25519 public keys of small order: for them a signature can be made that fits any message (RFC 8725 §3.4)."""

from typing import Final

_P: Final = 2**255 - 19
_OF_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL: Final = frozenset({0, 1, _P - 1, _OF_ORDER_8, _P - _OF_ORDER_8})
"""The y of the eight points whose order divides 8, the cofactor (RFC 7748 §4.1)."""


def has_small_order(public: bytes) -> bool:
    """Whether these 32 bytes (RFC 8032 §5.1.2), in whatever spelling, are a point of small order."""
    return (int.from_bytes(public, "little") & (2**255 - 1)) % _P in _SMALL
