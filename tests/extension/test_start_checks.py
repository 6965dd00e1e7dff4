"""Set-ups that would look guarded and not be are refused, with the reason, the rule and the mend."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from flask import Flask
from tests.auth.token_smith import AUDIENCE, ISSUER, SECRET, b64, public_forms
from tests.extension.made import Made, issuer

from stopper import Issuer, Secret, SettingError, Stopper, bearer, once, public
from stopper.auth.algorithm import ALGORITHMS


def guarded(config: dict[str, Any] | None = None, **options: Any) -> Flask:
    app = Flask("checked")
    app.config.update(config or {})
    Stopper(app, **{"issuers": [issuer()], **options})
    return app


def refusal(config: dict[str, Any] | None = None, **options: Any) -> SettingError:
    with pytest.raises(SettingError) as caught:
        guarded(config, **options)
    assert "\n" not in str(caught.value)
    return caught.value


def rsa_jwk(bits: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return {"keys": [{"kty": "RSA", "kid": "r", "alg": "RS256", "n": b64(numbers.n.to_bytes(bits // 8)), "e": "AQAB"}]}


def test_a_sound_set_up_is_taken() -> None:
    guarded({"SECRET_KEY": "0f2b" * 16})


def test_debug_in_mode_prod() -> None:
    assert refusal({"DEBUG": True}).rule == "debug-enabled"
    guarded({"DEBUG": True, "STOPPER_MODE": "dev"})


@pytest.mark.parametrize("name", ["PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS"])
def test_exceptions_that_would_reach_the_client(name: str) -> None:
    assert refusal({name: True}).rule == "exception-propagation-enabled"
    guarded({name: False})


def test_debug_that_is_switched_on_later_closes_the_application(caplog: pytest.LogCaptureFixture) -> None:
    made = Made()
    made.route("/x", public)
    made.app.debug = True
    assert made.get("/x").status_code == 503
    assert "debug is on in mode prod" in caplog.text
    assert made.ran == []


@pytest.mark.parametrize("key", [SECRET, SECRET.decode("latin-1").encode("latin-1")])
def test_the_session_secret_for_tokens_too(key: bytes) -> None:
    assert refusal({"SECRET_KEY": key}).rule == "jwt-secret-reused"


def test_the_session_secret_for_api_keys_too() -> None:
    text = "a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff"
    wrong = refusal({"SECRET_KEY": text, "STOPPER_API_KEY_PEPPER": text})
    assert wrong.rule == "jwt-secret-reused"
    assert text not in str(wrong)


@pytest.mark.parametrize("secret", ["tiny-one", "a" * 64, "your-256-bit-secret-your-256-bit-secret"])
def test_a_weak_or_known_secret(secret: str) -> None:
    with pytest.raises(SettingError) as caught:
        Issuer(ISSUER, ["HS256"], keys=Secret(secret), audience=AUDIENCE)
    assert caught.value.rule == "jwt-secret-too-short"
    assert secret not in str(caught.value)


def test_a_public_key_as_a_secret() -> None:
    for form in public_forms(ed25519.Ed25519PrivateKey.generate()).values():
        with pytest.raises(SettingError) as caught:
            Issuer(ISSUER, ["HS256"], keys=Secret(form), audience=AUDIENCE)
        assert caught.value.rule == "public-key-as-secret"


def test_small_rsa_keys() -> None:
    with pytest.raises(SettingError) as caught:
        Issuer(ISSUER, ["RS256"], keys=rsa_jwk(2048), audience=AUDIENCE)
    assert caught.value.rule == "rsa-key-too-small"
    assert Issuer(ISSUER, ["RS256"], keys=rsa_jwk(2048), audience=AUDIENCE, allow_rsa_2048=True)
    assert Issuer(ISSUER, ["RS256"], keys=rsa_jwk(3072), audience=AUDIENCE)


def test_an_issuer_without_audience() -> None:
    assert refusal(issuers=[Issuer(ISSUER, ["HS256"], keys=Secret(SECRET))]).rule == "jwt-audience-issuer-unchecked"
    assert refusal({"STOPPER_ISSUER": "https://me.example"}, issuers=[]).rule == "jwt-audience-issuer-unchecked"
    guarded({"STOPPER_AUDIENCE": AUDIENCE}, issuers=[Issuer(ISSUER, ["HS256"], keys=Secret(SECRET))])


@pytest.mark.parametrize(
    "config",
    [
        {"STOPPER_ISSUER": "https://me.example"},
        {"SECRET_KEY": "a6f1c02b9d8e47f3" * 2, "STOPPER_API_KEY_PEPPER": "a6f1c02b9d8e47f3" * 2},
    ],
    ids=["no audience", "a secret used twice"],
)
def test_a_refused_set_up_leaves_no_file_behind(config: dict[str, Any], tmp_path: Path) -> None:
    app = Flask("refused", instance_path=str(tmp_path / "instance"))
    app.config.update(config)
    with pytest.raises(SettingError):
        Stopper(app)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algorithms", [[], ["none"], ["HS256", "RS256"], ["HS257"], "RS256 HS256"])
def test_algorithms_that_are_none_unknown_or_mixed(algorithms: Any) -> None:
    with pytest.raises(SettingError) as caught:
        Issuer(ISSUER, algorithms, keys=Secret(SECRET), audience=AUDIENCE)
    assert caught.value.rule in ("jwt-algorithms-missing", "jwt-algorithms-too-broad")
    assert "none" not in ALGORITHMS


@pytest.mark.parametrize(
    "keys", [None, 5, {}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, "/no/such/file.json", [], "\0"]
)
def test_keys_that_are_none(keys: Any) -> None:
    with pytest.raises(SettingError):
        Issuer(ISSUER, ["RS256"], keys=keys, audience=AUDIENCE)


def test_keys_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "jwks.json"
    for content in ("", "[]", "{", '{"keys": 1}', '{"keys": []}', "x" * 300_000, "[" * 100_000):
        path.write_text(content)
        with pytest.raises(SettingError):
            Issuer(ISSUER, ["EdDSA"], keys=path, audience=AUDIENCE)
    own = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    path.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": b64(own)}]}))
    assert Issuer(ISSUER, ["EdDSA"], keys=str(path), audience=AUDIENCE).keys.find("a")


@pytest.mark.parametrize(
    ("origins", "rule"),
    [("*", "cors-any-origin-with-credentials"), ("https://*.example.com", "cors-origin-pattern-loose"), ("null", "cors-origin-pattern-loose"),
     ("https://a.example/", "cors-origin-pattern-loose"), ("https://A.example", "cors-origin-pattern-loose"), ("a.example", "cors-origin-pattern-loose"),
     ("https://u@a.example", "cors-origin-pattern-loose"), ("file://x", "cors-origin-pattern-loose"), ("https://a.example:99999", "cors-origin-pattern-loose")],
)  # fmt: skip
def test_cors_that_lets_everybody_in(origins: str, rule: str) -> None:
    assert refusal({"STOPPER_CORS_ORIGINS": origins, "STOPPER_CORS_CREDENTIALS": True}).rule == rule


@pytest.mark.parametrize("name", ["Authorization", "cookie", "", "X Key", "X-Kéy", "Host", "X:Key", "X\r\nY"])
def test_odd_headers_for_the_key(name: str) -> None:
    refusal({"STOPPER_API_KEY_HEADER": name})


def test_an_unknown_setting() -> None:
    assert "did you mean STOPPER_AUDIENCE" in str(refusal({"STOPPER_AUDIENC": "x"}))


@pytest.mark.parametrize(
    "value", ["x", "{}", 5, [1], [{"url": "x"}], [{"url": "x", "algorithms": ["RS256"], "keys": {}, "more": 1}]]
)
def test_issuers_that_are_none(value: Any) -> None:
    refusal({"STOPPER_ISSUERS": value})


def test_issuers_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    own = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": b64(own)}]}))
    monkeypatch.setenv(
        "STOPPER_ISSUERS",
        f'[{{"url": "{ISSUER}", "algorithms": ["EdDSA"], "keys": "{path}", "audience": "{AUDIENCE}"}}]',
    )
    app = guarded(issuers=[])
    assert app.extensions["stopper"].parts.verifier is not None


def test_bearer_without_an_issuer_is_found_at_the_seal(caplog: pytest.LogCaptureFixture) -> None:
    made = Made(issuers=[])
    made.route("/x", bearer)
    with pytest.raises(SettingError, match="no issuer is declared"):
        made.stopper.seal()
    assert made.get("/x").status_code == 503


def test_once_without_a_memory_is_found_at_the_seal() -> None:
    made = Made()
    made.route("/x", bearer & once)
    with pytest.raises(SettingError, match="once"):
        made.stopper.seal()


def test_api_keys_without_a_store_are_found_at_the_seal() -> None:
    from stopper import api_key

    made = Made(api_keys=None)
    made.route("/x", api_key)
    with pytest.raises(SettingError, match="STOPPER_API_KEY_PEPPER"):
        made.stopper.seal()


def test_a_setting_that_changes_later_closes_the_application() -> None:
    made = Made()
    made.route("/x", public)
    made.app.config["STOPPER_AUDIENCE"] = "https://other.example"
    with pytest.raises(SettingError, match="changed after"):
        made.stopper.seal()
    assert made.get("/x").status_code == 503


def test_the_same_application_twice() -> None:
    app = guarded()
    with pytest.raises(SettingError, match="guarded already"):
        Stopper(app, issuers=[issuer()])


def test_seal_without_an_application() -> None:
    with pytest.raises(SettingError, match=r"seal\(app\)"):
        Stopper().seal()


def test_no_refusal_at_the_start_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    text = "hunter2-hunter2-hunter2"
    for config in ({"STOPPER_DATABASE_URL": 5}, {"STOPPER_API_KEY_PEPPER": text, "STOPPER_MODE": text}):
        assert text not in str(refusal(config)) or "STOPPER_MODE" in str(refusal(config))


@pytest.mark.parametrize(
    "said",
    ['[{"url": "a", "k": "canary-55"}', [{"url": "a", "k": "canary-55"}], {"k": "canary-55"}, ' {"k": "canary-55"}'],
)
def test_issuers_that_cannot_be_read_are_not_repeated_in_the_error(said: object) -> None:
    from stopper.core.settings import Settings

    with pytest.raises(SettingError, match="STOPPER_ISSUERS") as refused:
        Settings({"STOPPER_ISSUERS": said}, {})
    assert "canary" not in str(refused.value)
