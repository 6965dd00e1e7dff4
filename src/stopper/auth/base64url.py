"""Base64url without padding (RFC 7515 §2), read strictly: one text for one value."""

import base64
import binascii
from typing import Final

# Every byte outside the alphabet becomes "!", which strict decoding refuses; "+", "/" and "=" among them.
_TO_STANDARD: Final = bytes(
    {0x2D: 0x2B, 0x5F: 0x2F}.get(byte, byte if chr(byte).isascii() and chr(byte).isalnum() else 0x21)
    for byte in range(256)
)
_PADDING: Final = (b"", b"", b"==", b"=")
# The characters whose unused low bits are zero (RFC 4648 §3.5), by the length of the text modulo 4.
_CANONICAL_END: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


def decode(text: bytes) -> bytes:
    """The bytes that *text* stands for. Raises ValueError for padding, foreign bytes and unused bits that are not zero."""
    left = len(text) & 3
    if left and (left == 1 or text[-1] not in _CANONICAL_END[left]):
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[left], strict_mode=True)


def encode(raw: bytes) -> str:
    """*raw* as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
