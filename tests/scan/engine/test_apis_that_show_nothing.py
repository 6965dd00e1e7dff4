"""APIs without a document whose start names nothing: their routes are found by usual names below usual beginnings, and their inputs by their errors."""

import urllib.request
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax import SAXException, make_parser
from xml.sax.handler import ContentHandler, feature_external_ges

import pytest
from flask import Flask, abort, jsonify, request, send_file
from tests.rules.from_outside import RULES, reached, verdict
from tests.scan.engine.test_scan import served as running

from stopper.core.app import App, Route
from stopper.core.probe import Identity
from stopper.core.probing.accounts.login import filled
from stopper.core.secret import Secret
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.surface.crawl import crawled
from stopper.scan.surface.honest import plausible
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def crawl(app: Flask, most: int = 900) -> dict[str, Route]:
    """The routes that a crawl comes by, by their path."""
    courier = Courier(WsgiTransport(app), mode="active", max_requests=most)
    return {route.path: route for route in crawled(courier, "", "canary").routes}


def served(*paths: str) -> Flask:
    app = Flask("quiet")
    for number, path in enumerate(paths):
        app.add_url_rule(
            path, f"view{number}", lambda **_: {"ok": True}, methods=["POST" if "login" in path else "GET"]
        )
    return app


def test_routes_below_a_beginning_that_nothing_names_are_found() -> None:
    found = crawl(served("/v1/auth/login", "/v1/devices", "/v1/devices/<int:number>", "/v1/debug/config"))
    assert {"/v1/auth/login", "/v1/devices", "/v1/devices/{id}", "/v1/debug/config"} <= set(found)
    assert "POST" in found["/v1/auth/login"].methods


def test_a_program_that_calls_a_route_by_its_weakness_is_asked_for_others() -> None:
    """It is a lesson, and lessons are called alike."""
    found = crawl(served("/xxe", "/status", "/users", "/insecure_deserialization", "/stored-xss"))
    assert {"/insecure_deserialization", "/stored-xss"} <= set(found)
    assert not [path for path in crawl(served("/search", "/status", "/stored_xss")) if "xss" in path]


def test_what_is_done_to_one_of_a_kind_is_found_below_its_name_and_not_done() -> None:
    app, asked = served("/user/login", "/user/register", "/user/update/<number>", "/user/delete/<number>"), list[str]()
    app.before_request(lambda: asked.append(f"{request.method} {request.path}"))
    assert {"/user/update/{id}", "/user/delete/{id}"} <= set(crawl(app))
    assert {one.partition(" ")[0] for one in asked if "delete/1" in one} == {"OPTIONS"}


def test_what_few_routes_leave_of_the_budget_is_guessed_with() -> None:
    """The probes of so few will not need it."""
    assert "/create_file" in crawl(served("/login", "/upload", "/create_file"), 1000)


def test_things_whose_beginning_nothing_else_shows_are_found_with_what_lies_below_one() -> None:
    paths = ("/api/accounts", "/api/payees", "/api/payees/<int:number>", "/api/payees/<int:number>/freeze")
    app, asked = served(*paths), list[str]()
    app.before_request(lambda: asked.append(f"{request.method} {request.path}"))
    assert {"/api/accounts", "/api/payees", "/api/payees/{id}", "/api/payees/{id}/freeze"} <= set(crawl(app))
    assert {one.partition(" ")[0] for one in asked if "freeze" in one} == {"OPTIONS"}  # it is found and not done


def test_a_thing_by_any_word_is_found_where_everybody_is_refused_and_the_server_says_what_it_takes() -> None:
    app = Flask("shut")
    for number, path in enumerate(
        (
            "/api/me",
            "/api/patients",
            "/api/patients/<uuid:key>",
            "/api/cards",
            "/api/cards/<key>/freeze",
            "/api/cards/<key>",
        )
    ):
        app.add_url_rule(path, f"view{number}", lambda **_: ({"error": "who are you?"}, 401))
    found = crawl(app)
    assert {"/api/patients/{id}", "/api/cards/{id}", "/api/cards/{id}/freeze"} <= set(found)


