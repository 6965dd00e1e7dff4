"""Which addresses may be called."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.outbound.address import is_loopback, is_public, is_reachable

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0",
    "2606:4700::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "2002:808:808::",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "3fff::1", "5f00::1", "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:7f00:1", "4000::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]  # fmt: skip
NEVER = ["0.0.0.0", "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::", "::a9fe:a9fe",
         "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "::", "ff02::1",
         "fd12::1%eth0"]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_of_the_open_internet_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NEVER)
def test_metadata_and_link_local_addresses_are_not_called_even_for_a_named_service(text: str) -> None:
    assert not is_reachable(ip_address(text))


@pytest.mark.parametrize("text", [*PUBLIC, "10.0.0.1", "127.0.0.1", "192.168.1.1", "fd12::1", "::1"])
def test_a_named_service_may_live_at_a_private_address(text: str) -> None:
    assert is_reachable(ip_address(text))


@pytest.mark.parametrize(("text", "said"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", False), ("10.0.0.1", False), ("0.0.0.0", False)])  # fmt: skip
def test_loopback_is_this_machine_written_as_such(text: str, said: bool) -> None:
    assert is_loopback(ip_address(text)) is said


@given(st.ip_addresses(v=4))
def test_no_address_that_python_calls_special_is_public(address: IPv4Address) -> None:
    special = address.is_private or address.is_loopback or address.is_multicast or address.is_reserved
    assert not (is_public(address) and (special or address.is_link_local or address.is_unspecified))


@given(st.ip_addresses(v=6))
def test_no_special_ipv6_address_is_public(address: IPv6Address) -> None:
    special = address.is_private or address.is_multicast or address.is_site_local or address.is_reserved
    if is_public(address) and (int(address) >> 32) != int(IPv6Address("64:ff9b::")) >> 32:
        assert not special


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::"]))
def test_what_is_carried_inside_is_judged_too(inner: IPv4Address, outer: str) -> None:
    address = IPv6Address(int(IPv6Address(outer)) | int(inner))
    assert not is_public(address) or is_public(inner)
    assert not is_reachable(address) or is_reachable(inner) or int(address) == 1
