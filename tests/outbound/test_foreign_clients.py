"""requests and httpx under the client's rules: what is written for them works, and what they add by themselves does not leak."""

import asyncio
import importlib
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from tests.outbound.conftest import CANARY
from tests.outbound.peers import Peer, reply

from stopper.core.errors import SettingError
from stopper.outbound import CallRefusedError, Client, RedirectRefusedError, UpstreamUnreachableError
from stopper.outbound.httpx_transport import transport_for
from stopper.outbound.requests_adapter import ClientAdapter, session

Serve = Callable[..., Peer]
Bound = Callable[..., Client]


@pytest.fixture(params=["httpx", "httpx2"])
def httpx(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


@pytest.fixture(params=["requests", "httpx", "httpx2"])
def face(request: pytest.FixtureRequest) -> Callable[[Client], Any]:
    if request.param == "requests":
        return session
    library = importlib.import_module(request.param)
    return lambda client: library.Client(transport=transport_for(client, request.param))


@pytest.mark.feature("F18")
def test_a_call_carries_the_bound_credential(serve: Serve, bound: Bound, face: Callable[[Client], Any]) -> None:
    peer = serve(reply(b'{"a": "\xc3\xbc"}', X_Kept="yes"))
    answer = face(bound(peer)).post(f"{peer.url}/v1/x?y=1", json={"n": 1}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json(), answer.headers["X-Kept"]) == (200, {"a": "ü"}, "yes")
    assert peer.header("Authorization") == f"Bearer {CANARY}"
    assert peer.header("Idempotency-Key") == "k"
    assert peer.requests[0].startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert peer.requests[0].partition(b"\r\n\r\n")[2].replace(b" ", b"") == b'{"n":1}'


def test_bodies_of_every_kind(serve: Serve, bound: Bound, face: Callable[[Client], Any]) -> None:
    peer = serve(reply())
    made = face(bound(peer))
    made.post(f"{peer.url}/v1/x", data={"a": "1"})
    made.post(f"{peer.url}/v1/x", data=b"raw") if made.__class__.__module__.startswith("requests") else made.post(
        f"{peer.url}/v1/x", content=b"raw"
    )
    made.post(f"{peer.url}/v1/x", files={"f": ("n.txt", b"file")})
    bodies = [request.partition(b"\r\n\r\n")[2] for request in peer.requests]
    assert bodies[:2] == [b"a=1", b"raw"]
    assert b"file" in bodies[2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer caller"},
        {"Cookie": "session=1"},
        {"X-Api-Key": "k"},
        {"X-Unnamed": "1"},
        {"Host": "other.example"},
    ],
)
def test_foreign_credentials_are_refused(
    serve: Serve, bound: Bound, face: Callable[[Client], Any], headers: dict[str, str]
) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError):
        face(bound(peer)).get(f"{peer.url}/v1/x", headers=headers)
    assert peer.connections == 0


def test_no_foreign_host_sees_the_canary(serve: Serve, bound: Bound, face: Callable[[Client], Any]) -> None:
    foreign = serve(reply())
    own = serve(reply(b"", "302 Found", Location=f"{foreign.url}/v1/x"))
    made = face(bound(own))
    with pytest.raises(CallRefusedError):
        made.get(f"{foreign.url}/v1/x")
    with pytest.raises(RedirectRefusedError):
        made.get(f"{own.url}/v1/x")
    with pytest.raises(CallRefusedError):
        made.get("https://evil.example/v1/x")
    assert foreign.connections == 0


def test_what_the_library_attaches_by_itself_is_refused(
    serve: Serve, bound: Bound, face: Callable[[Client], Any]
) -> None:
    peer = serve(reply())
    made = face(bound(peer))
    for more in ({"auth": ("me", "pw")}, {"cookies": {"a": "b"}}):
        made = face(bound(peer))
        try:
            made.get(f"{peer.url}/v1/x", **more)
        except CallRefusedError:
            continue
        except DeprecationWarning:  # httpx warns about cookies of one call
            continue
        assert peer.header("Authorization") == f"Bearer {CANARY}"
        assert peer.header("Cookie") is None
    with pytest.raises(CallRefusedError):
        made.get(peer.url.replace("http://", "http://me:pw@") + "/v1/x")


def test_cookies_of_a_reply_are_not_sent_back(serve: Serve, bound: Bound, face: Callable[[Client], Any]) -> None:
    peer = serve(reply(b"{}", Set_Cookie="id=1"))
    made = face(bound(peer))
    assert made.get(f"{peer.url}/v1/x").status_code == made.get(f"{peer.url}/v1/x").status_code == 200
    assert peer.header("Cookie") is None


def test_a_failure_is_ours_and_shows_nothing(bound: Bound, face: Callable[[Client], Any]) -> None:
    with Peer(reply()) as peer:
        pass
    with pytest.raises(UpstreamUnreachableError) as wrong:
        face(bound(peer)).get(f"{peer.url}/v1/x?key=url-canary")
    shown = "".join(traceback.format_exception(wrong.value))
    assert CANARY not in shown
    assert "url-canary" not in str(wrong.value)
    assert wrong.value.__context__ is None


def test_plain_http_is_refused(bound: Bound, serve: Serve, face: Callable[[Client], Any]) -> None:
    with pytest.raises(CallRefusedError):
        face(bound(serve(reply()))).get("http://api.example/v1/x")


def test_requests_reads_no_netrc_and_no_proxy(
    serve: Serve, bound: Bound, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc, peer, proxy = tmp_path / "netrc", serve(reply()), serve(reply())
    netrc.write_text("machine 127.0.0.1 login me password pw\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", proxy.url)
    session(bound(peer)).get(f"{peer.url}/v1/x")
    assert peer.header("Authorization") == f"Bearer {CANARY}"
    assert proxy.connections == 0
    bare = requests.Session()
    bare.mount("http://", ClientAdapter(bound(peer)))
    with pytest.raises(CallRefusedError):
        bare.get(f"{peer.url}/v1/x")  # the adapter alone refuses what the environment adds


@pytest.mark.parametrize(
    "more", [{"verify": False}, {"cert": "client.pem"}, {"proxies": {"http": "http://127.0.0.1:9"}}]
)
def test_requests_cannot_weaken_the_client(serve: Serve, bound: Bound, more: dict[str, Any]) -> None:
    peer = serve(reply())
    with pytest.raises(CallRefusedError):
        session(bound(peer)).get(f"{peer.url}/v1/x", **more)
    assert peer.connections == 0


def test_httpx_under_asyncio(serve: Serve, bound: Bound, httpx: ModuleType) -> None:
    peer = serve(reply(b'{"a": 1}'))

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=transport_for(bound(peer), httpx.__name__)) as client:
            return (await client.post(f"{peer.url}/v1/x", json={})).json()

    assert asyncio.run(ask()) == {"a": 1}


def test_a_library_that_is_missing_is_said() -> None:
    with pytest.raises(SettingError, match="pip install"):
        transport_for(Client(hosts=["a.example"]), "httpx_of_nobody")
