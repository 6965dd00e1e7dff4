"""The forge: an independent library must see in each token exactly what the forge claims about it."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.secret import Secret
from stopper.scan.tokens.forge import TokenForge, guesses, is_token, words

FORGE = TokenForge()
KEY = "k" * 64
GOOD = jwt.encode({"sub": "alice", "role": "user"}, KEY, algorithm="HS256", headers={"kid": "one"})


def unverified(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


def test_a_signed_token_is_one_that_a_library_accepts() -> None:
    token = FORGE.signed(GOOD, Secret(KEY), role="admin")
    assert jwt.decode(token, KEY, algorithms=["HS256"]) == {"sub": "alice", "role": "admin"}
    assert jwt.get_unverified_header(token)["kid"] == "one"


def test_a_claim_given_as_none_is_taken_out() -> None:
    assert "role" not in FORGE.claims(FORGE.signed(GOOD, Secret(KEY), role=None))


def test_a_tampered_token_keeps_its_signature_and_is_refused() -> None:
    token = FORGE.tampered(GOOD, role="admin")
    assert token.rpartition(".")[2] == GOOD.rpartition(".")[2]
    assert unverified(token)["role"] == "admin"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, KEY, algorithms=["HS256"])
    assert FORGE.tampered(GOOD) != GOOD


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_says_so_and_has_no_signature(spelling: str) -> None:
    token = FORGE.unsigned(GOOD, spelling)
    assert token.endswith(".")
    assert FORGE.header(token)["alg"] == spelling
    assert FORGE.claims(token) == FORGE.claims(GOOD)


KEYS = {
    "HS256": KEY,
    "HS512": KEY * 2,
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS384": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_foreign_token_is_well_formed_and_refused(algorithm: str) -> None:
    """A refusal must come from the key, not from a malformed signature: otherwise a server that trusts any key is missed."""
    key = KEYS[algorithm]
    good = jwt.encode({"sub": "alice"}, key, algorithm=algorithm)
    public = key if isinstance(key, str) else key.public_key()
    token = FORGE.foreign(good, sub="bob")
    assert unverified(token) == {"sub": "bob"}
    assert FORGE.header(token)["alg"] == algorithm
    assert jwt.decode(good, public, algorithms=[algorithm])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, public, algorithms=[algorithm])
    assert len(token.rpartition(".")[2]) == len(good.rpartition(".")[2])


@pytest.mark.parametrize(
    "secret", ["secret", "Secret123", "CHANGEME", "flask-secret-2025", "", "your-256-bit-secret", "dev_key"]
)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.filterwarnings("ignore")
def test_a_weak_secret_is_guessed(secret: str, algorithm: str) -> None:
    token = FORGE.signed(jwt.encode({"sub": "a"}, KEY * 2, algorithm=algorithm), Secret(secret))
    assert FORGE.guess(token) == Secret(secret)


def test_a_strong_secret_is_not_guessed_and_no_guess_is_made_for_other_algorithms() -> None:
    assert FORGE.guess(GOOD) is None
    assert FORGE.guess(jwt.encode({"sub": "a"}, KEYS["ES256"], algorithm="ES256")) is None
    assert FORGE.guess("no.token.at-all") is None


def test_the_list_is_long_and_without_repeats() -> None:
    assert len(words()) >= 400
    every = list(guesses())
    assert len(every) == len(set(every))


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_none(text: str) -> None:
    is_token(text)
    assert isinstance(FORGE.header(text), dict)
    assert isinstance(FORGE.claims(text), dict)
    FORGE.guess(text)
