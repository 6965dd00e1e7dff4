"""Every algorithm of own keys: made, imported, changed for another one; and a secret (HS256) that stays a secret."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.auth.test_keyring import token, verifier
from tests.servers.postgres import Cluster

from stopper.auth.base64url import encode
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.jws import read_header, split
from stopper.auth.key_import import read_private_key
from stopper.auth.keyring import JWKS_MAX_AGE, RELOAD_SECONDS, Keyring
from stopper.auth.private_key import raw_ecdsa
from stopper.auth.signing_key import ALGORITHMS, Algorithm
from stopper.core.errors import InvalidCredentialError, KeyringError, SettingError
from stopper.core.secret import Secret
from stopper.store import Store, open_store

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def pem(key: PrivateKeyTypes) -> Secret:
    return Secret(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def jwk(kind: type[ECKey | OKPKey | RSAKey], **members: object) -> Secret:
    made = {
        ECKey: lambda: ECKey.generate_key("P-384"),
        OKPKey: lambda: OKPKey.generate_key("Ed25519"),
        RSAKey: lambda: RSAKey.generate_key(3072),
    }[kind]()
    return Secret(json.dumps({**made.as_dict(private=True), **members}))


def _start(store: Store, clock: SetClock, ticks: SetClock | None = None) -> Keyring:
    ring = Keyring(store.keys, clock, monotonic=ticks or SetClock(100.0))
    ring.ensure_key()
    return ring


def test_a_rotation_through_every_algorithm_refuses_no_token(store: Store, clock: SetClock) -> None:
    """Old tokens verify to their end whatever the next key is; each header names the algorithm of its key."""
    ticks = SetClock(100.0)
    ring, other = _start(store, clock, ticks), Keyring(store.keys, clock, monotonic=ticks)
    living: list[str] = []
    for algorithm in (*ALGORITHMS[1:], "EdDSA"):
        ring.create(algorithm)
        for _ in range(2):
            clock.forward((JWKS_MAX_AGE + RELOAD_SECONDS) / 2)
            ticks.forward((JWKS_MAX_AGE + RELOAD_SECONDS) / 2)
            living = [*living[-2:], token(ring, clock)]
            for one in living:
                assert verifier(other, clock).verify(one).subject == "ann"
        assert read_header(split(living[-1]).header_segment).algorithm == algorithm
    assert "HS256" not in {key["alg"] for key in ring.jwks()["keys"]}, "a secret is never published"


def test_a_key_in_another_spelling_of_its_algorithm_is_the_same(store: Store, clock: SetClock) -> None:
    """RFC 9864 calls EdDSA over this curve Ed25519."""
    key = OKPKey.generate_key("Ed25519").as_dict(private=True)
    ring = _start(store, clock)
    made = ring.adopt(Secret(json.dumps({**key, "alg": "Ed25519"})))
    assert made is not None
    assert made.algorithm == "EdDSA"
    assert ring.adopt(Secret(json.dumps({**key, "alg": "EdDSA"}))) is None


@pytest.mark.parametrize(
    ("material", "preferred", "algorithm"),
    [
        (lambda: pem(ed25519.Ed25519PrivateKey.generate()), "PS256", "EdDSA"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "EdDSA", "ES256"),
        (lambda: pem(ec.generate_private_key(ec.SECP384R1())), "EdDSA", "ES384"),
        (lambda: pem(rsa.generate_private_key(65537, 3072)), "EdDSA", "RS256"),
        (lambda: pem(rsa.generate_private_key(65537, 3072)), "PS256", "PS256"),
        (lambda: jwk(OKPKey), "EdDSA", "EdDSA"),
        (lambda: jwk(ECKey, use="sig"), "EdDSA", "ES384"),
        (lambda: jwk(RSAKey, alg="PS256"), "EdDSA", "PS256"),
        (lambda: Secret(json.dumps({"kty": "oct", "k": encode(bytes(range(32))), "alg": "HS256"})), "EdDSA", "HS256"),
        (lambda: Secret("kR8-w4Nq_zQ0vT1sLxYh2Gd7Pb5Jm3Ce9Fa6Ui"), "HS256", "HS256"),
    ],
)  # fmt: skip
def test_a_key_made_elsewhere_signs_under_what_it_is_for(
    store: Store, clock: SetClock, material, preferred: Algorithm, algorithm: str
) -> None:
    given = material()
    ring = Keyring(store.keys, clock, algorithm=preferred)
    made = ring.adopt(given)
    assert made is not None
    assert made.algorithm == algorithm
    again = Keyring(store.keys, clock)
    assert verifier(again, clock).verify(token(ring, clock)).subject == "ann"
    assert again.adopt(given, made.algorithm) is None, "it is here already"


_WEAK = "change-this-super-secret-jwt-signing-key-please"


@pytest.mark.parametrize(
    ("material", "preferred", "told"),
    [
        (lambda: pem(rsa.generate_private_key(65537, 2048)), "PS256", "3072"),
        (lambda: pem(ec.generate_private_key(ec.SECP256K1())), "EdDSA", "another kind"),
        (lambda: pem(ed25519.Ed25519PrivateKey.generate()), "HS256", None),
        (lambda: jwk(RSAKey, use="enc"), "EdDSA", "not for signing"),
        (lambda: jwk(RSAKey, key_ops=["verify"]), "EdDSA", "not for signing"),
        (lambda: jwk(ECKey, alg="ES256"), "EdDSA", "ES384"),
        (lambda: jwk(RSAKey, alg="RS512"), "EdDSA", "RS256"),
        (lambda: jwk(RSAKey, alg="HS256"), "EdDSA", "RS256"),
        (lambda: Secret(json.dumps({"kty": "oct", "k": encode(bytes(range(32)))})), "EdDSA", "by name"),
        (lambda: Secret(json.dumps({"kty": "oct", "k": encode(bytes(range(31))), "alg": "HS256"})), "EdDSA", "32 bytes"),
        (lambda: Secret(json.dumps({"kty": "oct", "k": "?", "alg": "HS256"})), "EdDSA", "base64url"),
        (lambda: Secret('{"kty": "oct", "kty": "RSA"}'), "EdDSA", "no JWK"),
        (lambda: Secret('{"kty": "EC", "crv": "P-256"}'), "EdDSA", "no private key"),
        (lambda: Secret(json.dumps(RSAKey.generate_key(3072).as_dict(private=False))), "EdDSA", "no private key"),
        (lambda: Secret(_WEAK), "HS256", "template"),
        (lambda: Secret("tiny-0"), "HS256", "shorter than 32"),
        (lambda: Secret("kR8-w4Nq_zQ0vT1sLxYh2Gd7Pb5Jm3Ce9Fa6Ui"), "EdDSA", "no private key"),
    ],
)  # fmt: skip
def test_what_is_no_good_key_is_refused_and_its_text_never_shown(material, preferred: str, told: str | None) -> None:
    given = material()
    if told is None:  # the kind of a PEM decides; nothing turns a private key into a secret
        assert read_private_key(given, preferred)[1] == "EdDSA"
        return
    with pytest.raises(KeyringError, match=told) as refused:
        read_private_key(given, preferred)
    assert given.reveal() not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_key_for_another_algorithm_than_the_one_named_is_not_taken_in(store: Store, clock: SetClock) -> None:
    ring = _start(store, clock)
    with pytest.raises(KeyringError, match="signs under ES384, not under PS256"):
        ring.adopt(pem(ec.generate_private_key(ec.SECP384R1())), "PS256")
    assert len(ring.signing_keys()) == 1


def test_one_rsa_key_never_signs_under_two_algorithms(store: Store, clock: SetClock) -> None:
    key = pem(rsa.generate_private_key(65537, 3072))
    ring = _start(store, clock)
    assert ring.adopt(key, "RS256") is not None
    assert ring.adopt(key, "PS256") is None, "its kid is taken"
    assert sorted(one.algorithm for one in ring.signing_keys()) == ["EdDSA", "RS256"]


def test_a_secret_is_in_no_document_and_prints_nothing(store: Store, clock: SetClock) -> None:
    ring = Keyring(store.keys, clock, algorithm="HS256")
    ring.ensure_key()
    key = ring.signing_key()
    assert isinstance(key.private, Secret)
    assert ring.jwks() == {"keys": []}
    assert key.public == {}
    with pytest.raises(KeyringError, match="never published"):
        key.public_jwk()
    hidden = encode(key.private.reveal_bytes())
    assert hidden not in repr(key) + repr(ring.find(key.kid)) + key.kid


def test_an_api_without_the_key_file_takes_no_token_under_a_secret(
    cluster: Cluster, clock: SetClock, tmp_path: Path
) -> None:
    """It cannot open the secret; the public keys beside it go on."""
    url = cluster.new_database()
    service = open_store(url, key_file=tmp_path / "master.key")
    service.migrate()
    ring = Keyring(service.keys, clock, algorithm="HS256")
    ring.ensure_key()
    under_a_secret = token(ring, clock)
    ring.activate("ES384")
    api = open_store(url)
    reader = Keyring(api.keys, clock)
    assert verifier(reader, clock).verify(token(ring, clock)).subject == "ann"
    with pytest.raises(InvalidCredentialError, match="unknown-key"):
        verifier(reader, clock).verify(under_a_secret)
    assert [key["alg"] for key in reader.jwks()["keys"]] == ["ES384"]
    service.close()
    api.close()


def test_a_token_cannot_choose_its_algorithm_in_a_ring_of_both_kinds(store: Store, clock: SetClock) -> None:
    """The oldest attack on JWT: the public key as the secret of HS256. In our ring a kid leads to one key and that to one algorithm."""
    import hashlib
    import hmac

    ring = _start(store, clock)
    ring.activate("HS256")
    (public,) = (key for key in ring.signing_keys() if not key.symmetric)
    _, claims, _ = token(ring, clock).split(".")
    for secret in (public.public["x"].encode(), json.dumps(dict(public.public)).encode()):
        header = encode(json.dumps({"alg": "HS256", "kid": public.kid, "typ": "at+jwt"}).encode())
        made = encode(hmac.new(secret, f"{header}.{claims}".encode(), hashlib.sha256).digest())
        with pytest.raises(InvalidCredentialError, match="algorithm"):
            verifier(ring, clock).verify(f"{header}.{claims}.{made}")


def test_other_sources_of_keys_still_may_not_mix_secrets_with_public_keys() -> None:
    class Finds:
        def find(self, kid: str | None) -> None:
            return None

    with pytest.raises(SettingError, match="mix HMAC"):
        Issuer("https://i", ["HS256", "EdDSA"], keys=Finds(), audience="a")


def test_numbers_of_a_signature_have_the_full_size_of_the_curve() -> None:
    """RFC 7518 §3.4: short numbers are filled up, numbers that are too large are no signature."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    assert raw_ecdsa(encode_dss_signature(1, 2), "ES384") == bytes(47) + b"\1" + bytes(47) + b"\2"
    with pytest.raises(ValueError, match="larger"):
        raw_ecdsa(encode_dss_signature(1 << 256, 2), "ES256")
