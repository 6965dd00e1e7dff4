"""What a live scan finds beside what it was told of."""

import pytest
from flask import Flask, jsonify, redirect, request

from stopper.core.app import App, Route
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.surface.crawl import beside, crawled
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.more_words import of_field
from stopper.scan.surface.other_versions import other_versions, with_other_versions
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def _app(*paths: str) -> Flask:
    app = Flask(__name__)
    for number, path in enumerate(paths):
        app.add_url_rule(path, f"view{number}", lambda **_: {"ok": True})
    return app


def test_an_old_version_that_still_answers_is_found() -> None:
    courier = Courier(WsgiTransport(_app("/api/v1/users", "/api/v2/users")), mode="default", max_requests=50)
    found = other_versions(courier, [Route("/api/v2/users", ("GET",))], "canary")
    assert [route.path for route in found] == ["/api/v1/users"]


@pytest.mark.parametrize(
    "paths", [("/api/v1/users/<name>",), ("/api/v3/users/<name>",), ("/api/<version>/users/<name>",), ()]
)
def test_another_version_of_a_thing_is_found_by_what_the_known_one_shows(paths: tuple[str, ...]) -> None:
    """A path that takes any word where a version stands has no versions; one that is newer is not asked for."""
    courier = Courier(WsgiTransport(_app("/api/v2/users/<name>", *paths)), mode="default", max_requests=50)
    known = Route("/api/v2/users/{name}", ("GET",), parameters=(("name", "string"),))
    found = with_other_versions(App(routes=(known,)), courier, HonestRequests(canary="stp"), ())
    other = {path.replace("<name>", "{name}") for path in paths if "v1" in path}
    assert {route.path for route in found.routes} == {"/api/v2/users/{name}"} | other


def test_a_version_that_is_gone_is_not_found_and_paths_without_one_ask_nothing() -> None:
    courier = Courier(WsgiTransport(_app("/api/v2/users", "/notes")), mode="default", max_requests=50)
    assert other_versions(courier, [Route("/api/v2/users", ("GET",))], "canary") == ()
    before = courier.sent
    assert other_versions(courier, [Route("/notes", ("GET",))], "canary") == ()
    assert courier.sent == before


def test_a_link_that_is_too_dangerous_to_follow_ends_no_crawl() -> None:
    app = _app("/notes", "/reset-database", "/orders")
    app.add_url_rule("/", "home", lambda: jsonify(links=["/notes", "/reset-database", "/orders"]))
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    routes = crawled(courier, "", "canary").routes
    assert {"/notes", "/orders"} <= {route.path for route in routes}
    assert ("GET", "/reset-database") not in courier.asked
    assert "GET /reset-database" in courier.skipped


def test_a_rule_that_takes_every_word_is_not_many_routes() -> None:
    """``/<project>/`` sends each word on, first to itself with a slash and then to a log-in that names it."""
    app = _app("/notes/")
    app.add_url_rule("/<project>/", "project", lambda project: redirect(f"/authenticate?project={project}"))
    app.add_url_rule("/authenticate", "authenticate", lambda: f"<p>Password of {request.args['project']}</p>")
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert "/notes/" in found
    assert not {"/debug", "/debug/", "/admin", "/login/", "/notes"} & found


def test_the_document_of_an_api_that_lies_below_its_start_or_is_named_on_a_page_is_told() -> None:
    app = _app("/api/v1/users")
    app.add_url_rule(
        "/",
        "home",
        lambda: (
            """<script>ui({url: "/specs/apispec.json?x=1"})</script><a href="https://other.example/swagger.json">x</a>"""
        ),
    )
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    told = crawled(courier, "", "canary").documents
    assert "/specs/apispec.json" in told
    assert "/api/v1/swagger.json" in told
    assert not any("other.example" in place for place in told)
    inner = _app("/api/v1/users")
    assert "/api/v1/swagger.json" in crawled(Courier(WsgiTransport(inner), max_requests=200), "", "canary").documents
    below = _app("/api/v1/")
    assert "/api/v1/swagger.json" in crawled(Courier(WsgiTransport(below), max_requests=200), "", "canary").documents


def test_a_page_that_no_route_of_the_document_is_stands_beside_it() -> None:
    described = [Route("/notes/{note_id}", ("GET",)), Route("/users", ("GET",))]
    seen = [
        Route("/notes/{id}", ("GET",)),
        Route("/notes/new/form", ("GET",)),
        Route("/users/", ("GET",)),
        Route("/about", ("GET",)),
    ]
    assert [route.path for route in beside(described, seen)] == ["/notes/new/form", "/about"]


