"""Each difference that docs/migrate/flask-jwt-extended.md lists, tried as an attacker or a hasty developer would."""

import datetime
import logging
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify
from tests.compat.made import SECRET, access, bearer, make_app, refresh, signed

import stopper.compat.flask_jwt_extended as compat
from stopper import PolicyError, Stopper, api_key, public
from stopper.compat.flask_jwt_extended.exceptions import JWTSettingError


def _claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": "ann", "type": "access", "fresh": True, "jti": "j", "iat": now, "exp": now + 60, **more}


def _status(app: Flask, token: str, path: str = "/me") -> int:
    return app.test_client().get(path, headers=bearer(token)).status_code


def _pem(key: rsa.RSAPrivateKey) -> tuple[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public_pem.decode()


@pytest.fixture(scope="module")
def rsa_2048() -> tuple[str, str]:
    return _pem(rsa.generate_private_key(65537, 2048))


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"SECRET_KEY": "foobarbaz"}, "jwt-secret-too-short"),
        ({"SECRET_KEY": "change-me-please-this-is-my-secret-key"}, "jwt-secret-too-short"),
        ({"SECRET_KEY": SECRET, "ALGORITHM": "HS512"}, "jwt-secret-too-short"),
        ({"ALGORITHM": "none"}, "jwt-none-algorithm-listed"),
        ({"DECODE_ALGORITHMS": ["HS256", "none"]}, "jwt-none-algorithm-listed"),
        ({"DECODE_ALGORITHMS": ["HS256", "RS256"]}, "jwt-algorithms-too-broad"),
        ({"ALGORITHM": "HS1"}, "jwt-algorithms-missing"),
    ],
)
def test_an_unsafe_setting_is_refused_at_the_start(settings: dict[str, Any], rule: str) -> None:
    with pytest.raises(JWTSettingError) as refused:
        make_app(**settings)
    assert refused.value.rule == rule
    assert settings.get("SECRET_KEY", "-") not in str(refused.value)
    assert "without kid" not in str(refused.value)


def test_an_unsafe_setting_that_comes_later_is_refused_when_it_is_used() -> None:
    app = make_app()
    token = access(app)
    app.config["JWT_SECRET_KEY"] = "short"
    assert _status(app, token) == 500
    with pytest.raises(JWTSettingError):
        access(app)


def test_the_secret_of_the_session_does_not_sign_tokens() -> None:
    app = Flask("shop")
    app.config.update(SECRET_KEY=SECRET)
    compat.JWTManager(app)
    with app.test_request_context(), pytest.raises(JWTSettingError) as refused:
        compat.create_access_token("ann")
    assert refused.value.rule == "jwt-secret-reused"
    app.config["JWT_SECRET_KEY"] = SECRET
    with app.test_request_context(), pytest.raises(JWTSettingError):
        compat.create_access_token("ann")


def test_a_public_key_is_no_secret(rsa_2048: tuple[str, str]) -> None:
    with pytest.raises(JWTSettingError) as refused:
        make_app(SECRET_KEY=rsa_2048[1])
    assert refused.value.rule == "public-key-as-secret"


def test_a_token_signed_with_the_public_key_as_secret_is_refused() -> None:
    private, public_pem = _pem(rsa.generate_private_key(65537, 3072))
    app = make_app(ALGORITHM="RS256", PRIVATE_KEY=private, PUBLIC_KEY=public_pem)
    assert _status(app, access(app)) == 200
    token = signed({"alg": "HS256"}, _claims(), public_pem)
    assert _status(app, token) == 401


def test_rsa_keys_are_long(rsa_2048: tuple[str, str]) -> None:
    private, public_pem = rsa_2048
    with pytest.raises(JWTSettingError) as refused:
        make_app(ALGORITHM="RS256", PRIVATE_KEY=private, PUBLIC_KEY=public_pem)
    assert refused.value.rule == "rsa-key-too-small"
    app = make_app(ALGORITHM="RS256", PRIVATE_KEY=private, PUBLIC_KEY=public_pem, ALLOW_RSA_2048=True)
    assert _status(app, access(app)) == 200


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "NONE"}, {"alg": ""}, {"alg": 7}, {"alg": "HS384"}, {"crit": ["x"], "x": 1}, {"b64": False}, {"zip": "DEF"},
        {"kid": ""}, {"kid": 7}, {"kid": "x" * 999}, {"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"typ": 7}, {"jwk": "x"},
    ],
)  # fmt: skip
def test_odd_headers_are_refused(header: dict[str, Any]) -> None:
    """Signed with the true key: nothing but the header is wrong."""
    app = make_app()
    token = signed({"alg": "HS256", **header}, _claims())
    assert _status(app, token) == 401
    assert _status(app, token.rpartition(".")[0] + ".") == 401


