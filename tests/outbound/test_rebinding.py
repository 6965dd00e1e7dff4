"""A name that changes its address between judging and connecting gains nothing."""

import contextlib
from collections.abc import Callable

import pytest
from tests.outbound.peers import Authority, Peer, Wired, raw, reply

from stopper.outbound import CallRefusedError, Client, Limits, OutboundError

Serve = Callable[..., Peer]


def client(wired: Wired, authority: Authority, retries: int = 0) -> Client:
    return Client.for_user_urls(ca_file=authority.file, network=wired.network, limits=Limits(retries=retries))


def test_the_address_that_was_judged_is_the_one_connected_to(serve: Serve, authority: Authority) -> None:
    peer = serve(reply(b'{"a": 1}'), "user.example")
    wired = Wired({"user.example": [["93.184.215.14"], ["127.0.0.1"], ["169.254.169.254"]]}, port=peer.port)
    assert client(wired, authority).get("https://user.example/hook").json() == {"a": 1}
    assert wired.connected == [("93.184.215.14", 443)]
    assert wired.asked == ["user.example"], "asked once; a second answer would be another one"
    assert peer.header("Host") == "user.example"


FORBIDDEN = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254", "fe80::1%lo", "0.0.0.0", "64:ff9b::7f00:1", "not an address"]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_one_forbidden_address_among_good_ones_is_enough(authority: Authority, address: str) -> None:
    for answer in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        wired = Wired({"user.example": [answer]})
        with pytest.raises(CallRefusedError) as refused:
            client(wired, authority).get("https://user.example/")
        assert wired.connected == []
        assert address not in str(refused.value)


def test_a_retry_judges_the_name_again(serve: Serve, authority: Authority) -> None:
    peer = serve(reply(b"{}", "503 Busy", Retry_After="0", Connection="close"), "user.example")
    wired = Wired({"user.example": [["8.8.8.8"], ["127.0.0.1"]]}, port=peer.port)
    with contextlib.suppress(CallRefusedError):
        client(wired, authority, retries=2).get("https://user.example/")
    assert {address for address, _ in wired.connected} == {"8.8.8.8"}


def test_a_redirect_judges_the_name_again(serve: Serve, authority: Authority) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(raw(answer), "user.example")
    wired = Wired({"user.example": [["8.8.8.8"], ["10.0.0.1"]]}, port=peer.port)
    with pytest.raises(CallRefusedError):
        client(wired, authority).get("https://user.example/")
    assert wired.connected == [("8.8.8.8", 443)]


def test_only_the_ports_that_are_named_are_called(authority: Authority) -> None:
    wired = Wired({"user.example": [["8.8.8.8"]]})
    for url in (
        "https://user.example:22/",
        "https://user.example:8443/",
        "http://user.example/",
        "http://user.example:443/",
    ):
        with pytest.raises(CallRefusedError):
            client(wired, authority).get(url)
    assert (wired.connected, wired.asked) == ([], [])


def test_the_next_address_is_tried_when_one_does_not_answer(serve: Serve, authority: Authority) -> None:
    peer = serve(reply(), "user.example")
    wired = Wired({"user.example": [["8.8.8.8", "2606:4700::1"]]}, port=peer.port)
    reach = wired.connect

    def first_is_dead(address: str, port: int, timeout: float) -> object:
        if address == "8.8.8.8":
            wired.connected.append((address, port))
            raise ConnectionRefusedError
        return reach(address, port, timeout)

    wired.connect = first_is_dead  # type: ignore[method-assign,assignment]
    client(wired, authority).get("https://user.example/")
    assert [address for address, _ in wired.connected] == ["8.8.8.8", "2606:4700::1"]


def test_an_unknown_name_is_unreachable(authority: Authority) -> None:
    with pytest.raises(OutboundError) as unknown:
        client(Wired({}), authority).get("https://unknown.example/")
    assert (unknown.value.reason, unknown.value.status) == ("resolve", 502)


def test_a_literal_address_is_judged_without_asking(authority: Authority) -> None:
    wired = Wired({})
    for host in ("127.0.0.1", "[::1]", "[::ffff:a9fe:a9fe]", "169.254.169.254", "10.1.1.1"):
        with pytest.raises(CallRefusedError):
            client(wired, authority).get(f"https://{host}/")
    assert (wired.connected, wired.asked) == ([], [])
