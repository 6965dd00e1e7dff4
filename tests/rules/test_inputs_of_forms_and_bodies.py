"""Inputs of forms, packed objects, documents of XML and pages that no route serves: what probes send to them."""

import base64
import os
import pickle
import re
import secrets
import sqlite3
import subprocess
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax import SAXException, make_parser
from xml.sax.handler import ContentHandler, feature_external_ges

import pytest
import yaml
from flask import Flask, jsonify, make_response, redirect, render_template_string, request
from markupsafe import escape

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.probing.packed_cookies import packed_cookies
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

RULES = {rule.slug: rule for rule in load()}


def verdict(slug: str, app: Flask, *routes: Route, **more: Any) -> Verdict:
    return try_rule(RULES[slug], app, source=App(routes=routes, readers=frozenset({"spec"})), depth="standard", **more)


def said(path: str, method: str = "GET", **more: Any) -> Route:
    return Route(path, (method,), readers=frozenset({"spec"}), **more)


# --- inputs of forms -------------------------------------------------------------------------------------------------------------


def form_route(path: str, *fields: str) -> Route:
    return Route(path, ("POST",), fields=fields, takes_form=True, readers=frozenset({"wire"}))


@pytest.mark.parametrize("slug", ["code-injection", "markup-unescaped"])
def test_a_field_of_a_form_is_an_input(slug: str) -> None:
    app = Flask("forms")

    @app.post("/greeting")
    def greeting() -> Any:
        return render_template_string("<p>Hello " + request.form["whom"] + "</p>")

    found = verdict(slug, app, form_route("/greeting", "whom"))
    assert (found.outcome, [str(ref) for ref in found.routes]) == ("fail", ["POST /greeting"])


def test_a_tag_in_a_comment_of_the_page_is_no_markup() -> None:
    app = Flask("comments")

    @app.get("/note")
    def note() -> Any:
        word = request.args.get("word", "")
        return f"<p>{escape(word)}</p><!-- asked for: {word.replace('-->', '')} -->"

    assert verdict("markup-unescaped", app, said("/note", optional=("word",))).outcome == "pass"


# --- what is unpacked, and pages that no route serves ---------------------------------------------------------------------------


def unpacker(*, safe: bool, kind: str) -> Flask:
    app = Flask("unpacker")

    @app.post("/load")
    def load() -> Any:
        sent = base64.b64decode(request.get_json()["data"]) if kind == "member" else request.get_data()
        if kind == "yaml":
            return {"got": str(yaml.load(sent, yaml.SafeLoader if safe else yaml.UnsafeLoader))}
        got = len(sent) if safe else pickle.loads(sent)
        return {"got": "one" if kind == "blind" else str(got)}

    return app


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("kind", ["member", "body", "yaml", "blind"])
def test_objects_that_run_code_when_they_are_unpacked(safe: bool, kind: str) -> None:
    route = Route("/load", ("POST",), fields=("data",) if kind == "member" else (), readers=frozenset({"wire"}))
    found = verdict("code-injection", unpacker(safe=safe, kind=kind), route)
    assert (found.outcome == "fail") is not safe


@pytest.mark.parametrize("runs", [False, True])
def test_the_page_of_a_path_that_is_not_there_is_a_template(runs: bool) -> None:
    app = Flask("lost")

    @app.errorhandler(404)
    def lost(_: Exception) -> Any:
        page = f"<p>No {request.path} here</p>" if runs else "<p>No {{ request.path }} here</p>"
        return render_template_string(page), 404

    found = verdict("code-injection", app, said("/nothing"))
    assert (found.outcome == "fail") is runs


def test_a_quote_that_breaks_a_shell_is_no_query() -> None:
    app = Flask("shell")

    @app.get("/look")
    def look() -> Any:
        done = subprocess.run(f"echo {request.args['host']}", shell=True, capture_output=True, text=True, check=False)
        return {"said": done.stdout + done.stderr}

    assert verdict("sql-injection", app, said("/look", optional=("host",))).outcome == "pass"


