"""Keys that never leave their place: Vault's transit engine, AWS KMS, Azure Key Vault, a PKCS#11 token."""

import base64
import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import KeySet as JoseKeySet
from tests.auth.test_keyring import token, verifier
from tests.secrets import clouds, kms_server, places
from tests.secrets.clouds import Cloud
from tests.secrets.door import Door, drips, silent
from tests.secrets.openbao import HERE, OpenBao, certificate
from tests.secrets.places import Place, Transit

from stopper.auth.clock import SetClock
from stopper.auth.event import Event
from stopper.auth.jws import read_header, split
from stopper.auth.keyring import JWKS_MAX_AGE, RELOAD_SECONDS, Keyring
from stopper.core.errors import KeyringError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.secrets import Access, VaultAccess
from stopper.secrets.key_place import KeyPlace, parse_place
from stopper.secrets.reference import NotAReferenceError
from stopper.secrets.signing import FAILURES, OPEN_SECONDS, KeyPlaces
from stopper.service import create_app, open_accounts
from stopper.store import Store, open_store
from stopper.store.schema import signing_keys

pytestmark = [
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning"
    ),
]
PERSON = {"email": "ann@example.com", "password": "violet harbour teapot crane"}


@pytest.fixture(scope="session")
def transit(bao: OpenBao) -> OpenBao:
    bao.mount("transit", "transit")
    return bao


@pytest.fixture(scope="session")
def soft_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("SOFTHSM2_CONF")
    places.soft_tokens(tmp_path_factory.mktemp("softhsm"))
    yield
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def kms_seen() -> list[dict[str, Any]]:
    """What AWS KMS was asked to sign."""
    return []


@pytest.fixture
def kms(kms_seen: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Place]]:
    keys: list[Any] = []
    aliases: dict[str, int] = {}
    cloud = Cloud(kms_server.kms(keys, aliases, kms_seen), None)
    for name, value in {
        "AWS_ENDPOINT_URL_KMS": f"http://{HERE}:{cloud.port}", "AWS_ACCESS_KEY_ID": kms_server.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": kms_server.SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield lambda spec: places.Kms(cloud, keys, aliases, spec)
    cloud.stop()


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Place]]:
    tls = certificate(tmp_path)
    keys: dict[str, list[Any]] = {}
    identity, vault = Cloud(clouds.managed_identity, None), Cloud(places.key_vault(keys), tls)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{HERE}:{identity.port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "beside")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[0]))
    yield lambda kind: places.KeyVault(vault, keys, kind)
    vault.stop()
    identity.stop()


KINDS = [
    ("transit", "ed25519", "EdDSA"), ("transit", "ecdsa-p256", "ES256"), ("transit", "ecdsa-p384", "ES384"),
    ("transit", "rsa-3072", "PS256"), ("transit", "rsa-3072", "RS256"),
    ("kms", "ECC_NIST_P256", "ES256"), ("kms", "ECC_NIST_P384", "ES384"), ("kms", "RSA_3072", "PS256"), ("kms", "RSA_3072", "RS256"), ("kms", "ECC_NIST_EDWARDS25519", "EdDSA"),
    ("azure", "P-256", "ES256"), ("azure", "P-384", "ES384"), ("azure", "RSA", "PS256"), ("azure", "RSA", "RS256"),
    ("pkcs11", "P-256", "ES256"), ("pkcs11", "P-384", "ES384"), ("pkcs11", "RSA", "PS256"), ("pkcs11", "RSA", "RS256"),
    ("pkcs11", "Ed25519", "EdDSA"),
]  # fmt: skip
ONE_OF_EACH = [("transit", "ecdsa-p256", "ES256"), ("kms", "ECC_NIST_P256", "ES256"), ("azure", "P-256", "ES256"), ("pkcs11", "P-256", "ES256")]  # fmt: skip


@pytest.fixture
def place_of(request: pytest.FixtureRequest) -> Callable[[str, str], Place]:
    def make(where: str, kind: str) -> Place:
        if where == "transit":
            return Transit(request.getfixturevalue("transit"), request.getfixturevalue("door"), kind)
        if where == "pkcs11":
            request.getfixturevalue("soft_token")
            return places.SoftToken(kind)
        made: Place = request.getfixturevalue(where)(kind)
        return made

    return make


