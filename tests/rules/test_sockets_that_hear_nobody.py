"""A socket that any website may open weighs ``low`` where its events look at nobody's session, and ``medium`` where one does."""

from pathlib import Path

import pytest

from stopper.core.rule import Hit
from stopper.rules.cors.cors_any_origin import detect
from stopper.scan.source.read import read_source

APP = """
from flask import Flask, session
from flask_login import LoginManager, current_user, login_required
from flask_socketio import Namespace, SocketIO, emit

app = Flask(__name__)
LoginManager(app)
socketio = SocketIO(app, cors_allowed_origins="*")


@app.get("/me")
@login_required
def me():
    return current_user.name


def greeted(name):
    emit("hello", {answer})


{events}
"""
PLAIN = "@socketio.on('hello')\ndef hello(data):\n    greeted(data['name'])\n"
SPACE = "class Room(Namespace):\n    def on_hello(self, data):\n        greeted(data['name'])\n\nsocketio.on_namespace(Room('/room'))\n"


@pytest.mark.parametrize("events", [PLAIN, SPACE])
@pytest.mark.parametrize(
    ("answer", "weighs"), [("name", "low"), ("current_user.name", None), ("session['name']", None)]
)
def test_whose_browser_it_is_matters_where_an_event_looks(
    events: str, answer: str, weighs: str | None, tmp_path: Path
) -> None:
    assert [hit.severity for hit in _told(tmp_path, APP.format(events=events, answer=answer))] == [weighs]


def test_where_no_event_is_in_sight_nobody_can_say(tmp_path: Path) -> None:
    assert [hit.severity for hit in _told(tmp_path, APP.format(events="", answer="name"))] == [None]


def _told(folder: Path, text: str) -> list[Hit]:
    (folder / "app.py").write_text(text)
    return [hit for hit in detect(read_source((folder,), folder).app) if "socket" in hit.message]