@pytest.mark.parametrize("enters", [True, False])
def test_a_log_in_is_looked_for_where_all_else_is_refused(enters: bool) -> None:
    app = served("/v1/session/login", "/v1/signin")
    app.add_url_rule("/rest/session", "session", lambda: {"token": "x"}, methods=["POST"])
    app.before_request(lambda: None if request.path == "/rest/session" else ({"error": "who are you?"}, 401))
    courier = Courier(WsgiTransport(app), mode="active", max_requests=900)
    seen = crawled(courier, "", "canary", others=True, enters=enters)
    assert [route.path for route in seen.routes] == (["/rest/session"] if enters else [])


def test_an_api_whose_links_show_its_beginning_is_asked_for_nothing_elsewhere() -> None:
    app, asked = served("/api/v2/status", "/api/v2/auth/login"), list[str]()
    app.add_url_rule("/", "start", lambda: {"links": ["/api/v2/status"]})
    app.before_request(lambda: asked.append(request.path))
    assert "/api/v2/auth/login" in crawl(app)
    assert "/deserialize" not in asked


def test_below_the_pages_of_one_kind_of_things_no_usual_names_are_tried() -> None:
    app, asked = served("/posts/<int:number>", "/posts/new", "/shop/cart", "/shop/goods"), list[str]()
    app.add_url_rule("/", "start", lambda: {"links": ["/posts/1", "/posts/new", "/shop/cart", "/shop/goods"]})
    app.before_request(lambda: asked.append(request.path))
    crawl(app)
    assert "/shop/orders" in asked
    assert "/posts/orders" not in asked


def test_one_thing_is_asked_for_of_each_list_that_an_api_names_however_much_else_it_names() -> None:
    lists = ("/owners", "/pets", "/visits", "/doctors", "/rooms", "/bills")
    app = served(*lists, "/pets/<int:number>")
    app.add_url_rule("/", "start", lambda: {"routes": list(lists)})
    assert "/pets/{id}" in crawl(app)


def test_a_405_that_does_not_say_what_is_allowed_hides_no_route() -> None:
    app = served("/login")
    app.register_error_handler(405, lambda _: ({"error": "method not allowed"}, 405))
    assert "POST" in crawl(app)["/login"].methods


def test_a_view_that_any_word_breaks_is_one_route() -> None:
    app = Flask("breaks")

    @app.get("/user/<number>")
    def user(number: str) -> Any:
        return jsonify(number=int(number)) if number.isdigit() else (f"no such column: {number[:4]}", 500)

    assert set(crawl(app)) == {"/user/{id}"}


def test_a_url_whose_field_only_an_error_names_is_fetched() -> None:
    app = served("/v1/status")

    @app.post("/v1/hooks/test")
    def hook() -> Any:
        body = request.get_json(silent=True) or {}
        if "callback_url" not in body:
            return jsonify(error="Field 'callback_url' is required"), 400
        with urllib.request.urlopen(body["callback_url"], timeout=2) as answer:
            return jsonify(status=answer.status)

    told = verdict("server-side-request-forgery", app)
    assert told.outcome == "fail", told.message
    assert str(told.routes[0]) == "POST /v1/hooks/test"


@pytest.mark.parametrize("inside", [True, False])
def test_a_file_that_is_sent_without_its_text_is_read_all_the_same(tmp_path: Path, inside: bool) -> None:
    """``send_file`` asks how large a file is, and those below ``/proc`` say nothing."""
    app = served("/api/v1/status")

    @app.get("/api/v1/exports")
    def exports() -> Any:
        name = request.args.get("name")
        if not name:
            return jsonify(error="missing parameter: name"), 400
        wanted = tmp_path / name
        if not wanted.is_file() or (inside and not wanted.resolve().is_relative_to(tmp_path)):
            abort(404)
        return send_file(wanted)

    told = verdict("sensitive-file-served", app)
    assert (told.outcome == "fail") is not inside, told.message


def test_a_path_from_the_root_is_sent_where_a_folder_may_not_be_there() -> None:
    app = served("/api/v1/status")

    @app.get("/api/v1/download")
    def download() -> Any:
        if "filename" not in request.args:
            return jsonify(error="filename is required"), 400
        wanted = Path("folder-that-is-not-there") / request.args["filename"]
        return wanted.read_text() if wanted.is_file() else (jsonify(error="no such file"), 404)

    assert verdict("sensitive-file-served", app).outcome == "fail"