class Node:
    """One process of a service: its own view of the ring and of the place."""

    def __init__(self, url: str, folder: Path, place: Place, algorithm: str, clock: SetClock, ticks: SetClock) -> None:
        self.events: list[Event] = []
        self.keys = KeyPlaces(place.access, clock=clock, steady=ticks, sink=self.events.append)
        self.url, self.key_file = url, folder / "master.key"
        self.store: Store = open_store(url, clock, key_file=folder / "master.key", open_key=self.keys.open)
        self.store.migrate()
        self.ring = Keyring(self.store.keys, clock, monotonic=ticks)
        named = parse_place(place.text)
        assert named is not None
        self.place: KeyPlace = named
        self.follow = lambda: self.ring.follow(str(named), lambda: self.keys.find(named, algorithm))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    made: list[Node] = []
    clock, ticks = SetClock(), SetClock(1000.0)

    def make(place: Place, algorithm: str = "", *, follow: bool = True) -> Node:
        made.append(Node(f"sqlite:///{tmp_path}/n/stopper.db", tmp_path / "n", place, algorithm, clock, ticks))
        made[-1].ring.clock, made[-1].ring.ticks = clock, ticks  # type: ignore[attr-defined]
        if follow:
            made[-1].follow()
        return made[-1]

    make.clock, make.ticks = clock, ticks  # type: ignore[attr-defined]
    yield make
    for node in made:
        node.store.close()


@pytest.mark.feature("F19")
@pytest.mark.parametrize(("where", "kind", "algorithm"), KINDS)
def test_tokens_that_are_signed_there_verify_here_and_with_joserfc(
    place_of, nodes, where: str, kind: str, algorithm: str
) -> None:
    node = nodes(place_of(where, kind), algorithm)
    made = token(node.ring, nodes.clock)
    assert verifier(node.ring, nodes.clock).verify(made).subject == "ann"
    other = jwt.decode(made, JoseKeySet.import_key_set(node.ring.jwks()), algorithms=[algorithm])
    assert other.header == {"alg": algorithm, "kid": node.ring.signing_key().kid, "typ": "at+jwt"}
    kept = json.loads(node.ring.signing_key().private_bytes())
    assert set(kept) == {"place", "version", "public"}, "the store keeps where the key lives"
    assert set(kept["public"]) <= {"kty", "crv", "x", "y", "n", "e"}


@pytest.mark.parametrize(("where", "kind", "algorithm"), ONE_OF_EACH)
def test_a_key_rotated_there_is_seen_within_a_minute_and_refuses_no_token(
    place_of, nodes, where: str, kind: str, algorithm: str
) -> None:
    """Published at once, used when every cached key set has it, by two nodes of which one has not looked yet."""
    place = place_of(where, kind)
    one, other = nodes(place, algorithm), nodes(place, algorithm)
    old = one.ring.signing_key().kid
    place.rotate()
    one.ring.look()
    assert len(one.ring.jwks()["keys"]) == 1, "not at every request"
    nodes.clock.forward(RELOAD_SECONDS)
    nodes.ticks.forward(RELOAD_SECONDS)
    one.ring.look()
    new = {key["kid"] for key in one.ring.jwks()["keys"]} - {old}
    assert len(new) == 1
    living = []
    for _ in range(20):
        living = [*living[-6:], token(one.ring, nodes.clock), token(other.ring, nodes.clock)]
        for made in living:
            assert verifier(one.ring, nodes.clock).verify(made)
            assert verifier(other.ring, nodes.clock).verify(made)
        nodes.clock.forward(30)
        nodes.ticks.forward(30)
        other.ring.look()
    assert {one.ring.signing_key().kid} == {other.ring.signing_key().kid} == new
    assert len(one.store.keys.load()) == 2, "of two nodes that look one takes it in"
    assert one.store.keys.load()[0].retires_at == one.store.keys.load()[1].activates_at