@pytest.mark.parametrize("cnf", [{"jkt": "A" * 43}, {"x5t#S256": "A" * 43}, {}, None])
def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(cnf: object) -> None:
    app = make_app()
    assert _status(app, signed({"alg": "HS256"}, _claims())) == 200
    assert _status(app, signed({"alg": "HS256"}, {**_claims(), "cnf": cnf})) == 401


@pytest.mark.parametrize("change", ["=", "%", "\u00e9", " "])
def test_a_token_has_one_spelling(change: str) -> None:
    app = make_app()
    with app.test_request_context(), pytest.raises(compat.exceptions.DecodeError) as refused:
        compat.decode_token(access(app) + change)
    assert refused.value.__context__ is None


@pytest.mark.feature("F85")
def test_a_token_that_never_expires_is_neither_made_nor_taken() -> None:
    app = make_app()
    with pytest.raises(JWTSettingError) as refused:
        access(app, expires_delta=False)
    assert refused.value.rule == "jwt-issued-without-expiry"
    with pytest.raises(JWTSettingError):
        access(app, additional_claims={"exp": None})
    claims = _claims()
    del claims["exp"]
    eternal = jwt.encode(claims, SECRET)
    assert _status(app, eternal) == 401
    with app.test_request_context():
        assert compat.get_jti(eternal) == "j"  # so that it can be put on the blocklist
    app.config["JWT_ALLOW_TOKENS_WITHOUT_EXPIRY"] = True
    assert _status(app, eternal) == 200
    assert _status(app, access(app, expires_delta=False)) == 200


def test_a_token_says_who_issued_it_and_for_whom() -> None:
    app = make_app()
    with app.test_request_context():
        claims = compat.decode_token(access(app))
    assert (claims["iss"], claims["aud"]) == ("shop", "shop")


@pytest.mark.parametrize(
    ("settings", "issuer", "audience"),
    [
        ({"ENCODE_ISSUER": "a", "ENCODE_AUDIENCE": ["b", "c"]}, "a", ["b", "c"]),
        ({"DECODE_ISSUER": "a", "DECODE_AUDIENCE": ["b", "c"]}, "a", "b"),
    ],
)
def test_what_is_set_is_used_for_both_directions(settings: dict[str, Any], issuer: str, audience: Any) -> None:
    app = make_app(**settings)
    with app.test_request_context():
        claims = compat.decode_token(access(app))
    assert (claims["iss"], claims["aud"]) == (issuer, audience)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),  # from before the move
        ({"iss": "shop", "aud": "shop"}, 200),
        ({"aud": ["other", "shop"]}, 200),
        ({"aud": "other"}, 401),
        ({"aud": []}, 401),
        ({"aud": ["shop", 7]}, 401),
        ({"aud": None}, 401),
        ({"iss": "other"}, 401),
        ({"iss": ["shop"]}, 401),
        ({"iss": None}, 401),
    ],
)
def test_a_token_for_somebody_else_is_refused(claims: dict[str, Any], status: int) -> None:
    assert _status(make_app(), signed({"alg": "HS256"}, _claims(**claims))) == status


def test_a_token_must_say_it_where_it_is_set() -> None:
    app = make_app(DECODE_ISSUER="shop", DECODE_AUDIENCE="shop")
    assert _status(app, jwt.encode(_claims(), SECRET)) == 401
    assert _status(app, access(app)) == 200


@pytest.mark.parametrize("kind", ["id", "app", "", None, 7, ["access"]])
def test_a_token_of_another_kind_opens_nothing(kind: Any) -> None:
    app = make_app()
    token = jwt.encode(_claims(type=kind), SECRET)
    assert {_status(app, token, path) for path in ("/me", "/renew", "/any", "/maybe")} == {401}


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": -1},
        {"iat": "x"},
        {"nbf": 2**60},
        {"iat": 2**40},
        {"sub": 7},
        {"jti": 7},
    ],
)
def test_claims_have_their_types_and_times(claims: dict[str, Any]) -> None:
    assert _status(make_app(), signed({"alg": "HS256"}, _claims(**claims))) == 401


def test_a_long_leeway_is_refused() -> None:
    app = make_app(DECODE_LEEWAY=datetime.timedelta(days=1))
    assert _status(app, access(app)) == 500
    app.config["JWT_DECODE_LEEWAY"] = datetime.timedelta(seconds=30)
    assert _status(app, access(app)) == 200


