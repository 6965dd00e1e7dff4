"""A notes API as it is met in the field: small, working, and open in a score of places. For loopback only.

Every planted weakness is marked with a comment ``# leak: <slug>`` on the line that causes it; the demo's test
compares the marks with what `stopper audit` finds.
"""

import os
import sqlite3
import threading
from pathlib import Path

import jwt
import urllib3
from flask import Flask, g, jsonify, request
from flask_cors import CORS
from werkzeug.security import check_password_hash, generate_password_hash

from stopper.demo.loopback import LoopbackOnly

app = Flask(__name__)  # leak: security-headers-missing, rate-limit-missing, request-size-unlimited
app.wsgi_app = LoopbackOnly(app.wsgi_app)
app.config["SECRET_KEY"] = "notes-dev-key"  # leak: secret-key-hardcoded
app.config["QUOTES_URL"] = os.environ.get("QUOTES_URL", "http://127.0.0.1:9/quote")
CORS(app, supports_credentials=True)  # leak: cors-any-origin-with-credentials

JWT_SECRET = "secret"  # leak: jwt-secret-guessable

OPENAPI = Path(__file__).with_name("openapi.json").read_bytes()
SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, password TEXT, role TEXT DEFAULT 'user');
CREATE TABLE notes (id INTEGER PRIMARY KEY, owner INTEGER, text TEXT);
INSERT INTO people (email, password, role) VALUES ('grace@notes.example', 'unset', 'admin'), ('linus@notes.example', 'unset', 'user');
INSERT INTO notes (owner, text) VALUES (1, 'Grace: the budget is under the second plant'), (2, 'Linus: call the dentist');
"""
database = sqlite3.connect(":memory:", check_same_thread=False)
database.row_factory = sqlite3.Row
database.executescript(SCHEMA)
lock = threading.Lock()


def query(sql, *values):
    with lock, database:
        return database.execute(sql, values).fetchall()


def login_required(view):
    def guarded(*args, **kwargs):
        header = request.headers.get("Authorization", "")
        app.logger.info("caller shows %s", header)  # leak: credential-logged
        token = header.removeprefix("Bearer ") or request.args.get("token")  # leak: bearer-token-accepted-in-url
        if not token:
            return jsonify(error="log in first"), 401
        try:
            claims = jwt.decode(token, options={"verify_signature": False})  # leak: jwt-signature-not-verified
            g.person = query("SELECT * FROM people WHERE id = ?", int(claims["sub"]))[0]
        except (jwt.InvalidTokenError, KeyError, ValueError, IndexError):
            return jsonify(error="bad token"), 401
        return view(*args, **kwargs)

    guarded.__name__ = view.__name__
    return guarded


@app.post("/auth/register")  # leak: weak-password-accepted
def register():
    data = request.get_json()
    try:
        query(
            "INSERT INTO people (email, password) VALUES (?, ?)",
            data["email"],
            generate_password_hash(data["password"]),
        )
    except Exception as error:
        return jsonify(error=str(error)), 400  # leak: exception-text-in-response
    return jsonify(message="welcome"), 201


@app.post("/auth/login")  # leak: login-not-throttled, password-only-authentication
def login():  # leak: token-response-cacheable
    data = request.get_json()
    found = query("SELECT * FROM people WHERE email = ?", data["email"])
    if not found or not check_password_hash(found[0]["password"], data["password"]):
        return jsonify(error="wrong e-mail or password"), 401
    claims = {"sub": str(found[0]["id"]), "role": found[0]["role"]}
    token = (
        jwt.encode(  # leak: jwt-secret-hardcoded, jwt-issued-without-expiry, jwt-secret-too-short, jwt-not-revocable
            claims, JWT_SECRET, algorithm="HS256"
        )
    )
    return jsonify(token=token)


@app.post("/auth/logout")
@login_required
def logout():
    return jsonify(message="bye")  # leak: jwt-accepted-after-revocation


@app.get("/auth/me")
@login_required
def me():  # leak: auth-failure-status-wrong
    return jsonify(id=g.person["id"], email=g.person["email"], role=g.person["role"])


@app.get("/notes")
@login_required
def list_notes():  # leak: object-id-guessable
    rows = query("SELECT id, text FROM notes WHERE owner = ?", g.person["id"])
    return jsonify(notes=[dict(row) for row in rows])


@app.post("/notes")
@login_required
def add_note():
    text = str(request.get_json()["text"])  # leak: request-body-not-validated, malformed-input-mishandled
    row = query("INSERT INTO notes (owner, text) VALUES (?, ?) RETURNING id", g.person["id"], text)[0]
    return jsonify(id=row["id"], text=text), 201


@app.get("/notes/<int:note_id>")  # leak: object-id-guessable, cross-user-object-access
@login_required
def read_note(note_id):
    rows = query("SELECT id, text FROM notes WHERE id = ?", note_id)  # leak: object-lookup-without-owner
    return (jsonify(dict(rows[0])), 200) if rows else (jsonify(error="no such note"), 404)


@app.delete("/notes/<int:note_id>")
@login_required
def delete_note(note_id):
    query("DELETE FROM notes WHERE id = ? AND owner = ?", note_id, g.person["id"])
    return "", 204


@app.post("/notes/<int:note_id>/share")  # leak: object-id-guessable
@login_required
def share_note(note_id):
    if not query("SELECT 1 FROM notes WHERE id = ? AND owner = ?", note_id, g.person["id"]):
        return jsonify(error="no such note"), 404
    link = jwt.encode(
        {"note": note_id}, JWT_SECRET, algorithm="HS256"
    )  # leak: jwt-secret-hardcoded, jwt-issued-without-expiry
    return jsonify(path=f"/shared/{link}"), 201


@app.get("/shared/<token>")
def shared_note(token):
    try:
        kind = jwt.get_unverified_header(token)["alg"]
        claims = jwt.decode(  # leak: jwt-algorithm-from-token, jwt-claims-not-required, jwt-audience-issuer-unchecked
            token, JWT_SECRET, algorithms=[kind]
        )
    except jwt.InvalidTokenError:
        return jsonify(error="bad link"), 404
    rows = query("SELECT text FROM notes WHERE id = ?", claims["note"])
    return (jsonify(dict(rows[0])), 200) if rows else (jsonify(error="no such note"), 404)


@app.get("/admin/users")
def all_people():  # leak: route-without-authentication, spec-security-not-enforced, personal-data-in-response
    rows = query("SELECT id, email, role FROM people")  # leak: page-size-unlimited
    return jsonify(users=[dict(row) for row in rows])


@app.get("/admin/export")
def export():
    if request.headers.get("X-API-Key") != os.environ.get(
        "EXPORT_API_KEY"
    ):  # leak: api-key-unset-fails-open, api-key-compared-with-equals, api-key-lifecycle-missing
        return jsonify(error="bad key"), 401
    return jsonify(notes=[dict(row) for row in query("SELECT id, owner, text FROM notes")])


@app.get("/quote")
@login_required
def quote():
    try:
        answer = urllib3.request(
            "GET", app.config["QUOTES_URL"], headers=dict(request.headers), timeout=2, retries=False
        )  # leak: incoming-headers-forwarded
        return jsonify(quote=answer.data.decode())
    except urllib3.exceptions.HTTPError as error:
        return jsonify(error=repr(error)), 502


@app.get("/debug/config")
def show_config():  # leak: internal-route-served, shadow-route
    return jsonify(
        {key: str(value) for key, value in app.config.items()}
    )  # leak: config-dump-in-response, diagnostics-route-exposes-config, sensitive-field-in-response


@app.get("/openapi.json")
def openapi():
    return app.response_class(OPENAPI, mimetype="application/json")


if __name__ == "__main__":
    app.run(debug=True)  # leak: debug-enabled