def test_a_new_key_is_published_longer_than_a_key_set_is_cached_and_the_old_one_outlives_its_tokens(
    place_of, nodes
) -> None:
    place = place_of("transit", "ed25519")
    node = nodes(place)
    place.rotate()
    nodes.clock.forward(RELOAD_SECONDS)
    nodes.ticks.forward(RELOAD_SECONDS)
    node.ring.look()
    old, new = node.store.keys.load()
    assert new.activates_at - new.created_at >= JWKS_MAX_AGE
    assert old.retires_at == new.activates_at
    assert old.expires_at is not None
    assert old.expires_at - new.activates_at >= 900 + 30, "the longest life and the leeway"


@pytest.mark.fault(18)
@pytest.mark.parametrize(("where", "kind", "algorithm"), ONE_OF_EACH)
def test_while_the_place_is_away_nothing_is_signed_and_everything_verifies(
    place_of, nodes, where: str, kind: str, algorithm: str
) -> None:
    place = place_of(where, kind)
    node = nodes(place, algorithm)
    made = token(node.ring, nodes.clock)
    place.away(True)
    restarted = nodes(place, algorithm)  # a start in the middle of it: the key is in the ring already
    for _ in range(FAILURES + 2):
        with pytest.raises(StoreUnavailableError, match="signing key") as refused:
            token(restarted.ring, nodes.clock)
        assert refused.value.status == 503
    told = [event.name for event in restarted.events]
    assert told == ["signing-key-not-found", "signing-key-away"], "each is told once"
    assert verifier(restarted.ring, nodes.clock).verify(made)
    assert restarted.ring.jwks() == node.ring.jwks()
    nodes.ticks.forward(RELOAD_SECONDS)
    restarted.ring.look()  # raises nothing
    place.away(False)
    nodes.ticks.forward(OPEN_SECONDS)
    assert verifier(node.ring, nodes.clock).verify(token(restarted.ring, nodes.clock))
    assert restarted.events[-1].name == "signing-key-back"


def test_an_open_breaker_asks_nobody_and_lets_one_try(place_of, nodes, door: Door) -> None:
    place = place_of("transit", "ed25519")
    node = nodes(place)
    place.away(True)
    for _ in range(FAILURES):
        with pytest.raises(StoreUnavailableError):
            token(node.ring, nodes.clock)
    asked = door.requests
    for _ in range(50):
        with pytest.raises(StoreUnavailableError):
            token(node.ring, nodes.clock)
    assert door.requests == asked
    nodes.ticks.forward(OPEN_SECONDS)
    for _ in range(50):
        with pytest.raises(StoreUnavailableError):
            token(node.ring, nodes.clock)
    assert 0 < door.requests - asked <= 2, "one call, with one new log-in at most"


def test_a_place_that_is_away_at_the_very_first_start_is_told(place_of, nodes) -> None:
    place = place_of("transit", "ed25519")
    place.away(True)
    with pytest.raises(StoreUnavailableError, match="Vault"):
        nodes(place)


def _answers_whole(body: bytes) -> Callable[[socket.socket], None]:
    """Read the request to its end and answer: what has not been read would break the connection."""

    def fault(client: socket.socket) -> None:
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += client.recv(65536)
        head, _, rest = seen.partition(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) - len(rest)
        while left > 0:
            left -= len(client.recv(65536))
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    return fault


def test_what_is_signed_with_another_key_is_never_given_out(place_of, nodes, door: Door) -> None:
    """A place, or somebody in between, that answers with a signature of its own."""
    node = nodes(place_of("transit", "ed25519"))
    token(node.ring, nodes.clock)
    forged = json.dumps({"data": {"signature": "vault:v1:" + "A" * 86 + "=="}}).encode()
    door.fault = _answers_whole(forged)
    with pytest.raises(StoreUnavailableError, match="mismatch"):
        token(node.ring, nodes.clock)


