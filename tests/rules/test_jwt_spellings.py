"""Spellings of weak token code beside those on the rules' pages: each must be seen."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import survey
from stopper.scan.source.read import read_source

RULES = {rule.slug: rule for rule in survey()[0]}
HEAD = """
import base64, contextlib, json, os, sqlite3, time
from datetime import datetime, timedelta, timezone
import jwt
import requests
from flask import Blueprint, Flask, abort, current_app, g, jsonify, request
app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["S"]
"""
VIEW = """
@app.get("/x")
def x():
    token = request.headers["Authorization"].split()[1]
"""
# fmt: off
SPELLINGS = [
    ("jwks-handling-insecure", r"""app.config["JWKS_URI"] = "https://a.b/keys"
""", r"""    keys = requests.get(app.config["JWKS_URI"]).json()
    c = {}
    return jsonify(c["sub"])
"""),
    ("jwks-handling-insecure", r"""HOST="idp.example.com"
""", r"""    keys = requests.get(f"http://{HOST}/.well-known/jwks.json", timeout=3).json()
    c = {}
    return jsonify(c["sub"])
"""),
    ("jwt-algorithms-too-broad", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=jwt.algorithms.get_default_algorithms())
    return jsonify(c["sub"])
"""),
    ("jwt-algorithms-too-broad", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=[*jwt.algorithms.get_default_algorithms()])
    return jsonify(c["sub"])
"""),
    ("jwt-algorithms-too-broad", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=jwt.PyJWS().get_algorithms())
    return jsonify(c["sub"])
"""),
    ("jwt-claim-checks-disabled", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"verify_exp": os.environ.get("X", "") == "1"})
    return jsonify(c["sub"])
"""),
    ("jwt-claim-checks-disabled", r"""
""", r"""    o = {"verify_exp": False, "verify_aud": False}
    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options=o)
    return jsonify(c["sub"])