def test_a_guarded_route_called_test_is_served_to_nobody() -> None:
    app = served("/v1/status")

    @app.post("/v1/hooks/test")
    def hook() -> Any:
        return jsonify(error="authentication required"), 401

    courier = Courier(WsgiTransport(app), mode="active", max_requests=900)
    model = App(routes=crawled(courier, "", "canary").routes, readers=frozenset({"wire"}))
    assert "/v1/hooks/test" in {route.path for route in model.routes}
    assert list((RULES["internal-route-served"].detect or (lambda _: ()))(model)) == []


def test_what_is_refused_because_it_is_there_is_varied_in_its_name_alone() -> None:
    """A registration turns the second account of one address away, whatever its password and its name say."""
    app, taken, asked = served("/api/v1/status"), set[str](), list[dict[str, Any]]()

    @app.post("/api/v1/register")
    def register() -> Any:
        body = request.get_json(silent=True) or {}
        asked.append(body)
        if missing := {"email", "password", "address"} - set(body):
            return jsonify(error=f"missing fields: {', '.join(sorted(missing))}"), 400
        if body["email"] in taken:
            return jsonify(error="taken"), 409
        taken.add(body["email"])
        return jsonify(id=len(taken)), 201

    verdict("sql-injection", app)
    assert any("'" in str(body.get("email")) for body in asked)
    assert not any("'" in str(body.get("address")) for body in asked)
    assert not any("'" in str(body.get("password")) for body in asked)


def test_the_members_of_a_body_that_a_script_sends_are_known() -> None:
    app = Flask("script")
    calls = """
      const draft = {title: heading.value, 'text': words(a, b)};
      apiFetch('/shop/notes', {method: 'POST', body: JSON.stringify(draft)});
      fetch(`/shop/gifts`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({to: 'x', wish})});
      axios.post('/shop/votes', {choice: 1}, {headers: {'X-A': 1}});
      fetch('/shop/things').then(all => show(all));
      fetch('/shop/wishes').then(all => show(all));
      fetch('/shop/wishes', {method: 'POST', body: JSON.stringify({wish})});
      fetch(`/shop/wishes/${wish.id}/drop`, {method: 'POST'});
    """
    app.add_url_rule("/", "start", lambda: f"<html><script>{calls}</script></html>")
    for name in ("notes", "gifts", "votes", "things"):
        methods = ["GET", "POST"] if name == "notes" else ["GET"] if name == "things" else ["POST"]
        app.add_url_rule(f"/shop/{name}", name, lambda: jsonify(ok=True), methods=methods)
    app.add_url_rule("/shop/wishes", "wishes", lambda: jsonify([]), methods=["GET", "POST"])
    app.before_request(lambda: ("who?", 401) if request.path.endswith("/drop") else None)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=900)
    routes = {(route.path, route.methods): route for route in crawled(courier, "", "canary").routes}
    assert routes["/shop/wishes", ("POST",)].fields == ("wish",)
    assert any(path == "/shop/wishes/{id}/drop" and "POST" in methods for path, methods in routes)
    assert routes["/shop/notes", ("POST",)].fields == ("title", "text")
    assert routes["/shop/gifts", ("POST",)].fields == ("to", "wish")
    assert routes["/shop/votes", ("POST",)].fields == ("choice",)
    assert not any(route.fields for (path, _), route in routes.items() if path == "/shop/things")


def staffed(register: str = "/v1/enrol", login: str = "/v1/login") -> Flask:
    """An API that calls names and passwords by words of its own, and tells them one by one."""
    app, people, tokens = served("/v1/status"), dict[str, str](), dict[str, str]()

    def body(*wanted: str) -> Any:
        given = request.get_json(silent=True) or {}
        missing = [name for name in wanted if not given.get(name)]
        return None if missing else given, missing

    def enrol() -> Any:
        given, missing = body("operator", "pin", "badge_colour")
        if missing:
            return jsonify(detail=f"Missing fields: {', '.join(missing)}"), 422
        people[given["operator"]] = given["pin"]
        return jsonify(ok=True), 201

    def enter() -> Any:
        given, missing = body("operator", "pin")
        if missing:
            return jsonify(detail=f"Missing fields: {', '.join(missing)}"), 422
        if people.get(given["operator"]) != given["pin"]:
            return jsonify(detail="no"), 401
        tokens[f"token-{len(tokens)}-{given['operator']}"] = given["operator"]
        return jsonify(token=list(tokens)[-1])

    app.add_url_rule(register, "enrol", enrol, methods=["POST"])
    app.add_url_rule(login, "enter", enter, methods=["POST"])

    @app.get("/v1/me")
    def me() -> Any:
        who = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(me=who) if who else (jsonify(detail="no"), 401)

    return app


