"""One small application, four times: bare, guarded by Stopper, and behind what people put together today.

"Stack" is Flask-JWT-Extended with RS256 and a blocklist, Flask-Limiter, Flask-Talisman and Flask-CORS. Both sides verify the same
kind of token, ask whether it was revoked, count the request, and set security headers and CORS. Stopper also asks for a scope and
writes an audit line, which goes to the null device.

The peers are not dependencies: pip install flask-jwt-extended flask-limiter flask-talisman flask-cors redis
"""

import json
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from flask import Flask, jsonify

from stopper.auth import base64url

ISSUER, AUDIENCE, ORIGIN = "https://issuer.example", "https://api.example", "https://app.example"
LIMIT = "10000000/hour"
"""Never reached: what is measured is the asking."""
Made = tuple[Flask, dict[str, str]]


def _private() -> rsa.RSAPrivateKey:
    """The key of this run; every worker of a server finds it where STACK_KEY says."""
    place = os.environ.get("STACK_KEY")
    if place and Path(place).exists():
        found = load_pem_private_key(Path(place).read_bytes(), None)
        assert isinstance(found, rsa.RSAPrivateKey)
        return found
    made = rsa.generate_private_key(65537, 2048)
    if place:
        Path(place).write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


PRIVATE = _private()


def token(**more: object) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "nbf": now, "exp": now + 3600, "jti": secrets.token_hex(8), "scope": "things:read",
              "client_id": "web", "type": "access", "fresh": False, **more}  # fmt: skip
    head = base64url.encode(json.dumps({"alg": "RS256", "kid": "k", "typ": "at+jwt"}).encode())
    message = f"{head}.{base64url.encode(json.dumps(claims).encode())}"
    return f"{message}.{base64url.encode(PRIVATE.sign(message.encode(), padding.PKCS1v15(), SHA256()))}"


def thing() -> Callable[[], Any]:
    """A view of its own: a policy is attached to the function."""

    def view() -> Any:
        return jsonify(id=1, name="thing")

    return view


def bare() -> Made:
    app = Flask("bare")
    app.add_url_rule("/thing", "thing", thing())
    return app, {}


def stack(redis: str | None) -> Made:
    from flask_cors import CORS
    from flask_jwt_extended import JWTManager, jwt_required
    from flask_limiter import Limiter
    from flask_talisman import Talisman

    app = Flask("stack")
    public = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    app.config.update(
        JWT_ALGORITHM="RS256", JWT_DECODE_ALGORITHMS=["RS256"], JWT_PUBLIC_KEY=public, JWT_DECODE_AUDIENCE=AUDIENCE, JWT_DECODE_ISSUER=ISSUER
    )  # fmt: skip
    manager = JWTManager(app)
    if redis is None:
        revoked = {f"jti-{number}" for number in range(1000)}
        manager.token_in_blocklist_loader(lambda _header, claims: claims["jti"] in revoked)
        where = "memory://"
    else:
        import redis as client

        server = client.Redis(unix_socket_path=redis)
        manager.token_in_blocklist_loader(lambda _header, claims: server.get(claims["jti"]) is not None)
        where = f"redis+unix://{redis}"
    Limiter(lambda: "alice", app=app, default_limits=["10000000 per hour"], storage_uri=where, strategy="fixed-window")
    Talisman(app, force_https=False)
    CORS(app, origins=[ORIGIN])
    app.add_url_rule("/thing", "thing", jwt_required()(thing()))
    return app, {"Authorization": f"Bearer {token()}", "Origin": ORIGIN}


def ours(redis: str | None, *, seen: bool, key: bool = False) -> Made:
    from stopper import Issuer, Stopper, api_key, bearer, scope
    from stopper.auth.verification_key import VerificationKey

    audit = logging.getLogger("stopper.audit")
    if not audit.handlers:
        audit.addHandler(logging.FileHandler(os.devnull))
        audit.setLevel(logging.INFO)
        audit.propagate = False
    folder = os.environ.get("STACK_DATA") or tempfile.mkdtemp(prefix="stopper-bench-")
    app = Flask("ours")
    app.config.update(
        STOPPER_DATABASE_URL=f"sqlite:///{folder}/stopper.db",
        STOPPER_API_KEY_PEPPER="k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG",
        STOPPER_RATE_LIMIT=LIMIT,
        STOPPER_CORS_ORIGINS=[ORIGIN],
        STOPPER_TOKEN_CACHE_SIZE=4096 if seen else 0,
    )
    if redis is not None:
        app.config["STOPPER_REDIS_URL"] = f"unix://{redis}"
    verifies = VerificationKey.from_public_key("k", "RS256", PRIVATE.public_key(), allow_rsa_2048=True)
    stopper = Stopper(app, issuers=[Issuer(ISSUER, ["RS256"], keys=verifies, audience=AUDIENCE)])
    app.add_url_rule("/thing", "thing", ((api_key if key else bearer) & scope("things:read"))(thing()))
    stopper.seal()
    if key:
        made = stopper.api_keys.issue("alice", name="bench", scopes=["things:read"])
        return app, {"X-API-Key": made.key.reveal(), "Origin": ORIGIN}
    return app, {"Authorization": f"Bearer {token()}", "Origin": ORIGIN}


def factories(redis: str | None) -> Mapping[str, Callable[[], Made]]:
    """Every application by its name; those with a Redis where its socket is given."""
    found: dict[str, Callable[[], Made]] = {
        "bare": bare,
        "stack, memory": lambda: stack(None),
        "memory, seen": lambda: ours(None, seen=True),
        "memory, cold": lambda: ours(None, seen=False),
        "API key, memory": lambda: ours(None, seen=True, key=True),
    }
    if redis is not None:
        found["stack, redis"] = lambda: stack(redis)
        found["redis, seen"] = lambda: ours(redis, seen=True)
        found["redis, cold"] = lambda: ours(redis, seen=False)
    return found
