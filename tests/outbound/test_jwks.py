"""An issuer's keys by URL: served from memory, fetched once a cooldown, never from a place they should not come from."""

import contextlib
import gzip
import itertools
import json
import threading
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.auth.token_smith import b64, eddsa, header
from tests.outbound.peers import Authority, Peer, Script, Wired, raw, reply, reset

from stopper import Issuer, Stopper, bearer
from stopper.auth.event import Event
from stopper.auth.published_keys import PublishedKeys
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.outbound import Client, Limits
from stopper.outbound.jwks import Freshness, RemoteKeys, jwks_client

Serve = Callable[..., Peer]
NOW = 1_800_000_000
PRIVATE = {name: ed25519.Ed25519PrivateKey.generate() for name in ("a", "b", "c")}


def jwk(name: str, **more: object) -> dict[str, object]:
    x = b64(PRIVATE[name].public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "kid": name, "alg": "EdDSA", "use": "sig", "x": x, **more}


def jwks(*members: object) -> bytes:
    return json.dumps({"keys": [jwk(one) if isinstance(one, str) else one for one in members]}).encode()


def token(name: str, kid: str | None = None) -> str:
    claims = {"iss": "https://auth.example", "aud": "api", "sub": "alice", "iat": NOW, "exp": NOW + 600, "jti": "1"}
    return eddsa(PRIVATE[name], {**header(alg="EdDSA"), "kid": kid or name}, claims)


class Timed:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """An issuer on loopback, and the keys that are fetched from it."""

    def __init__(self, serve: Serve, script: Script, **more: Any) -> None:
        self.peer = serve(script)
        self.time = Timed()
        self.events: list[Event] = []
        self.url = f"{self.peer.url}/jwks.json"
        times = Freshness(lifetime=600, stale_limit=3600, cooldown=10)
        client = more.pop("client", None) or jwks_client(self.url, allow_loopback=True)
        beside: Callable[[Callable[[], None]], None] = more.pop("spawn", lambda work: work())
        self.keys = RemoteKeys(
            self.url,
            client,
            algorithms=("EdDSA",),
            freshness=times,
            sink=self.events.append,
            monotonic=self.time,
            spawn=beside,
        )
        issuer = Issuer("https://auth.example", ["EdDSA"], keys=self.keys)
        self.verifier = Verifier([issuer], audience="api", clock=lambda: NOW)

    @property
    def fetches(self) -> int:
        return len(self.peer.requests)

    def serves(self, script: Script) -> None:
        self.peer.script = script

    def reason(self, shown: str) -> str:
        with pytest.raises(InvalidCredentialError) as refused:
            self.verifier.verify(shown)
        return refused.value.reason


@pytest.fixture
def world(serve: Serve) -> World:
    return World(serve, reply(jwks("a")))


@pytest.mark.feature("F40")
def test_a_token_verifies_with_a_fetched_key(world: World) -> None:
    assert world.verifier.verify(token("a")).subject == "alice"
    assert world.verifier.verify(token("a")).subject == "alice"
    assert world.fetches == 1
    assert world.peer.header("Authorization") is None


@pytest.mark.feature("F40")
def test_a_thousand_random_kids_cost_one_fetch_a_cooldown(world: World) -> None:
    world.verifier.verify(token("a"))
    assert world.fetches == 1
    for cooldown in range(2, 5):
        world.time.now += 10
        for number in range(1000):
            assert world.reason(token("b", kid=f"random-{cooldown}-{number}")) == "unknown-key"
        assert world.fetches == cooldown
    assert len(world.events) == 0, "strangers do not fill the log"


