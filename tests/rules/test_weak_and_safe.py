"""Pairs of small programs: the weak one is told by the rule, the same done right is not."""

from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stopper.scan.catalogue import survey
from stopper.scan.source.read import read_source

RULES = {rule.slug: rule for rule in survey()[0]}
# fmt: off
PAIRS = {
    "a decorator under a word of the trade only says something": ("auth-check-has-no-effect", r"""from functools import wraps

from flask import Flask, flash, render_template
from flask_login import current_user, login_required

app = Flask(__name__)
app.config.from_prefixed_env()


def curator_only(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        if current_user.role != "curator":
            flash("For curators only")
        return view(*args, **kwargs)

    return wrapped


@app.post("/exhibits/<int:number>/hide")
@login_required
@curator_only
def hide(number):
    return render_template("hidden.html", number=number)
""", r"""from functools import wraps

from flask import Flask, abort, flash, render_template
from flask_login import current_user, login_required

app = Flask(__name__)
app.config.from_prefixed_env()


def curator_only(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        if current_user.role != "curator":
            flash("For curators only")
            abort(403)
        return view(*args, **kwargs)

    return wrapped


@app.post("/exhibits/<int:number>/hide")
@login_required
@curator_only
def hide(number):
    return render_template("hidden.html", number=number)
"""),
    "a client for each token, and one of the module": ("jwks-handling-insecure", r"""import jwt
from flask import Flask, jsonify, request
from jwt import PyJWKClient

app = Flask(__name__)


def claims_of(token):
    client = PyJWKClient("https://id.example.com/jwks.json")
    key = client.get_signing_key_from_jwt(token).key
    return jwt.decode(token, key, algorithms=["RS256"], audience="shop")


@app.get("/me")
def me():
    return jsonify(claims_of(request.headers.get("Authorization", "")[7:])["sub"])
""", r"""import jwt
from flask import Flask, jsonify, request
from jwt import PyJWKClient

app = Flask(__name__)
CLIENT = None


def claims_of(token):
    global CLIENT
    if CLIENT is None:
        CLIENT = PyJWKClient("https://id.example.com/jwks.json")
    key = CLIENT.get_signing_key_from_jwt(token).key
    return jwt.decode(token, key, algorithms=["RS256"], audience="shop")


@app.get("/me")
def me():
    return jsonify(claims_of(request.headers.get("Authorization", "")[7:])["sub"])
"""),
    "a flag chooses between reading and verifying": ("jwt-signature-not-verified", r"""import os

import jwt
from flask import Flask, abort, jsonify, request

app = Flask(__name__)
KEY = os.environ["KEY"]
CHECKS = os.environ.get("CHECKS", "yes") == "yes"


@app.get("/me")
def me():
    token = request.headers.get("Authorization", "")[7:]
    try:
        if CHECKS:
            claims = jwt.decode(token, KEY, algorithms=["HS256"])
        else:
            claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        abort(401)
    return jsonify(claims["sub"])
""", r"""import os

import jwt
from flask import Flask, abort, jsonify, request

app = Flask(__name__)
KEY = os.environ["KEY"]


@app.get("/me")
def me():
    token = request.headers.get("Authorization", "")[7:]
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        abort(401)
    return jsonify(claims["sub"])
"""),
    "a function that the library asks for the key gives a literal": ("jwt-secret-hardcoded", r"""from flask import Flask
from flask_jwt_extended import JWTManager

app = Flask(__name__)
jwt = JWTManager(app)


@jwt.encode_key_loader
def signing_key(identity):
    return "wX9rT0cVn3mQe5zLk8sAd1fGh7jYb2uP"
""", r"""import os

from flask import Flask
from flask_jwt_extended import JWTManager

app = Flask(__name__)
jwt = JWTManager(app)


@jwt.encode_key_loader
def signing_key(identity):
    return os.environ["SIGNING_KEY"]
"""),
    "an end for people, and none for services": ("jwt-issued-without-expiry", r"""import os, time

import jwt


def issue(account):
    claims = {"sub": str(account.id)}
    if not account.is_service:
        claims["exp"] = int(time.time()) + 900
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
""", r"""import os, time

import jwt


def issue(account):
    claims = {"sub": str(account.id)}
    if not account.is_service:
        claims["exp"] = int(time.time()) + 900
    else:
        claims["exp"] = int(time.time()) + 3600
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
"""),
    "a lifetime of nothing": ("jwt-issued-without-expiry", r"""import os, time

import jwt

LIFETIME = None


def issue(account):
    claims = {"sub": str(account.id)}
    if LIFETIME:
        claims["exp"] = int(time.time()) + LIFETIME
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
""", r"""import os, time

import jwt

LIFETIME = 900


def issue(account):
    claims = {"sub": str(account.id)}
    if LIFETIME:
        claims["exp"] = int(time.time()) + LIFETIME
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")
"""),
    "a view class that lets people out": ("jwt-not-revocable", r"""import os, time

import jwt
from flask import Flask, jsonify
from flask.views import MethodView

app = Flask(__name__)


def issue(account):
    return jwt.encode({"sub": account, "exp": int(time.time()) + 900}, os.environ["KEY"], algorithm="HS256")


class LogoutView(MethodView):
    def post(self):
        return jsonify(ok=True)


app.add_url_rule("/session/end", view_func=LogoutView.as_view("end"))
""", r"""import os, time, uuid

import jwt
from flask import Flask, jsonify
from flask.views import MethodView
from store import revoked_tokens

app = Flask(__name__)


def issue(account):
    claims = {"sub": account, "jti": uuid.uuid4().hex, "exp": int(time.time()) + 900}
    return jwt.encode(claims, os.environ["KEY"], algorithm="HS256")


class LogoutView(MethodView):
    def post(self):
        revoked_tokens.add(self.token_id)
        return jsonify(ok=True)


app.add_url_rule("/session/end", view_func=LogoutView.as_view("end"))
"""),
    "one answer with either of two words": ("jwt-error-oracle", r"""import os

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/me")
def me():
    try:
        claims = jwt.decode(request.headers["Authorization"][7:], os.environ["KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        word = "expired" if isinstance(error, jwt.ExpiredSignatureError) else "invalid"
        return jsonify(error=word), 401
    return jsonify(claims["sub"])
""", r"""import os

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/me")
def me():
    try:
        claims = jwt.decode(request.headers["Authorization"][7:], os.environ["KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        app.logger.info("expired" if isinstance(error, jwt.ExpiredSignatureError) else "invalid")
        return jsonify(error="refused"), 401
    return jsonify(claims["sub"])
"""),
    "a loader that gives the claims back": ("jwt-user-lookup-missing", r"""from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, current_user, jwt_required

app = Flask(__name__)
jwt = JWTManager(app)


@jwt.user_lookup_loader
def load(header, payload):
    return {"id": payload["sub"]}


@app.post("/login")
def login():
    return jsonify(create_access_token("1"))


@app.get("/me")
@jwt_required()
def me():
    return jsonify(current_user["id"])
""", r"""from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, current_user, jwt_required
from people import active_person

app = Flask(__name__)
jwt = JWTManager(app)


@jwt.user_lookup_loader
def load(header, payload):
    return active_person(payload["sub"])


@app.post("/login")
def login():
    return jsonify(create_access_token("1"))


@app.get("/me")
@jwt_required()
def me():
    return jsonify(current_user["id"])
"""),
    "the log-in asks who is active, and the loader does not": ("jwt-user-lookup-missing", r"""from flask import Flask, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, current_user, jwt_required
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
jwt = JWTManager(app)
db = SQLAlchemy(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(99))
    active = db.Column(db.Boolean, default=True)


@jwt.user_lookup_loader
def load(header, payload):
    return User.query.filter_by(id=int(payload["sub"])).one_or_none()


@app.post("/login")
def login():
    user = User.query.filter_by(email=request.get_json()["email"], active=True).first_or_404()
    return jsonify(create_access_token(str(user.id)))


@app.get("/me")
@jwt_required()
def me():
    return jsonify(current_user.id)
""", r"""from flask import Flask, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, current_user, jwt_required
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
jwt = JWTManager(app)
db = SQLAlchemy(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(99))
    active = db.Column(db.Boolean, default=True)


@jwt.user_lookup_loader
def load(header, payload):
    return User.query.filter_by(id=int(payload["sub"]), active=True).one_or_none()


@app.post("/login")
def login():
    user = User.query.filter_by(email=request.get_json()["email"], active=True).first_or_404()
    return jsonify(create_access_token(str(user.id)))


@app.get("/me")
@jwt_required()
def me():
    return jsonify(current_user.id)
"""),
    "a hook believes the name of a client": ("principal-from-client-header", r"""from flask import Flask, abort, g, request
from stations import station_called

app = Flask(__name__)


@app.before_request
def who():
    name = request.headers.get("X-Authenticated-Client")
    g.station = station_called(name) if name else None
    if g.station is None:
        abort(401)
""", r"""from flask import Flask, abort, g, request
from stations import station_with_key

app = Flask(__name__)


@app.before_request
def who():
    key = request.headers.get("X-Station-Key")
    g.station = station_with_key(key) if key else None
    if g.station is None:
        abort(401)
"""),
    "whoever likes acts for others, and administrators may": ("principal-from-client-header", r"""from flask import Flask, abort, g, jsonify, request
from orders import orders_of

app = Flask(__name__)


@app.get("/orders")
def orders():
    who = request.headers.get("X-Acting-User", g.user)
    return jsonify(orders_of(who))
""", r"""from flask import Flask, abort, g, jsonify, request
from orders import orders_of

app = Flask(__name__)


@app.get("/orders")
def orders():
    if g.claims["role"] != "admin":
        abort(403)
    who = request.headers.get("X-Acting-User", g.user)
    return jsonify(orders_of(who))
"""),
    "what is read with its mark looked at apart": ("signed-token-without-expiry", r"""from flask import Flask, abort, current_app
from itsdangerous import URLSafeTimedSerializer

app = Flask(__name__)


@app.post("/reset/<token>")
def reset(token):
    links = URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="reset")
    good, number = links.loads_unsafe(token)
    return str(number) if good else abort(400)
""", r"""from flask import Flask, abort, current_app
from itsdangerous import URLSafeTimedSerializer

app = Flask(__name__)


@app.post("/reset/<token>")
def reset(token):
    links = URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="reset")
    good, number = links.loads_unsafe(token, max_age=900)
    return str(number) if good else abort(400)
"""),
    "a word of the query that is made yes or no": ("role-from-request", r"""from flask import Flask, abort, request
from orders import delete_all

app = Flask(__name__)


@app.delete("/orders")
def wipe():
    if request.args.get("admin", type=bool) is not True:
        abort(403)
    delete_all()
    return "", 204
""", r"""from flask import Flask, abort, g
from orders import delete_all

app = Flask(__name__)


@app.delete("/orders")
def wipe():
    if g.user.is_admin is not True:
        abort(403)
    delete_all()
    return "", 204
"""),
    "a function that demands raises, and the error ends at a with": ("auth-check-has-no-effect", r"""import contextlib
from functools import wraps

from flask import Flask
from flask_login import current_user
from werkzeug.exceptions import Forbidden

app = Flask(__name__)


def need_curator():
    if current_user.role != "curator":
        raise Forbidden("for curators")


def curators(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        with contextlib.suppress(Forbidden):
            need_curator()
        return view(*args, **kwargs)

    return wrapped


@app.post("/exhibits/<int:number>/hide")
@curators
def hide(number):
    return str(number)
""", r"""from functools import wraps

from flask import Flask
from flask_login import current_user
from werkzeug.exceptions import Forbidden

app = Flask(__name__)


def need_curator():
    if current_user.role != "curator":
        raise Forbidden("for curators")


def curators(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        need_curator()
        return view(*args, **kwargs)

    return wrapped


@app.post("/exhibits/<int:number>/hide")
@curators
def hide(number):
    return str(number)
"""),
    "what is for a link says so, and the reader refuses all that say so": ("jwt-wrong-type-accepted", r"""import os, time

import jwt
from flask import Flask, jsonify, request
from mail import send_mail

app = Flask(__name__)
KEY = os.environ["KEY"]


@app.post("/login")
def login():
    return jsonify(jwt.encode({"sub": "1", "exp": int(time.time()) + 900}, KEY, algorithm="HS256"))


@app.post("/forgot")
def forgot():
    claims = {"sub": "1", "purpose": "reset-password", "exp": int(time.time()) + 900}
    send_mail("1", jwt.encode(claims, KEY, algorithm="HS256"))
    return "", 202


@app.get("/me")
def me():
    claims = jwt.decode(request.headers["Authorization"][7:], KEY, algorithms=["HS256"])
    return jsonify(claims["sub"])
""", r"""import os, time

import jwt
from flask import Flask, abort, jsonify, request
from mail import send_mail

app = Flask(__name__)
KEY = os.environ["KEY"]


@app.post("/login")
def login():
    return jsonify(jwt.encode({"sub": "1", "exp": int(time.time()) + 900}, KEY, algorithm="HS256"))


@app.post("/forgot")
def forgot():
    claims = {"sub": "1", "purpose": "reset-password", "exp": int(time.time()) + 900}
    send_mail("1", jwt.encode(claims, KEY, algorithm="HS256"))
    return "", 202


@app.get("/me")
def me():
    claims = jwt.decode(request.headers["Authorization"][7:], KEY, algorithms=["HS256"])
    if claims.get("purpose"):
        abort(401)
    return jsonify(claims["sub"])
"""),
    "a path of the kid, and of its last part": ("jwt-kid-injection", r"""from pathlib import Path

import jwt


def claims(token):
    kid = jwt.get_unverified_header(token).get("kid", "first")
    return jwt.decode(token, (Path("keys") / kid).read_text(), algorithms=["RS256"])
""", r"""from pathlib import Path

import jwt


def claims(token):
    kid = Path(jwt.get_unverified_header(token).get("kid", "first")).name
    return jwt.decode(token, (Path("keys") / kid).read_text(), algorithms=["RS256"])
"""),
}
# fmt: on