def test_a_token_in_the_url_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "stopper"):
        app = make_app(TOKEN_LOCATION=["headers", "query_string"])
    assert "JWT_ALLOW_QUERY_STRING" in caplog.text
    client, token = app.test_client(), access(app)
    assert client.get(f"/me?jwt={token}").status_code == 401
    app.config["JWT_ALLOW_QUERY_STRING"] = True
    assert client.get(f"/me?jwt={token}").status_code == 200


@pytest.mark.parametrize("path", ["/me", "/maybe"])
def test_two_tokens_are_none(path: str) -> None:
    """With the original, an optional view takes two tokens for no token and lets the caller pass."""
    app = make_app()
    token = access(app)
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token}, Bearer {token}"})
    assert answer.status_code == 400
    answer = app.test_client().get(path, headers=[("Authorization", f"Bearer {token}")] * 2)
    assert answer.status_code == 400


@pytest.mark.feature("F85")
def test_every_refused_token_gets_the_same_answer() -> None:
    app = make_app()
    manager = app.extensions["flask-jwt-extended"]
    manager.user_lookup_loader(lambda header, claims: None if claims["sub"] == "gone" else "Ann")
    manager.token_in_blocklist_loader(lambda header, claims: claims["jti"] == "revoked")
    shown = [
        "x", "a.b.c", access(app)[:-3] + "AAA", access(app, expires_delta=datetime.timedelta(minutes=-5)), refresh(app),
        jwt.encode(_claims(sub="gone"), SECRET), jwt.encode(_claims(jti="revoked"), SECRET), jwt.encode(_claims(iss="x"), SECRET),
        jwt.encode(_claims(), SECRET + "x"), jwt.encode({"foo": "bar"}, SECRET),
    ]  # fmt: skip
    answers = [app.test_client().get("/me", headers=bearer(token)) for token in shown]
    assert {(answer.status_code, answer.data, str(answer.headers)) for answer in answers} == {
        (answers[0].status_code, answers[0].data, str(answers[0].headers))
    }
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[0].mimetype == "application/problem+json"


def test_the_reason_is_in_the_audit_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    told: list[str] = []

    @app.extensions["flask-jwt-extended"].invalid_token_loader
    def answer(words: str) -> Any:
        told.append(words)
        return jsonify(error=words), 401

    with caplog.at_level(logging.INFO, "stopper.audit"):
        for token in ("x", jwt.encode(_claims(), SECRET + "x"), jwt.encode(_claims(aud="x"), SECRET)):
            app.test_client().get("/me", headers=bearer(token))
    assert set(told) == {"The credential is not valid."}
    reasons = [
        record.getMessage().partition("reason=")[2].split()[0]
        for record in caplog.records
        if "refuse" in record.getMessage()
    ]
    assert reasons == ["decode-error", "invalid-signature-error", "invalid-audience-error"]


def test_an_answer_with_a_token_is_not_kept_by_caches() -> None:
    app = make_app()

    @app.get("/login")
    def login() -> Any:
        return jsonify(access_token=compat.create_access_token("ann")), 200, {"Cache-Control": "max-age=60"}

    @app.get("/page")
    def page() -> Any:
        return "page", 200, {"Cache-Control": "max-age=60"}

    client = app.test_client()
    assert client.get("/login").headers["Cache-Control"] == "no-store"
    assert client.get("/page").headers["Cache-Control"] == "max-age=60"


def test_cookies_are_guarded_without_a_setting() -> None:
    app = make_app(TOKEN_LOCATION=["cookies"])
    answer = app.test_client().get("/cookie")
    token, csrf = answer.headers.getlist("Set-Cookie")
    assert all(word in token for word in ("Secure", "HttpOnly", "SameSite=Lax"))
    assert all(word in csrf for word in ("Secure", "SameSite=Lax"))
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PURGE"])
@pytest.mark.parametrize("shown", [None, "", "wrong", "\u00e9"])
def test_a_cookie_alone_changes_nothing(method: str, shown: str | None) -> None:
    """Also by a method that no list names, and with bytes that a comparison of texts would stumble over."""
    app = make_app(TOKEN_LOCATION=["cookies"])
    client = app.test_client()
    client.get("/cookie")
    headers = {} if shown is None else {"X-CSRF-TOKEN": shown}
    assert client.open("/me", method=method, headers=headers).status_code == 403


def test_a_cookie_whose_token_has_no_csrf_claim_changes_nothing() -> None:
    app = make_app(TOKEN_LOCATION=["cookies"])
    client = app.test_client()
    client.set_cookie("access_token_cookie", jwt.encode(_claims(), SECRET))
    assert client.post("/me", headers={"X-CSRF-TOKEN": "x"}).status_code == 401


