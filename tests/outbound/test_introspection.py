"""An issuer is asked about opaque tokens at one address, with one credential, in bounded time; what it does not say well opens nothing."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from flask import Flask
from tests.auth.dpop_smith import Holder, Once, ath
from tests.auth.token_smith import hs256
from tests.extension.made import issuer as signed_issuer
from tests.outbound.conftest import CANARY
from tests.outbound.peers import Peer, Script, raw, reply, reset

from stopper import InvalidCredentialError, Issuer, Secret, SettingError, Stopper, StoreUnavailableError, bearer, scope
from stopper.auth.clock import SetClock
from stopper.auth.event import Event
from stopper.auth.issuer import Introspection
from stopper.outbound.introspection import FAILURES, MAX_ANSWER, OPEN_SECONDS, Introspector, introspection_client

Serve = Callable[..., Peer]
NOW = int(time.time())
ACTIVE = {"active": True, "sub": "alice", "aud": "api", "exp": NOW + 3600, "scope": "notes:read"}


def answer(**more: object) -> Script:
    return reply(json.dumps({**ACTIVE, **more}).encode())


class World:
    def __init__(self, peer: Peer, client_id: str = "api:1") -> None:
        self.peer, self.events = peer, list[Event]()
        self.clock = SetClock(1000.0)
        about = Introspection(f"{peer.url}/introspect", Secret(CANARY), client_id)
        client = introspection_client(about, lambda: Secret(CANARY), allow_loopback=True)
        self.ask = Introspector(about.url, client, sink=self.events.append, monotonic=self.clock)

    def away(self) -> str:
        with pytest.raises(StoreUnavailableError) as raised:
            self.ask(Secret("t"))
        return raised.value.reason


def test_the_question_and_its_credential(serve: Serve) -> None:
    peer = serve(answer())
    assert World(peer).ask(Secret("t+/=")) == ACTIVE
    body = parse_qs(peer.requests[0].partition(b"\r\n\r\n")[2].decode())
    assert body == {"token": ["t+/="], "token_type_hint": ["access_token"]}
    assert peer.requests[0].startswith(b"POST /introspect ")
    scheme, _, said = str(peer.header("Authorization")).partition(" ")
    assert (scheme, base64.b64decode(said).decode()) == ("Basic", f"api%3A1:{CANARY}")
    World(peer, client_id="").ask(Secret("t"))
    assert peer.header("Authorization") == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    "script",
    [
        reply(b"[]"), reply(b"true"), reply(b""), reply(b"{"), reply(b'{"active":true,"active":true}'), reply(b"\xff{}"), reply(b'{"a":' * 40),
        reply(b'{"exp":NaN}'), reply(json.dumps({"a": "x" * MAX_ANSWER}).encode()), reply(json.dumps(ACTIVE).encode(), kind="text/plain"),
        reply(hs256().encode(), kind="application/token-introspection+jwt"), reply(hs256().encode()), reply(hs256().encode(), kind="application/jwt"), raw(b"nonsense"),
    ],
)  # fmt: skip
def test_answers_that_are_none(serve: Serve, script: Script) -> None:
    world = World(serve(script))
    with pytest.raises(InvalidCredentialError, match="introspection-answer"):
        world.ask(Secret("t"))
    assert [event.name for event in world.events] == ["introspection-failed"]
    assert CANARY not in str(world.events)


@pytest.mark.parametrize(
    "script",
    [reply(status="500 X"), reply(status="401 X"), reply(status="404 X"), reply(status="429 X"), reply(b"{}", "302 Found", Location="/other"),
     reset, reply(b"{}", "307 X", Location="https://evil.example/")],
)  # fmt: skip
def test_an_issuer_that_does_not_answer(serve: Serve, script: Script) -> None:
    peer = serve(script)
    world = World(peer)
    assert world.away() == "introspection"
    assert len(peer.requests) == 1, "no retry, and no redirect is followed"


def test_after_failures_in_a_row_it_is_left_alone_for_a_while(serve: Serve) -> None:
    peer = serve(reply(status="500 X"))
    world = World(peer)
    for _ in range(FAILURES):
        assert world.away() == "introspection"
    assert world.away() == "introspection-open"
    assert len(peer.requests) == FAILURES
    world.clock.forward(OPEN_SECONDS)
    assert world.away() == "introspection"
    assert world.away() == "introspection-open", "one may try, the others wait"
    peer.script = answer()
    world.clock.forward(OPEN_SECONDS)
    assert world.ask(Secret("t")) == ACTIVE
    assert world.ask(Secret("t")) == ACTIVE


@pytest.mark.parametrize("status", ["400 X", "413 X", "422 X", "431 X"])
def test_tokens_that_the_issuer_turns_away_do_not_shut_out_the_others(serve: Serve, status: str) -> None:
    """A stranger who sends nonsense as a token must not make us leave the issuer alone."""
    peer = serve(reply(status=status))
    world = World(peer)
    for _ in range(FAILURES + 1):
        assert world.away() == "introspection-turned-away"
    peer.script = answer()
    assert world.ask(Secret("t")) == ACTIVE


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "http://idp.example/x", "ftp://idp.example/x", "idp.example", "https://u:p@idp.example/x"],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(SettingError):
        introspection_client(Introspection(url, Secret(CANARY), "api"), lambda: Secret(CANARY))


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1/x", "https://169.254.169.254/x", "https://10.0.0.1/x", "https://[::1]:1/x"]
)
def test_inner_addresses_are_not_called(url: str) -> None:
    about = Introspection(url, Secret(CANARY), "api")
    events: list[Event] = []
    ask = Introspector(url, introspection_client(about, lambda: Secret(CANARY)), sink=events.append)
    with pytest.raises(StoreUnavailableError):
        ask(Secret("t"))
    assert events[0].details["why"] == "address"


def guarded(peer: Peer, tmp_path: Path, **more: Any) -> Flask:
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "secret").chmod(0o600)
    app = Flask("opaque")
    app.config.update(
        STOPPER_AUDIENCE="api",
        STOPPER_ALLOW_LOOPBACK_INTROSPECTION=True,
        STOPPER_SECRETS={"idp": f"file:{tmp_path}/secret"},
        STOPPER_ISSUERS=json.dumps(
            [{"url": "https://idp.example", "profile": "opaque", "introspection": {"url": f"{peer.url}/i", "client_id": "api", "secret": "idp"}}]
        ),
    )  # fmt: skip
    app.config.update(more.pop("config", {}))
    Stopper(app, single_use=Once(), **more)

    @app.get("/notes")
    @(bearer & scope("notes:read"))
    def notes() -> str:
        return "notes"

    return app


def get(app: Flask, token: str, scheme: str = "Bearer", **headers: str) -> Any:
    return app.test_client().get("/notes", headers={"Authorization": f"{scheme} {token}", **headers})


def test_in_the_guard_with_a_secret_by_name(serve: Serve, tmp_path: Path) -> None:
    peer = serve(answer())
    app = guarded(peer, tmp_path)
    assert [get(app, "opaque-1").status_code for _ in range(3)] == [200] * 3
    assert len(peer.requests) == 1
    assert base64.b64decode(str(peer.header("Authorization")).split()[1]).decode() == f"api:{CANARY}"
    peer.script = answer(scope="")
    assert get(app, "opaque-2").status_code == 403
    peer.script = answer(active=False)
    gone = get(app, "opaque-3")
    assert (gone.status_code, gone.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    peer.script = reply(status="500 X")
    assert get(app, "opaque-4").status_code == 503
    assert get(app, "opaque-1").status_code == 200


def test_beside_a_signed_issuer_each_token_goes_its_own_way(serve: Serve, tmp_path: Path) -> None:
    peer = serve(answer())
    app = guarded(peer, tmp_path, issuers=[signed_issuer()])
    assert get(app, "opaque-1").status_code == 200
    asked = len(peer.requests)
    assert get(app, hs256()).status_code == 401, (
        "expired long ago or not yet valid, and never shown to the other issuer"
    )
    assert len(peer.requests) == asked


def test_an_opaque_token_may_be_bound_to_a_key(serve: Serve, tmp_path: Path) -> None:
    holder = Holder()
    app = guarded(serve(answer(cnf={"jkt": holder.thumbprint}, token_type="DPoP")), tmp_path)
    proof = holder.proof(htu="http://localhost/notes", ath=ath("opaque-1"), iat=int(time.time()))
    assert get(app, "opaque-1").status_code == 401
    assert get(app, "opaque-1", "DPoP", DPoP=proof).status_code == 200


def test_two_opaque_issuers_and_a_secret_that_nobody_declared_are_refused(serve: Serve, tmp_path: Path) -> None:
    peer = serve(answer())
    other = Issuer("https://b.example", profile="opaque", introspection=Introspection(peer.url, Secret(CANARY)))
    with pytest.raises(SettingError, match="declare one"):
        guarded(peer, tmp_path, issuers=[other])
    with pytest.raises(SettingError, match="STOPPER_SECRETS declares") as refused:
        guarded(peer, tmp_path, config={"STOPPER_SECRETS": {}})
    assert "idp'" not in str(refused.value)
    written = [
        {"url": "https://idp.example", "profile": "opaque", "introspection": {"url": peer.url, "password": CANARY}}
    ]
    with pytest.raises(SettingError, match="STOPPER_ISSUERS") as wrong:
        guarded(peer, tmp_path, config={"STOPPER_ISSUERS": json.dumps(written)})
    assert CANARY not in str(wrong.value)
