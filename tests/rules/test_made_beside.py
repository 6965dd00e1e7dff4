"""A thing that is made at a path of its own is read below its collection by somebody else."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.exchange import Request, Response
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule
from stopper.scan.wire.things_made import created_paths

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


def notebook(make: str, read: str, *, others: bool) -> Flask:
    app, people, tokens, numbers = Flask("notebook"), dict[str, str](), dict[str, str](), itertools.count(1)
    notes: dict[int, tuple[str, str]] = {}

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()
        people[sent["username"]] = sent["password"]
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json()
        if people.get(sent["username"]) != sent["password"]:
            return jsonify(error="no"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = sent["username"]
        return jsonify(token=token)

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    @app.get("/me")
    def me() -> Any:
        return (jsonify(name=caller()), 200) if caller() else (jsonify(error="no"), 401)

    def made() -> Any:
        if not caller():
            return jsonify(error="no"), 401
        number = next(numbers)
        notes[number] = (caller(), request.get_json()["text"])
        return jsonify(id=number), 201

    def shown(note_id: int) -> Any:
        owner, text = notes.get(note_id, ("", ""))
        if not caller():
            return jsonify(error="no"), 401
        if not owner or not (others or owner == caller()):
            return jsonify(error="not found"), 404
        return jsonify(id=note_id, text=text)

    app.add_url_rule(make, view_func=made, methods=["POST"])
    app.add_url_rule(read, view_func=shown)
    return app


@pytest.mark.parametrize(
    ("make", "read"),
    [
        ("/notes/create", "/notes/<int:note_id>"),
        ("/note/new", "/notes/<int:note_id>"),
        ("/api/create_note", "/api/note/<int:note_id>"),
        ("/notes/add", "/notes/<int:note_id>"),
    ],
)
def test_what_one_person_made_there_is_shown_to_the_other(make: str, read: str) -> None:
    found = try_rule(RULE, notebook(make, read, others=True))
    assert found.outcome == "fail", found.message
    assert [ref.path for ref in found.routes] == [read.replace("<int:", "{").replace(">", "}")]


def test_what_is_shown_to_its_maker_only_is_none() -> None:
    assert try_rule(RULE, notebook("/notes/create", "/notes/<int:note_id>", others=False)).outcome == "pass"


@pytest.mark.parametrize(
    ("target", "path"),
    [("/notes/create", "/notes/7"), ("/notes/new/", "/notes/7"), ("/notes", "/notes/7"), ("/new", "/new/7")],
)
def test_what_was_made_there_may_be_taken_back(target: str, path: str) -> None:
    answer = Response(201, (("Content-Type", "application/json"),), b'{"id": 7}')
    assert created_paths(Request("POST", target, (), b"{}", "write"), answer) == {path}


@pytest.mark.parametrize("everybody", [True, False])
def test_what_is_known_by_its_slug_and_what_lies_below_it_are_found(everybody: bool) -> None:
    app, people, tokens = Flask("blog"), dict[str, str](), dict[str, str]()
    posts: dict[str, dict[str, Any]] = {}

    @app.post("/register")
    def register() -> Any:
        people[request.get_json()["username"]] = request.get_json()["password"]
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json()
        if people.get(sent["username"]) != sent["password"]:
            return jsonify(error="no"), 401
        tokens[token := secrets.token_urlsafe(24)] = sent["username"]
        return jsonify(token=token)

    @app.before_request
    def guard() -> Any:
        known = request.path in ("/register", "/login") or request.method == "OPTIONS"
        return None if known or caller() else (jsonify(error="no"), 401)

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    @app.route("/posts", methods=["GET", "POST"])
    def both() -> Any:
        if request.method == "GET":
            return jsonify([one for one in posts.values() if one["author"] == caller()])
        slug = f"post-{secrets.token_hex(3)}"
        posts[slug] = {"id": len(posts) + 1, "slug": slug, "author": caller(), "title": request.get_json()["title"]}
        return jsonify(posts[slug]), 201

    @app.get("/posts/<slug>")
    def post(slug: str) -> Any:
        own = slug in posts and posts[slug]["author"] == caller()
        return jsonify(posts[slug]) if own else (jsonify(error="not found"), 404)

    @app.get("/posts/<slug>/preview")
    def preview(slug: str) -> Any:
        shown = slug in posts and (everybody or posts[slug]["author"] == caller())
        return f"<h1>{posts[slug]['title']}</h1>" if shown else (jsonify(error="not found"), 404)

    verdict = try_rule(RULE, app)
    assert [ref.path for ref in verdict.routes] == ["/posts/{slug}/preview"] * everybody, verdict.message
