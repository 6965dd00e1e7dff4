"""Pairs of small programs: the weak one is told by the rule, the same done right is not."""

from pathlib import Path

import pytest

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