@pytest.mark.parametrize("version", ["vault:v2:AAAA", "vault:v1", "", "vault:v1:?", 7, None])
def test_a_signature_of_another_version_or_none_is_refused(place_of, nodes, door: Door, version: object) -> None:
    node = nodes(place_of("transit", "ed25519"))
    token(node.ring, nodes.clock)
    door.fault = _answers_whole(json.dumps({"data": {"signature": version}}).encode())
    with pytest.raises(StoreUnavailableError, match=r"Vault signs|mismatch"):
        token(node.ring, nodes.clock)


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda bao: "vault-transit:transit/not-there", "no such key"),
        (lambda bao: _key(bao, "sha", type="aes256-gcm96"), "no key that signs"),
        (lambda bao: _key(bao, "small", type="rsa-2048"), "2048"),
        (lambda bao: _key(bao, "derived", type="ed25519", derived=True), "no key that signs"),
        (lambda bao: _key(bao, "p521", type="ecdsa-p521"), "signs no tokens"),
    ],
)  # fmt: skip
def test_a_key_that_signs_no_tokens_is_refused_in_one_line(
    transit: OpenBao, nodes, prepare: Callable[[OpenBao], str], told: str
) -> None:
    class At:
        text = prepare(transit)
        shown = Secret(transit.root)
        access = Access(vault=VaultAccess(transit.url, ca_file=str(transit.ca_file), token=lambda: At.shown))

    node = nodes(At(), follow=False)
    with pytest.raises(KeyringError, match=told) as refused:
        node.follow()
    assert "\n" not in str(refused.value)
    assert node.store.keys.load() == []


def _key(bao: OpenBao, name: str, **made: object) -> str:
    bao.call("POST", f"transit/keys/{name}", made)
    return f"vault-transit:transit/{name}"


def test_a_weak_key_that_comes_by_a_rotation_is_told_and_the_old_one_goes_on(place_of, nodes, monkeypatch) -> None:
    place = place_of("kms", "RSA_3072")
    node = nodes(place)
    kid = node.ring.signing_key().kid
    monkeypatch.setitem(kms_server.MAKE, "RSA_3072", lambda: rsa.generate_private_key(65537, 2048))
    place.rotate()
    nodes.ticks.forward(RELOAD_SECONDS)
    node.ring.look()
    assert [event.name for event in node.events] == ["signing-key-refused"]
    assert "2048" in node.events[0].details["why"]
    assert [key["kid"] for key in node.ring.jwks()["keys"]] == [kid]
    assert token(node.ring, nodes.clock)


def test_a_rotation_there_may_change_the_kind_of_key(place_of, nodes) -> None:
    place = place_of("kms", "ECC_NIST_P256")
    node = nodes(place, "ES256")
    old = token(node.ring, nodes.clock)
    place._spec = "RSA_3072"
    place.rotate()
    nodes.clock.forward(RELOAD_SECONDS)
    nodes.ticks.forward(RELOAD_SECONDS)
    node.ring.look()
    assert token(node.ring, nodes.clock)
    nodes.clock.forward(JWKS_MAX_AGE + RELOAD_SECONDS)
    made = token(node.ring, nodes.clock)
    assert read_header(split(made).header_segment).algorithm == "RS256"
    for one in (old, made):
        assert verifier(node.ring, nodes.clock).verify(one)


def test_an_alias_that_moves_back_to_an_old_key_brings_it_not_back(place_of, nodes) -> None:
    """Its kid has retired, and clients may have forgotten it: the key that signs goes on."""
    place = place_of("kms", "ECC_NIST_P256")
    node = nodes(place)
    place.rotate()
    for _ in range(2):
        nodes.clock.forward(JWKS_MAX_AGE + RELOAD_SECONDS)
        nodes.ticks.forward(RELOAD_SECONDS)
        node.ring.look()
    new = node.ring.signing_key().kid
    place._aliases[place._alias] = 0
    nodes.ticks.forward(RELOAD_SECONDS)
    node.ring.look()
    assert node.ring.signing_key().kid == new
    assert token(node.ring, nodes.clock)


@pytest.mark.fault(18)
@pytest.mark.parametrize("fault", [silent, drips], ids=["silent", "drips"])
def test_a_place_that_answers_too_slowly_costs_its_time_out_and_no_more(
    place_of, nodes, door: Door, fault: Callable[..., None]
) -> None:
    place = place_of("transit", "ed25519")
    place.access = replace(place.access, timeout=1.0)
    node = nodes(place)
    node.keys = KeyPlaces(place.access, 1.0)
    key = replace(node.ring.signing_key(), private=node.keys.find(node.place).key)
    door.fault = fault
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        key.sign(b"x")


