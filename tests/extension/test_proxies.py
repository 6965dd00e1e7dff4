"""The client's address is what a trusted proxy says, read from the right; what anybody else forwards counts for nothing."""

from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st
from tests.extension.made import issuer
from werkzeug.middleware.proxy_fix import ProxyFix

from stopper import SettingError, Stopper, public
from stopper.core.settings import Settings
from stopper.extension.proxies import Proxies, client_address, proxies_from


def proxies(trusted: object = (), header: str = "X-Forwarded-For") -> Proxies:
    return proxies_from(Settings({"STOPPER_TRUSTED_PROXIES": trusted, "STOPPER_FORWARDED_HEADER": header}, {}))


def environ(peer: str = "10.0.0.1", **headers: str) -> dict[str, Any]:
    shown = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inner:8000", **shown}


def seen(trusted: object, said: str, peer: str = "10.0.0.1") -> str | None:
    return proxies(trusted).caller(environ(peer, x_forwarded_for=said)).address


def test_without_trusted_proxies_every_forwarded_header_is_ignored() -> None:
    shown = environ(x_forwarded_for="1.1.1.1", x_forwarded_proto="https", x_forwarded_host="evil.example", forwarded="for=2.2.2.2", x_real_ip="3.3.3.3")  # fmt: skip
    assert proxies().caller(shown) == ("10.0.0.1", "http", "inner:8000", False)
    assert proxies(0).caller(shown) == ("10.0.0.1", "http", "inner:8000", False)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("x" * 5000 + ", 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("10.9.9.9, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("1.1.1.1, unknown", None),
        ("1.1.1.1, unknown, 10.0.0.7", None),
        ("1.1.1.1, ", None),
        ("fe80::1%eth0", None),
        ("10.0.0.8, 10.0.0.7", "10.0.0.8"),
        ("", "10.0.0.1"),
        ("x" * 5000, "10.0.0.1"),  # no proxy wrote this: it would have put a comma and an address behind it
    ],
)
def test_the_right_most_address_that_is_no_proxy_is_the_client(said: str, expected: str | None) -> None:
    assert seen("10.0.0.0/8", said) == expected


def test_a_stranger_who_connects_directly_speaks_for_nobody() -> None:
    shown = environ("203.0.113.9", x_forwarded_for="127.0.0.1", x_forwarded_proto="https", x_forwarded_host="evil.example")  # fmt: skip
    assert proxies("10.0.0.0/8").caller(shown) == ("203.0.113.9", "http", "inner:8000", False)
    assert not proxies("10.0.0.0/8").is_proxy(shown)


@pytest.mark.parametrize(
    ("hops", "said", "expected"),
    [
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 172.16.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "1.1.1.1, unknown", None),
    ],
)
def test_with_a_number_of_proxies_the_address_that_the_outermost_wrote(
    hops: int, said: str, expected: str | None
) -> None:
    assert seen(hops, said) == expected
    assert seen(str(hops), said) == expected


def test_scheme_and_host_are_those_that_the_same_proxy_wrote() -> None:
    both = environ(x_forwarded_for="1.1.1.1, 203.0.113.9", x_forwarded_proto="ftp, https", x_forwarded_host="evil.example, api.example")  # fmt: skip
    assert proxies(1).caller(both) == ("203.0.113.9", "https", "api.example", True)
    odd = environ(x_forwarded_for="203.0.113.9", x_forwarded_proto="javascript", x_forwarded_host="a b")
    assert proxies(1).caller(odd) == ("203.0.113.9", "http", "inner:8000", True)


def test_the_standard_header_is_read_where_it_is_named_and_only_there() -> None:
    shown = environ(
        x_forwarded_for="1.1.1.1",
        forwarded='for=1.2.3.4, for="[2001:db8::7]:99";proto=https;host="api.example", for=10.0.0.4',
    )
    assert proxies("10.0.0.0/8", "Forwarded").caller(shown) == ("2001:db8::7", "https", "api.example", True)
    assert proxies("10.0.0.0/8").caller(shown).address == "1.1.1.1"


@pytest.mark.parametrize(
    "said", ["for=1.1.1.1;for=2.2.2.2", 'for="1.1.1.1', "for=1.1.1.1;;", "1.1.1.1", "for=1.1.1.1;", "for = 1.1.1.1"]
)
def test_a_standard_header_that_cannot_be_read_never_makes_a_client_the_proxy(said: str) -> None:
    handed_on = environ(forwarded=f"{said}, for=203.0.113.9")
    for trusted in ("10.0.0.0/8", 1):
        assert proxies(trusted, "Forwarded").caller(environ(forwarded=said)).address is None
        assert proxies(trusted, "Forwarded").caller(handed_on).address in (None, "203.0.113.9")
    stranger = environ("203.0.113.9", forwarded=said)
    assert proxies("10.0.0.0/8", "Forwarded").caller(stranger).address == "203.0.113.9"
    assert proxies("10.0.0.0/8", "Forwarded").caller(environ()).address == "10.0.0.1"


@given(st.text(max_size=80), st.sampled_from(["X-Forwarded-For", "Forwarded"]), st.sampled_from(["10.0.0.0/8", 1, 2]))
def test_no_header_breaks_it(said: str, header: str, trusted: object) -> None:
    caller = proxies(trusted, header).caller(environ(x_forwarded_for=said, forwarded=said))
    assert caller.scheme in ("http", "https")


@given(st.lists(st.ip_addresses().map(str), max_size=4), st.ip_addresses(v=4, network="203.0.113.0/24").map(str))
def test_whatever_the_client_puts_in_front_changes_nothing(sent: list[str], client: str) -> None:
    said = ", ".join([*sent, client, "10.0.0.7"])
    assert seen("10.0.0.0/8", said) == client
    assert seen(2, said) == client


@pytest.mark.parametrize("wrong", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy.example", 17, -1, True, {"a": 1}])
def test_what_names_no_proxies_is_refused(wrong: object) -> None:
    with pytest.raises(SettingError, match="STOPPER_TRUSTED_PROXIES"):
        proxies(wrong)


def test_a_header_without_proxies_is_refused() -> None:
    with pytest.raises(SettingError, match="names none"):
        proxies((), "Forwarded")


def test_in_an_application_and_behind_werkzeugs_own_proxy_fix() -> None:
    app = Flask("proxied")
    app.config["STOPPER_TRUSTED_PROXIES"] = 1
    Stopper(app, issuers=[issuer()])

    @app.get("/")
    @public
    def who() -> str:
        return str(client_address(request))

    def get() -> str:
        shown = {"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
        return app.test_client().get("/", headers=shown, environ_base={"REMOTE_ADDR": "10.0.0.1"}).text

    assert get() == "203.0.113.9"
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert get() == "203.0.113.9"


def test_a_proxy_on_a_socket_of_this_machine_is_named_unix() -> None:
    shown = environ("", x_forwarded_for="1.1.1.1, 203.0.113.9, 10.0.0.7")
    assert proxies("unix, 10.0.0.0/8").caller(shown).address == "203.0.113.9"
    assert proxies("unix").caller(shown).address == "10.0.0.7"
    assert proxies("10.0.0.0/8").caller(shown).address is None
    assert proxies("unix").caller(environ("203.0.113.9", x_forwarded_for="1.1.1.1")).address == "203.0.113.9"


def test_with_a_number_nobody_counts_as_a_proxy_whose_words_are_its_own() -> None:
    assert not proxies(1).is_proxy(environ())
    assert proxies("10.0.0.1").is_proxy(environ())
