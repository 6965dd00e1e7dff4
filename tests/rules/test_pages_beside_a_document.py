"""What forms and links of pages say is known beside a document, and which of many inputs are varied first."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, jsonify, request
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.app import App, Route
from stopper.core.probe import LITTLE
from stopper.core.probing.inputs import inputs
from stopper.scan.engine import run_probe
from stopper.scan.run import _pages as pages
from stopper.scan.surface.page_routes import with_pages_of
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.wsgi import WsgiTransport

_SPEC: Any = frozenset({"spec"})
_WIRE: Any = frozenset({"wire"})


def test_a_route_of_which_the_document_says_nothing_reads_what_the_form_sends() -> None:
    bare = Route("/send", ("POST",), readers=_SPEC)
    asked = Route("/find", ("GET",), readers=_SPEC)
    form = Route("/send", ("POST",), fields=("text",), takes_form=True, readers=_WIRE)
    link = Route("/find", ("GET",), optional=("word",), readers=_WIRE)
    sent, found = with_pages_of((bare, asked), (form, link))
    assert (sent.fields, sent.takes_form, sent.readers) == (("text",), True, _SPEC | _WIRE)
    assert found.names == ("word",)


def test_what_the_document_says_stays_as_it_is() -> None:
    """A form of a page is no reason to send one where the document has JSON."""
    schema = {"properties": {"title": {"type": "string"}}}
    told = Route("/send", ("POST",), request_schema=schema, readers=_SPEC)
    query = Route("/find", ("GET",), optional=("q",), readers=_SPEC)
    one = Route("/things/{id}", ("GET",), parameters=(("id", "string"),), readers=_SPEC)
    form = Route("/send", ("POST",), fields=("text",), takes_form=True, readers=_WIRE)
    seen = (form, Route("/find", ("GET",), optional=("word",), readers=_WIRE))
    assert with_pages_of((told, query, one), seen) == (told, query, one)


def test_pages_of_forms_are_asked_beside_a_document() -> None:
    routes = (
        Route("/admin", ("GET",)),
        Route("/admin", ("POST",)),
        Route("/list", ("GET",)),
        Route("/cart/clear", ("GET", "POST")),
        Route("/item/{id}", ("GET", "POST"), parameters=(("id", "int"),)),
    )
    from stopper.core.exchange import Response

    transport = HttpTransport("http://127.0.0.1:9")
    assert pages(routes, Response(200, body=b"hello"), transport, "") == ("/admin",)
    assert pages(routes, Response(302, (("Location", "/x"),)), transport, "") == ("/", "/admin")


def _documented(app: Flask, routes: tuple[Route, ...]) -> Any:
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    model = App(routes=routes, readers=frozenset({"spec", "wire"}))
    return prepare(model, courier, (), "active", "standard").target, courier


@pytest.mark.parametrize("wants", [True, False])
def test_a_body_of_which_a_document_says_nothing_is_guessed_where_it_is_wanted(wants: bool) -> None:
    app, seen = Flask("silent"), []

    @app.post("/run")
    def run() -> Any:
        seen.append(request.get_json(silent=True) or {})
        command = seen[-1].get("command")
        if wants and not command:
            return jsonify(message="no"), 400
        return jsonify(ran=f"output of {command}" if wants else "yes")

    target, _ = _documented(app, (Route("/run", ("POST",), readers=_SPEC),))
    (known,) = (one for one in target.app.routes if one.path == "/run")
    assert ("command" in known.fields) is wants
    assert wants or not any("command" in body for body in seen)


def _many(little: bool) -> list[str]:
    app = Flask("many")
    paths = [f"/{folder}/{word}" for folder in ("alpha", "beta", "gamma") for word in (f"w{n}" for n in range(30))]
    for path in (*paths, "/tools/ping"):
        app.add_url_rule(path, path, lambda: request.args.get("v", ""), methods=["GET", "POST"])
    routes = tuple(
        Route(path, (method,), fields=("v",), readers=_SPEC)
        for path in (*paths, "/tools/ping")
        for method in ("GET", "POST")
    )
    target, courier = _documented(app, routes)
    if little:
        target.notes[LITTLE] = True
    steps = inputs(target, likely=re.compile("ping"))
    sent: Any = None
    try:
        while True:
            step = steps.send(sent)
            sent = courier.carry(step.request)
    except StopIteration as done:
        return [f"{one.ref}" for one in done.value]


@pytest.mark.parametrize("little", [True, False])
def test_of_many_inputs_one_of_each_folder_comes_first_and_each_path_once(little: bool) -> None:
    found = _many(little)
    assert found[0].endswith(" /tools/ping")
    assert len({one.partition(" ")[2] for one in found}) == len(found)
    folders = [sum(f"/{folder}/" in one for one in found) for folder in ("alpha", "beta", "gamma")]
    assert max(folders) - min(folders) <= 1


@pytest.mark.parametrize(("path", "fetches"), [("/ssrf/urlopen", True), ("/ssrf/urlopen", False), ("/notes", True)])
def test_the_one_input_of_a_path_that_fetches_is_given_an_address(path: str, fetches: bool) -> None:
    """Whatever it is called; a path that says nothing of it is not tried by an odd name."""
    from urllib.request import urlopen

    app = Flask("goes")

    @app.get("/")
    def start() -> Any:
        return f"<form action='{path}' method=get><input name=words></form>", {"Content-Type": "text/html"}

    @app.get(path)
    def go() -> Any:
        where = request.args.get("words", "")
        if fetches and urlsplit(where).hostname:
            urlopen(where, timeout=2).read()
        return "ok"

    told = verdict("server-side-request-forgery", app)
    assert (told.outcome == "fail") is (fetches and path != "/notes"), told.message


def _done(found: re.Match[str] | None) -> None:
    """What the text says is done, as an application that runs it would: it waits that long."""
    time.sleep(float(found[1]) if found else 0)


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/tools/eval/", r"__import__\('time'\)\.sleep\(([\d.]+)\)\Z"),
        ("/deserialize/pickle/", r"ctime\nsleep\n\(F([\d.]+)\ntR\."),
    ],
)
def test_a_text_that_is_run_or_unpacked_as_it_stands_and_shows_nothing(path: str, form: str, runs: bool) -> None:
    app = Flask("blind")

    @app.get("/")
    def start() -> Any:
        return f"<form action='{path}' method=get><input name=words></form>", {"Content-Type": "text/html"}

    @app.get(path)
    def take() -> Any:
        if runs:
            _done(re.match(form, request.args.get("words", "")))
        return "done"

    told = verdict("code-injection", app)
    assert (told.outcome == "fail") is runs, told.message


def test_where_the_budget_is_little_a_quote_is_tried_everywhere_before_more_is_tried_anywhere() -> None:
    """A quote that breaks the last of many statements is found though the budget ends under the first ones."""
    app, sent = Flask("quotes"), []
    paths = [f"/find/w{number}" for number in range(12)]

    def find() -> Any:
        word = request.args.get("v", "")
        sent.append(request.path)
        if request.path == paths[-1] and word.count("'") % 2:
            return 'unrecognized token near "\'": syntax error', 500
        return "none"

    for path in paths:
        app.add_url_rule(path, path, find)
    routes = tuple(Route(path, ("GET",), fields=("v",), readers=_SPEC) for path in paths)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    model = App(routes=routes, readers=frozenset({"spec", "wire"}))
    target = prepare(model, courier, (), "active", "standard").target
    target.notes[LITTLE] = True
    sent.clear()
    told = run_probe(RULES["sql-injection"], target, courier).verdict
    assert [str(ref) for ref in told.routes] == [f"GET {paths[-1]}"]
    quoted = [number for number, path in enumerate(sent) if path == paths[-1]][2]
    others = [sent[:quoted].count(path) for path in paths[:-1]]
    assert max(others) <= 4  # the honest request, and a word without and with a quote


def test_a_folder_that_answers_every_word_is_not_asked_for_all_of_them() -> None:
    app, asked = Flask("words"), []

    @app.get("/")
    def start() -> Any:
        return "<a href=/posts/>posts</a>", {"Content-Type": "text/html"}

    @app.get("/posts/")
    @app.get("/posts/<name>")
    def posts(name: str = "") -> Any:
        asked.append(name)
        return "posts of somebody <a href=/posts/ann>ann</a><a href=/posts/new>new</a>", {"Content-Type": "text/html"}

    _, _ = reached(app)
    words = {name for name in asked if name.isalpha() and name not in ("ann", "new")}
    assert len(words) <= 12


@pytest.mark.parametrize("fields", [("host", "port", "path", "scheme"), ("host",)])
@pytest.mark.parametrize("goes", [True, False])
def test_an_address_is_given_in_its_parts_where_it_is_asked_in_parts(fields: tuple[str, ...], goes: bool) -> None:
    from urllib.request import urlopen

    app = Flask("parts")

    @app.post("/import")
    def fetch() -> Any:
        said = request.get_json(silent=True) or {}
        if len(fields) > 1:
            where = f"{said.get('scheme')}://{said.get('host')}:{said.get('port')}{said.get('path')}"
        else:
            where = f"http://{said.get('host')}/status"
        if goes and re.fullmatch(r"http://127\.0\.0\.1:\d+/\S*", where):
            urlopen(where, timeout=2).read()
        return jsonify(done=True)

    target, courier = _documented(app, (Route("/import", ("POST",), fields=fields, readers=_SPEC),))
    told = run_probe(RULES["server-side-request-forgery"], target, courier).verdict
    assert (told.outcome == "fail") is goes, told.message


@pytest.mark.parametrize("runs", [True, False])
def test_a_program_that_is_run_without_a_shell(runs: bool) -> None:
    app = Flask("program")

    @app.get("/")
    def start() -> Any:
        return "<form action='/run-command' method=get><input name=words></form>", {"Content-Type": "text/html"}

    @app.get("/run-command")
    def run() -> Any:
        said = request.args.get("words", "").split(" ")
        return str(int(said[1]) + int(said[3])) if runs and said[0] == "expr" else "no such program"

    told = verdict("code-injection", app)
    assert (told.outcome == "fail") is runs, told.message


@pytest.mark.parametrize("asks", [True, False])
def test_a_picture_that_a_view_makes_is_a_route(asks: bool) -> None:
    app = Flask("pictures")
    where = "/picture?name=cat.png" if asks else "/picture.png"
    app.add_url_rule("/", "start", lambda: (f"<img src='{where}'>", {"Content-Type": "text/html"}))
    app.add_url_rule("/picture", "picture", lambda: request.args["name"])
    target, _ = reached(app)
    (found,) = (one.names for one in target.app.routes if one.path == "/picture") if asks else ((),)
    assert found == (("name",) if asks else ())


@pytest.mark.parametrize("runs", [True, False])
def test_the_name_of_a_picture_becomes_part_of_a_command(runs: bool) -> None:
    app = Flask("names")

    @app.get("/")
    def start() -> Any:
        form = "<form action='/pictures' method=post enctype='multipart/form-data'><input type=file name=one></form>"
        return form, {"Content-Type": "text/html"}

    @app.post("/pictures")
    def take() -> Any:
        name = request.files["one"].filename or ""
        if not name.endswith(".png"):
            return "pictures only", 422
        if runs:
            _done(re.search(r";sleep ([\d.]+);", name))
        return "taken"

    told = verdict("code-injection", app)
    assert (told.outcome == "fail") is runs, told.message


@pytest.mark.parametrize(("fails_at", "told"), [("0", True), ("9" * 20, True), ("", False)])
def test_a_number_in_a_path_that_no_row_has_makes_no_server_fail(fails_at: str, told: bool) -> None:
    app = Flask("numbers")

    @app.get("/factorial/<int:number>")
    def factorial(number: int) -> Any:
        if str(number) == fails_at:
            raise RecursionError
        return ("none", 404) if number > 1000 else str(number)

    target, courier = _documented(
        app, (Route("/factorial/{number}", ("GET",), parameters=(("number", "int"),), readers=_SPEC),)
    )
    assert (run_probe(RULES["malformed-input-mishandled"], target, courier).verdict.outcome == "fail") is told
