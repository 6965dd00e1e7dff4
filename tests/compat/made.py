"""Applications that use the compat module, small and whole."""

import base64
import hmac
import json
from typing import Any

from flask import Flask, Response, jsonify

from stopper.compat.flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
)

SECRET = "uQ3v8kXz_pL0dYt7mWcR5nHb2sJf9gKa-41eVxTqZoE"


def make_app(**settings: Any) -> Flask:
    """An application with one view of each kind. *settings* are JWT_… settings without that mark."""
    app = Flask("shop")
    app.config["JWT_SECRET_KEY"] = SECRET
    app.config.update({f"JWT_{name}": value for name, value in settings.items()})
    JWTManager(app)

    @app.route("/me", methods=["GET", "POST", "OPTIONS", "PURGE"])
    @jwt_required()
    def me() -> Response:
        return jsonify(who=get_jwt_identity())

    @app.get("/maybe")
    @jwt_required(optional=True)
    def maybe() -> Response:
        return jsonify(who=get_jwt_identity())

    @app.get("/recent")
    @jwt_required(fresh=True)
    def recent() -> Response:
        return jsonify(who=get_jwt_identity())

    @app.get("/renew")
    @jwt_required(refresh=True)
    def renew() -> Response:
        return jsonify(who=get_jwt_identity())

    @app.get("/any")
    @jwt_required(verify_type=False)
    def of_any_kind() -> Response:
        return jsonify(who=get_jwt_identity())

    @app.get("/cookie")
    def cookie() -> Response:
        answer = jsonify()
        set_access_cookies(answer, create_access_token("ann"))
        return answer

    return app


def access(app: Flask, **more: Any) -> str:
    """An access token of *app*."""
    with app.test_request_context():
        return create_access_token("ann", **more)


def refresh(app: Flask, **more: Any) -> str:
    """A refresh token of *app*."""
    with app.test_request_context():
        return create_refresh_token("ann", **more)


def bearer(token: str) -> dict[str, str]:
    """The header that shows *token*."""
    return {"Authorization": f"Bearer {token}"}


def signed(header: dict[str, Any], claims: dict[str, Any], secret: str = SECRET) -> str:
    """A token with exactly this header and these claims, signed with HMAC-SHA256 whatever they say."""
    message = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = base64.urlsafe_b64encode(hmac.digest(secret.encode(), message, "sha256")).rstrip(b"=")
    return (message + b"." + signature).decode()