def test_a_row_that_somebody_else_wrote_is_no_key_at_a_place(place_of, nodes) -> None:
    """Who can write rows and holds a key in some other Vault: the sealed part says where a key lives, and it does not open."""
    node = nodes(place_of("transit", "ed25519"))
    key = node.ring.signing_key()
    forged = json.dumps({"place": "vault-transit:evil/key", "version": "1", "public": dict(key.public)}).encode()
    node.store.database.write(lambda c: c.execute(signing_keys.update().values(sealed=forged)))
    with pytest.raises(KeyringError):
        node.ring.reload()


def test_a_schedule_puts_no_key_of_the_store_in_the_place_of_one_that_lives_elsewhere(place_of, nodes) -> None:
    node = nodes(place_of("transit", "ed25519"))
    nodes.clock.forward(31 * 86_400)
    beside = Keyring(open_store(str(node.url), key_file=node.key_file).keys, nodes.clock)
    for rotate in (beside.create, beside.activate, lambda: beside.rotate_when_due(30 * 86_400.0)):
        with pytest.raises(KeyringError, match="lives at vault-transit:"):
            rotate()
    assert len(node.store.keys.load()) == 1
    with pytest.raises(StoreUnavailableError, match="not-opened"):
        token(beside, nodes.clock)
    assert verifier(beside, nodes.clock).verify(token(node.ring, nodes.clock)), (
        "a process that reaches no Vault verifies"
    )
    here = beside.create(leave_place=True)
    node.ring.reload()
    nodes.ticks.forward(RELOAD_SECONDS)
    node.ring.look()
    nodes.clock.forward(JWKS_MAX_AGE + RELOAD_SECONDS)
    assert node.ring.signing_key().kid == here.kid, "and who has left is not brought back"


def test_a_token_without_the_right_to_sign_is_told_what_it_needs(transit: OpenBao, door: Door, nodes) -> None:
    place = Transit(transit, door, "ed25519")
    shown = Secret(transit.token("default", ttl="1h"))
    place.access = Access(vault=VaultAccess(door.url, ca_file=str(transit.ca_file), token=lambda: shown))
    with pytest.raises(KeyringError, match="capability read on transit/keys/"):
        nodes(place)


def test_many_threads_sign_at_once(place_of, nodes) -> None:
    for where in ("transit", "pkcs11"):
        node = nodes(place_of(where, "ecdsa-p256" if where == "transit" else "P-256"), "ES256")
        key = node.keys.find(node.place, "ES256").key
        made: list[bytes] = []
        threads = [threading.Thread(target=lambda: made.append(key.sign(b"x"))) for _ in range(8)]  # noqa: B023
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 8
        assert {len(one) for one in made} == {64}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="capability missing: fork")
@pytest.mark.filterwarnings("ignore:This process")
@pytest.mark.parametrize(("where", "kind"), [("transit", "ed25519"), ("kms", "ECC_NIST_P256"), ("pkcs11", "P-256")])
def test_a_forked_child_signs_and_its_parent_too(place_of, nodes, where: str, kind: str) -> None:
    node = nodes(place_of(where, kind))
    key = node.ring.signing_key()
    key.sign(b"x")
    child = os.fork()
    if child == 0:
        try:
            key.sign(b"in the child")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert key.sign(b"in the parent")


def test_a_wrong_pin_is_shown_once_and_locks_no_token(soft_token: None, nodes) -> None:
    place = places.SoftToken("P-256")
    places.end_sessions()
    good, place.shown = place.shown, Secret("not-the-pin-99")
    node = nodes(place, follow=False)
    with pytest.raises(KeyringError, match="PinIncorrect"):
        node.follow()
    for _ in range(20):
        with pytest.raises(KeyringError, match="not asked again"):
            node.follow()
    place.shown = good
    node.follow()
    assert token(node.ring, nodes.clock)


