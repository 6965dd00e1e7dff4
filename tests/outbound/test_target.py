"""A URL has one reading, or it is refused."""

import socket
import string
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stopper.core.errors import SettingError
from stopper.outbound import CallRefusedError, Client, Limits, Network, OutboundError
from stopper.outbound.address import is_public
from stopper.outbound.credential import origins
from stopper.outbound.target import origin_of, read_url

HOSTILE = [
    "", "https://", "https:/example.com", "https:example.com", "//example.com", "ftp://example.com", "file:///etc/passwd",
    "gopher://example.com", "data:text/plain,x", "javascript:alert(1)", " https://example.com", "https://example.com ",
    "https://example.com/\n", "https://exa\tmple.com", "https://example.com\\@evil.example", "https:\\\\example.com",
    "https://user@example.com", "https://user:pass@example.com", "https://example.com:443@evil.example", "https://@example.com",
    "https://example.com:", "https://example.com:0", "https://example.com:65536", "https://example.com:99999999", "https://example.com:8a",
    "https://example.com:-1", "https://example.com:4 43", "https://127.1", "https://2130706433", "https://0x7f000001",
    "https://0x7f.0.0.1", "https://0177.0.0.1", "https://017700000001", "https://127.0.0.1.", "https://127.0.0.01", "https://1.2.3",
    "https://1.2.3.4.5", "https://256.1.1.1", "https://foo.0x7f", "https://foo.127", "https://[::1", "https://::1", "https://[::1]x",
    "https://[fe80::1%25eth0]", "https://[::ffff:127.0.0.1.1]", "https://[v1.x]", "https://exa%6dple.com", "https://%31%32%37.0.0.1",
    "https://ｅxample.com", "https://①②⑦.0.0.1", "https://example。com", "https://bücher.example", "https://exam­ple.com",
    "https://example.com.", "https://example..com", "https://-a.example", "https://a-.example", "https://.example.com",
    "https://" + "a" * 64 + ".example", "https://" + "a." * 130 + "example", "https://example.com/../x", "https://example.com/a/%2e%2e/b",
    "https://example.com/a/%252e%252e/b", "https://example.com/a/..%2fb", "https://example.com/a/..;/b", "https://example.com/a/.%2e/b",
    "https://example.com/a/%5c..%5cb", "https://example.com/./a", "https://example.com/ü", "https://example.com/%zz", "https://example.com/%",
    "https://example.com/%25252525252e", "https://example.com/a?b=ü", "https://example.com/" + "a" * 9000, "https://example.com/<x>",
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_a_url_with_two_readings_is_refused(url: str) -> None:
    with pytest.raises(CallRefusedError) as refused:
        read_url(url)
    assert not url or len(url) < 12 or url not in str(refused.value)


@pytest.mark.parametrize("thing", [None, 1, b"https://example.com", ["https://example.com"]])
def test_what_is_no_text_is_refused(thing: object) -> None:
    with pytest.raises(CallRefusedError):
        read_url(thing)


@pytest.mark.parametrize(
    ("url", "origin", "line"),
    [
        ("https://Example.COM", "example.com:443", "/"),
        ("HTTPS://example.com:8443/a%2Fb?x=1&y=%20#part", "example.com:8443", "/a%2Fb?x=1&y=%20"),
        ("https://1.1.1.1/", "1.1.1.1:443", "/"),
        ("https://[2606:4700:0::1]/x", "[2606:4700::1]:443", "/x"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example:80", "/"),
        ("https://a_b.example/v1//x;p=1?", "a_b.example:443", "/v1//x;p=1?"),
        ("https://example.com/a..b/...", "example.com:443", "/a..b/..."),
    ],
)
def test_a_plain_url_is_read_as_it_stands(url: str, origin: str, line: str) -> None:
    target = read_url(url)
    assert (target.origin, target.path + target.query) == (origin, line)


@pytest.mark.parametrize("host", ["", "https://a.example", "a.example/x", "a.example?x", "*.example", "a.example#", "u@a.example", "127.1", "a.example/"])  # fmt: skip
def test_a_binding_names_a_host_and_nothing_else(host: str) -> None:
    with pytest.raises(SettingError):
        origins([host])


def test_the_port_of_a_binding_is_that_of_https() -> None:
    assert origin_of("api.example.com") == "api.example.com:443"
    assert origin_of("API.example.com:8443") == "api.example.com:8443"


pieces = st.sampled_from(
    ["https://", "http://", "HTTPS://", "//", "/", "\\", "@", ":", "#", "?", "[", "]", "%", "%00", "%2e", ".", "..", "127.0.0.1", "127.1", "0x7f", "0177",
     "2130706433", "::1", "::ffff:127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost", "public.example", "evil.example", "10.0.0.1",
     "443", "80", "①", "。", "\t", "\r\n", " ", "x", "user:pass", "0", "fe80::1%25eth0", "[64:ff9b::7f00:1]", "8.8.8.8"]
)  # fmt: skip
urls = st.one_of(
    st.text(max_size=60),
    st.lists(pieces, max_size=8).map("".join),
    st.lists(pieces, max_size=6).map(lambda parts: "https://" + "".join(parts)),
    st.text(string.printable, max_size=40).map(lambda text: "https://" + text),
    st.ip_addresses(v=4).map(lambda ip: f"https://{ip}/"),
    st.ip_addresses(v=4).map(lambda ip: f"https://{int(ip)}/"),
    st.ip_addresses(v=4).map(lambda ip: f"https://{int(ip):#x}/"),
    st.ip_addresses(v=4).map(lambda ip: f"https://{'.'.join(f'0{int(part):o}' for part in str(ip).split('.'))}/"),
    st.ip_addresses(v=6).map(lambda ip: f"https://[{ip}]/"),
    st.ip_addresses(v=4).map(lambda ip: f"https://[::ffff:{ip}]/"),
    st.ip_addresses(v=4).map(lambda ip: f"https://{quote(str(ip))}.example/"),
)


def connected(url: str, answers: list[str]) -> list[tuple[str, int]]:
    """Where a client for URLs of users tries to connect, when every name has these addresses."""
    tried: list[tuple[str, int]] = []

    def refuse(address: str, port: int, timeout: float) -> socket.socket:
        tried.append((address, port))
        raise ConnectionRefusedError

    network = Network(lambda host, port: answers, refuse)
    with pytest.raises(OutboundError):
        Client.for_user_urls(limits=Limits(retries=0), network=network).get(url)
    return tried


addresses = st.lists(st.ip_addresses().map(str), min_size=1, max_size=3)


@settings(max_examples=600)
@given(urls, addresses)
@example("https://127.0.0.1/", ["8.8.8.8"])
@example("https://public.example/", ["8.8.8.8", "127.0.0.1"])
@example("https://public.example/", ["::ffff:127.0.0.1"])
def test_no_spelling_leads_to_a_forbidden_address(url: str, answers: list[str]) -> None:
    """Whatever somebody types, and whatever the name resolves to, a connection is only ever tried to a public address."""
    assert all(is_public(ip_address(address)) and port == 443 for address, port in connected(url, answers))


def test_the_way_that_was_just_closed_is_open_to_good_urls() -> None:
    assert connected("https://public.example/", ["8.8.8.8", "1.1.1.1"]) == [("8.8.8.8", 443), ("1.1.1.1", 443)]


@pytest.mark.soak
@settings(max_examples=20_000)
@given(urls, addresses)
def test_no_spelling_of_very_many_leads_to_a_forbidden_address(url: str, answers: list[str]) -> None:
    """The long form of the same."""
    assert all(is_public(ip_address(address)) and port == 443 for address, port in connected(url, answers))


@given(urls)
def test_what_is_read_is_what_python_reads(url: str) -> None:
    """Another reader of the same URL comes to the same host and port."""
    try:
        target = read_url(url)
    except CallRefusedError:
        return
    other = urlsplit(url)
    assert (
        ip_address(other.hostname or "") == ip_address(target.host)
        if ":" in target.host
        else other.hostname == target.host
    )
    assert (other.port or (443 if target.scheme == "https" else 80)) == target.port
    assert (other.path or "/") == target.path
