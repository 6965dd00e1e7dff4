"""Small programs that are run in every spelling, with the requests that they are asked."""

from typing import Any, Final

from tests.rules.respelling.tree import Sources

NOTES = """
import hashlib
import hmac
import logging
import os
from functools import wraps

import jwt
from flask import Flask, abort, current_app, jsonify, request

log = logging.getLogger(__name__)
KEY = "not-a-real-key-but-long-enough-for-hs256"
ROLES = ("reader", "writer")
STARTING = "1" or os.environ.get("NOTES_STARTING", "1")
LIMIT: int = 3
NOTES = {"1": {"id": "1", "text": "first"}, "2": {"id": "2", "text": "second"}}
USUAL = {"limit": 2}

app = Flask(__name__)
app.config["SECRET_KEY"] = "also-not-real"
app.config["NOTES_NAME"] = "notes"
app.config["PROPAGATE_EXCEPTIONS"] = False


class Wrong(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.text = text


def login_required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        shown = request.headers.get("Authorization", "")
        if not shown.startswith("Bearer "):
            return jsonify(error="no token"), 401
        try:
            claims = jwt.decode(shown.removeprefix("Bearer "), KEY, algorithms=["HS256"])
        except jwt.InvalidTokenError as error:
            log.warning("refused %s", error)
            return {"error": "bad token"}, 401
        request.claims = claims
        return view(*args, **kwargs)

    return inner


def size_of(text):
    length = len(text)
    if length > LIMIT:
        kind = "long"
    else:
        kind = "short"
    return f"{kind} {length}"


@app.before_request
def refuse_trace():
    if request.method == "TRACE":
        abort(405)


@app.after_request
def mark(response):
    response.headers["X-Name"] = current_app.config["NOTES_NAME"]
    return response


@app.errorhandler(Wrong)
def wrong(error):
    return {"wrong": error.text}, 400


@app.get("/notes")
def notes():
    wish = request.args.get("text", "")
    limit = int(request.args.get("limit", USUAL["limit"]))
    if wish and limit:
        return jsonify([{"id": one["id"], "size": size_of(one["text"])} for one in NOTES.values() if wish in one["text"]][:limit])
    found = [one["text"] for one in NOTES.values()]
    return jsonify(found)


@app.route("/notes/<number>")
def note(number):
    found = NOTES.get(number)
    if found is None:
        raise Wrong("no note %s" % number)
    return {"note": found, "size": size_of(found["text"])}


@app.route("/notes/<number>", methods=["DELETE"])
@login_required
def remove(number):
    who = request.claims["sub"]
    if request.claims.get("role") == "writer" and number in NOTES:
        log.info("%s removes %s", who, number)
        return {"removed": number}
    return {"error": "not yours"}, 403


@app.post("/login")
def login():
    data = request.json
    name = data.get("name")
    if not name:
        return {"error": "no name"}, 400
    role = ROLES[1] if name == "ann" else ROLES[0]
    app.logger.debug("log-in")
    token = jwt.encode({"sub": name, "role": role}, KEY, algorithm="HS256")
    return jsonify(token=token, mark=hashlib.sha256(name.encode()).hexdigest())


@app.get("/same")
def same():
    given = request.args.get("given") or ""
    if hmac.compare_digest(given, KEY):
        return {"same": True}
    else:
        return {"same": False}


@app.get("/start")
def start():
    if not STARTING or request.args.get("late"):
        abort(404)
    try:
        number = int(request.args.get("number", "x"))
    except ValueError:
        return {"error": "no number"}, 400
    text = f"<{number}>"
    try:
        number = number // int(request.args.get("by", "1"))
    except ZeroDivisionError:
        pass
    return {"number": number, "text": text, "start": STARTING}


if __name__ == "__main__":
    app.run()
"""

TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
ASKED: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("GET", "/notes", {}),
    ("GET", "/notes?text=s&limit=1", {}),
    ("GET", "/notes/1", {}),
    ("GET", "/notes/9", {}),
    ("HEAD", "/notes/1", {}),
    ("DELETE", "/notes/1", {}),
    ("DELETE", "/notes/1", {"headers": {"Authorization": f"Bearer {TOKEN}.e30.x"}}),
    ("POST", "/login", {"json": {"name": "ann"}}),
    ("POST", "/login", {"json": {"name": "bob"}}),
    ("POST", "/login", {"json": {}}),
    ("GET", "/same?given=x", {}),
    ("GET", "/start?late=1", {}),
    ("GET", "/start", {}),
    ("GET", "/start?number=7&by=2", {}),
    ("GET", "/start?number=7&by=0", {}),
    ("PUT", "/notes", {}),
]

UPDATED = """
from flask import Flask, current_app

app = Flask(__name__)
app.secret_key = "not-real"
app.config.update(NAME="updated", SIZE=2)


@app.get("/name")
def name():
    return {"name": current_app.config["NAME"], "size": app.config["SIZE"], "key": len(app.secret_key)}
"""

LIVELY = """
import hmac

from flask import Flask, jsonify, request

KEY = "known"
app = Flask(__name__)


@app.post("/double")
def double():
    number = request.json["number"]
    doubled = number * 2
    return jsonify(doubled=doubled, known=hmac.compare_digest(request.args.get("key", ""), KEY))
"""

TOLD = """
from flask import Flask

NAME = "told"
GREETING = "good day"
app = Flask(__name__)


@app.get("/told")
def told():
    text = " ".join([GREETING, NAME])
    return {"name": NAME, "text": text}
"""

SAMPLES: Final[tuple[tuple[Sources, list[tuple[str, str, dict[str, Any]]]], ...]] = (
    ({"app.py": NOTES}, ASKED),
    ({"app.py": UPDATED}, [("GET", "/name", {})]),
    ({"app.py": TOLD}, [("GET", "/told", {})]),
    (
        {"app.py": LIVELY},
        [
            ("POST", "/double?key=known", {"json": {"number": 3}}),
            ("POST", "/double", {"json": {"number": 4}}),
            ("GET", "/double", {}),
        ],
    ),
)
