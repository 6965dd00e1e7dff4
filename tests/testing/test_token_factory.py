"""Bad tokens: a strict verifier refuses them all and takes the good one; careless ones are caught taking them."""

from typing import Any

import flask
import flask_jwt_extended
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.auth.token_smith import AUDIENCE, NOW, SECRET, claims, header, hs256
from tests.extension.made import Made, issuer

from stopper import Issuer, Secret, bearer
from stopper.auth.clock import SetClock
from stopper.auth.verification_key import VerificationKey
from stopper.testing import BAD_TOKENS, TokenFactory
from stopper.testing.token_factory import STRICT_BAD_TOKENS

GOOD = hs256()
FACTORY = TokenFactory(Secret(SECRET))


def guarded() -> Any:
    made = Made()
    made.route("/notes", bearer)
    return made


def asked(app: flask.Flask, token: str) -> int:
    answer = app.test_client().get("/notes", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_the_guard_takes_the_good_one() -> None:
    assert asked(guarded().app, GOOD) == 200


@pytest.mark.feature("F74")
@pytest.mark.parametrize("kind", STRICT_BAD_TOKENS)
def test_the_guard_refuses_every_kind(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.testing.token_factory.time.time", lambda: NOW)
    made = FACTORY.bad(GOOD, kind)
    if kind.startswith("confusion-"):
        assert made is None  # there is no public key
        return
    assert made is not None, kind
    app = guarded()
    assert asked(app.app, made.token) in (400, 401)
    assert app.ran == []


def test_kinds_are_told_apart_and_explained() -> None:
    found = FACTORY.bad_tokens(GOOD, strict=True)
    assert len({one.token for one in found}) == len(found) >= 55
    assert all(one.why and one.token not in repr(one) for one in found)
    assert GOOD not in {one.token for one in found}


def test_what_needs_the_key_is_left_out_without_it() -> None:
    kinds = {one.id for one in TokenFactory().bad_tokens(GOOD)}
    assert "expired" not in kinds
    assert {"none", "foreign-key", "signature-missing"} <= kinds


def test_an_app_that_does_not_verify_is_caught() -> None:
    def naive(token: str) -> None:
        jwt.decode(token, options={"verify_signature": False})

    passed = _passing(naive, FACTORY.bad_tokens(GOOD))
    assert {"none", "foreign-key", "subject-changed", "expired", "wrong-audience"} <= passed


def test_pyjwt_as_it_is_meant_to_be_used_refuses_all_but_the_strict_ones() -> None:
    good = jwt.encode({"sub": "1", "aud": "api", "iss": "us", "exp": 4_000_000_000}, "k" * 40, "HS256")

    def careful(token: str) -> None:
        jwt.decode(token, "k" * 40, ["HS256"], audience="api", issuer="us", options={"require": ["exp", "sub", "aud", "iss"]})  # fmt: skip

    careful(good)
    assert _passing(careful, TokenFactory("k" * 40).bad_tokens(good)) == set()


def test_an_app_of_flask_jwt_extended_refuses_them() -> None:
    app = flask.Flask("fje")
    app.config.update(JWT_SECRET_KEY="k" * 40)
    flask_jwt_extended.JWTManager(app)
    app.add_url_rule("/notes", "notes", flask_jwt_extended.jwt_required()(lambda: "notes"))
    with app.app_context():
        good = flask_jwt_extended.create_access_token("1")
    assert asked(app, good) == 200
    passed = {one.id for one in TokenFactory("k" * 40).bad_tokens(good) if asked(app, one.token) == 200}
    assert passed == set()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_asymmetric_keys_are_signed_with_and_abused(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.testing.token_factory.time.time", lambda: NOW)
    private: Any = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
        "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=3072),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    good = jwt.encode(claims(), pem, algorithm, headers=header(alg=algorithm))
    key = VerificationKey.from_public_key("k", algorithm, private.public_key())
    made = Made(issuers=[Issuer(issuer().url, [algorithm], keys=key, audience=AUDIENCE)], clock=SetClock(NOW))
    made.route("/notes", bearer)
    assert asked(made.app, good) == 200
    found = {one.id: one.token for one in TokenFactory(pem).bad_tokens(good)}
    assert {"confusion-pem", "expired", "wrong-issuer"} <= set(found)
    assert {name for name, token in found.items() if asked(made.app, token) == 200} == set()


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match="no compact JWS"):
        FACTORY.bad_tokens("stp_live_x")
    with pytest.raises(ValueError, match="there is no kind"):
        FACTORY.bad(GOOD, "nonne")


def test_a_test_that_asks_for_bad_token_runs_once_a_kind(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        "import jwt, pytest\n"
        "@pytest.fixture\ndef good_token():\n    return jwt.encode({'sub': '1', 'exp': 4_000_000_000}, 'k' * 40, 'HS256')\n"
        "@pytest.fixture\ndef signing_key():\n    return 'k' * 40\n"
        "def test_it(bad_token):\n    with pytest.raises(jwt.PyJWTError):\n        jwt.decode(bad_token, 'k' * 40, ['HS256'], options={'require': ['sub']})\n"
    )
    result = inner.runpytest_inprocess("-W", "ignore")
    counts = result.parseoutcomes()
    assert set(counts) == {"passed", "skipped"}
    assert counts["passed"] > 35
    assert sum(counts.values()) == len(BAD_TOKENS)


def test_a_project_may_have_a_bad_token_of_its_own(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        "import pytest\n@pytest.fixture\ndef bad_token():\n    return 'mine'\ndef test_it(bad_token):\n    assert bad_token == 'mine'\n"
    )
    inner.runpytest_inprocess().assert_outcomes(passed=1)


def _passing(verify: Any, tokens: Any) -> set[str]:
    passed = set()
    for one in tokens:
        try:
            verify(one.token)
        except (jwt.PyJWTError, RecursionError):
            continue
        passed.add(one.id)
    return passed