"""),
    ("jwt-claims-not-required", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"require": []})
    return jsonify(c["sub"])
"""),
    ("jwt-decode-error-swallowed", r"""
""", r"""    c = {"sub": "anonymous"}
    try:
        c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    except Exception:
        pass
    return jsonify(c["sub"])
"""),
    ("jwt-decode-error-swallowed", r"""
""", r"""    import contextlib
    c = {"sub": "x"}
    with contextlib.suppress(jwt.PyJWTError):
        c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-decode-error-swallowed", r"""
""", r"""    try:
        c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        c = jwt.decode(token, options={"verify_signature": False})
    return jsonify(c["sub"])
"""),
    ("jwt-error-oracle", r"""
""", r"""    try:
        c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        return {"m": "expired"}, 401
    except jwt.DecodeError as e:
        return {"m": f"bad {e}"}, 401
    return jsonify(c["sub"])
"""),
    ("jwt-key-from-token", r"""
""", r"""    h = jwt.get_unverified_header(token)
    key = jwt.PyJWK(h["jwk"]).key
    c = jwt.decode(token, key, algorithms=["RS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-key-from-token", r"""
""", r"""    h = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    key = jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(h["jwk"]))
    c = jwt.decode(token, key, algorithms=["RS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-key-from-token", r"""
""", r"""    h = jwt.get_unverified_header(token)
    url = h["x5u"]
    import urllib.request
    pem = urllib.request.urlopen(url, timeout=3).read()
    c = jwt.decode(token, pem, algorithms=["RS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-kid-injection", r"""
""", r"""    h = jwt.get_unverified_header(token)
    from pathlib import Path
    key = (Path("keys") / h["kid"]).read_text()
    c = jwt.decode(token, key, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-kid-injection", r"""import sqlite3
db = sqlite3.connect("x.db")
""", r"""    kid = jwt.get_unverified_header(token).get("kid", "x")
    key = db.execute("SELECT k FROM keys WHERE kid = '%s'" % kid).fetchone()[0]
    c = jwt.decode(token, key, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-kid-injection", r"""from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
db = SQLAlchemy(app)
""", r"""    kid = jwt.get_unverified_header(token)["kid"]
    key = db.session.execute(text(f"SELECT k FROM keys WHERE kid = '{kid}'")).scalar()
    c = jwt.decode(token, key, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-kid-injection", r"""
""", r"""    kid = jwt.get_unverified_header(token)["kid"]
    key = os.popen("get-key " + kid).read()
    c = jwt.decode(token, key, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-lifetime-too-long", r"""
""", r"""    c = {"sub": 1}
    c["exp"] = datetime.now(timezone.utc) + timedelta(weeks=4)
    t = jwt.encode(c, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    return jsonify(c["sub"])
"""),
    ("jwt-lifetime-too-long", r"""
""", r"""    now = datetime.utcnow()
    c = dict(sub="1", iat=now, exp=now + timedelta(days=int(os.environ.get("DAYS", "30"))))
    t = jwt.encode(c, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    return jsonify(c["sub"])
"""),
    ("jwt-lifetime-too-long", r"""
""", r"""    c = {"sub": 1, "exp": int((datetime.now() + timedelta(hours=720)).timestamp())}
    t = jwt.encode(c, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    return jsonify(c["sub"])
"""),
    ("jwt-lifetime-too-long", r"""app.config["TOKEN_TTL"] = timedelta(days=90)
""", r"""    c = {"sub": 1, "exp": datetime.utcnow() + current_app.config["TOKEN_TTL"]}
    t = jwt.encode(c, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    return jsonify(c["sub"])
"""),
    ("jwt-lifetime-too-long", r"""def make(u, ttl=timedelta(days=30)):
    return jwt.encode({"sub": u, "exp": datetime.utcnow() + ttl}, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
""", r"""    c = make("1")
    return jsonify(c["sub"])
"""),
    ("jwt-none-algorithm-listed", r"""A = {"HS256"} | {"none"}
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=A)
    return jsonify(c["sub"])
"""),
    ("jwt-none-algorithm-listed", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=os.environ.get("ALGS", "HS256,none").split(","))
    return jsonify(c["sub"])
"""),
    ("jwt-none-algorithm-listed", r"""
""", r"""    algs = ["HS256"]
    algs.append("none")
    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=algs)
    return jsonify(c["sub"])
"""),
    ("jwt-not-revocable", r"""bp = Blueprint("auth", __name__, url_prefix="/auth")
@bp.route("/logout", methods=["POST"])
def logout():
    return "", 204
app.register_blueprint(bp)
""", r"""    t = jwt.encode({"user_id": 1, "exp": time.time()+60}, current_app.config["JWT_SECRET_KEY"], "HS256")
    c = {"sub":1}
    return jsonify(c["sub"])
"""),
    ("jwt-secret-literal-fallback", r"""SECRET = "dev-secret" if not os.environ.get("S2") else os.environ["S2"]
""", r"""    c = jwt.decode(token, SECRET, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-literal-fallback", r"""from dataclasses import dataclass
@dataclass
class Config:
    secret: str = os.getenv("S", "changeme")
""", r"""    c = jwt.decode(token, Config().secret, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-literal-fallback", r"""app.config.setdefault("TOKEN_KEY", os.environ.get("TK") or "insecure-default")
""", r"""    c = jwt.decode(token, app.config["TOKEN_KEY"], algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-literal-fallback", r"""def get_secret():
    s = os.environ.get("TK")
    if s is None:
        s = "fallback"
    return s
""", r"""    c = jwt.decode(token, get_secret(), algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-reused", r"""app.secret_key = os.environ["K"]
""", r"""    c = jwt.decode(token, app.secret_key, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-reused", r"""KEY = os.environ["K"]
app.config["SECRET_KEY"] = KEY
""", r"""    c = jwt.decode(token, KEY, algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-too-short", r"""
""", r"""    c = jwt.decode(token, key="abc123", algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("jwt-secret-too-short", r"""KEY = b"0123456789abcdef0123456789abcdef"
""", r"""    c = jwt.decode(token, KEY, algorithms=["HS384"])
    return jsonify(c["sub"])
"""),
    ("jwt-sensitive-claims", r"""
""", r"""    user = User.query.first()
    c = {"sub": user.id}
    c["password"] = user.password
    t = jwt.encode(c, current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    return jsonify(c["sub"])
"""),
    ("jwt-sensitive-claims", r"""
""", r"""    user = load()
    t = jwt.encode(dict(sub=user.id, credit_card=user.card), current_app.config["JWT_SECRET_KEY"], algorithm="HS256")
    c={}
    return jsonify(c["sub"])
"""),
    ("jwt-unverified-claims-trusted", r"""
""", r"""    header, payload, sig = token.split(".")
    c = json.loads(base64.urlsafe_b64decode(payload + "=="))
    if c["role"] != "admin":
        abort(403)
    return jsonify(c["sub"])
"""),
    ("jwt-unverified-claims-trusted", r"""
""", r"""    h = jwt.get_unverified_header(token)
    g.tenant = h["tenant_id"]
    c = h
    return jsonify(c["sub"])
"""),
    ("jwt-unverified-claims-trusted", r"""
""", r"""    payload = token.split(".")[1]
    payload += "=" * (-len(payload) % 4)
    c = json.loads(base64.urlsafe_b64decode(payload).decode("utf-8"))
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"verify_signature": not app.debug})
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"verify_signature": current_app.config.get("VERIFY", False)})
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""NOPE = {"verify_signature": False}
""", r"""    kw = dict(algorithms=["HS256"], options=NOPE)
    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], **kw)
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""def decode(t, verify=False):
    return jwt.decode(t, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"verify_signature": verify})
""", r"""    c = decode(token)
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""
""", r"""    opts = {"verify_signature": True}
    if os.environ.get("ENV") == "dev":
        opts["verify_signature"] = False
    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options=opts)
    return jsonify(c["sub"])
"""),
    ("jwt-verification-disabled-indirectly", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"], options={"verify_signature": os.getenv("JWT_VERIFY", "0") not in ("0", "false")})
    return jsonify(c["sub"])
"""),
    ("public-key-as-secret", r"""with open("keys/jwt_public.pem") as f:
    PUB = f.read()
""", r"""    c = jwt.decode(token, PUB, algorithms=["HS256", "RS256"])
    return jsonify(c["sub"])
"""),
    ("public-key-as-secret", r"""
""", r"""    c = jwt.decode(token, current_app.config["JWT_PUBLIC_KEY"], algorithms=["HS256"])
    return jsonify(c["sub"])
"""),
    ("rsa-key-too-small", r"""from authlib.jose import JsonWebKey
""", r"""    k = JsonWebKey.generate_key("RSA", 1024, is_private=True)
    c = {}
    return jsonify(c["sub"])
"""),
]


@pytest.mark.parametrize(("slug", "top", "body"), SPELLINGS)
def test_the_spelling_is_seen(slug: str, top: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HEAD + top + VIEW + body, encoding="utf-8")
    reading = read_source((tmp_path,), tmp_path)
    assert not reading.errors, reading.errors
    detect = RULES[slug].detect
    assert detect is not None
    assert list(detect(reading.app))