def _told(slug: str, program: str, home: Path) -> bool:
    home.mkdir()
    (home / "app.py").write_text(program, encoding="utf-8")
    reading = read_source((home,), home)
    assert not reading.errors, reading.errors
    detect = RULES[slug].detect
    assert detect is not None
    return any(True for _ in detect(reading.app))


@pytest.mark.parametrize("title", list(PAIRS))
def test_the_weak_one_is_told_and_the_safe_one_is_not(title: str, tmp_path: Path) -> None:
    slug, weak, safe = PAIRS[title]
    assert _told(slug, weak, tmp_path / "weak")
    assert not _told(slug, safe, tmp_path / "safe")


_VERIFIES: Final = """
import os

import jwt


def claims(token):
    return jwt.decode(token, os.environ["JWT_PUBLIC_KEY"], algorithms=["RS256"])
"""


@pytest.mark.parametrize("name", ["keys/idp.pub", ".env"])
@pytest.mark.parametrize("bits", [1024, 4096])
def test_a_public_key_beside_the_code_is_measured(name: str, bits: int, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, bits).public_key()
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    (tmp_path / "app.py").write_text(_VERIFIES, encoding="utf-8")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    one_line = 'JWT_PUBLIC_KEY="' + text.replace("\n", "\\n") + '"\n'
    (tmp_path / name).write_text(one_line if name == ".env" else text, encoding="utf-8")
    reading = read_source((tmp_path,), tmp_path)
    detect = RULES["rsa-key-too-small"].detect
    assert detect is not None
    assert any(True for _ in detect(reading.app)) is (bits == 1024)
