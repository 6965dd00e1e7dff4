"""Keys are published before they sign, verify after they retire, and no honest token is refused on the way."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet as JoseKeySet
from joserfc.jwk import OctKey
from sqlalchemy import select
from tests.servers.postgres import Cluster

from stopper.auth.access_token import AccessTokens
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import COOLDOWN_SECONDS, JWKS_MAX_AGE, RELOAD_SECONDS, Keyring
from stopper.auth.signing_key import ALGORITHMS, Algorithm, SigningKey, load_signing_key, new_signing_key
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, KeyringError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store import Store, open_store
from stopper.store.schema import signing_keys

# RFC 9864 renames it to Ed25519; verifiers everywhere know the old name.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def ticks() -> SetClock:
    return SetClock(100.0)


@pytest.fixture
def ring(store: Store, clock: SetClock, ticks: SetClock) -> Keyring:
    made = Keyring(store.keys, clock, monotonic=ticks)
    made.ensure_key()
    return made


def token(ring: Keyring, clock: SetClock) -> str:
    tokens = AccessTokens("https://i", "https://a", ring.signing_key, clock)
    return tokens.issue("ann", client_id="web", auth_time=int(clock()), sid="s").reveal()


def _secret_of(ring: Keyring) -> bytes:
    private = ring.signing_key().private
    assert isinstance(private, Secret)
    return private.reveal_bytes()


def verifier(ring: Keyring, clock: SetClock) -> Verifier:
    return Verifier([Issuer("https://i", ALGORITHMS, keys=ring, audience="https://a")], clock=clock)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tokens_of_every_algorithm_verify_here_and_with_joserfc(
    store: Store, clock: SetClock, algorithm: Algorithm
) -> None:
    ring = Keyring(store.keys, clock, algorithm=algorithm)
    ring.ensure_key()
    made = token(ring, clock)
    assert verifier(ring, clock).verify(made).subject == "ann"
    keys = JoseKeySet.import_key_set(ring.jwks()) if algorithm != "HS256" else OctKey.import_key(_secret_of(ring))
    other = jwt.decode(made, keys, algorithms=[*ALGORITHMS, "Ed25519"])
    assert other.claims["sub"] == "ann"
    assert other.header == {"alg": algorithm, "kid": ring.signing_key().kid, "typ": "at+jwt"}
    assert set(other.claims) == {
        "iss",
        "aud",
        "sub",
        "iat",
        "exp",
        "jti",
        "client_id",
        "scope",
        "roles",
        "auth_time",
        "amr",
        "sid",
    }


def test_the_published_set_holds_no_private_member(ring: Keyring) -> None:
    for key in ring.jwks()["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_many_that_start_together_make_one_key(store: Store, clock: SetClock) -> None:
    rings = [Keyring(store.keys, clock) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Keyring.ensure_key, rings))
    assert len({ring.signing_key().kid for ring in rings}) == 1


@pytest.mark.fault(17)
def test_a_rotation_refuses_no_token_at_any_moment(
    ring: Keyring, store: Store, clock: SetClock, ticks: SetClock
) -> None:
    """Two processes, one rotates; an outside verifier keeps the JWKS as long as it may. Every living token verifies everywhere."""
    other = Keyring(store.keys, clock, monotonic=ticks)
    rings = (ring, other)
    cached, cached_at = ring.jwks(), clock()
    living: list[tuple[float, str]] = []
    old = ring.signing_key().kid
    for second in range(0, 3000, 20):
        if second == 100:
            ring.create()
        if clock() - cached_at >= JWKS_MAX_AGE:
            cached, cached_at = other.jwks(), clock()
        living = [(until, text) for until, text in living if until > clock()]
        living += [(clock() + 900, token(one, clock)) for one in rings]
        outside = JoseKeySet.import_key_set(cached)
        for one in rings:
            for _, text in living[:2] + living[-2:]:
                assert verifier(one, clock).verify(text)
        jwt.decode(living[-1][1], outside, algorithms=["EdDSA"])
        jwt.decode(living[-2][1], outside, algorithms=["EdDSA"])
        clock.forward(20)
        ticks.forward(20)
    assert ring.signing_key().kid == other.signing_key().kid != old
    assert [key["kid"] for key in ring.jwks()["keys"]] == [ring.signing_key().kid]


def test_a_new_key_signs_when_every_cached_jwks_has_it(ring: Keyring, clock: SetClock) -> None:
    old = ring.signing_key().kid
    new = ring.create()
    assert {key["kid"] for key in ring.jwks()["keys"]} == {old, new.kid}
    clock.forward(JWKS_MAX_AGE)
    assert ring.signing_key().kid == old
    clock.forward(RELOAD_SECONDS)
    assert ring.signing_key().kid == new.kid


def test_a_key_that_leaked_is_refused_at_once(ring: Keyring, clock: SetClock) -> None:
    made = token(ring, clock)
    check = verifier(ring, clock)
    assert check.verify(made)
    leaked = ring.signing_key().kid
    ring.activate()
    ring.retire(leaked, at_once=True)
    with pytest.raises(InvalidCredentialError, match="unknown-key"):
        check.verify(made)
    assert check.verify(token(ring, clock))


def test_retiring_an_unknown_key_is_an_error(ring: Keyring) -> None:
    with pytest.raises(KeyringError, match="no signing key nope"):
        ring.retire("nope")


class Counting:
    """Counts how often the store is asked, and can be switched off."""

    def __init__(self, store: Store) -> None:
        self._keys = store.keys
        self.loads = 0
        self.down = False

    def load(self) -> list[SigningKey]:
        self.loads += 1
        if self.down:
            raise StoreUnavailableError
        return self._keys.load()

    def __getattr__(self, name: str) -> object:
        return getattr(self._keys, name)


def test_made_up_kids_cause_one_reload_a_cooldown(
    ring: Keyring, store: Store, clock: SetClock, ticks: SetClock
) -> None:
    """CVE-2026-48524 (PyJWT): every unknown kid fetched the keys anew."""
    counting = Counting(store)
    watched = Keyring(counting, clock, monotonic=ticks)  # type: ignore[arg-type]
    watched.reload()
    ticks.forward(COOLDOWN_SECONDS)
    for number in range(1000):
        assert watched.find(f"made-up-{number}") is None
    assert counting.loads == 2
    new = ring.activate()
    assert watched.find(new.kid) is None, "within the cooldown it is not seen"
    ticks.forward(COOLDOWN_SECONDS)
    assert watched.find(new.kid) is not None


def test_keys_that_are_here_serve_while_the_store_is_away(
    ring: Keyring, store: Store, clock: SetClock, ticks: SetClock
) -> None:
    counting = Counting(store)
    watched = Keyring(counting, clock, monotonic=ticks)  # type: ignore[arg-type]
    kid = watched.signing_key().kid
    counting.down = True
    ticks.forward(RELOAD_SECONDS)
    assert watched.find(kid) is not None
    asked = counting.loads
    assert watched.find(kid) is not None
    assert counting.loads == asked, "and it is not asked at every request"
    counting.down = False
    ticks.forward(COOLDOWN_SECONDS)
    assert watched.find(kid) is not None
    assert counting.loads == asked + 1


def test_a_keyring_that_never_saw_the_store_says_503(store: Store, clock: SetClock) -> None:
    counting = Counting(store)
    counting.down = True
    with pytest.raises(StoreUnavailableError):
        Keyring(counting, clock).find("x")  # type: ignore[arg-type]


def test_the_same_object_comes_back_until_the_key_ends(ring: Keyring, clock: SetClock) -> None:
    kid = ring.signing_key().kid
    found = ring.find(kid)
    ring.reload()
    assert ring.find(kid) is found
    assert ring.find(None) is None


def test_private_keys_are_encrypted_in_the_database(ring: Keyring, store: Store) -> None:
    private = ring.signing_key().private_bytes()
    sealed = store.database.read(lambda c: c.execute(select(signing_keys.c.sealed)).scalar_one())
    assert private not in bytes(sealed)
    assert private[-32:] not in bytes(sealed)


def test_another_key_file_does_not_open_them(ring: Keyring, store_url: str, tmp_path: Path) -> None:
    other = open_store(store_url, key_file=tmp_path / "other.key")
    with pytest.raises(KeyringError, match="another key file"):
        other.keys.load()
    other.close()


def test_a_key_of_one_row_cannot_stand_in_another(store: Store, clock: SetClock) -> None:
    ring = Keyring(store.keys, clock)
    ring.ensure_key()
    ring.activate()
    kids = store.database.read(lambda c: [row.kid for row in c.execute(select(signing_keys))])

    def swap(connection: object) -> None:
        rows = {row.kid: row.sealed for row in connection.execute(select(signing_keys))}  # type: ignore[attr-defined]
        connection.execute(signing_keys.update().where(signing_keys.c.kid == kids[0]).values(sealed=rows[kids[1]]))  # type: ignore[attr-defined]

    store.database.write(swap)
    with pytest.raises(KeyringError):
        store.keys.load()


def test_a_key_prints_no_private_part(ring: Keyring) -> None:
    assert "private" not in repr(ring.signing_key())


def test_a_key_for_another_algorithm_is_refused() -> None:
    key = new_signing_key("EdDSA", created_at=0, activates_at=0)
    with pytest.raises(KeyringError, match="RS256"):
        load_signing_key(key.private_bytes(), "RS256", created_at=0, activates_at=0)
    with pytest.raises(KeyringError, match="cannot be read"):
        load_signing_key(b"junk", "EdDSA", created_at=0, activates_at=0)
    with pytest.raises(KeyringError, match="HS384"):
        new_signing_key("HS384", created_at=0, activates_at=0)  # type: ignore[arg-type]


def test_an_api_beside_the_service_verifies_without_the_key_file_and_cannot_issue(
    cluster: Cluster, clock: SetClock, tmp_path: Path
) -> None:
    url = cluster.new_database()
    service = open_store(url, key_file=tmp_path / "master.key")
    service.migrate()
    issuer = Keyring(service.keys, clock)
    issuer.ensure_key()
    api = open_store(url)
    reader = Keyring(api.keys, clock)
    assert verifier(reader, clock).verify(token(issuer, clock)).subject == "ann"
    assert reader.jwks() == issuer.jwks()
    with pytest.raises(KeyringError, match="no signing key is active"):
        reader.signing_key()
    with pytest.raises(KeyringError, match="cannot issue"):
        reader.signing_keys()[0].sign(b"x")
    with pytest.raises(KeyringError, match="key file"):
        reader.activate()
    assert reader.jwks() == issuer.jwks(), "and nothing was changed by trying"
    service.close()
    api.close()


def test_who_can_only_write_rows_cannot_add_a_key_to_the_service(
    ring: Keyring, store: Store, clock: SetClock, ticks: SetClock
) -> None:
    forged = new_signing_key("EdDSA", created_at=clock(), activates_at=clock())
    row = {"kid": forged.kid, "algorithm": "EdDSA", "public": json.dumps(dict(forged.public)), "sealed": bytes(64)}
    store.database.write(
        lambda c: c.execute(signing_keys.insert().values(**row, created_at=clock(), activates_at=clock()))
    )
    with pytest.raises(KeyringError):
        ring.reload()
    ticks.forward(RELOAD_SECONDS)
    assert ring.find(forged.kid) is None
    assert ring.find(ring.signing_key().kid) is not None, "and the good keys go on"
