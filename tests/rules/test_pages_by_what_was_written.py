"""Texts that are written in one request and shown in another that has to be asked by a part of the first: by a name in the path, by a word of
the query, beside the newest few, beside a file."""

import itertools
from typing import Any

import pytest
from flask import Flask, Response, abort, jsonify, request
from markupsafe import escape
from tests.rules.from_outside import RULES

from stopper.core.app import App, Route
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "page": {"type": "string"},
        "picture": {"type": "string", "format": "binary"},
    },
}
POT = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
}


def shown(text: str, safe: bool) -> Response:
    """A page with that text."""
    return Response(f"<main>{escape(text) if safe else text}</main>", mimetype="text/html")


def homes(safe: bool) -> tuple[Flask, App]:
    """A page for each name, sent with a picture; nothing lists them, and a name is taken once."""
    app, kept = Flask("homes"), dict[str, str]()

    @app.post("/homes")
    def add() -> Any:
        name, page, picture = request.form.get("name"), request.form.get("page"), request.files.get("picture")
        if not name or not page or picture is None or not picture.read().startswith(b"\x89PNG"):
            return "all three", 400
        if name in kept:
            return "taken", 403
        kept[name] = page
        return "", 201

    @app.get("/homes/<name>")
    def home(name: str) -> Any:
        return shown(kept[name], safe) if name in kept else abort(404)

    said = Route("/homes", ("POST",), request_schema=FORM, takes_form=True, readers=frozenset({"spec"}))
    read = Route("/homes/{name}", ("GET",), parameters=(("name", "string"),), readers=frozenset({"spec"}))
    return app, App(readers=frozenset({"spec"}), routes=(said, read))


def pots(safe: bool) -> tuple[Flask, App]:
    """Titles that are shown to who asks by one of their tags."""
    app, kept = Flask("pots"), list[tuple[str, list[str]]]()

    @app.post("/pots")
    def add() -> Any:
        said = request.get_json(silent=True)
        if (
            not isinstance(said, dict)
            or not isinstance(said.get("tags"), list)
            or not isinstance(said.get("title"), str)
        ):
            return "both", 400
        kept.append((said["title"], said["tags"]))
        return "", 200

    @app.get("/pots")
    def found() -> Any:
        asked = {one.strip() for one in request.args.get("tags", "").split(",")}
        if not asked - {""}:
            return "tags?", 400
        return shown(
            "".join(f"<p>{title}</p>" if not safe else title for title, tags in kept if asked & set(tags)), safe
        )

    said = Route("/pots", ("POST",), request_schema=POT, readers=frozenset({"spec"}))
    read = Route("/pots", ("GET",), fields=("tags",), readers=frozenset({"spec"}))
    return app, App(readers=frozenset({"spec"}), routes=(said, read))


def board(safe: bool) -> tuple[Flask, App]:
    """The newest two messages of a board on which others write meanwhile."""
    app, kept = Flask("board"), list[str]()

    @app.post("/messages")
    def add() -> Any:
        said = request.get_json(silent=True)
        if not isinstance(said, dict) or not isinstance(said.get("text"), str):
            return "text?", 400
        kept.append(said["text"])
        if request.path != "/messages":
            kept.extend(["meanwhile", "others write"])
        return "", 200

    @app.get("/messages")
    def newest() -> Any:
        return shown(" ".join(kept[-2:]), safe)

    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    said = Route("/messages", ("POST",), request_schema=schema, readers=frozenset({"spec"}))
    others = [
        Route(f"/others/{number}", ("POST",), request_schema=schema, readers=frozenset({"spec"})) for number in range(4)
    ]
    for number in range(4):
        app.add_url_rule(f"/others/{number}", f"other{number}", add, methods=["POST"])
    return app, App(
        readers=frozenset({"spec"}), routes=(said, *others, Route("/messages", ("GET",), readers=frozenset({"spec"})))
    )


def pictures(safe: bool) -> tuple[Flask, App]:
    """Files that lie under the number of the answer, at an address of another noun."""
    app, kept, numbers = Flask("pictures"), dict[int, tuple[bytes, str]](), itertools.count(7)

    @app.post("/upload")
    def add() -> Any:
        sent = request.files.get("file")
        if sent is None:
            return jsonify(error="no file"), 400
        number = next(numbers)
        kept[number] = (sent.read(), "application/octet-stream" if safe else sent.mimetype)
        return jsonify(id=number)

    @app.get("/images/<int:number>")
    def image(number: int) -> Any:
        return Response(kept[number][0], mimetype=kept[number][1]) if number in kept else abort(404)

    schema = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    said = Route("/upload", ("POST",), request_schema=schema, takes_form=True, readers=frozenset({"spec"}))
    read = Route("/images/{number}", ("GET",), parameters=(("number", "int"),), readers=frozenset({"spec"}))
    return app, App(readers=frozenset({"spec"}), routes=(said, read))


@pytest.mark.parametrize("safe", [False, True], ids=["as-it-came", "escaped"])
@pytest.mark.parametrize("made", [homes, pots, board, pictures])
def test_a_text_is_looked_for_by_what_was_written_with_it(made: Any, safe: bool) -> None:
    app, document = made(safe)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=1500)
    target = prepare(document, courier, (), "active", "standard").target
    found = run_probe(RULES["markup-unescaped"], target, courier).verdict
    assert (found.outcome == "fail") is not safe, found.message
