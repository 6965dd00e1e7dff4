"""What servers answer to a greeting that offers weak ciphers alone: ciphers that no OpenSSL of today has are played by hand."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from stopper.core.tls import TlsSeen, faults
from stopper.scan.wire.tls_ciphers import FAMILIES, Connect, greeting, weak_ciphers

Plays = Callable[[bytes], bytes]
_REFUSAL = b"\x15\x03\x03\x00\x02\x02\x28"


def hello(suite: int) -> bytes:
    body = b"\x03\x03" + b"r" * 32 + b"\x04" + b"sid!" + struct.pack(">HB", suite, 0)
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack(">H", len(message)) + message


def takes(*suites: int) -> Plays:
    """Picks the first of *suites* that is offered."""

    def play(asked: bytes) -> bytes:
        offered = asked[asked.index(b"\x03\x03", 5) + 35 :]
        number = int.from_bytes(offered[:2], "big")
        words = {int.from_bytes(offered[at : at + 2], "big") for at in range(2, 2 + number, 2)}
        return next((hello(one) for one in suites if one in words), _REFUSAL)

    return play


@contextlib.contextmanager
def played(play: Plays) -> Iterator[tuple[Connect, list[bytes]]]:
    listener, heard = socket.create_server(("127.0.0.1", 0)), list[bytes]()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = listener.accept()
                with link:
                    heard.append(link.recv(4096))
                    link.sendall(play(heard[-1]))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield lambda: socket.create_connection(listener.getsockname(), 5), heard
    finally:
        listener.close()


@pytest.mark.parametrize(("suites", "told"), [
    ((0x000A,), ("3DES",)),
    ((0x0005, 0xC012), ("RC4", "3DES")),
    ((0x0009, 0x0003, 0x0001), ("DES", "ciphers for export", "ciphers that encrypt nothing")),
    ((), ()),
])  # fmt: skip
def test_families_are_told_one_after_the_other(suites: tuple[int, ...], told: tuple[str, ...]) -> None:
    with played(takes(*suites)) as (connect, heard):
        assert weak_ciphers(connect, "api.example.com") == (told, "")
    assert len(heard) == len(told) + 1


@pytest.mark.parametrize(("answer", "told"), [
    (b"", ""),
    (_REFUSAL, ""),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what it answered is no TLS"),
    (b"\x16\x03\x03\xff\xff\x02", "what it answered is no TLS"),
    (hello(0x000A)[:44], "what it answered is no TLS"),
    (hello(0x1301), "it picked a cipher that was not offered"),
])  # fmt: skip
def test_what_is_no_pick_of_a_weak_cipher_accuses_nobody(answer: bytes, told: str) -> None:
    with played(lambda _: answer) as (connect, _heard):
        assert weak_ciphers(connect, "api.example.com") == ((), told)


def test_a_server_that_picks_what_was_not_offered_ends_the_questions() -> None:
    with played(lambda _: hello(0x000A)) as (connect, heard):
        assert weak_ciphers(connect, "api.example.com") == (("3DES",), "")
    assert len(heard) == 2


def test_no_suite_stands_in_two_families_and_an_address_is_sent_as_no_name() -> None:
    every = [code for codes in FAMILIES.values() for code in codes]
    assert len(every) == len(set(every))
    assert b"api.example.com" in greeting("api.example.com", every)
    assert b"10.0.0.1" not in greeting("10.0.0.1", every)
    assert b"::1" not in greeting("::1", every)


@pytest.mark.parametrize(
    ("family", "open_now"), [("RC4", False), ("3DES", False), ("DES", True), ("ciphers for export", True)]
)
def test_what_takes_a_costly_attack_weighs_less(family: str, open_now: bool) -> None:

    (fault,) = faults(TlsSeen(datetime.now(UTC), ciphers=(family,)))
    assert (fault.text, fault.open_now) == (f"takes {family}", open_now)
