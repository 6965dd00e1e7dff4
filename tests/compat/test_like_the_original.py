"""What an application that moves here may count on: the same names do the same things."""

import datetime
import importlib
import subprocess
import sys
from types import ModuleType
from typing import Any

import flask_jwt_extended as original
import jwt
import pytest
from flask import Flask, jsonify, render_template_string
from tests.compat.made import SECRET, access, bearer, make_app, refresh, signed

import stopper.compat.flask_jwt_extended as compat
from stopper import Secret


def _manager(app: Flask) -> compat.JWTManager:
    found = app.extensions["flask-jwt-extended"]
    assert isinstance(found, compat.JWTManager)
    return found


@pytest.mark.feature("F85")
def test_every_public_name_of_the_original_is_here() -> None:
    theirs = {name for name, value in vars(original).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert theirs == set(compat.__all__)


@pytest.mark.parametrize(
    "module", ["config", "exceptions", "internal_utils", "jwt_manager", "utils", "view_decorators"]
)
def test_modules_that_applications_import_from_are_here(module: str) -> None:
    found = importlib.import_module(f"stopper.compat.flask_jwt_extended.{module}")
    theirs = importlib.import_module(f"flask_jwt_extended.{module}")
    own = {name for name, value in vars(theirs).items() if getattr(value, "__module__", "") == theirs.__name__}
    own = {name for name in own if not name.startswith("_")}
    if module == "internal_utils":
        own = {"JSONEncoder", "get_json_encoder", "get_jwt_manager"}
    assert {name for name in own if not hasattr(found, name)} == set()


def test_every_loader_and_setting_of_the_original_is_here() -> None:
    loaders = {name for name in vars(original.JWTManager) if name.endswith("_loader")}
    assert loaders <= set(vars(compat.JWTManager))
    app = Flask("theirs")
    original.JWTManager(app)
    assert {name for name in app.config if name.startswith("JWT_")} <= set(make_app().config)


def test_an_access_token_opens_and_no_token_does_not() -> None:
    app = make_app()
    client = app.test_client()
    assert client.get("/me", headers=bearer(access(app))).json == {"who": "ann"}
    assert client.get("/me").status_code == 401
    assert client.get("/maybe").json == {"who": None}
    assert client.get("/maybe", headers=bearer(access(app))).json == {"who": "ann"}


def test_kinds_of_token_open_their_own_doors() -> None:
    app = make_app()
    client = app.test_client()
    shown = {"access": access(app), "fresh": access(app, fresh=True), "refresh": refresh(app)}
    passes = {
        (path, kind)
        for path in ("/me", "/recent", "/renew", "/any", "/maybe")
        for kind, token in shown.items()
        if client.get(path, headers=bearer(token)).status_code == 200
    }
    assert passes == {
        ("/me", "access"), ("/me", "fresh"), ("/maybe", "access"), ("/maybe", "fresh"), ("/recent", "fresh"), ("/renew", "refresh"),
        ("/any", "access"), ("/any", "fresh"), ("/any", "refresh"),
    }  # fmt: skip


@pytest.mark.parametrize(("minutes", "status"), [(5, 200), (-1, 403)])
def test_freshness_may_end(minutes: int, status: int) -> None:
    app = make_app()
    token = access(app, fresh=datetime.timedelta(minutes=minutes))
    assert app.test_client().get("/recent", headers=bearer(token)).status_code == status


@pytest.mark.feature("F85")
def test_tokens_of_the_original_pass_until_they_expire() -> None:
    theirs, ours = Flask("shop"), make_app()
    theirs.config["JWT_SECRET_KEY"] = SECRET
    original.JWTManager(theirs)
    with theirs.test_request_context():
        token = original.create_access_token("ann", additional_claims={"plan": "gold"})
    assert ours.test_client().get("/me", headers=bearer(token)).json == {"who": "ann"}
    with ours.test_request_context():
        assert compat.decode_token(token)["plan"] == "gold"


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "RS256", "PS384", "ES256", "EdDSA"])
def test_pyjwt_verifies_what_is_issued_here(algorithm: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    settings: dict[str, Any] = {"ALGORITHM": algorithm, "SECRET_KEY": SECRET + SECRET[::-1]}
    public: Any = SECRET + SECRET[::-1]
    if not algorithm.startswith("HS"):
        private: Any = {
            "R": lambda: rsa.generate_private_key(65537, 3072),
            "P": lambda: rsa.generate_private_key(65537, 3072),
            "E": lambda: (
                ec.generate_private_key(ec.SECP256R1())
                if algorithm == "ES256"
                else ed25519.Ed25519PrivateKey.generate()
            ),
        }[algorithm[0]]()
        settings["PRIVATE_KEY"] = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        public = private.public_key()
        settings["PUBLIC_KEY"] = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
    app = make_app(**settings)
    token = access(app)
    assert jwt.decode(token, public, algorithms=[algorithm], audience="shop", issuer="shop")["sub"] == "ann"
    assert app.test_client().get("/me", headers=bearer(token)).status_code == 200


def test_claims_headers_and_identity_come_from_loaders() -> None:
    app = make_app()
    manager = _manager(app)
    manager.user_identity_loader(lambda user: user["name"])
    manager.additional_claims_loader(lambda user: {"plan": user["plan"], "role": "reader"})
    manager.additional_headers_loader(lambda user: {"tenant": "a"})
    with app.test_request_context():
        token = compat.create_access_token({"name": "ann", "plan": "gold"}, additional_claims={"role": "writer"})
        claims = compat.decode_token(token)
        assert (claims["sub"], claims["plan"], claims["role"]) == ("ann", "gold", "writer")
        assert compat.get_unverified_jwt_headers(token)["tenant"] == "a"
        assert compat.get_jti(token) == claims["jti"]


def test_the_users_loader_gives_the_current_user_and_none_refuses() -> None:
    app = make_app()
    manager = _manager(app)
    users = {"ann": "Ann"}
    manager.user_lookup_loader(lambda header, claims: users.get(claims["sub"]))

    @app.get("/name")
    @compat.jwt_required()
    def name() -> str:
        return f"{compat.current_user} {compat.get_current_user()}"

    client, token = app.test_client(), access(app)
    assert client.get("/name", headers=bearer(token)).text == "Ann Ann"
    users.clear()
    assert client.get("/name", headers=bearer(token)).status_code == 401


def test_templates_get_the_current_user_when_asked_for() -> None:
    app = Flask("pages")
    app.config["JWT_SECRET_KEY"] = SECRET
    manager = compat.JWTManager()
    manager.init_app(app, add_context_processor=True)
    manager.user_lookup_loader(lambda header, claims: claims["sub"])

    @app.get("/page")
    @compat.jwt_required()
    def page() -> str:
        return render_template_string("{{ current_user }}")

    assert app.test_client().get("/page", headers=bearer(access(app))).text == "ann"


def test_a_token_on_the_blocklist_is_refused_unless_the_view_does_not_ask() -> None:
    app = make_app()
    _manager(app).token_in_blocklist_loader(lambda header, claims: True)

    @app.get("/out")
    @compat.jwt_required(skip_revocation_check=True)
    def out() -> str:
        return "out"

    client, token = app.test_client(), access(app)
    assert client.get("/me", headers=bearer(token)).status_code == 401
    assert client.get("/out", headers=bearer(token)).status_code == 200


def test_a_blocklist_that_fails_lets_nobody_pass() -> None:
    app = make_app()

    @_manager(app).token_in_blocklist_loader
    def ask(header: object, claims: object) -> bool:
        raise ConnectionError("the store is away")

    assert app.test_client().get("/me", headers=bearer(access(app))).status_code == 500


LOADERS = [
    ("unauthorized_loader", "/me", None, 1),
    ("invalid_token_loader", "/me", "no.token.atall", 1),
    ("expired_token_loader", "/me", "expired", 2),
    ("needs_fresh_token_loader", "/recent", "access", 2),
    ("revoked_token_loader", "/me", "revoked", 2),
    ("token_verification_failed_loader", "/me", "unverified", 2),
    ("user_lookup_error_loader", "/me", "unknown", 2),
]


@pytest.mark.parametrize(("loader", "path", "what", "count"), LOADERS)
def test_an_application_answers_refusals_itself(loader: str, path: str, what: str | None, count: int) -> None:
    app = make_app()
    manager = _manager(app)
    got: list[tuple[Any, ...]] = []

    def answer(*arguments: Any) -> tuple[Any, int]:
        got.append(arguments)
        return jsonify(mine=True), 418

    getattr(manager, loader)(answer)
    expired = datetime.timedelta(minutes=-5)
    token = what if what and "." in what else access(app, expires_delta=expired if what == "expired" else None)
    manager.token_in_blocklist_loader(lambda header, claims: what == "revoked")
    manager.token_verification_loader(lambda header, claims: what != "unverified")
    manager.user_lookup_loader(lambda header, claims: None if what == "unknown" else "Ann")
    answered = app.test_client().get(path, headers=bearer(token) if what else {})
    assert (answered.status_code, answered.json) == (418, {"mine": True})
    assert len(got[0]) == count
    if count == 2:
        assert (got[0][0]["alg"], got[0][1]["sub"]) == ("HS256", "ann")


def test_legacy_messages_are_the_originals() -> None:
    app = make_app(ALLOW_LEGACY_MESSAGES=True, ERROR_MESSAGE_KEY="message")
    theirs = Flask("shop")
    theirs.config.update(JWT_SECRET_KEY=SECRET, JWT_ERROR_MESSAGE_KEY="message")
    original.JWTManager(theirs)

    @theirs.get("/me")
    @original.jwt_required()
    def me() -> str:
        return "me"

    shown = [
        {}, bearer("x"), bearer("a.b"), bearer("aaaaa.bbbbb.ccccc"), {"Authorization": "Basic eA=="}, {"Authorization": "Bearer "},
        bearer(access(app, expires_delta=datetime.timedelta(minutes=-5))), bearer(refresh(app)),
        bearer(signed({"alg": "HS384"}, {"sub": "ann"})),
    ]  # fmt: skip
    for headers in shown:
        one, other = (each.test_client().get("/me", headers=headers) for each in (app, theirs))
        assert (one.status_code, one.json) == (other.status_code, other.json), headers


@pytest.mark.parametrize("key", [SECRET, SECRET.encode(), Secret(SECRET)])
def test_a_secret_may_be_a_text_bytes_or_a_secret(key: Any) -> None:
    app = make_app(SECRET_KEY=key)
    assert app.test_client().get("/me", headers=bearer(access(app))).status_code == 200


def test_a_token_in_json_opens() -> None:
    app = make_app(TOKEN_LOCATION=["json"])
    client = app.test_client()
    assert client.post("/me", json={"access_token": access(app)}).status_code == 200
    assert client.post("/me", json={"access_token": 7}).status_code == 401
    assert client.post("/me", json=["x"]).status_code == 401
    assert client.post("/me", data={"access_token": access(app)}).status_code == 401


def test_cookies_are_set_read_and_taken_away() -> None:
    app = make_app(TOKEN_LOCATION=["headers", "cookies"])

    @app.get("/out")
    def out() -> Any:
        answer = jsonify()
        compat.unset_jwt_cookies(answer)
        return answer

    client = app.test_client()
    client.get("/cookie")
    assert client.get("/me").json == {"who": "ann"}
    csrf = client.get_cookie("csrf_access_token")
    assert csrf is not None
    assert client.post("/me", headers={"X-CSRF-TOKEN": csrf.value}).status_code == 200
    client.get("/out")
    assert client.get("/me").status_code == 401
    assert client.get_cookie("csrf_access_token") is None


def test_the_errors_are_pyjwts_where_the_application_knows_pyjwt() -> None:
    app = make_app()
    token = access(app, expires_delta=datetime.timedelta(minutes=-5))
    with app.test_request_context(), pytest.raises(jwt.ExpiredSignatureError, match="expired") as caught:
        compat.decode_token(token)
    assert isinstance(caught.value, compat.exceptions.ExpiredSignatureError)
    with app.test_request_context(), pytest.raises(jwt.InvalidTokenError):
        compat.decode_token("x.y")


def test_an_applications_own_handler_for_pyjwts_error_answers() -> None:
    app = make_app()
    app.register_error_handler(jwt.ExpiredSignatureError, lambda error: ("mine", 418))
    token = access(app, expires_delta=datetime.timedelta(minutes=-5))
    assert app.test_client().get("/me", headers=bearer(token)).text == "mine"


def test_pyjwt_is_never_imported() -> None:
    script = (
        "import sys; from tests.compat.made import *; app = make_app(); app.test_client().get('/me', headers=bearer(access(app)));"
        "app.test_client().get('/me', headers=bearer('x')); print('jwt' in sys.modules, 'flask_jwt_extended' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