def test_people_come_in_by_names_that_only_errors_tell() -> None:
    target, _ = reached(staffed("/v1/register"))
    assert [one.name for one in target.identities] == ["alice", "bob"]


def test_what_the_page_of_an_error_leads_to_is_not_the_applications() -> None:
    app = served("/v1/status")
    page = '<link href="/fetch?__debugger__=yes&cmd=resource&f=style.css"><a href="/somewhere">x</a>'
    app.add_url_rule("/fetch", "fetch", lambda: (page, 500, {"Content-Type": "text/html"}))
    app.add_url_rule("/somewhere", "somewhere", lambda: "here")
    found = crawl(app)
    assert found["/fetch"].optional == ()
    assert "/somewhere" not in found


def test_a_word_in_the_middle_of_a_known_route_is_no_route_of_its_own() -> None:
    app = Flask("middle")
    form = '<form method="post" action="/shop/v1/201/login"><input name="username"><input type="password" name="password"></form>'
    app.add_url_rule("/", "start", lambda: form)
    app.add_url_rule("/shop/v1/<key>/login", "login", lambda key: ("<p>no</p>", 401), methods=["POST"])
    assert [path for path in crawl(app) if path.endswith("/login")] == ["/shop/v1/{id}/login"]


def test_of_two_members_the_one_beside_the_password_names_the_person() -> None:
    assert filled({"operator": "", "pin": ""}, "ann", "secret") == {"operator": "ann", "pin": "secret"}
    assert filled({"operator": "", "colour": ""}, "ann", "secret") is None
    assert filled({"operator": "", "pin": "", "colour": ""}, "ann", "secret") is None


def test_a_page_beside_an_api_may_have_others_beside_it() -> None:
    app = served("/api/v1/status", "/board", "/greet")
    app.add_url_rule("/", "start", lambda: '<a href="/board">board</a> <a href="/api/v1/status">status</a>')
    assert "/greet" in crawl(app)


def test_only_a_number_is_filled_with_a_number() -> None:
    texts = ("message", "language", "account", "country", "image_text", "package")
    assert all(isinstance(plausible(name, "canary"), str) for name in texts)
    assert all(plausible(name, "canary") == 1 for name in ("age", "max_age", "count", "page_count", "limit"))


def test_paths_that_robots_may_not_look_at_are_looked_at() -> None:
    app = served("/hidden/ledger", "/old/board")
    text = "User-agent: *\nDisallow: /hidden/ledger\nDisallow:\nAllow: /old/board\nDisallow: /*.pdf$\n"
    app.add_url_rule("/robots.txt", "robots", lambda: (text, {"Content-Type": "text/plain"}))
    assert {"/hidden/ledger", "/old/board"} <= set(crawl(app))


@pytest.mark.parametrize("follows", [True, False])
def test_an_entity_that_is_fetched_without_a_word_of_it(follows: bool) -> None:
    app = served("/api/v1/status")

    class Words(ContentHandler):
        """Reads a document and keeps nothing."""

    @app.post("/api/v1/import")
    def take() -> Any:
        parser = make_parser()
        parser.setFeature(feature_external_ges, follows)
        parser.setContentHandler(Words())
        try:
            parser.parse(BytesIO(request.get_data()))
        except (SAXException, OSError):
            return jsonify(error="unreadable"), 400
        return jsonify(ok=True)

    told = verdict("server-side-request-forgery", app)
    assert (told.outcome == "fail") is follows, told.message