def test_a_query_is_told_where_the_scan_itself_has_written_what_it_looks_for() -> None:
    """Another input stored the probe's own word, so that the word alone finds something."""
    data = sqlite3.connect(":memory:", check_same_thread=False)
    data.execute("CREATE TABLE notes (text TEXT)")
    data.execute("INSERT INTO notes VALUES ('first note of somebody else'), ('second note of somebody else')")
    app = Flask("notes")

    @app.post("/notes")
    def add() -> Any:
        data.execute("INSERT INTO notes VALUES (?)", (str((request.get_json(silent=True) or {}).get("text", "")),))
        return {"ok": True}, 201

    @app.get("/search")
    def search() -> Any:
        try:
            rows = data.execute(f"SELECT text FROM notes WHERE text LIKE '%{request.args['q']}%'").fetchall()
        except sqlite3.Error:
            rows = []
        return jsonify([row[0] for row in rows])

    routes = (Route("/notes", ("POST",), fields=("text",), readers=frozenset({"wire"})), said("/search", fields=("q",)))
    found = verdict("sql-injection", app, *routes)
    assert [str(ref) for ref in found.routes] == ["GET /search"]


def test_any_name_of_a_route_that_reads_few_may_hold_an_address() -> None:
    app = Flask("away")
    app.add_url_rule("/visit", "visit", lambda: redirect(request.args.get("name", "/")))
    assert verdict("open-redirect", app, said("/visit", optional=("name",))).outcome == "fail"


# --- entities of XML -------------------------------------------------------------------------------------------------------------


