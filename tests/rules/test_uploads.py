"""Files that somebody uploads: pages that are served as pages, objects that are unpacked, and what takes neither."""

import pickle
import secrets
from typing import Any

import pytest
import yaml
from flask import Flask, Response, abort, jsonify, request
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.app import App, Route
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

FORM = '<form method="post" action="/photo" enctype="multipart/form-data"><input name="caption"><input type="file" name="picture"><button>go</button></form>'


def album(kept: str) -> Flask:
    """Photos by a form: kept by their own name, by a random one that the answer tells, as a download, as plain bytes, or pictures alone."""
    app, files = Flask("album"), dict[str, bytes]()
    app.add_url_rule("/", "start", lambda: FORM)

    def photo() -> Any:
        sent = request.files.get("picture")
        if sent is None or not sent.filename or not request.form.get("caption"):
            return "<p>no picture</p>", 400
        data = sent.read()
        if kept == "pictures" and not data.startswith(b"\x89PNG"):
            return "<p>only pictures</p>", 400
        name = f"{secrets.token_hex(8)}.html" if kept == "random" else sent.filename
        files[name] = data
        return f'<p>Thanks</p><img src="/shown/{name}">' if kept != "silent" else "<p>Thanks</p>"

    def shown(name: str) -> Any:
        if name not in files:
            abort(404)
        more = {"Content-Disposition": "attachment"} if kept == "download" else {}
        return Response(
            files[name], mimetype="application/octet-stream" if kept == "bytes" else "text/html", headers=more
        )

    app.add_url_rule("/photo", "photo", photo, methods=["POST"])
    app.add_url_rule("/uploads/<name>" if kept == "silent" else "/shown/<name>", "shown", shown)
    return app


@pytest.mark.parametrize(
    ("kept", "told"),
    [("own", True), ("random", True), ("silent", True), ("download", False), ("bytes", False), ("pictures", False)],
)
def test_an_uploaded_page_that_is_served_as_one(kept: str, told: bool) -> None:
    target, courier = reached(album(kept))
    found = run_probe(RULES["markup-unescaped"], target, courier).verdict
    assert (found.outcome == "fail") is told, found.message
    if told:
        assert "POST /photo" in {str(ref) for ref in found.routes}
        assert any(path.endswith(".html") for path in courier.made.created)


@pytest.mark.parametrize(
    ("how", "outcome"), [("pickle", "fail"), ("yaml", "fail"), ("safe", "pass"), ("names", "pass")]
)
def test_an_uploaded_object_that_is_unpacked(how: str, outcome: str) -> None:
    app = Flask("restore")
    app.add_url_rule("/api/health", "health", lambda: {"ok": True})

    @app.post("/api/upload")
    def restore() -> Any:
        sent = request.files.get("file")
        if sent is None:
            return jsonify(error="no file"), 400
        data = sent.read()
        try:
            if how == "pickle":
                return jsonify(data=str(pickle.loads(data)))
            if how == "yaml":
                return jsonify(data=str(yaml.load(data, Loader=yaml.UnsafeLoader)))
            if how == "safe":
                return jsonify(data=str(yaml.safe_load(data)))
        except Exception:
            return jsonify(error="unreadable"), 400
        return jsonify(name=sent.filename)

    assert verdict("code-injection", app).outcome == outcome


def test_an_uploaded_page_that_is_served_under_the_number_of_the_answer() -> None:
    app, files = Flask("files"), list[bytes]()

    @app.post("/files")
    def add() -> Any:
        files.append(request.files["file"].read())
        return jsonify(id=len(files)), 201

    app.add_url_rule(
        "/files/<int:number>", "one", lambda number: files[number - 1] if number <= len(files) else abort(404)
    )
    known = (
        Route("/files", ("POST",), files=("file",), takes_form=True, readers=frozenset({"wire"})),
        Route("/files/{number}", ("GET",), parameters=(("number", "integer"),), readers=frozenset({"wire"})),
    )
    courier = Courier(WsgiTransport(app), mode="active", max_requests=500)
    target = prepare(App(routes=known, readers=frozenset({"wire"})), courier, (), "active", "standard").target
    found = run_probe(RULES["markup-unescaped"], target, courier).verdict
    assert [str(ref) for ref in found.routes] == ["POST /files"], found.message


@pytest.mark.parametrize(
    ("path", "row", "told"),
    [
        ("/keys", {"id": 1, "key": "f3b1c09d7a52e684aa10"}, True),
        ("/v1/api-keys", {"name": "billing", "value": "f3b1c09d7a52e684aa10"}, True),
        ("/keys", {"id": 1, "key": "f3b1****"}, False),
        ("/keys", {"id": 1, "prefix": "f3b1c09d7a52"}, False),
        ("/settings", {"key": "f3b1c09d7a52e684aa10"}, False),
    ],
)
def test_a_list_of_keys_that_shows_each_of_them_whole(path: str, row: dict[str, object], told: bool) -> None:
    app = Flask("keys")
    app.add_url_rule(path, "keys", lambda: jsonify([row]))
    app.add_url_rule("/", "start", lambda: f'<a href="{path}">keys</a>')
    assert (verdict("api-key-in-response", app).outcome == "fail") is told
