"""The examples and tables of docs/outbound.md hold."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.outbound.peers import Authority, Peer, Wired, reply

import stopper.outbound
from stopper.core.settings import Settings, declared
from stopper.outbound import Client, Limits, OutboundError, Secret, errors
from stopper.outbound.jwks import Freshness, RemoteKeys
from stopper.outbound.limits import limits_of
from stopper.outbound.on_behalf import ACCESS_TOKEN

PAGE = (Path(__file__).parents[2] / "docs" / "outbound.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z ]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
Serve = Callable[..., Peer]
BARE = Client.__init__


@pytest.fixture
def run(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs an example in a world where each name leads to a peer on this machine."""

    def start(name: str, **peers: Peer) -> dict[str, Any]:
        def made(self: Client, *credentials: Any, **options: Any) -> None:
            hosts = {origin.rpartition(":")[0] for one in credentials for origin in one.origins}
            hosts |= {origin.rpartition(":")[0] for origin in getattr(options.get("on_behalf"), "origins", ())}
            peer = next((peers[key] for host in hosts for key in peers if host.startswith(key)), None)
            wired = Wired(
                {host: [["93.184.215.14"]] for host in {*hosts, "user.example"}}, port=peer.port if peer else 0
            )
            BARE(self, *credentials, **{**options, "network": wired.network, "ca_file": str(authority.file)})

        monkeypatch.setattr(Client, "__init__", made)
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(EXAMPLES[name], f"docs/outbound.md: {name}", "exec"), names)
        return names

    return start


def test_one_service(run: Callable[..., dict[str, Any]], serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_KEY", "sk-for-payments-1")
    peer = serve(reply(b'{"id": 7}'), "api.payments.example")
    names = run("one service", api=peer)
    assert names["charge"](5, "order-1") == {"id": 7}
    assert peer.header("Authorization") == "Bearer sk-for-payments-1"
    for call in (("DELETE", "/v1/charges/1"), ("GET", "/v1/refunds")):
        with pytest.raises(OutboundError):
            names["payments"].request(call[0], f"https://api.payments.example{call[1]}")
    assert len(peer.requests) == 1


def test_user_url(run: Callable[..., dict[str, Any]]) -> None:
    view = run("user url")["avatar"]
    app = view.__globals__["app"]
    for url in ("https://127.0.0.1/", "http://user.example/", "https://169.254.169.254/latest/meta-data/"):
        with app.test_request_context(method="POST", json={"url": url}):
            assert view()[1] == 400


def test_requests_and_httpx(run: Callable[..., dict[str, Any]], serve: Serve) -> None:
    for name in ("requests", "httpx"):
        peer = serve(reply(b'{"ok": 1}'), "api.payments.example")
        assert run(name, api=peer)["payments"].get("https://api.payments.example/v1/x").json() == {"ok": 1}
        assert peer.header("Authorization") == "Bearer the-key-from-your-store"


def test_on_behalf(run: Callable[..., dict[str, Any]], serve: Serve) -> None:
    answer = (
        f'{{"access_token": "new", "token_type": "Bearer", "expires_in": 60, "issued_token_type": "{ACCESS_TOKEN}"}}'
    )
    auth, orders = serve(reply(answer.encode()), "auth.example.com"), serve(reply(b"[1]"), "orders.example.com")
    assert run("on behalf", auth=auth, orders=orders)["orders_of"]("the-users-token") == [1]
    assert orders.header("Authorization") == "Bearer new"


def test_webhooks(run: Callable[..., dict[str, Any]]) -> None:
    names = run("webhooks")
    client, body = names["app"].test_client(), b'{"paid": 1}'
    headers = names["sender"].headers(body)
    assert client.post("/hooks/payments", data=body, headers=headers).status_code == 204
    assert client.post("/hooks/payments", data=body, headers=headers).status_code == 401
    assert client.post("/hooks/payments", data=b"{}", headers=names["sender"].headers(body)).status_code == 401


def test_keys_by_url(run: Callable[..., dict[str, Any]]) -> None:
    app = run("keys by url")["app"]
    issuer, _ = app.extensions["stopper"].parts.verifier._issuers["https://auth.example.com"]
    assert isinstance(issuer.keys, RemoteKeys)


def test_the_tables_say_what_the_code_says() -> None:
    limits, times = Limits(), Freshness()
    for said in (
        f"| {limits.connect:.0f} s |",
        f"| {limits.read:.0f} s |",
        f"| {limits.total:.0f} s |",
        "| 4 MiB |",
        f"| {limits.redirects}, within",
        f"| {limits.retries}, with",
    ):
        assert said in PAGE
    assert limits.max_bytes == 4 * 1024 * 1024
    named = set(re.findall(r"STOPPER_[A-Z_]+", PAGE))
    assert named <= set(declared)
    assert {key for key in declared if "JWKS" in key or "OUTBOUND" in key} <= named
    for key, value in (("LIFETIME", times.lifetime), ("COOLDOWN", times.cooldown), ("STALE_LIMIT", times.stale_limit)):
        assert f"| `STOPPER_JWKS_{key}` | {value:.0f} |" in PAGE
        assert declared[f"STOPPER_JWKS_{key}"].default == value


def test_the_settings_bound_the_calls_of_an_app() -> None:
    limits = limits_of(Settings({"STOPPER_OUTBOUND_TIMEOUT": 3, "STOPPER_OUTBOUND_MAX_BYTES": 900}, {}))
    assert (limits.connect, limits.read, limits.total, limits.max_bytes) == (3.0, 3.0, 3.0, 900)
    assert limits_of(Settings({}, {})) == Limits()


def test_the_page_names_every_error_with_its_answer() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, OutboundError) and kind is not OutboundError
    ]
    for kind in kinds:
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.__name__}`"))
        assert row.endswith(f"| {kind.status} |")
    assert len(kinds) == 6


def test_every_public_name_is_there() -> None:
    assert all(hasattr(stopper.outbound, name) for name in stopper.outbound.__all__)
    assert Secret is stopper.Secret
