"""A small believable API that the tests of whole runs write to a folder: accounts, notes in SQLite, a token that nobody verifies."""

LEAKY = """\
import os
import sqlite3
import time

import jwt
from flask import Flask, g, jsonify, request

KEY = os.environ.get("SHOP_KEY", "k" * 40)
app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = KEY
app.config["DATABASE"] = os.path.join(os.path.dirname(__file__), "shop.db")


def db():
    if "db" not in g:
        g.db = sqlite3.connect(app.config["DATABASE"])
        g.db.execute("create table if not exists users (email text, password text)")
        g.db.execute("create table if not exists notes (id integer primary key, owner text, text text)")
    return g.db


@app.teardown_appcontext
def close(_):
    if "db" in g:
        g.pop("db").close()


def caller():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return jwt.decode(token, KEY, algorithms=["HS256"], VERIFY)["sub"]
    except jwt.PyJWTError:
        return None


@app.post("/register")
def register():
    data = request.get_json()
    db().execute("insert into users values (?, ?)", (data["email"], data["password"]))
    db().commit()
    return jsonify(message="welcome"), 201


@app.post("/login")
def login():
    data = request.get_json()
    row = db().execute("select 1 from users where email = ? and password = ?", (data["email"], data["password"])).fetchone()
    if row is None:
        return jsonify(error="wrong e-mail or password"), 401
    return jsonify(access_token=jwt.encode({"sub": data["email"], "exp": int(time.time()) + 900}, KEY, algorithm="HS256"))


@app.get("/notes")
def notes():
    who = caller()
    if who is None:
        return jsonify(error="log in"), 401
    rows = db().execute("select id, text from notes where owner = ?", (who,))
    return jsonify([{"id": number, "text": text} for number, text in rows])


@app.post("/notes")
def add():
    who = caller()
    if who is None:
        return jsonify(error="log in"), 401
    made = db().execute("insert into notes (owner, text) values (?, ?)", (who, request.get_json()["text"]))
    db().commit()
    return jsonify(id=made.lastrowid), 201


@app.get("/notes/<int:note_id>")
def one(note_id):
    who = caller()
    if who is None:
        return jsonify(error="log in"), 401
    row = db().execute("select text from notes where id = ? and owner = ?", (note_id, who)).fetchone()
    return (jsonify(text=row[0]), 200) if row else (jsonify(error="none"), 404)


@app.delete("/notes/<int:note_id>")
def remove(note_id):
    if caller() is None:
        return jsonify(error="log in"), 401
    db().execute("delete from notes where id = ?", (note_id,))
    db().commit()
    return "", 204


@app.post("/admin/shutdown")
def shutdown():
    os._exit(9)


@app.get("/")
def index():
    return jsonify(notes="/notes", about="shop")
"""

BAD = LEAKY.replace("VERIFY", 'options={"verify_signature": False}')
GOOD = LEAKY.replace(", VERIFY", "")