def test_many_threads_with_random_kids_cost_one_fetch_too(world: World) -> None:
    def show(number: int) -> None:
        for each in range(25):
            world.reason(token("b", kid=f"random-{number}-{each}"))

    threads = [threading.Thread(target=show, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert world.fetches == 1


def test_a_real_rotation_is_seen_within_a_cooldown(world: World) -> None:
    world.verifier.verify(token("a"))
    world.serves(reply(jwks("a", "b")))
    world.time.now += 9
    assert world.reason(token("b")) == "unknown-key"
    world.time.now += 1
    assert world.verifier.verify(token("b")).subject == "alice"
    assert world.fetches == 2


def test_a_key_that_is_withdrawn_ends_with_the_lifetime(world: World) -> None:
    world.serves(reply(jwks("a", "b")))
    world.verifier.verify(token("a"))
    world.serves(reply(jwks("b")))
    world.time.now += 600
    world.verifier.verify(token("b"))  # found old, renewed beside
    assert world.reason(token("a")) == "unknown-key"


def test_renewal_does_not_hold_a_request_up(serve: Serve) -> None:
    later: list[Callable[[], None]] = []
    world = World(serve, reply(jwks("a")), spawn=later.append)
    world.verifier.verify(token("a"))
    world.time.now += 700
    for _ in range(5):
        world.verifier.verify(token("a"))
    assert (world.fetches, len(later)) == (1, 1), "one renewal, and nobody waited"
    later[0]()
    assert world.fetches == 2


def test_a_key_that_did_not_change_stays_the_same_object(world: World) -> None:
    before = world.keys.find("a")
    world.serves(reply(jwks("a", "b")))
    world.time.now += 10
    assert world.keys.find("b") is not None
    assert world.keys.find("a") is before
    world.serves(reply(jwks({**jwk("c"), "kid": "a"})))
    world.time.now += 600
    world.keys.find("a")
    assert world.keys.find("a") is not before, "another key under an old name is another key"


@pytest.mark.parametrize(("said", "seconds"), [("max-age=60", 60), ("public, MAX-AGE=120", 120), ("max-age=0", 10), ("max-age=999999", 600), ("no-store", 600), ("", 600), ("s-maxage=1", 600)])  # fmt: skip
def test_the_issuers_word_shortens_the_lifetime_only(serve: Serve, said: str, seconds: int) -> None:
    world = World(serve, reply(jwks("a"), Cache_Control=said or "public"))
    world.keys.find("a")
    world.time.now += seconds - 0.5
    world.keys.find("a")
    assert world.fetches == 1
    world.time.now += 1
    world.keys.find("a")
    assert world.fetches == 2


FAULTS: dict[str, Script] = {
    "down": reset,
    "500": reply(b"{}", "500 Oops"),
    "404": reply(b"{}", "404 None"),
    "html": reply(b"<html>", kind="text/html"),
    "html as json": reply(b"<html>"),
    "ten megabytes": reply(b" " * 10_000_000 + jwks("a")),
    "redirect": reply(b"", "302 Found", Location="/other"),
    "redirect to https": reply(b"", "301 Moved", Location="https://evil.example/jwks.json"),
    "no keys": reply(b'{"keys": []}'),
    "no list": reply(b'{"keys": {}}'),
    "not an object": reply(b"[]"),
    "deep": reply(b'{"keys": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "duplicate member": reply(b'{"keys": [], "keys": ' + json.dumps([jwk("a")]).encode() + b"}"),
    "one kid twice": reply(jwks("a", {**jwk("b"), "kid": "a"})),
    "a secret": reply(jwks({"kty": "oct", "kid": "a", "alg": "HS256", "k": b64(b"s" * 32)})),
    "another algorithm": reply(jwks({"kty": "RSA", "kid": "a", "alg": "RS256", "n": b64(b"n" * 384), "e": "AQAB"})),
    "half": raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"),
    "gzip bomb": reply(gzip.compress(b" " * 20_000_000), Content_Encoding="gzip"),
}  # fmt: skip


@pytest.mark.feature("F40")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_last_good_set_serves_until_its_limit_and_then_it_is_503(world: World, fault: str) -> None:
    world.verifier.verify(token("a"))
    world.serves(FAULTS[fault])
    world.time.now += 700
    assert world.verifier.verify(token("a")).subject == "alice"
    world.time.now += 2800
    assert world.verifier.verify(token("a")).subject == "alice"
    assert {event.name for event in world.events} == {"jwks-unavailable"}
    world.time.now += 100
    with pytest.raises(StoreUnavailableError) as refused:
        world.verifier.verify(token("a"))
    assert refused.value.status == 503
    assert refused.value.retry_after >= 1
    world.serves(reply(jwks("a")))
    world.time.now += 10
    assert world.verifier.verify(token("a")).subject == "alice"


@pytest.mark.fault(19)
@pytest.mark.parametrize("fault", FAULTS)
def test_without_any_good_set_it_is_503_and_one_fetch_a_cooldown(serve: Serve, fault: str) -> None:
    world = World(serve, FAULTS[fault])
    for number in range(20):
        with pytest.raises(StoreUnavailableError):
            world.verifier.verify(token("a", kid=f"k{number}"))
    assert world.peer.connections == 1


def test_an_unknown_kid_while_the_issuer_is_down_is_503_not_401(world: World) -> None:
    world.verifier.verify(token("a"))
    world.serves(reset)
    world.time.now += 10
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            world.verifier.verify(token("b"))
    assert world.fetches == 2


BAD_MEMBERS: list[object] = [
    {}, 7, None, "x", [], {"kty": "OKP"}, {**jwk("b"), "x": "!!"}, {**jwk("b"), "x": b64(b"short")}, {**jwk("b"), "use": "enc"}, {**jwk("b"), "key_ops": ["sign"]},
    {**jwk("b"), "kid": 7}, {**jwk("b"), "kid": "k" * 500}, {**jwk("b"), "alg": "RS256"}, {**jwk("b"), "alg": "none"}, {**jwk("b"), "alg": "HS256"},
    {**jwk("b"), "crv": "X25519"}, {**jwk("b"), "d": b64(b"d" * 32)}, {"kty": "oct", "kid": "b", "k": b64(b"s" * 32), "alg": "HS256"},
    {"kty": "RSA", "kid": "b", "alg": "RS256", "n": b64(b"n" * 64), "e": "AQAB"}, {"kty": "new", "kid": "b"}, {**jwk("b"), "alg": ""}, {"kty": [], "kid": "b"}, {"kty": "OKP", "crv": {}, "kid": "b"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_MEMBERS)
def test_a_bad_member_is_left_out_with_an_event_and_the_rest_serve(serve: Serve, bad: object) -> None:
    world = World(serve, reply(json.dumps({"keys": [bad, jwk("a")]}).encode()))
    assert world.verifier.verify(token("a")).subject == "alice"
    assert [event.name for event in world.events] == ["jwks-key-skipped"]
    assert len(world.keys.skipped) == 1
    assert world.keys.find("b") is None


def test_a_key_whose_private_half_was_published_stops_at_once(world: World) -> None:
    world.serves(reply(jwks("a", "b")))
    world.verifier.verify(token("a"))
    world.serves(reply(jwks({**jwk("a"), "d": b64(b"d" * 32)}, "b")))
    world.time.now += 600
    world.verifier.verify(token("b"))
    assert world.reason(token("a")) == "unknown-key"
    assert "private" in world.events[-1].details["why"]


def test_it_stops_also_when_it_was_the_only_one(world: World) -> None:
    world.verifier.verify(token("a"))
    world.serves(reply(jwks({**jwk("a"), "d": b64(b"d" * 32)})))
    world.time.now += 600
    world.keys.find("a")
    with pytest.raises(StoreUnavailableError):
        world.verifier.verify(token("a"))


def test_a_token_without_kid_takes_the_only_key(world: World) -> None:
    assert world.keys.find(None) is not None
    world.serves(reply(jwks("a", "b")))
    world.time.now += 600
    world.keys.find("a")
    assert world.keys.find(None) is None


def test_a_burnt_key_stops_under_another_name_too(world: World) -> None:
    world.serves(reply(jwks("a", "b")))
    world.verifier.verify(token("a"))
    world.serves(reply(jwks({**jwk("a"), "kid": "old", "d": b64(b"d" * 32)})))
    world.time.now += 600
    world.verifier.verify(token("b"))
    with pytest.raises(StoreUnavailableError):
        world.verifier.verify(token("a"))


URLS = [
    "http://auth.example/jwks.json", "http://127.0.0.1/jwks.json", "file:///etc/jwks.json", "ftp://auth.example/x", "data:application/json,{}", "https://user:pw@auth.example/x",
    "https://127.1/jwks.json", "https://auth.example\\@evil.example/", "https://auth.example/../x", "auth.example/jwks.json", "",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_is_not_https_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        jwks_client(url)
    assert refused.value.rule == "jwks-handling-insecure"
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"])
def test_a_private_address_is_not_asked_for_keys(address: str) -> None:
    wired = Wired({"auth.example": [[address]]})
    client = Client.for_public_host("auth.example", network=wired.network)
    keys = RemoteKeys("https://auth.example/jwks.json", client, sink=lambda event: None)
    with pytest.raises(StoreUnavailableError):
        keys.find("a")
    assert wired.connected == []


def test_a_private_address_is_asked_where_it_is_allowed(serve: Serve, authority: Authority) -> None:
    peer = serve(reply(jwks("a")), "auth.internal")
    wired = Wired({"auth.internal": [["10.0.0.1"]]}, port=peer.port)
    client = Client(hosts=["auth.internal"], ca_file=authority.file, network=wired.network)
    assert RemoteKeys("https://auth.internal/jwks.json", client).find("a") is not None
    assert jwks_client("https://auth.internal/jwks.json", allow_private=True)._scope.rule(ip_address("10.0.0.1"))


def test_a_slow_issuer_is_given_up(serve: Serve) -> None:
    def drip(connection: Any, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in itertools.repeat(None):
            connection.sendall(b" ")
            threading.Event().wait(0.02)

    peer = serve(drip)
    client = Client(hosts=[peer.host], limits=Limits(total=0.4, retries=0), allow_loopback_http=True)
    with pytest.raises(StoreUnavailableError):
        RemoteKeys(f"{peer.url}/jwks.json", client, sink=lambda event: None).find("a")
    limits = jwks_client("https://auth.example/jwks.json").limits
    assert (limits.total, limits.max_bytes, limits.redirects, limits.retries) == (5.0, 256 * 1024, 0, 0)


members = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["OKP", "RSA", "EC", "oct", "EdDSA", "a", "AQAB", "P-256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kty", "kid", "alg", "crv", "x", "y", "n", "e", "k", "d", "use", "key_ops", "keys"]), inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(members | st.fixed_dictionaries({"keys": st.lists(members, max_size=3)}))
def test_any_document_gives_keys_or_503(document: object) -> None:
    with Peer(reply(json.dumps(document).encode())) as peer:
        url = f"{peer.url}/jwks.json"
        keys = RemoteKeys(url, jwks_client(url, allow_loopback=True), sink=lambda event: None)
        with contextlib.suppress(StoreUnavailableError):
            keys.find("a")


# ---- through Stopper(app)


@pytest.fixture
def guarded(serve: Serve) -> tuple[Any, Peer]:
    """A guarded application whose issuer is named by URL alone."""
    peer = serve(reply(jwks("a")))
    app = Flask("guarded")
    app.config.update(STOPPER_AUDIENCE="api", STOPPER_ALLOW_LOOPBACK_JWKS=True)
    stopper = Stopper(
        app, issuers=[Issuer("https://auth.example", ["EdDSA"], keys=f"{peer.url}/jwks.json")], clock=lambda: NOW
    )

    @app.get("/")
    @bearer
    def home() -> str:
        return "in"

    stopper.seal()
    return app.test_client(), peer


def ask(client: Any, shown: str) -> Any:
    return client.get("/", headers={"Authorization": f"Bearer {shown}"})


@pytest.mark.feature("F40")
def test_an_issuer_by_url_works_through_the_guard(guarded: tuple[Any, Peer]) -> None:
    client, peer = guarded
    assert ask(client, token("a")).status_code == 200
    assert ask(client, token("b")).status_code == 401
    assert ask(client, token("b", kid="a")).status_code == 401
    assert len(peer.requests) == 1


@pytest.mark.feature("F40")
def test_the_guard_answers_503_while_no_key_can_be_had(guarded: tuple[Any, Peer]) -> None:
    client, peer = guarded
    peer.script = reset
    answer = ask(client, token("a"))
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) >= 1
    assert peer.host.encode() not in answer.data


def test_an_issuer_by_url_can_be_said_in_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = serve(reply(jwks("a")))
    said = [
        {"url": "https://auth.example", "algorithms": ["EdDSA"], "keys": f"{peer.url}/jwks.json", "audience": "api"}
    ]
    monkeypatch.setenv("STOPPER_ISSUERS", json.dumps(said))
    monkeypatch.setenv("STOPPER_ALLOW_LOOPBACK_JWKS", "yes")
    app = Flask("by environment")
    stopper = Stopper(app, clock=lambda: NOW)
    app.add_url_rule("/", view_func=bearer(lambda: "in"), endpoint="home")
    stopper.seal()
    assert ask(app.test_client(), token("a")).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/jwks.json",
        "http://auth.example/jwks.json",
        "https://user:pw@auth.example/jwks.json",
        "ftp://auth.example/jwks",
    ],
)
def test_the_guard_refuses_an_unsafe_url_at_the_start(url: str) -> None:
    app = Flask("refused")
    app.config["STOPPER_AUDIENCE"] = "api"
    with pytest.raises(SettingError):
        Stopper(app, issuers=[Issuer("https://auth.example", ["EdDSA"], keys=url)])


def test_keys_that_nobody_opened_let_nobody_in() -> None:
    issuer = Issuer("https://auth.example", ["EdDSA"], keys="https://auth.example/jwks.json", audience="api")
    assert isinstance(issuer.keys, PublishedKeys)
    with pytest.raises(StoreUnavailableError):
        Verifier([issuer], clock=lambda: NOW).verify(token("a"))
    with pytest.raises(SettingError):
        Issuer("https://auth.example", ["HS256"], keys="https://auth.example/jwks.json")