def test_many_links_of_one_folder_are_a_few_routes() -> None:
    app = _app(*(f"/lang/{number}x" for number in range(40)))
    app.add_url_rule("/", "home", lambda: jsonify(links=[f"/lang/{number}x" for number in range(40)]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    assert len([one for one in crawled(courier, "", "canary").routes if one.path.startswith("/lang/")]) <= 12


def test_routes_that_a_text_names_below_the_root_of_an_api_are_all_asked_for() -> None:
    words = "cards notes orders bills teams tags files rooms desks plans trips meals songs pages"
    paths = [f"/api/{word}" for word in words.split()]
    app = _app(*paths)
    app.add_url_rule("/", "home", lambda: jsonify(endpoints=[f"GET {path}" for path in paths]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=300)
    assert set(paths) <= {one.path for one in crawled(courier, "", "canary").routes}


@pytest.mark.parametrize(
    ("told", "name"),
    [("GET /files/{file_uuid}", "file_uuid"), ("/files/<uuid:number>", "number"), ("GET /files/:ref", "ref")],
)
def test_a_parameter_that_is_a_uuid_is_asked_for_as_one(told: str, name: str) -> None:
    app = _app()
    app.add_url_rule("/files/<uuid:number>", "file", lambda number: ("log in", 401))
    app.add_url_rule("/", "home", lambda: jsonify(endpoints=[told]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=300)
    found = {one.path: one.parameters for one in crawled(courier, "", "canary").routes}
    assert found[f"/files/{{{name}}}"] == ((name, "uuid"),)
    assert not any("<" in path for _, path in courier.asked)


def test_a_link_that_logs_out_is_known_and_never_followed() -> None:
    app = _app("/notes", "/account/logout/")
    app.add_url_rule("/", "home", lambda: '<a href="/account/logout/">out</a><a href="/notes">notes</a>')
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    found = {route.path: route.methods for route in crawled(courier, "", "canary", ("/",)).routes}
    assert found["/account/logout/"] == ()
    assert "GET" in found["/notes"]
    assert ("GET", "/account/logout/") not in courier.asked


def test_an_api_that_shows_nothing_of_itself_is_asked_for_more_names() -> None:
    app = _app("/", "/login", "/download", "/account/login")
    app.add_url_rule("/user/<name>", "user", lambda name: {"name": name})
    courier = Courier(WsgiTransport(app), mode="default", max_requests=400)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert {"/", "/login", "/download", "/account/login", "/user/{id}"} <= found


def test_an_api_that_shows_itself_is_asked_only_for_what_nobody_speaks_of() -> None:
    """What administrators have of the same things, what stands beside a log-in, and tools."""
    app = _app(
        "/login", "/users", "/notes", "/items", "/orders", "/books", "/admin/orders", "/forgot-password", "/import/xml"
    )
    app.add_url_rule("/", "home", lambda: jsonify(links=["/login", "/users", "/notes", "/items", "/orders"]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=400)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert {"/admin/orders", "/forgot-password", "/import/xml"} <= found
    assert ("GET", "/books") not in courier.asked


def _crawl(app: Flask, most: int = 600) -> dict[str, Route]:
    return {route.path: route for route in crawled(Courier(WsgiTransport(app), max_requests=most), "", "canary").routes}


def test_routes_that_a_text_names_are_found_with_their_parameters_and_query() -> None:
    app = _app("/ledger/of/<who>", "/sums", "/stock/<int:number>", "/script/told")
    app.add_url_rule("/wares", "wares", lambda: {"ok": True}, methods=["POST"])
    app.add_url_rule(
        "/",
        "home",
        lambda: (
            """<pre>GET /ledger/of/{who} - one
            POST /wares</pre><p>GET /sums?first=1&amp;second=2</p><!-- old: /stock/:number --><script src="/own.js"></script>"""
        ),
    )
    app.add_url_rule("/own.js", "own", lambda: ("fetch('/script/told', {})", 200, {"Content-Type": "text/javascript"}))
    found = _crawl(app)
    assert found["/ledger/of/{who}"].parameters == (("who", "string"),)
    assert "POST" in found["/wares"].methods
    assert found["/sums"].optional == ("first", "second")
    assert {"/stock/{number}", "/script/told"} <= set(found)


def test_the_query_of_links_and_of_forms_by_get_is_known() -> None:
    app = _app("/look", "/show")
    app.add_url_rule(
        "/", "home", lambda: '<form action="/look"><input name="words"></form><a href="/show?what=1&how=2">show</a>'
    )
    found = _crawl(app)
    assert (found["/look"].optional, found["/show"].optional) == (("words",), ("what", "how"))


def test_a_link_with_a_query_is_asked_as_it_stands_unless_it_takes_something_away() -> None:
    app = _app("/details/<int:number>")
    asked: list[str] = []
    app.add_url_rule("/", "home", lambda: '<a href="/report?id=3">r</a><a href="/report2?delete=3">x</a>')
    app.add_url_rule("/report", "report", lambda: '<a href="/details/7">d</a>' if request.args.get("id") else "none")
    app.add_url_rule("/report2", "report2", lambda: str(asked.append(request.full_path)))  # type: ignore[func-returns-value]
    assert "/details/{id}" in _crawl(app)
    assert not any("delete" in one for one in asked)


def test_a_route_that_answers_404_until_its_query_names_a_thing_is_known() -> None:
    """Also where a guard refuses whoever has no credential everything in the folder."""
    app, ann = Flask("marks"), Identity("ann", (("Cookie", Secret("who=ann")),))
    app.before_request(lambda: None if request.cookies or request.path == "/" else (jsonify(error="who?"), 401))
    app.add_url_rule("/", "home", lambda: "<script>fetch('/api/marks?student=' + id)</script>")
    app.add_url_rule("/api/marks", "marks", lambda: (jsonify(error="no such student"), 404))
    found = crawled(Courier(WsgiTransport(app), max_requests=300), "", "canary", ("/",), ann).routes
    assert {(one.path, one.optional) for one in found} >= {("/api/marks", ("student",))}


def test_a_form_that_is_sent_to_its_own_page_is_known_to_whoever_sees_it() -> None:
    """Where a guard sends whoever has no credential to the log-in, also who asks what the page takes, that page is known as one that is read."""
    app, ann = Flask("topics"), Identity("ann", (("Cookie", Secret("who=ann")),))
    app.before_request(lambda: None if request.cookies or request.path in ("/", "/login") else redirect("/login"))
    app.add_url_rule("/", "home", lambda: '<a href="/topics">t</a><a href="/login">l</a>')
    app.add_url_rule("/login", "login", lambda: "<form method=post><input name=user></form>", methods=["GET", "POST"])
    page = "<form method=post action=/topics><input name=title></form>"
    app.add_url_rule("/topics", "topics", lambda: page, methods=["GET", "POST"])
    nobody, hers = (
        crawled(Courier(WsgiTransport(app), max_requests=300), "", "canary", ("/",), who).routes for who in (None, ann)
    )
    (form,) = [one for one in beside(nobody, hers) if one.path == "/topics"]
    assert (form.methods, form.fields) == (("POST",), ("title",))
    assert not [one for one in beside((*nobody, form), hers) if one.path == "/topics"]


def test_what_a_script_sends_by_each_method_is_known() -> None:
    app = _app("/pets")
    app.add_url_rule("/pets/<int:pet>", "pet", lambda pet: {"id": pet}, methods=["GET", "PATCH", "DELETE"])
    script = "fetch(`/pets/${id}`, {method: 'PATCH', body: JSON.stringify({story})}); fetch(`/pets/${id}`)"
    app.add_url_rule("/", "home", lambda: f"<script>{script}</script>")
    found = crawled(Courier(WsgiTransport(app), max_requests=300), "", "canary").routes
    told = {(method, one.fields) for one in found if one.path == "/pets/{id}" for method in one.methods}
    assert told >= {("PATCH", ("story",)), ("GET", ()), ("DELETE", ())}
    assert ("PATCH", ()) not in told


def test_names_are_tried_below_what_was_found() -> None:
    app = _app("/api/users", "/api/config", "/shelf/list", "/shelf/login", "/shelf/search")
    app.add_url_rule("/", "home", lambda: '<a href="/shelf/list">l</a><a href="/shelf/login">l</a>')
    assert {"/api/config", "/shelf/search"} <= set(_crawl(app))


def test_a_page_for_whatever_is_not_there_is_no_route() -> None:
    """A handler of 404 that answers 200 and shows the whole path that was asked for."""
    app = _app("/known")
    app.register_error_handler(404, lambda _: f"<p>There is no {request.path} here</p>")
    assert set(_crawl(app)) <= {"/"}


def test_a_route_that_takes_any_word_is_one_route() -> None:
    app = _app("/", "/user/<name>/notes")
    app.add_url_rule("/user/<name>", "user", lambda name: {"hello": name})
    assert set(_crawl(app)) == {"/", "/user/{id}"}


def test_a_word_of_the_menu_does_not_make_a_route_of_a_page_that_is_given_for_any_word() -> None:
    app = _app("/about")
    menu = '<a href="/about">about</a> <a href="/user/ann">ann</a> login search list'
    app.add_url_rule("/", "home", lambda: menu)
    app.add_url_rule("/user/<name>", "user", lambda name: f"{menu}<p>{name} has no posts</p>")
    assert not {"/user/login", "/user/search", "/user/list"} & set(_crawl(app))


def test_lines_of_a_log_are_no_routes() -> None:
    app = _app("/users")
    app.add_url_rule("/logs", "logs", lambda: "GET /secret/door HTTP/1.1 404\nGET /users HTTP/1.1 200")
    app.add_url_rule("/secret/<word>", "secret", lambda word: {"word": word})
    assert "/secret/door" not in _crawl(app)


def test_a_404_in_json_where_there_is_a_page_for_nothing_is_a_view() -> None:
    app = Flask("quiet")
    app.add_url_rule("/user/<number>", "one", lambda number: (jsonify(error="not found"), 404))
    app.add_url_rule("/user", "new", lambda: "", methods=["POST"])
    found = _crawl(app)
    assert found["/user"].methods == ("OPTIONS", "POST")
    assert "/user/{id}" in found


@pytest.mark.parametrize(("listed", "map_"), [(True, False), (False, True), (False, False)])
def test_an_api_that_lists_its_routes_is_asked_for_no_usual_names(listed: bool, map_: bool) -> None:
    """What it lists is asked, also where it bears a usual name."""
    paths = [
        "/users",
        "/login",
        *(f"/{word}" for word in ["cards", "notes", "bills", "teams", "rooms", "desks", "plans", "trips", "meals"]),
    ]
    app = _app(*paths, "/metrics")
    told = [f"GET {path}" if listed else path for path in paths]
    app.add_url_rule("/", "home", lambda: jsonify(endpoints=[*told, *(["/cards/<int:number>"] * map_)]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=300)
    found = {one.path for one in crawled(courier, "", "canary").routes}
    assert set(paths) <= found or not listed
    assert (("GET", "/metrics") in courier.asked) is not (listed or map_)


def test_things_that_answers_speak_of_by_their_ids_are_asked_for() -> None:
    app = Flask("club")
    app.add_url_rule("/api/payments", "payments", lambda: jsonify([{"id": 1, "memberId": 2, "trace_id": 9}]))
    app.add_url_rule("/api/members/<int:number>", "member", lambda number: jsonify(id=number))
    app.add_url_rule("/", "home", lambda: jsonify(see="GET /api/payments"))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=400)
    assert "/api/members/{id}" in {one.path for one in crawled(courier, "", "canary").routes}
    assert ("GET", "/api/traces") not in courier.asked


def test_an_api_that_says_what_it_is_for_is_asked_for_what_its_kind_has() -> None:
    app = _app("/cards", "/payees", "/statements")
    app.add_url_rule("/", "home", lambda: jsonify(name="Tally Bank", version="2.1"))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=300)
    assert {"/cards", "/payees", "/statements"} <= {route.path for route in crawled(courier, "", "canary").routes}
    assert "/api/parcels" in of_field("Parcel service", ["/api/login", "/api/me"])
    assert of_field("Notes", ["/me", "/login"]) == ()
    assert "/patients" in of_field("", ["/doctors", "/login"])


def test_pages_that_lead_to_much_are_asked_for_what_they_leave_out() -> None:
    app = _app("/login", "/users", "/notes", "/items", "/orders", "/goto")
    app.add_url_rule("/account/<int:number>", "account", lambda number: {"id": number})
    form = '<form method="post" action="/login"><input name="user"><input type="password" name="word"></form>'
    links = "".join(f'<a href="{path}">x</a>' for path in ("/login", "/users", "/notes", "/items", "/orders"))
    app.add_url_rule("/", "home", lambda: form + links)
    assert {"/goto", "/account/{id}"} <= set(_crawl(app))