@pytest.mark.parametrize("scheme", ["Basic", "ApiKey"])
def test_an_api_that_refuses_every_path_tells_its_routes_to_who_was_given(scheme: str) -> None:
    """Also a route with a parameter that it names and of which nothing is there yet."""
    header = (
        "X-API-Key" if scheme == "ApiKey" else "Authorization",
        "the-key" if scheme == "ApiKey" else f"{scheme} the-key",
    )
    app = served("/projects", "/projects/<int:project_id>/tasks")
    app.add_url_rule("/", "start", lambda: {"routes": ["/projects", "/notes/{note_id}"]})
    app.add_url_rule("/notes/<int:note_id>", "note", lambda note_id: abort(404), methods=["GET", "PUT"])
    app.before_request(lambda: None if request.headers.get(header[0]) == header[1] else ({"error": "who?"}, 401))
    who = Identity("ann", ((header[0], Secret(header[1])),))
    found = prepare(
        App(readers=frozenset({"wire"})), Courier(WsgiTransport(app)), [who], "default", "standard"
    ).target.app
    assert {"/projects", "/notes/{note_id}"} <= {route.path for route in found.routes}
    assert "PUT" in next(route for route in found.routes if route.path == "/notes/{note_id}").methods


def test_a_log_in_that_the_document_leaves_out_is_found_beside_what_it_names() -> None:
    app = Flask("partial")
    paths: dict[str, Any] = {
        "/api/v1/notes": {"get": {"responses": {}}},
        "/api/v1/notes/{number}": {"get": {"responses": {}}},
    }
    app.add_url_rule(
        "/openapi.json", "document", lambda: {"openapi": "3.0.3", "info": {"title": "", "version": "1"}, "paths": paths}
    )
    token = "the-token-of-ann-0123456789"

    @app.post("/api/v1/auth/login")
    def login() -> Any:
        return {"token": token} if request.get_json()["password"] == "anns-password" else ({"error": "no"}, 401)

    @app.get("/api/v1/notes")
    def notes() -> Any:
        return {"notes": []} if request.headers.get("Authorization") == f"Bearer {token}" else ({"error": "who?"}, 401)

    ann = Identity("ann", (), subject="ann", password=Secret("anns-password"))
    with running(app) as url:
        report = run_scan(url, ProbeOptions(rules=(), identities=(ann,), max_requests=80))
    assert not [one for one in report.skipped if "could not log in" in one.reason], report.skipped


def test_the_members_of_a_body_that_a_line_of_text_says_are_known() -> None:
    app = Flask("index")
    app.add_url_rule(
        "/",
        "start",
        lambda: {"routes": ["POST /loans {book_id, days}", "POST /lists (JSON: title, note)", "GET /loans (all)"]},
    )
    for name in ("loans", "lists"):
        app.add_url_rule(f"/{name}", name, lambda: jsonify([]), methods=["GET", "POST"])
    courier = Courier(WsgiTransport(app), mode="active", max_requests=300)
    routes = {(route.path, route.methods): route.fields for route in crawled(courier, "", "canary").routes}
    assert routes["/loans", ("POST",)] == ("book_id", "days")
    assert routes["/lists", ("POST",)] == ("title", "note")


def test_who_is_logged_in_is_told_the_methods_of_what_a_script_names() -> None:
    app = Flask("scripted")
    app.add_url_rule("/", "start", lambda: "<script>fetch('/api/files/7')</script>")
    app.add_url_rule("/api/files/<int:number>", "file", lambda number: {"id": number}, methods=["GET", "DELETE"])
    app.before_request(
        lambda: (
            ({"error": "who?"}, 401) if request.path != "/" and request.cookies.get("sid") != "anns-cookie" else None
        )
    )
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    found = App(readers=frozenset({"wire"}), routes=crawled(courier, "", "canary", ("/",)).routes)
    ann = Identity("ann", (("Cookie", Secret("sid=anns-cookie")),))
    routes = {route.path: route for route in prepare(found, courier, [ann], "active", "standard").target.app.routes}
    assert "DELETE" in routes["/api/files/{id}"].methods


def test_what_the_start_page_leads_to_is_there_where_every_path_is_refused() -> None:
    app = served("/v1/policies", "/v1/claims")
    app.add_url_rule("/", "start", lambda: {"links": {"policies": "/v1/policies", "claims": "/v1/claims"}})
    app.before_request(lambda: None if request.path == "/" else ({"error": "who are you?"}, 401))
    assert {"/v1/policies", "/v1/claims"} <= set(crawl(app))
