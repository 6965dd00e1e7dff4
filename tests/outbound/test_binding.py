"""A credential goes where it is bound, and nothing else of ours or of the caller's goes anywhere."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Flask, request
from tests.outbound.conftest import CANARY
from tests.outbound.peers import Authority, Peer, Wired, reply
from werkzeug.datastructures import Headers

from stopper.core.errors import SettingError
from stopper.outbound import CallRefusedError, Client, Credential, Limits, OutboundError, RedirectRefusedError, Secret
from stopper.secrets import Secrets

Serve = Callable[..., Peer]
Bound = Callable[..., Client]


@pytest.mark.feature("F18")
def test_the_credential_is_sent_to_its_host_path_and_method(serve: Serve, bound: Bound) -> None:
    peer = serve(reply(b'{"ok": true}'))
    answer = bound(peer).post(f"{peer.url}/v1/charges?x=1", json={"amount": 3}, headers={"Idempotency-Key": "k1"})
    assert answer.json() == {"ok": True}
    assert peer.header("Authorization") == f"Bearer {CANARY}"
    assert peer.header("Idempotency-Key") == "k1"
    assert peer.header("Host") == peer.host
    assert peer.requests[0].endswith(b'{"amount":3}')
    assert peer.requests[0].startswith(b"POST /v1/charges?x=1 HTTP/1.1\r\n")


OUTSIDE = [
    ("GET", "/v2/charges"), ("GET", "/"), ("GET", "/v1"), ("GET", "/V1/charges"), ("GET", "/v1/../v2"), ("GET", "/v1/%2e%2e/v2"),
    ("GET", "//v1/charges"), ("GET", "/v1/..;/v2"), ("GET", "/%76%31/charges"), ("DELETE", "/v1/charges"), ("PUT", "/v1/charges"), ("get", "/v1/charges"),
    ("TRACE", "/v1/charges"), ("CONNECT", "/v1/charges"), ("GET /v1/x HTTP/1.1\r\nX: y\r\n\r\nGET", "/v1/charges"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), OUTSIDE)
def test_nothing_is_sent_outside_of_the_binding(serve: Serve, bound: Bound, method: str, path: str) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError):
        bound(peer).request(method, peer.url + path)
    assert peer.connections == 0


def test_a_call_without_the_credential_says_so(serve: Serve, bound: Bound) -> None:
    peer = serve(reply())
    bound(peer).get(f"{peer.url}/health", anonymous=True)
    assert CANARY.encode() not in b"".join(peer.requests)


PATTERNS = [
    ("/v1/charges", "/v1/charges", True), ("/v1/charges", "/v1/charges/", False), ("/v1/charges", "/v1/chargesx", False),
    ("/v1/*", "/v1/", True), ("/v1/*", "/v1/a/b", True), ("/v1/*", "/v1", False), ("/*", "/", True), ("/*", "/a", True),
    ("/u/*/name", "/u/1/name", True), ("/u/*/name", "/u/1/2/name", False), ("/u/*/name", "/u//name", False),
    ("/u/*/name", "/u/1%2F2/name", False), ("/u/*/name", "/u/1%5c2/name", False), ("/a.b", "/aXb", False), ("/u/*/files/*", "/u/1/files/a/b", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "path", "fits"), PATTERNS)
def test_a_path_pattern_means_what_it_says(pattern: str, path: str, fits: bool) -> None:
    from stopper.outbound.target import read_url

    credential = Credential(Secret("abcdef"), hosts=["a.example"], paths=[pattern])
    assert credential.fits("GET", read_url(f"https://a.example{path}")) is fits


def test_the_port_belongs_to_the_binding(serve: Serve, bound: Bound) -> None:
    peer, neighbour = serve(reply()), serve(reply())
    with pytest.raises(CallRefusedError):
        bound(peer).get(f"{neighbour.url}/v1/x")
    assert neighbour.connections == 0


def foreign_ways(url: str) -> list[tuple[str, str]]:
    """How a credential might get to another host: by the URL itself."""
    host = url.removeprefix("http://")
    return [
        ("GET", f"{url}/v1/x"),
        ("GET", f"http://127.0.0.1:1@{host}/v1/x"),
        ("GET", f"http://127.0.0.1:1#@{host}/v1/x"),
        ("GET", f"http://127.0.0.1:1\\@{host}/v1/x"),
        ("GET", f"http://[::ffff:127.0.0.1]:{host.split(':')[1]}/v1/x"),
        ("GET", f"http://localhost:{host.split(':')[1]}/v1/x"),
        ("GET", f"http://127.1:{host.split(':')[1]}/v1/x"),
        ("GET", f"http://0:{host.split(':')[1]}/v1/x"),
    ]


@pytest.mark.parametrize("way", range(8))
def test_no_url_brings_the_canary_to_a_foreign_host(serve: Serve, bound: Bound, way: int) -> None:
    own, foreign = serve(reply()), serve(reply())
    method, url = foreign_ways(foreign.url)[way]
    with pytest.raises(OutboundError):
        bound(own).request(method, url)
    assert foreign.connections == 0


@pytest.mark.feature("F18")
def test_each_host_of_a_client_sees_its_own_credential_alone(serve: Serve, secret: Secret) -> None:
    own, other, open_host = serve(reply()), serve(reply()), serve(reply())
    second = Credential(Secret("second-secret-77"), hosts=[other.host])
    client = Client(Credential(secret, hosts=[own.host]), second, hosts=[open_host.host], allow_loopback_http=True)
    for peer in (own, other, open_host):
        client.get(f"{peer.url}/v1/x")
    assert own.header("Authorization") == f"Bearer {CANARY}"
    assert other.header("Authorization") == "Bearer second-secret-77"
    assert open_host.header("Authorization") is None


REDIRECTS = [
    "{foreign}/v1/x",
    "//{host}/v1/x",
    "{own}/v1/y",
    "/v1/y",
    "{own}\\@{host}/",
    "http://user@{host}/",
    "",
    "{foreign}/%0d%0a",
    "\\\\{host}/",
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", REDIRECTS)
def test_no_redirect_is_followed_with_the_canary(serve: Serve, bound: Bound, location: str, status: int) -> None:
    foreign = serve(reply())
    said: dict[str, str] = {}
    own = serve(lambda connection, request: reply(b"", f"{status} Moved", Location=said["to"])(connection, request))
    said["to"] = location.format(foreign=foreign.url, host=foreign.host, own=own.url)
    with pytest.raises(RedirectRefusedError):
        bound(own).get(f"{own.url}/v1/x")
    assert (len(own.requests), foreign.connections) == (1, 0)


def test_a_few_redirects_within_the_host_are_followed_without_a_credential(serve: Serve) -> None:
    def script(connection: object, request: bytes) -> None:
        step = int(request.split(b" ")[1].rpartition(b"/")[2] or b"0")
        answer = reply(b'{"there": 1}') if step == 3 else reply(b"", "302 Found", Location=f"./{step + 1}")
        answer(connection, request)  # type: ignore[arg-type]

    peer = serve(script)
    client = Client(hosts=[peer.host], allow_loopback_http=True, limits=Limits(redirects=3))
    assert client.get(f"{peer.url}/a/0").json() == {"there": 1}
    assert [line.split(b" ")[1] for line in peer.requests] == [b"/a/0", b"/a/1", b"/a/2", b"/a/3"]
    with pytest.raises(RedirectRefusedError):
        Client(hosts=[peer.host], allow_loopback_http=True, limits=Limits(redirects=2)).get(f"{peer.url}/a/0")


@pytest.mark.parametrize(
    "location", ["{foreign}/x", "//{host}/x", "https://{own}/x", "{foreign}", "/a/../../x", "http://127.1/"]
)
def test_a_redirect_to_elsewhere_is_not_followed_either(serve: Serve, location: str) -> None:
    foreign = serve(reply())
    said: dict[str, str] = {}
    own = serve(lambda connection, request: reply(b"", "302 Found", Location=said["to"])(connection, request))
    said["to"] = location.format(foreign=foreign.url, host=foreign.host, own=own.host)
    client = Client(hosts=[own.host, foreign.host], allow_loopback_http=True, limits=Limits(redirects=1))
    with pytest.raises(CallRefusedError):
        client.get(f"{own.url}/x")
    assert foreign.connections == 0


def test_a_post_is_not_redirected(serve: Serve) -> None:
    peer = serve(reply(b"", "307 Temporary Redirect", Location="/y"))
    with pytest.raises(RedirectRefusedError):
        Client(hosts=[peer.host], allow_loopback_http=True).post(f"{peer.url}/x", json={})
    assert len(peer.requests) == 1


@pytest.mark.feature("F18")
def test_incoming_headers_are_refused_in_every_wrapping(serve: Serve, bound: Bound) -> None:
    peer = serve(reply())
    client, app = bound(peer), Flask(__name__)
    incoming = {"Authorization": "Bearer caller", "Cookie": "session=1", "X-Api-Key": "k", "X-Trace": "t"}
    with app.test_request_context(headers=incoming):
        wrappings: list[object] = [
            request.headers, dict(request.headers), request.environ, list(request.headers), {**request.headers},
            {name: value for name, value in request.headers if name != "Host"},
            {name: value for name, value in request.headers if name not in ("Host", "Authorization")},
            {name: value for name, value in request.headers if name not in ("Host", "Authorization", "Cookie")},
            {name: value for name, value in request.headers if name == "X-Trace"},
        ]  # fmt: skip
    for headers in wrappings:
        with pytest.raises(CallRefusedError) as refused:
            client.get(f"{peer.url}/v1/x", headers=headers)  # type: ignore[arg-type]
        assert "caller" not in str(refused.value)
    for headers in (*wrappings[:1], wrappings[2], Headers({"Accept": "text/plain"})):
        with pytest.raises(CallRefusedError) as refused:
            client.get(f"{peer.url}/v1/x", headers=headers)  # type: ignore[arg-type]
        assert refused.value.reason == "incoming-headers", "a kind of headers that only a request has"
    assert peer.connections == 0


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "Cookie", "X-API-Key", "X-Auth-Token", "X-Forwarded-User", "X-Session"],
)
def test_a_foreign_credential_is_called_one(serve: Serve, bound: Bound, name: str) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError) as refused:
        bound(peer).get(f"{peer.url}/v1/x", headers={name: "v"})
    assert refused.value.reason == "foreign-credential"


BAD_HEADERS = [
    {"Authorization": "Bearer x"}, {"authorization": "x"}, {"Proxy-Authorization": "x"}, {"Cookie": "a=b"}, {"X-API-Key": "x"}, {"X-Auth-Token": "x"},
    {"X-Amz-Security-Token": "x"}, {"X-Forwarded-User": "x"}, {"Host": "x"}, {"Content-Length": "1"}, {"Transfer-Encoding": "chunked"},
    {"Connection": "close"}, {"Accept-Encoding": "br"}, {"X-Other": "x"}, {"Accept": "a\r\nX: y"}, {"Accept": "a\nb"}, {"Accept": "ü"}, {"Accept": "a\0"},
    {"Accept": " a"}, {"Accept": b"a"}, {"Accept": None}, {"Ac cept": "a"}, {"Accept\r\nX": "a"}, {"": "a"}, {1: "a"}, {"Accept": "a", "accept": "b"},
    {"Accept": "a" * 9000}, [("Accept", "a")], "Accept: a",
]  # fmt: skip


@pytest.mark.parametrize("headers", BAD_HEADERS)
def test_a_header_that_is_not_named_and_plain_is_refused(serve: Serve, bound: Bound, headers: object) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError):
        bound(peer).get(f"{peer.url}/v1/x", headers=headers)  # type: ignore[arg-type]
    assert peer.connections == 0


def test_a_further_header_is_named_once_for_the_client(serve: Serve, bound: Bound) -> None:
    peer = serve(reply())
    bound(peer, send_headers=["X-Tenant"]).get(f"{peer.url}/v1/x", headers={"x-tenant": "7", "Accept-Language": "de"})
    assert (peer.header("X-Tenant"), peer.header("Accept-Language")) == ("7", "de")


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "Host", "Content-Length", "a b", "X-Auth"])
def test_no_client_may_send_a_loose_credential(name: str) -> None:
    with pytest.raises(SettingError):
        Client(hosts=["a.example"], send_headers=[name])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Credential("text", hosts=["a.example"]),  # type: ignore[arg-type]
        lambda: Credential(Secret("abcdef"), hosts=[]),
        lambda: Credential(Secret("abcdef"), hosts="a.example"),
        lambda: Credential(Secret("abcdef"), hosts=["*"]),
        lambda: Credential(Secret("abcdef"), hosts=["*.example.com"]),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], paths=[]),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], paths=["v1"]),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], methods=[]),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], methods=["get"]),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], header="Host"),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], header="X-Key\r\nX"),
        lambda: Credential(Secret("abcdef"), hosts=["a.example"], scheme="a b"),
        lambda: Credential.basic("a:b", Secret("abcdef"), ["a.example"]),
        lambda: Client(),
        lambda: Client(hosts=["a.example"], ca_file="no-such-file.pem"),
        lambda: Client(hosts=["a.example"], ca_file=__file__),
        lambda: Client(hosts=["https://a.example"]),
        lambda: Client.for_user_urls(ports=()),
        lambda: Limits(total=0),
        lambda: Limits(max_bytes=0),
        lambda: Limits(retries=99),
    ],
)
def test_a_set_up_that_binds_nothing_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(SettingError):
        wrong()


def test_two_credentials_for_one_call_are_refused(serve: Serve) -> None:
    peer = serve(reply())
    one, two = (Credential(Secret(f"secret-{n}-abc"), hosts=[peer.host]) for n in (1, 2))
    with pytest.raises(CallRefusedError):
        Client(one, two, allow_loopback_http=True).get(f"{peer.url}/")
    assert peer.connections == 0


def test_a_rotated_secret_is_sent_without_a_restart(serve: Serve) -> None:
    peer, now = serve(reply()), [Secret("first-secret")]
    client = Client(
        Credential(lambda: now[0], hosts=[peer.host], header="X-API-Key", scheme=""), allow_loopback_http=True
    )
    client.get(f"{peer.url}/")
    now[0] = Secret("second-secret")
    client.get(f"{peer.url}/")
    assert [peer.header("X-API-Key", n) for n in (0, 1)] == ["first-secret", "second-secret"]


def test_the_secrets_of_a_service_serve_as_a_source(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_KEY", "key-of-the-environment-1")
    secrets, peer = Secrets({"payments": "env:PAYMENTS_KEY"}), serve(reply())
    Client(Credential(lambda: secrets["payments"], hosts=[peer.host]), allow_loopback_http=True).get(f"{peer.url}/")
    assert peer.header("Authorization") == "Bearer key-of-the-environment-1"


@pytest.mark.parametrize("value", ["", "with\r\nX-Injected: 1", "ünicode", " blank", "tail\0"])
def test_a_secret_that_no_header_can_carry_is_not_sent(serve: Serve, value: str) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError) as refused:
        Client(Credential(Secret(value), hosts=[peer.host]), allow_loopback_http=True).get(f"{peer.url}/")
    assert peer.connections == 0
    assert not value or value not in str(refused.value)


def test_basic_authentication(serve: Serve) -> None:
    peer = serve(reply())
    credential = Credential.basic("me", Secret("open sesame"), [peer.host])
    Client(credential, allow_loopback_http=True).get(f"{peer.url}/")
    assert peer.header("Authorization") == "Basic bWU6b3BlbiBzZXNhbWU="


def test_cookies_of_a_reply_go_nowhere(serve: Serve, bound: Bound) -> None:
    peer = serve(reply(b"{}", Set_Cookie="id=1", X_Kept="yes"))
    client = bound(peer)
    answer = client.get(f"{peer.url}/v1/x")
    client.get(f"{peer.url}/v1/x")
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-kept"] == "yes"
    assert peer.header("Cookie") is None


def test_plain_http_is_refused_everywhere_but_on_this_machine(serve: Serve, secret: Secret) -> None:
    wired = Wired({"api.example": [["127.0.0.1"]]}, port=serve(reply()).port)
    for allowed in (False, True):
        client = Client(
            Credential(secret, hosts=["api.example:80"]), allow_loopback_http=allowed, network=wired.network
        )
        with pytest.raises(CallRefusedError):
            client.get("http://api.example/")
    with pytest.raises(CallRefusedError):
        Client(Credential(secret, hosts=["127.0.0.1:80"])).get("http://127.0.0.1/")
    assert wired.connected == []


def test_localhost_that_is_elsewhere_is_not_this_machine(secret: Secret) -> None:
    wired = Wired({"localhost": [["10.0.0.9"]]})
    client = Client(Credential(secret, hosts=["localhost:80"]), allow_loopback_http=True, network=wired.network)
    with pytest.raises(CallRefusedError):
        client.get("http://localhost/")
    assert wired.connected == []


def test_the_certificate_must_prove_the_host(serve: Serve, authority: Authority, secret: Secret) -> None:
    peer = serve(reply(), "other.example")
    wired = Wired({"api.example": [["10.1.2.3"]]}, port=peer.port)
    credential = Credential(secret, hosts=["api.example"])
    for ca_file in (None, authority.file):
        with pytest.raises(OutboundError) as refused:
            Client(credential, ca_file=ca_file, network=wired.network).get("https://api.example/")
        assert refused.value.reason == "certificate"
    assert peer.requests == []


def test_a_named_service_at_a_private_address_is_reached_by_its_name(
    serve: Serve, authority: Authority, secret: Secret
) -> None:
    peer = serve(reply(), "api.example")
    wired = Wired({"api.example": [["10.1.2.3"]]}, port=peer.port)
    client = Client(Credential(secret, hosts=["api.example"]), ca_file=authority.file, network=wired.network)
    client.get("https://api.example/")
    assert (wired.connected, peer.header("Host")) == ([("10.1.2.3", 443)], "api.example")


def test_proxies_of_the_environment_are_not_used(serve: Serve, bound: Bound, monkeypatch: pytest.MonkeyPatch) -> None:
    peer, proxy = serve(reply()), serve(reply())
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    bound(peer).get(f"{peer.url}/v1/x")
    assert (len(peer.requests), proxy.connections) == (1, 0)


def test_outbound_needs_nothing_of_flask() -> None:
    code = "import sys, stopper.outbound, stopper.outbound.webhook, stopper.outbound.on_behalf; print(sorted({'flask', 'werkzeug', 'sqlalchemy', 'requests', 'httpx', 'stopper.extension'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
