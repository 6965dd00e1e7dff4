"""Whether a server takes cipher suites that nobody should: asked by a greeting of our own that offers no others, because the OpenSSL of this
machine has most of them no more. Nothing but the greeting is sent."""

import os
import socket
import struct
from collections.abc import Callable
from typing import Final, Literal

Connect = Callable[[], socket.socket]
"""Opens a new TCP connection with a time limit. Raises OSError."""

FAMILIES: Final[dict[str, tuple[int, ...]]] = {
    "ciphers that encrypt nothing": (0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010, 0x002D, 0x00B0, 0x00B1),
    "ciphers without a certificate": (
        0x0018, 0x001B, 0x0034, 0x003A, 0x0046, 0x006C, 0x006D, 0x0089, 0x00A6, 0x00A7, 0xC015, 0xC016, 0xC017, 0xC018, 0xC019,
    ),
    "ciphers for export": (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019),
    "DES": (0x0009, 0x000C, 0x000F, 0x0012, 0x0015, 0x001A),
    "RC4": (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011, 0x0020, 0x0024),
    "3DES": (0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012),
}  # fmt: skip
"""IANA's TLS Cipher Suites: what RFC 9325 §4.2.1 forbids (no encryption, RC4, less than 112 bits), what has no certificate (RFC 5246 §A.5),
and blocks of 64 bits (Sweet32, CVE-2016-2183)."""
_HELLO, _ALERT = 0x16, 0x15
_SERVER_HELLO: Final = 2
_LONGEST: Final = 16_384
_CURVES: Final = (0x001D, 0x0017, 0x0018, 0x0019)
_SIGNATURES: Final = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202)

Answer = int | Literal["refused"] | str


def weak_ciphers(connect: Connect, host: str) -> tuple[tuple[str, ...], str]:
    """The families that the server takes, and why that could not be told, or an empty text. Each connection offers what is left."""
    taken: list[str] = []
    while len(taken) < len(FAMILIES):
        left = [code for name, codes in FAMILIES.items() if name not in taken for code in codes]
        answer = _ask(connect, host, left)
        family = next((name for name, codes in FAMILIES.items() if answer in codes), None)
        if family is None or family in taken:
            told = "it picked a cipher that was not offered" if isinstance(answer, int) else answer
            return tuple(taken), "" if answer == "refused" or taken else told
        taken.append(family)
    return tuple(taken), ""


def _ask(connect: Connect, host: str, suites: list[int]) -> Answer:
    """The suite that the server picks, ``refused``, or why it cannot be told."""
    try:
        link = connect()
    except OSError as error:
        return f"no connection: {error.strerror or type(error).__name__}"
    try:
        with link:
            link.sendall(greeting(host, suites))
            return _picked(link)
    except TimeoutError:
        return "the server did not answer in time"
    except ConnectionError:
        return "refused"
    except OSError as error:
        return error.strerror or type(error).__name__


def _picked(link: socket.socket) -> Answer:
    head = _read(link, 5)
    if not head or head[0] == _ALERT:
        return "refused"
    if len(head) < 5 or head[0] != _HELLO:
        return "what it answered is no TLS"
    said = _read(link, min(int.from_bytes(head[3:5], "big"), _LONGEST))
    # Type, three bytes of length, two of version, 32 of random, then a session id of its own length (RFC 5246 §7.4.1.3).
    if len(said) < 39 or said[0] != _SERVER_HELLO:
        return "what it answered is no TLS"
    end = 39 + said[38]
    return int.from_bytes(said[end : end + 2], "big") if len(said) >= end + 2 else "what it answered is no TLS"


def _read(link: socket.socket, number: int) -> bytes:
    found = b""
    while len(found) < number:
        part = link.recv(number - len(found))
        if not part:
            break
        found += part
    return found


def greeting(host: str, suites: list[int]) -> bytes:
    """A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2) that offers *suites* and nothing else."""
    name = host.encode("idna") if not host.isascii() else host.encode()
    extensions = _extension(0, _sized(b"\x00" + _sized(name))) if not _is_address(host) else b""
    extensions += _extension(10, _sized(_words(_CURVES))) + _extension(11, b"\x01\x00")
    extensions += _extension(13, _sized(_words(_SIGNATURES)))
    body = b"\x03\x03" + os.urandom(32) + b"\x00" + _sized(_words(suites)) + b"\x01\x00" + _sized(extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes((_HELLO, 3, 1)) + _sized(message)


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">H", kind) + _sized(body)


def _sized(body: bytes) -> bytes:
    return struct.pack(">H", len(body)) + body


def _words(numbers: list[int] | tuple[int, ...]) -> bytes:
    return b"".join(struct.pack(">H", one) for one in numbers)


def _is_address(host: str) -> bool:
    """An address is no name, and is not sent as one (RFC 6066 §3)."""
    return ":" in host or host.replace(".", "").isdigit()