def test_claims_do_not_travel_where_a_digest_will_do(
    place_of, nodes, transit: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stopper.secrets.vault import Vault

    node = nodes(place_of("transit", "ecdsa-p256"))
    sent: list[object] = []
    request = Vault.request

    def watched(self: Vault, method: str, target: str, body: Any = None) -> object:
        sent.append(body)
        return request(self, method, target, body)

    monkeypatch.setattr(Vault, "request", watched)
    token(node.ring, nodes.clock)
    assert isinstance(sent[-1], dict)
    assert len(sent[-1]["input"]) == 44, "32 bytes in base64"


def test_aws_sees_a_digest_and_no_claims(place_of, nodes, kms_seen: list[dict[str, Any]]) -> None:
    node = nodes(place_of("kms", "ECC_NIST_P256"))
    made = token(node.ring, nodes.clock).rpartition(".")[0]
    (asked,) = kms_seen
    assert asked["MessageType"] == "DIGEST"
    assert base64.b64decode(asked["Message"]) == hashlib.sha256(made.encode()).digest()


@pytest.mark.parametrize(("where", "kind"), [("kms", "ECC_NIST_P256"), ("azure", "P-256")])
def test_a_cloud_that_refuses_this_service_is_told_in_one_line(
    place_of, nodes, monkeypatch: pytest.MonkeyPatch, where: str, kind: str
) -> None:
    place = place_of(where, kind)
    if where == "kms":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-somebody-else")
    else:
        place._cloud.forbidden = True
    with pytest.raises(KeyringError, match=r"InvalidSignature|403") as refused:
        nodes(place)
    assert "canary" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.fault(18)
def test_the_service_with_a_key_in_vault_through_an_outage(transit: OpenBao, door: Door, tmp_path: Path) -> None:
    """Log-ins and refreshes get 503 while Vault is away and lose nothing; who is logged in goes on."""
    place = Transit(transit, door, "ed25519")
    accounts = open_accounts(
        "https://auth.example.com", "https://api.example.com", data=tmp_path / "data", open_registration=True,
        config={
            "STOPPER_SIGNING_KEY": place.text, "STOPPER_VAULT_URL": door.url, "STOPPER_VAULT_CA_FILE": str(transit.ca_file),
            "STOPPER_VAULT_TOKEN": place.token,
        },
    )  # fmt: skip
    client = create_app(accounts, mode="dev").test_client()
    client.post("/auth/register", json=PERSON)
    tokens = client.post("/auth/login", json=PERSON).json
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    published = client.get("/.well-known/jwks.json")
    assert published.headers["Cache-Control"] == f"public, max-age={JWKS_MAX_AGE}"
    assert [key["alg"] for key in published.json["keys"]] == ["EdDSA"]
    place.away(True)
    for _ in range(FAILURES + 1):
        assert client.post("/auth/login", json=PERSON).status_code == 503
    refused = client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    assert client.get("/auth/me", headers=mine).status_code == 200
    assert client.get("/.well-known/jwks.json").json == published.json
    door.fault = silent
    assert client.get("/auth/me", headers=mine).status_code == 200
    place.away(False)
    accounts.store.keys._open_key.__self__._away.clear()  # type: ignore[union-attr]
    again = client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert again.status_code == 200, "what failed has used nothing up"
    accounts.store.close()


@pytest.mark.parametrize(
    "text",
    [
        "vault-transit:transit", "vault-transit:transit/../sys", "vault-transit:/transit/a", "vault-transit:transit/a?b=c", "aws-kms:stopper",
        "aws-kms:arn:aws:s3:::bucket", "azure-key:vault", "azure-key:vault/a b", "pkcs11:object=a", "pkcs11:token=a;object=b?pin-value=1",
    ],
)  # fmt: skip
def test_a_place_that_is_misspelt_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotAReferenceError, match="such as"):
        parse_place(text)


@pytest.mark.parametrize("text", ["vault:kv/a#b", "file:/a", "-----BEGIN PRIVATE KEY-----", "", "vault-transit:"])
def test_what_names_no_place_is_something_else(text: str) -> None:
    assert parse_place(text) is None