class Words(ContentHandler):
    """The texts of a document from the *least* level on."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.text, self.level, self.least = "", 0, least

    def startElement(self, name: str, attrs: Any) -> None:
        self.level += 1

    def endElement(self, name: str) -> None:
        self.level -= 1

    def characters(self, content: str) -> None:
        self.text += content if self.level >= self.least else ""


def reader(*, follows: bool, where: str) -> Flask:
    app = Flask("xml")

    @app.post("/parse")
    def parse() -> Any:
        sent = request.form["xml"].encode() if where == "form" else request.get_data()
        parser, words = make_parser(), Words(3 if where == "child" else 1)
        parser.setFeature(feature_external_ges, follows)
        parser.setContentHandler(words)
        try:
            parser.parse(BytesIO(sent))
        except (SAXException, OSError) as error:
            return {"error": type(error).__name__}, 400
        return {"read": words.text}

    return app


@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("where", ["body", "child", "form"])
def test_an_entity_of_xml_that_names_a_file(follows: bool, where: str) -> None:
    route = form_route("/parse", "xml") if where == "form" else Route("/parse", ("POST",), readers=frozenset({"wire"}))
    found = verdict("sensitive-file-served", reader(follows=follows, where=where), route)
    assert (found.outcome == "fail") is follows


@pytest.mark.parametrize("shows", [False, True])
def test_an_entity_whose_file_is_opened_and_not_shown(shows: bool) -> None:
    """A file that is not there breaks the document, one that is there does not."""
    app = Flask("blind")

    @app.post("/parse")
    def parse() -> Any:
        named = re.search(rb'SYSTEM "file://([^"]+)"', request.get_data())
        if named is not None and shows and not os.path.exists(named.group(1)):
            return {"error": "failed to load external entity"}, 400
        return {"ok": True}

    found = verdict("sensitive-file-served", app, Route("/parse", ("POST",), readers=frozenset({"wire"})))
    assert (found.outcome == "fail") is shows


def test_a_decoder_that_dislikes_markup_reads_no_file() -> None:
    app = Flask("decoder")

    @app.post("/load")
    def load() -> Any:
        try:
            return {"got": len(base64.b64decode(request.get_json()["data"], validate=True))}
        except ValueError as error:
            return {"error": f"{error} at {len(request.get_data())}"}, 400

    route = Route("/load", ("POST",), fields=("data",), readers=frozenset({"wire"}))
    assert verdict("sensitive-file-served", app, route).outcome == "pass"


def test_every_route_that_opens_a_file_is_told() -> None:
    app = Flask("files")

    @app.get("/show")
    @app.get("/fetch")
    def show() -> Any:
        path = "/" + request.args.get("file", "").lstrip("./")
        return Path(path).read_text() if os.path.isfile(path) else "no such file"

    found = verdict("sensitive-file-served", app, said("/show", optional=("file",)), said("/fetch", optional=("file",)))
    assert {str(ref) for ref in found.routes} == {"GET /show", "GET /fetch"}


# --- stored texts, and the second log-in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("escapes", [False, True])
def test_a_text_that_is_stored_and_shown_as_markup_on_another_page(escapes: bool) -> None:
    app = Flask("board")
    kept: list[str] = []

    @app.post("/notes")
    def add() -> Any:
        kept.append(request.form["text"])
        return redirect("/board")

    @app.get("/board")
    def board() -> Any:
        return "<ul>" + "".join(f"<li>{escape(one) if escapes else one}</li>" for one in kept) + "</ul>"

    found = verdict("markup-unescaped", app, form_route("/notes", "text"), said("/board"))
    assert [str(ref) for ref in found.routes] == ([] if escapes else ["POST /notes"])


def test_a_text_that_only_somebody_known_may_store_where_nobody_is_shown_the_page_all_the_same() -> None:
    app = Flask("board")
    kept: list[str] = []

    @app.route("/board", methods=["GET", "POST"])
    def board() -> Any:
        if request.method == "POST" and request.headers.get("Authorization") == "Bearer of-ann":
            kept.append(request.form["text"])
        return "<ul>" + "".join(f"<li>{one}</li>" for one in kept) + "</ul>"

    ann = Identity("ann", (("Authorization", Secret("Bearer of-ann")),))
    found = verdict("markup-unescaped", app, form_route("/board", "text"), said("/board"), identities=[ann])
    assert [str(ref) for ref in found.routes] == ["POST /board"]


def test_a_stored_text_that_only_json_gives_back_is_no_markup() -> None:
    app = Flask("api")
    kept: list[str] = []
    app.add_url_rule("/notes", "list", lambda: jsonify(kept))
    app.add_url_rule("/add", "add", lambda: kept.append(request.form["text"]) or {}, methods=["POST"])  # type: ignore[func-returns-value]
    assert verdict("markup-unescaped", app, form_route("/add", "text"), said("/notes")).outcome == "pass"


def test_a_default_account_at_the_log_in_of_administrators_beside_that_of_everybody() -> None:
    app = Flask("two")
    app.secret_key = "a-key-of-this-test-and-of-nobody-else-1"

    def door(known: dict[str, str]) -> Any:
        told = request.get_json(silent=True) or request.form
        if known.get(told.get("username", "")) != told.get("password"):
            return {"error": "wrong"}, 401
        return {"access_token": "t-" + secrets.token_hex(16)}

    app.add_url_rule("/login", "login", lambda: door({"carol": "Xy7-mire-lantern"}), methods=["POST"])
    app.add_url_rule("/admin/login", "admin", lambda: door({"admin": "admin"}), methods=["POST"])
    found = verdict("default-account-enabled", app, said("/login", "POST"), said("/admin/login", "POST"))
    assert [str(ref) for ref in found.routes] == ["POST /admin/login"]


@pytest.mark.parametrize("doors", [1, 2])
def test_no_name_is_guessed_at_as_often_as_locks_an_account(doors: int) -> None:
    """Two log-ins may know the same administrator, whose account many lock at the fifth wrong password."""
    app, wrong = Flask("locks"), Counter[str]()
    eve = Identity("eve", (("X-API-Key", Secret("key-of-eve")),))

    def door() -> Any:
        wrong[request.get_json()["username"]] += 1
        return {"error": "wrong"}, 401

    paths = ("/login", "/admin/login")[:doors]
    for path in paths:
        app.add_url_rule(path, path, door, methods=["POST"])
    verdict("default-account-enabled", app, *(said(path, "POST") for path in paths), identities=[eve])
    assert 0 < wrong["admin"] < 5


# --- packed cookies --------------------------------------------------------------------------------------------------------------


def preferences(*, unpacks: bool) -> Flask:
    app = Flask("preferences")

    @app.get("/")
    def home() -> Any:
        worn = base64.b64decode(request.cookies.get("prefs", "") or base64.b64encode(pickle.dumps({"mode": "dark"})))
        mode = pickle.loads(worn)["mode"] if unpacks else "dark"
        answer = make_response(f"<p>{escape(mode)}</p>")
        answer.set_cookie("prefs", base64.b64encode(pickle.dumps({"mode": "dark"})).decode())
        return answer

    return app


@pytest.mark.parametrize("unpacks", [False, True])
@pytest.mark.parametrize("surface", ["wsgi", "http"])
def test_a_cookie_that_is_unpacked(unpacks: bool, surface: Any) -> None:
    model = App(routes=(said("/"),), readers=frozenset({"spec"}))
    found = try_rule(
        RULES["code-injection"], preferences(unpacks=unpacks), source=model, depth="standard", surface=surface
    )
    assert (found.outcome == "fail") is unpacks


def test_cookies_that_hold_json_a_signed_text_or_noise_are_no_objects() -> None:
    values = [
        base64.b64encode(b'{"user": "ann"}').decode(),
        "eyJhIjoxfQ.ZqT1Pg.abc",
        secrets.token_urlsafe(24),
        "dark",
        "",
    ]
    lines = tuple(("Set-Cookie", f"c{number}={value}; Path=/") for number, value in enumerate(values))
    assert list(packed_cookies(Response(200, lines, b""))) == []
    packed = (("Set-Cookie", f"p={base64.urlsafe_b64encode(pickle.dumps([1], protocol=0)).decode()}"),)
    assert list(packed_cookies(Response(200, packed, b""))) == ["p"]


# --- doors that send nobody elsewhere ---------------------------------------------------------------------------------------------


def test_a_door_that_sends_nobody_to_the_start_page_is_asked_as_somebody_and_a_way_out_is_not() -> None:
    app = Flask("inner")
    app.secret_key = "a-key-of-this-test-and-of-nobody-else-1"
    left: list[str] = []

    @app.get("/inner")
    def inner() -> Any:
        if request.headers.get("Authorization") != "Bearer good-token-of-ann":
            return redirect("/")
        return "<p>" + request.args.get("word", "") + "</p>"

    @app.get("/logout")
    def logout() -> Any:
        left.append(request.headers.get("Authorization", ""))
        return redirect("/")

    ann = Identity("ann", (("Authorization", Secret("Bearer good-token-of-ann")),))
    model = App(routes=(said("/inner", optional=("word",)), said("/logout")), readers=frozenset({"spec"}))
    found = try_rule(RULES["markup-unescaped"], app, source=model, depth="standard", identities=[ann])
    assert [str(ref) for ref in found.routes] == ["GET /inner"]
    assert set(left) <= {""}


@pytest.mark.parametrize("surface", ["wsgi", "http"])
def test_the_host_in_the_address_on_the_page_of_a_404_is_run(surface: Any) -> None:
    app = Flask("address")

    @app.errorhandler(404)
    def lost(_: Exception) -> Any:
        return render_template_string(f"<h3>http://{request.headers.get('Host', '')}{quote(request.path)}</h3>"), 404

    model = App(routes=(said("/"),), readers=frozenset({"spec"}))
    found = try_rule(RULES["code-injection"], app, source=model, depth="standard", surface=surface)
    assert [str(ref) for ref in found.routes] == ["GET /{path}"]


def test_a_budget_that_ends_takes_nothing_from_what_was_proven() -> None:
    app = Flask("short")

    @app.get("/greet")
    def greet() -> Any:
        return render_template_string("<p>" + request.args.get("name", "") + "</p>")

    courier = Courier(WsgiTransport(app), mode="active", max_requests=4)
    model = App(routes=(said("/greet", optional=("name",)),), readers=frozenset({"spec"}))
    target = prepare(model, courier, (), "active", "standard").target
    verdicts = {slug: run_probe(RULES[slug], target, courier).verdict.outcome for slug in ("code-injection",)}
    assert courier.exhausted
    assert verdicts == {"code-injection": "fail"}
