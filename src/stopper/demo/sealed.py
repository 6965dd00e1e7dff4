"""The same notes API behind Stopper: shorter, and closed. For loopback only."""

import atexit
import hashlib
import os
import secrets
import sqlite3
import tempfile
import threading
from pathlib import Path

from flask import Flask, Response, abort, request

from stopper import Stopper, api_key, bearer, current_principal, owner, public, role, scope
from stopper.auth.api_key import ApiKeys
from stopper.core.secret import Secret
from stopper.demo.loopback import LoopbackOnly
from stopper.outbound import Client
from stopper.service.mounting import mount_accounts
from stopper.service.parts import open_accounts

app = Flask(__name__, static_folder=None)
app.config["STOPPER_MODE"] = "dev"
app.config["MAX_CONTENT_LENGTH"] = 65536
QUOTES_URL = os.environ.get("QUOTES_URL", "http://127.0.0.1:9/quote")
quotes = Client(hosts=[QUOTES_URL.split("/")[2]], allow_loopback_http=True)
folder = tempfile.TemporaryDirectory(prefix="stopper-sealed-")
atexit.register(folder.cleanup)  # the sample's data ends with the sample
accounts = open_accounts(
    "http://127.0.0.1", "notes", data=Path(folder.name), new_scopes=("notes",), open_registration=True
)
keys = ApiKeys(accounts.store.api_keys, Secret(secrets.token_urlsafe(32)))
stopper = Stopper(app, issuers=[accounts.issuer], revocations=accounts.revocations, api_keys=keys)
mount_accounts(app, stopper, accounts)
app.wsgi_app = LoopbackOnly(app.wsgi_app)  # type: ignore[method-assign]

OPENAPI = Path(__file__).with_name("openapi.json").read_bytes()
SCHEMA = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, owner TEXT, text TEXT);
CREATE TABLE shares (digest BLOB PRIMARY KEY, note INTEGER);
"""
database = sqlite3.connect(":memory:", check_same_thread=False)
database.row_factory = sqlite3.Row
database.executescript(SCHEMA)
lock = threading.Lock()


def query(sql: str, *values: object) -> list[dict[str, object]]:
    with lock, database:
        return [dict(row) for row in database.execute(sql, values)]


def writer(note_id: int) -> str | None:
    rows = query("SELECT owner FROM notes WHERE id = ?", note_id)
    return str(rows[0]["owner"]) if rows else None


writes = bearer & scope("notes")
own_note = writes & owner(writer)


@app.get("/notes")
@writes
def list_notes() -> dict[str, object]:
    return {"notes": query("SELECT id, text FROM notes WHERE owner = ?", current_principal.subject)}


@app.post("/notes")
@writes
def add_note() -> tuple[dict[str, object], int]:
    match request.get_json():
        case {"text": str(text)} if len(text) <= 1000:
            pass
        case _:
            abort(400)
    return query("INSERT INTO notes (owner, text) VALUES (?, ?) RETURNING id, text", current_principal.subject, text)[
        0
    ], 201


@app.get("/notes/<int:note_id>")
@own_note
def read_note(note_id: int) -> dict[str, object]:
    return query("SELECT id, text FROM notes WHERE id = ?", note_id)[0]


@app.delete("/notes/<int:note_id>")
@own_note
def delete_note(note_id: int) -> tuple[str, int]:
    query("DELETE FROM notes WHERE id = ?", note_id)
    return "", 204


@app.post("/notes/<int:note_id>/share")
@own_note
def share_note(note_id: int) -> tuple[dict[str, object], int]:
    link = secrets.token_urlsafe(32)
    query("INSERT INTO shares VALUES (?, ?)", hashlib.sha256(link.encode()).digest(), note_id)
    return {"path": f"/shared/{link}"}, 201


@app.get("/shared/<token>")
@public
def shared_note(token: str) -> dict[str, object]:
    digest = hashlib.sha256(token.encode()).digest()
    rows = query("SELECT text FROM notes JOIN shares ON notes.id = note WHERE digest = ?", digest)
    return rows[0] if rows else abort(404)


@app.get("/admin/users")
@(bearer & role("admin"))
def all_people() -> dict[str, object]:
    return {"users": query("SELECT DISTINCT owner FROM notes")}


@app.get("/admin/export")
@(api_key & scope("notes:export"))
def export() -> dict[str, object]:
    return {"notes": query("SELECT id, owner, text FROM notes")}


@app.get("/quote")
@bearer
def quote() -> dict[str, str]:
    return {"quote": quotes.get(QUOTES_URL, accept="text/*").checked().text[:500]}


@app.get("/openapi.json")
@public
def openapi() -> Response:
    return Response(OPENAPI, mimetype="application/json")


stopper.seal()
