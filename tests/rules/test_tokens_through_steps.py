"""Tokens that go through steps and files of the project: the weak program is told by the rule, the same done right is not."""

from pathlib import Path
from typing import Final

import pytest

from stopper.scan.catalogue import survey
from stopper.scan.source.read import read_source

RULES: Final = {rule.slug: rule for rule in survey()[0]}
# fmt: off
PAIRS: Final = {
    "a helper that runs whatever it is given": ("jwt-decode-error-swallowed", {"app.py": r"""import os
from contextlib import suppress
from functools import wraps

import jwt
from flask import Flask, abort, g, jsonify, request

app = Flask(__name__)


def read(raw):
    return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])


def safely(call, *given):
    try:
        return call(*given)
    except Exception:
        return None


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        raw = request.headers.get("Authorization", "")[7:]
        g.claims = safely(read, raw)
        return view(*args, **kwargs)

    return inner


@app.delete("/orders/<int:number>")
@member
def drop(number):
    app.logger.info("dropped %s", number)
    return "", 204
"""}, {"app.py": r"""import os
from contextlib import suppress
from functools import wraps

import jwt
from flask import Flask, abort, g, jsonify, request

app = Flask(__name__)


def read(raw):
    return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])


def safely(call, *given):
    try:
        return call(*given)
    except Exception:
        return None


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        raw = request.headers.get("Authorization", "")[7:]
        g.claims = safely(read, raw)
        if g.claims is None:
            abort(401)
        return view(*args, **kwargs)

    return inner


@app.delete("/orders/<int:number>")
@member
def drop(number):
    app.logger.info("dropped %s", number)
    return "", 204
"""}),
    "an error that comes beside the claims": ("jwt-decode-error-swallowed", {"app.py": r"""import os
from contextlib import suppress
from functools import wraps

import jwt
from flask import Flask, abort, g, jsonify, request

app = Flask(__name__)


def read(raw):
    return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])


def attempt(raw):
    try:
        return read(raw), None
    except jwt.PyJWTError as error:
        return {}, error


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        raw = request.headers.get("Authorization", "")[7:]
        g.claims, _ = attempt(raw)
        return view(*args, **kwargs)

    return inner


@app.delete("/orders/<int:number>")
@member
def drop(number):
    app.logger.info("dropped %s", number)
    return "", 204
"""}, {"app.py": r"""import os
from contextlib import suppress
from functools import wraps

import jwt
from flask import Flask, abort, g, jsonify, request

app = Flask(__name__)


def read(raw):
    return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])


def attempt(raw):
    try:
        return read(raw), None
    except jwt.PyJWTError as error:
        return {}, error


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        raw = request.headers.get("Authorization", "")[7:]
        g.claims, error = attempt(raw)
        if error:
            return jsonify(error="unauthorized"), 401
        return view(*args, **kwargs)

    return inner


@app.delete("/orders/<int:number>")
@member
def drop(number):
    app.logger.info("dropped %s", number)
    return "", 204
"""}),
    "a time that is poured into timedelta": ("jwt-expiry-setting-too-long", {"app.py": r"""import os
from datetime import timedelta

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["JWT_SECRET_KEY"]


def configure(app, **lifetime):
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(**lifetime)
    JWTManager(app)


configure(app, days=90)


@app.get("/orders")
@jwt_required()
def orders():
    return jsonify(get_jwt_identity())
"""}, {"app.py": r"""import os
from datetime import timedelta

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["JWT_SECRET_KEY"]


def configure(app, **lifetime):
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(**lifetime)
    JWTManager(app)


configure(app, minutes=9)


@app.get("/orders")
@jwt_required()
def orders():
    return jsonify(get_jwt_identity())
"""}),
    "no in an INI file of any name": ("jwt-verification-disabled-indirectly", {"app.py": r"""import os
from configparser import ConfigParser

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)
shop = ConfigParser()
shop.read("shop.ini")


@app.get("/orders")
def orders():
    options = {"verify_signature": shop.getboolean("jwt", "verify"), "require": ["exp", "sub"]}
    raw = request.headers.get("Authorization", "")[7:]
    claims = jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"], options=options)
    return jsonify(claims["sub"])
""", "shop.ini": r"""[jwt]
verify = no
"""}, {"app.py": r"""import os
from configparser import ConfigParser

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)
shop = ConfigParser()
shop.read("shop.ini")


@app.get("/orders")
def orders():
    options = {"require": ["exp", "sub"]}
    raw = request.headers.get("Authorization", "")[7:]
    claims = jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"], options=options)
    return jsonify(claims["sub"])
""", "shop.ini": r"""[jwt]
verify = yes
"""}),
    "a TOML file of any name": ("jwt-query-string-location", {"app.py": r"""import tomllib

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

app = Flask(__name__)
app.config.from_file("tokens.toml", load=tomllib.load, text=False)
JWTManager(app)


@app.get("/orders")
@jwt_required()
def orders():
    return jsonify(get_jwt_identity())
""", "tokens.toml": r"""JWT_TOKEN_LOCATION = ["headers", "query_string"]
"""}, {"app.py": r"""import tomllib

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

app = Flask(__name__)
app.config.from_file("tokens.toml", load=tomllib.load, text=False)
JWTManager(app)


@app.get("/orders")
@jwt_required()
def orders():
    return jsonify(get_jwt_identity())
""", "tokens.toml": r"""JWT_TOKEN_LOCATION = ["headers"]
"""}),
    "an error of the project's own, raised by a service in another module": ("jwt-decode-error-swallowed", {"yard/__init__.py": r"""from flask import Flask

from yard.tokens import TokenService
from yard.web import bp


def create_app():
    app = Flask(__name__)
    app.extensions["tokens"] = TokenService()
    app.register_blueprint(bp)
    return app
""", "yard/tokens.py": r"""import os

import jwt


class InvalidToken(Exception):
    pass


class TokenService:
    def read(self, raw):
        try:
            return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])
        except jwt.PyJWTError as error:
            raise InvalidToken from error
""", "yard/web.py": r"""from functools import wraps

from flask import Blueprint, abort, current_app, g, jsonify, request

from yard.tokens import InvalidToken

bp = Blueprint("web", __name__)


def service():
    return current_app.extensions["tokens"]


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        try:
            g.claims = service().read(request.headers.get("Authorization", "")[7:])
        except InvalidToken:
            current_app.logger.warning("bad token")
        return view(*args, **kwargs)

    return inner


@bp.get("/plots")
@member
def plots():
    return jsonify(plots=3)
"""}, {"yard/__init__.py": r"""from flask import Flask

from yard.tokens import TokenService
from yard.web import bp


def create_app():
    app = Flask(__name__)
    app.extensions["tokens"] = TokenService()
    app.register_blueprint(bp)
    return app
""", "yard/tokens.py": r"""import os

import jwt


class InvalidToken(Exception):
    pass


class TokenService:
    def read(self, raw):
        try:
            return jwt.decode(raw, os.environ["TOKEN_KEY"], algorithms=["HS256"])
        except jwt.PyJWTError as error:
            raise InvalidToken from error
""", "yard/web.py": r"""from functools import wraps

from flask import Blueprint, abort, current_app, g, jsonify, request

from yard.tokens import InvalidToken

bp = Blueprint("web", __name__)


def service():
    return current_app.extensions["tokens"]


def member(view):
    @wraps(view)
    def inner(*args, **kwargs):
        try:
            g.claims = service().read(request.headers.get("Authorization", "")[7:])
        except InvalidToken:
            abort(401)
        return view(*args, **kwargs)

    return inner


@bp.get("/plots")
@member
def plots():
    return jsonify(plots=3)
"""}),
}
# fmt: on


@pytest.mark.parametrize("title", PAIRS)
def test_the_weak_one_is_told_and_the_safe_one_is_not(title: str, tmp_path: Path) -> None:
    slug, weak, safe = PAIRS[title]
    assert _is_told(slug, weak, tmp_path / "weak")
    assert not _is_told(slug, safe, tmp_path / "safe")


def _is_told(slug: str, files: dict[str, str], folder: Path) -> bool:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    reading = read_source((folder,), folder)
    assert not reading.errors, reading.errors
    detect = RULES[slug].detect
    assert detect is not None
    return any(True for _ in detect(reading.app))
