"""A user's authority goes on only by exchange or by an explicit word, and never further than said."""

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from tests.outbound.peers import Peer, reply

from stopper.core.errors import SettingError
from stopper.outbound import (
    CallRefusedError,
    Client,
    Credential,
    OutboundError,
    ReplyRefusedError,
    Secret,
    UpstreamStatusError,
)
from stopper.outbound.on_behalf import ACCESS_TOKEN, GRANT, PassOn, TokenExchange

Serve = Callable[..., Peer]


def jwt(**claims: object) -> Secret:
    parts = (json.dumps(part).encode() for part in ({"alg": "EdDSA"}, claims))
    return Secret(".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".c2ln")


USER = jwt(sub="alice", aud=["https://notes.example", "https://orders.example"])


def answer(token: object = "exchanged-token-1", **more: object) -> bytes:
    return json.dumps(
        {"access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, **more}
    ).encode()


def exchange(auth: Peer, service: Peer, **binding: object) -> TokenExchange:
    own = Credential.basic("notes", Secret("client-secret-1"), [auth.host], paths=["/oauth/token"], methods=["POST"])
    client = Client(own, allow_loopback_http=True)
    return TokenExchange(
        client,
        f"{auth.url}/oauth/token",
        audience="https://orders.example",
        hosts=[service.host],
        scopes=["orders:read"],
        **binding,
    )  # type: ignore[arg-type]


def over(on_behalf: object, *hosts: str) -> Client:
    return Client(hosts=hosts, on_behalf=on_behalf, allow_loopback_http=True)  # type: ignore[arg-type]


@pytest.mark.feature("F18")
def test_the_token_is_exchanged_and_only_the_new_one_is_sent(serve: Serve) -> None:
    auth, service = serve(reply(answer())), serve(reply())
    client = over(exchange(auth, service))
    client.get(f"{service.url}/orders", on_behalf_of=USER)
    client.get(f"{service.url}/orders/2", on_behalf_of=USER)
    assert service.header("Authorization") == "Bearer exchanged-token-1"
    assert USER.reveal().encode() not in b"".join(service.requests)
    assert len(auth.requests) == 1, "kept until shortly before it ends"
    form = parse_qs(auth.requests[0].partition(b"\r\n\r\n")[2].decode())
    assert form == {
        "grant_type": [GRANT], "subject_token": [USER.reveal()], "subject_token_type": [ACCESS_TOKEN], "requested_token_type": [ACCESS_TOKEN],
        "audience": ["https://orders.example"], "scope": ["orders:read"],
    }  # fmt: skip
    assert (auth.header("Authorization") or "").startswith("Basic ")


def test_each_user_has_a_token_of_its_own(serve: Serve) -> None:
    def by_user(connection: object, request: bytes) -> None:
        subject = "alice" if USER.reveal().encode() in request else "bob"
        reply(answer(f"token-of-{subject}"))(connection, request)  # type: ignore[arg-type]

    auth, service = serve(by_user), serve(reply())
    client = over(exchange(auth, service))
    for user, name in ((USER, "alice"), (jwt(sub="bob"), "bob"), (USER, "alice")):
        client.get(f"{service.url}/", on_behalf_of=user)
        assert service.header("Authorization") == f"Bearer token-of-{name}"


def test_a_token_that_ends_soon_is_not_kept(serve: Serve) -> None:
    auth, service = serve(reply(answer(expires_in=20))), serve(reply())
    client = over(exchange(auth, service))
    for _ in range(2):
        client.get(f"{service.url}/", on_behalf_of=USER)
    assert len(auth.requests) == 2


BAD_ANSWERS = [
    answer(None), answer(""), answer(token_type="N_A"), answer(token_type=None), answer(issued_token_type="urn:ietf:params:oauth:token-type:refresh_token"),
    answer(issued_token_type=None), b"[]", b"null", b"{}", b"{",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_ANSWERS)
def test_an_answer_that_is_no_exchange_sends_nothing(serve: Serve, body: bytes) -> None:
    auth, service = serve(reply(body)), serve(reply())
    with pytest.raises(ReplyRefusedError):
        over(exchange(auth, service)).get(f"{service.url}/", on_behalf_of=USER)
    assert service.connections == 0


def test_a_refused_exchange_names_the_auth_server_and_no_token(serve: Serve) -> None:
    auth, service = serve(reply(b'{"error": "invalid_grant"}', "400 Bad Request")), serve(reply())
    with pytest.raises(UpstreamStatusError) as refused:
        over(exchange(auth, service)).get(f"{service.url}/", on_behalf_of=USER)
    assert str(refused.value) == "POST 127.0.0.1: the service answered with 400"
    assert service.connections == 0


def test_the_new_token_stays_within_its_binding(serve: Serve) -> None:
    auth, service, foreign = serve(reply(answer())), serve(reply()), serve(reply())
    client = over(exchange(auth, service, paths=["/orders/*"]), foreign.host)
    for method, url in (
        ("GET", f"{service.url}/admin"),
        ("DELETE", f"{service.url}/orders/1"),
        ("GET", f"{foreign.url}/orders/1"),
    ):
        with pytest.raises(CallRefusedError):
            client.request(method, url, on_behalf_of=USER)
    assert service.connections == foreign.connections == 0


def test_a_client_without_a_word_passes_nothing_on(serve: Serve) -> None:
    peer = serve(reply())
    client = Client(Credential(Secret("own-secret"), hosts=[peer.host]), allow_loopback_http=True)
    for options in ({"on_behalf_of": USER}, {"on_behalf_of": USER, "anonymous": True}, {"on_behalf_of": "text"}):
        with pytest.raises(CallRefusedError):
            client.get(f"{peer.url}/", **options)  # type: ignore[arg-type]
    assert peer.connections == 0


@pytest.mark.parametrize(("aud", "passed"), [
    ("https://orders.example", True), (["a", "https://orders.example"], True), ("https://orders.example.evil", False), (["a"], False), ([], False), (None, False),
    ({"https://orders.example": 1}, False), (["https://orders.example/"], False),
])  # fmt: skip
def test_a_users_own_token_goes_on_only_where_it_is_meant_for(serve: Serve, aud: object, passed: bool) -> None:
    peer, token = serve(reply()), jwt(sub="alice", aud=aud)
    client = over(PassOn("https://orders.example", hosts=[peer.host]))
    if passed:
        client.get(f"{peer.url}/", on_behalf_of=token)
        assert peer.header("Authorization") == f"Bearer {token.reveal()}"
    else:
        with pytest.raises(CallRefusedError):
            client.get(f"{peer.url}/", on_behalf_of=token)
        assert peer.connections == 0


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b", "a.b.c.d", "a.!!.c", "a.bnVsbA.c", "a." + base64.urlsafe_b64encode(b"[" * 5000).decode() + ".c"],
)
def test_a_token_that_names_no_audience_stays(serve: Serve, token: str) -> None:
    peer = serve(reply())
    with pytest.raises(OutboundError):
        over(PassOn("https://orders.example", hosts=[peer.host])).get(f"{peer.url}/", on_behalf_of=Secret(token))
    assert peer.connections == 0


def test_passing_on_binds_host_path_and_method(serve: Serve) -> None:
    peer, foreign = serve(reply()), serve(reply())
    client = over(PassOn("https://orders.example", hosts=[peer.host], paths=["/orders/*"]), foreign.host)
    for method, url in (
        ("POST", f"{peer.url}/orders/1"),
        ("GET", f"{peer.url}/users"),
        ("GET", f"{foreign.url}/orders/1"),
    ):
        with pytest.raises(CallRefusedError):
            client.request(method, url, on_behalf_of=USER)
    assert peer.connections == foreign.connections == 0


def test_an_audience_is_needed() -> None:
    with pytest.raises(SettingError):
        PassOn("", hosts=["a.example"])
    with pytest.raises(SettingError):
        TokenExchange(Client(hosts=["a.example"]), "https://a.example/", audience="", hosts=["b.example"])
    with pytest.raises(SettingError):
        PassOn("a", hosts=[])