def test_options_never_runs_a_view() -> None:
    app = make_app()

    @app.route("/by-hand", methods=["GET", "OPTIONS"])
    def by_hand() -> str:
        compat.verify_jwt_in_request()
        return "in"

    answer = app.test_client().options("/me")
    assert (answer.status_code, answer.data) == (200, b"")
    assert "POST" in answer.headers["Allow"]
    assert app.test_client().options("/by-hand").status_code == 401


def test_forgotten_parentheses_are_told_at_once() -> None:
    with pytest.raises(TypeError, match="parentheses"):
        compat.jwt_required(lambda: "in")  # type: ignore[arg-type]


def test_a_guard_above_its_route_closes_the_route(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()

    @compat.jwt_required()
    @app.get("/wrong-order")
    def wrong_order() -> str:
        return "in"

    assert app.test_client().get("/wrong-order").status_code == 503
    assert "stands above the route of wrong_order" in caplog.text


def test_open_routes_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    app.add_url_rule("/forgotten", "forgotten", lambda: "in", methods=["POST"])
    for _ in range(2):
        app.test_client().get("/me")
    told = [record.getMessage() for record in caplog.records if "have no jwt_required" in record.getMessage()]
    assert len(told) == 1
    assert "2 route(s)" in told[0]
    assert "GET /cookie, POST /forgotten" in told[0]


def test_stopper_on_top_closes_the_rest() -> None:
    app = make_app()
    app.config.update(STOPPER_MODE="dev")
    guard = Stopper(app)
    guard.cover("cookie", public)
    app.add_url_rule("/forgotten", "forgotten", lambda: "in")
    with pytest.raises(Exception, match="/forgotten"):
        guard.seal()
    client, token = app.test_client(), access(app)
    assert client.get("/forgotten").status_code == 503
    assert client.get("/me", headers=bearer(token)).status_code == 503


def test_stopper_on_top_knows_what_jwt_required_guards() -> None:
    app = make_app()
    app.config.update(STOPPER_MODE="dev")
    guard = Stopper(app)
    guard.cover("cookie", public)
    guard.seal()
    client = app.test_client()
    assert client.get("/me", headers=bearer(access(app))).json == {"who": "ann"}
    assert client.get("/me").status_code == 401
    policies = app.extensions["stopper"].policies
    assert policies["recent"] == {"GET": "jwt_required(fresh=True)"}
    assert policies["of_any_kind"] == {"GET": "jwt_required(verify_type=False)"}
    assert policies["maybe"] == {"GET": "public"}


def test_guards_may_stand_on_each_other() -> None:
    app = make_app()

    @app.get("/both")
    @compat.jwt_required()
    @compat.jwt_required(fresh=True)
    def both() -> str:
        return "in"

    @app.get("/optional")
    @compat.jwt_required()
    @compat.jwt_required(optional=True)
    def optional() -> str:
        return "in"

    policies = {name: str(getattr(app.view_functions[name], "__stopper_policy__", "")) for name in ("both", "optional")}
    assert policies == {"both": "jwt_required() & jwt_required(fresh=True)", "optional": "jwt_required()"}
    assert app.test_client().get("/optional").status_code == 401
    assert _status(app, access(app), "/both") == 403
    assert _status(app, access(app, fresh=True), "/both") == 200


def test_a_key_that_is_not_there_or_for_another_algorithm_is_a_refusal() -> None:
    app = make_app(DECODE_ALGORITHMS=["HS256", "HS512"])
    assert _status(app, signed({"alg": "HS512"}, _claims())) == 401
    app.extensions["flask-jwt-extended"].decode_key_loader(lambda header, claims: None)
    assert _status(app, access(app)) == 401


def test_nothing_of_a_refused_token_is_remembered() -> None:
    app = make_app()
    app.extensions["flask-jwt-extended"].user_lookup_loader(lambda header, claims: None)
    with app.test_request_context(headers=bearer(access(app))):
        with pytest.raises(compat.exceptions.UserLookupError) as refused:
            compat.verify_jwt_in_request()
        assert "ann" not in str(refused.value)
        with pytest.raises(RuntimeError):
            compat.get_jwt()


def test_a_view_may_carry_a_policy_of_stopper_and_keep_the_old_guard_for_a_while() -> None:
    app = make_app()
    app.config.update(STOPPER_MODE="dev")
    app.add_url_rule("/two", "two", compat.jwt_required()(api_key(lambda: "in")))
    with pytest.raises(PolicyError, match="two policies"):
        public(compat.jwt_required()(lambda: "in"))
    assert str(app.view_functions["two"].__stopper_policy__) == "api_key"  # type: ignore[attr-defined]
    assert app.test_client().get("/two").status_code == 401
