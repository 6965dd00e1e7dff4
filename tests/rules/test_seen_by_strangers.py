"""What somebody who knows nobody sees of teaching applications: a role in a plain header, orders below a number, a log, a document behind a slash."""

import uuid
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route, Spec
from stopper.core.finding import Verdict
from stopper.core.probing.errors_seen import SHOWN
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

RULES = {rule.slug: rule for rule in load()}
SPEC = frozenset({"spec"})


def judged(slug: str, app: Flask, *routes: Route) -> Verdict:
    """What the rule says of *app* beside a document of these routes."""
    return try_rule(RULES[slug], app, source=App(routes=routes, readers=SPEC), depth="standard")


@pytest.mark.parametrize(
    ("header", "told"), [("Username", True), ("Role", True), ("X-Admin", True), ("X-Signed-By", False)]
)
def test_a_plain_header_that_names_an_administrator_opens_nothing(header: str, told: bool) -> None:
    app = Flask("desk")

    @app.get("/admin-action")
    def act() -> Any:
        return jsonify(done=True) if request.headers.get(header) in ("admin", "true") else abort(401)

    found = judged("principal-from-client-header", app, Route("/admin-action", ("GET",), readers=SPEC))
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize(
    ("first", "asks", "alike", "told"),
    [(101, False, False, True), (1, False, False, True), (101, True, False, False), (101, False, True, False)],
)
def test_what_lies_below_a_persons_number_is_that_persons(first: int, asks: bool, alike: bool, told: bool) -> None:
    """``asks`` says whether a credential is wanted, and ``alike`` whether everybody has the same: that is nobody's."""
    app = Flask("shop")
    orders = {str(first): ["shoes", "shirt"], str(first + 1): ["shoes", "shirt"] if alike else ["watch"]}

    @app.get("/shop/v1/<user_id>/orders")
    def of_somebody(user_id: str) -> Any:
        if asks:
            abort(401)
        return jsonify(orders=orders.get(user_id) or abort(404))

    route = Route("/shop/v1/{user_id}/orders", ("GET",), parameters=(("user_id", "string"),), readers=SPEC)
    found = judged("route-without-authentication", app, route)
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("/get_log/", "DEBUG:root:[('ann', 'ann@acme-mail.org')]\nINFO:werkzeug:GET /users", True),
        ("/app/logs", "2026-11-27 10:00:01,204 app ERROR no such table", True),
        ("/logs", "Logging ok", False),
        ("/blog", "INFO: our blog opens today", False),
    ],
)
def test_a_log_that_anybody_reads_is_a_route_of_developers(path: str, text: str, told: bool) -> None:
    app = Flask("log")
    app.add_url_rule(path, "log", lambda: text)
    found = judged("internal-route-served", app, Route(path, ("GET",), readers=SPEC))
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize(("page", "told"), [("<div id='swagger-ui'></div>", True), ("<h1>Our shop</h1>", False)])
def test_a_description_behind_a_slash_is_public_all_the_same(page: str, told: bool) -> None:
    app = Flask("api")
    app.add_url_rule("/api/docs/", "docs", lambda: page)
    found = try_rule(RULES["api-docs-public"], app, source=App(readers=SPEC), surface="http")
    assert (found.outcome == "fail") is told, found.message
    assert not told or [ref.path for ref in found.routes] == ["/api/docs/"]


@pytest.mark.parametrize(("elsewhere", "told"), [((), True), (("bearer",), False)])
def test_a_document_that_tells_of_no_security_declares_nothing_open(elsewhere: tuple[str, ...], told: bool) -> None:
    app = Flask("api")
    app.add_url_rule("/swagger/", "docs", lambda: "<div id='swagger-ui'></div>")
    app.add_url_rule("/notes", "notes", lambda: jsonify(notes=[]))
    routes = (
        Route("/swagger/", ("GET",), readers=SPEC, spec_security=()),
        Route("/notes", ("GET",), readers=SPEC, spec_security=elsewhere),
    )
    found = try_rule(
        RULES["api-docs-public"],
        app,
        source=App(routes=routes, spec=Spec("shop", "1", "given"), readers=SPEC),
        surface="http",
    )
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize(("beside", "severity"), [("", "medium"), ("phone", "high")])
def test_posts_for_everybody_weigh_less_than_lists_of_people(beside: str, severity: str) -> None:
    """Who wrote a post stands below it; a number to call is another matter."""
    blog = ToyPeople("blog")
    posts = [{"id": 1, "title": "Spring", "content": "It is here.", "author_email": "ann@acme-mail.org"}]
    posts[0].update({beside: "+4366012345678"} if beside else {})
    blog.app.add_url_rule("/posts", "posts", lambda: jsonify(posts))
    blog.app.add_url_rule("/myposts", "mine", lambda: jsonify(name=blog.caller()))
    found = try_rule(RULES["route-without-authentication"], blog.app)
    assert found.outcome == "fail", found.message
    assert (found.severity or "high") == severity


@pytest.mark.parametrize(
    ("beside", "told"), [({"admin": False}, True), ({"role": "user"}, True), ({"joined": 2026}, False)]
)
def test_a_list_of_accounts_says_who_may_what(beside: dict[str, Any], told: bool) -> None:
    """Names alone may be a list of members, which an application shows on purpose."""
    club = ToyPeople("club")
    people = [{"userid": number, "first_name": "Ann", "last_name": "Lee", **beside} for number in range(1, 4)]
    club.app.add_url_rule("/api/users", "users", lambda: jsonify(people))
    club.app.add_url_rule("/api/me", "me", lambda: jsonify(name=club.caller()))
    found = try_rule(RULES["route-without-authentication"], club.app)
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize("shown", ["hash", "name"])
def test_what_another_probe_was_shown_by_an_id_is_looked_at(shown: str) -> None:
    """Ids that nobody guesses are known to the probe of others' things alone."""
    bank = ToyPeople("bank")
    ids = dict[str, str]()
    bank.joined = lambda name: ids.update({name: str(uuid.uuid4())})  # type: ignore[method-assign]
    bank.app.add_url_rule("/me", "me", lambda: jsonify(id=ids[bank.caller()]))

    @bank.app.get("/user/data/<uid>")
    def data(uid: str) -> Any:
        bank.caller()
        name = next((one for one, known in ids.items() if known == uid), None) or abort(404)
        return jsonify(
            {"id": uid, "login": name, **({"password_hash": f"scrypt:32768:8:1$9fK2${uid}"} if shown == "hash" else {})}
        )

    names = ("username", "password")
    routes = [Route(path, ("POST",), fields=names, readers=SPEC) for path in ("/register", "/login")]
    routes.append(Route("/me", ("GET",), readers=SPEC))
    routes.append(Route("/user/data/{id}", ("GET",), parameters=(("id", "string"),), readers=SPEC))
    courier = Courier(WsgiTransport(bank.app), mode="active", max_requests=2000)
    target = prepare(App(routes=tuple(routes), readers=SPEC), courier, (), "active", "standard").target
    target.notes[SHOWN] = lambda: tuple(courier.shown)
    run_probe(RULES["cross-user-object-access"], target, courier)
    found = run_probe(RULES["sensitive-field-in-response"], target, courier).verdict
    assert (found.outcome == "fail") is (shown == "hash"), found.message
