"""Who was given to a scan gets back what was given: credentials that are still good, and things as they were."""

import itertools
import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, jsonify, redirect, request

from stopper.core.app import App, Route
from stopper.core.exchange import Effect, Request
from stopper.core.probe import Identity, Mode, Skipped
from stopper.core.secret import Secret
from stopper.scan.staying import left_behind
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.deeds_by_get import deed_in
from stopper.scan.wire.foreign_deeds import why_no_reading
from stopper.scan.wire.given_people import GivenPeople
from stopper.scan.wire.things_made import ThingsMade
from stopper.scan.wire.wsgi import WsgiTransport


def someone(*headers: tuple[str, str]) -> Identity:
    return Identity("ann", tuple((name, Secret(value)) for name, value in headers))


BEARER = someone(("Authorization", "Bearer ann-token-0123456789"))
COOKIE = someone(("Cookie", "session=ann-session-0123456789; theme=dark"))
BASIC = someone(("Authorization", "Basic YW5uOnBhc3N3b3Jk"))
LOGIN = someone()


def asked(person: Identity, method: str, path: str, body: bytes = b"", effect: Effect = "write") -> str:
    given = GivenPeople()
    given.take_up([person])
    return given.refusal(person.on(Request(method, path, body=body, effect=effect)))


def test_nobody_gives_somebody_whom_nothing_names_another_password() -> None:
    """Where nobody is asked, it goes to an account of the application's own choice, such as its administrator's."""
    given = GivenPeople()

    def said(body: bytes, path: str = "/change_password", **more: Any) -> str:
        return given.refusal(Request("POST", path, body=body, effect="write", **more))

    assert all(map(said, (b'{"new_password": "x"}', b"new_password=x&confirm_password=x")))
    assert said(b'{"password": "x"}', "/user/chpasswd")
    assert not said(b'{"username": "stp12345678", "new_password": "x"}')
    assert not said(b'{"token": "ab12", "password": "x"}', "/reset/password")
    assert not said(b"{}")
    assert not said(b'{"new_password": "x"}', headers=(("Authorization", "Bearer own"),))
    assert not said(b'{"new_password": "x"}', identity="own")


@pytest.mark.parametrize(
    ("person", "method", "path"),
    [
        (BEARER, "POST", "/auth/refresh"),
        (BEARER, "GET", "/auth/logout"),
        (BEARER, "POST", "/token/revoke"),
        (COOKIE, "GET", "/session/refresh"),
        (COOKIE, "POST", "/sign-out"),
        (BASIC, "POST", "/keys/rotate"),
        (LOGIN, "POST", "/api-key"),
        (LOGIN, "POST", "/api-keys/7/regenerate"),
        (LOGIN, "POST", "/logout/all"),
        (LOGIN, "POST", "/me/2fa/enable"),
        (LOGIN, "POST", "/me/deactivate"),
        (LOGIN, "POST", "/user/chpasswd"),
        (COOKIE, "POST", "/change-my-password"),
        (BEARER, "POST", "/account/close"),
        (BEARER, "POST", "/account/closed"),
        (COOKIE, "GET", "/settings/close"),
        (BEARER, "PUT", "/me/suspended"),
        (BEARER, "PUT", "/account/cancelled"),
        (BEARER, "POST", "/api/me/generate-key"),
        (BEARER, "POST", "/api/me/otp"),
        (BEARER, "POST", "/api/me/pin"),
        (COOKIE, "POST", "/api/unregister"),
        (BEARER, "PUT", "/account/email"),
    ],
)
def test_what_could_end_a_credential_or_an_account_is_not_sent_as_them(
    person: Identity, method: str, path: str
) -> None:
    assert asked(person, method, path)


@pytest.mark.parametrize(
    ("person", "method", "path"),
    [
        (LOGIN, "POST", "/auth/refresh"),
        (LOGIN, "POST", "/auth/logout"),
        (BEARER, "POST", "/notes"),
        (BEARER, "POST", "/api-keys"),
        (BEARER, "OPTIONS", "/auth/logout"),
        (BEARER, "POST", "/orders/5/close"),
        (COOKIE, "GET", "/blog/logouts"),
        (BASIC, "GET", "/me"),
    ],
)
def test_what_ends_nothing_that_was_given_is_sent(person: Identity, method: str, path: str) -> None:
    assert not asked(person, method, path)


def test_a_refresh_token_in_the_body_is_a_credential_too() -> None:
    body = json.dumps({"refresh_token": "ann-token-0123456789"}).encode()
    given = GivenPeople()
    given.take_up([BEARER])
    assert given.refusal(Request("POST", "/auth/refresh", body=body, effect="login"))
    assert not given.refusal(Request("POST", "/auth/refresh", body=b"{}", effect="login"))


@pytest.mark.parametrize(("who", "refused"), [(True, True), (False, False)])
@pytest.mark.parametrize("body", [b'{"email": "ann@example.com"}', b"username=ann@example.com"])
def test_nobody_who_is_in_asks_a_reset_for_somebody_given(who: bool, refused: bool, body: bytes) -> None:
    given, ann = GivenPeople(), Identity("ann", BEARER.headers, subject="Ann@example.com")
    given.take_up([ann])
    one = Request("POST", "/forgot", body=body, effect="write")
    assert bool(given.refusal(ann.on(one) if who else one)) is refused
    assert not given.refusal(ann.on(Request("POST", "/forgot", body=b'{"email": "stp0123456789"}', effect="write")))


def test_who_was_given_a_name_of_the_scan_loses_no_password_by_it() -> None:
    """An account that bears the scan's own address since a change is nobody for whom a reset is sent."""
    given = GivenPeople()
    given.take_up([BEARER])
    reset = Request("POST", "/password/reset", body=b'{"email": "stp0123456789@example.com", "password": "x"}')
    assert not given.refusal(reset)
    given.learn(BEARER.on(Request("PATCH", "/account", body=b'{"email": "Stp0123456789@example.com"}')))
    assert given.refusal(reset)


@pytest.mark.parametrize(
    ("target", "deed"),
    [
        ("/notes/toggle?id=3", "toggle"),
        ("/notes/3/archive", "archive"),
        ("/notes/3/archived", "archive"),
        ("/people/3/promoted", "promote"),
        ("/like/3", "like"),
        ("/close/3", "close"),
        ("/settings/close", "close"),
        ("/admin/maintenance?on=1", "on"),
        ("/admin/site?maintenance=true", "maintenance"),
        ("/admin/maintenance?on=stp0a1b2c3d4e", "on"),
        ("/admin/maintenance?on=%27+or+1", "on"),
        ("/features?off", "off"),
        ("/shifts?on=2026-01-01", ""),
        ("/articles?on=page", ""),
        ("/account/closed", "close"),
        ("/orders/cancelled", ""),
        ("/users/3/liked", ""),
        ("/archive/3", ""),
        ("/?id=3", ""),
        ("/notes/5/delete", "delete"),
        ("/update?id=3&title=x", "update"),
        ("/users/7/activate", "activate"),
        ("/deleteNote/3", "delete"),
        ("/notes/%64elete/3", "delete"),
        ("/addNote?text=hi", "add"),
        ("/cart?add=5", "add"),
        ("/notes?action=delete&id=3", "delete"),
        ("/index?cmd=drop", "drop"),
        ("/expire/Guest", "expire"),
        ("/people/expel?username=anna", "expel"),
        ("/signup?username=anna&password=x", "signup"),
        ("/register?email=anna%40example.org", "register"),
        ("/signup?next=/", ""),
        ("/login?username=anna&password=x", ""),
        ("/archive", ""),
        ("/archive?page=2", ""),
        ("/getUser/3", ""),
        ("/search?q=delete", ""),
        ("/items?op=list", ""),
        ("/book/3", ""),
        ("/runs/3", ""),
        ("/posts/3/edit", ""),
        ("/edit?id=3", ""),
        ("/search/new?q=x", ""),
        ("/subscribe", ""),
    ],
)
def test_a_scan_that_only_reads_knows_a_deed_by_its_address(target: str, deed: str) -> None:
    assert deed_in(target) == deed


@pytest.mark.parametrize(
    ("target", "done"),
    [
        ("/mute/anna", True),
        ("/users/Anna/kick", True),
        ("/profile/anna", False),
        ("/mute/somebody", False),
        ("/anna", False),
    ],
)
def test_nothing_is_done_by_get_to_somebody_who_was_given(target: str, done: bool) -> None:
    courier = Courier(WsgiTransport(Flask("people")), mode="active")
    courier.given.take_up([Identity("anna", (), subject="anna", password=Secret("Anna-has-1-long-word"))])
    assert bool(courier.refusal(Request("GET", target))) is done


@pytest.mark.parametrize("mode", ["default", "active"])
def test_what_makes_a_target_answer_everybody_otherwise_is_not_asked(mode: Mode) -> None:
    refused = [
        one
        for one in ("/difficulty/hard", "/start_over", "/workouts?difficulty=easy", "/start")
        if why_no_reading(Request("GET", one), ThingsMade(), mode)
    ]
    assert refused == ["/difficulty/hard", "/start_over"]


def notes(*, whole: bool = False, once: bool = False) -> tuple[Flask, dict[int, dict[str, Any]]]:
    """A note that may be changed, *once* only, or by nothing but the *whole* of what may be set."""
    app, changes = Flask("notes"), itertools.count(1)
    kept: dict[int, dict[str, Any]] = {1: {"id": 1, "title": "title 1", "text": "old", "updated_at": 0}}

    @app.route("/notes/<int:number>", methods=["GET", "PUT", "PATCH"])
    def note(number: int) -> Any:
        if request.method != "GET":
            sent = request.get_json()
            if whole and sent.keys() != {"title", "text"}:
                return jsonify(error="title and text"), 400
            if once and kept[number]["updated_at"]:
                return jsonify(error="no more"), 403
            kept[number].update(sent, updated_at=next(changes))
        return jsonify(note=kept[number])

    return app, kept


def put(path: str, **members: str) -> Request:
    headers = (("Content-Type", "application/json"),)
    return Request("PUT", path, headers, json.dumps(members).encode(), "write")


@pytest.mark.parametrize("whole", [False, True])
def test_what_was_there_is_as_it_was_when_the_scan_has_ended(whole: bool) -> None:
    app, kept = notes(whole=whole)
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(put("/notes/1", title="x' OR 'a'='a"))
    courier.carry(put("/notes/1", title="other", text="new"))
    courier.put_back()
    assert (kept[1]["title"], kept[1]["text"], courier.unlike) == ("title 1", "old", {})


def test_one_thing_at_two_paths_is_as_it_was_for_whom_it_is_shown() -> None:
    """Requests of nobody, who is shown nothing, take no look from who is about to change it; what was seen first is put back last."""
    app, kept = Flask("account"), {"city": "Bern"}

    @app.route("/account", methods=["GET", "PUT"])
    @app.route("/profile", methods=["GET", "PUT"])
    def account() -> Any:
        if "Authorization" not in request.headers:
            return jsonify(error="who?"), 401
        kept.update(request.get_json() if request.method == "PUT" else {})
        return jsonify(kept)

    courier = Courier(WsgiTransport(app), mode="active")
    for path in ("/account", "/profile"):
        for _ in range(2):
            courier.carry(put(path, city="nowhere"))
        courier.carry(BEARER.on(put(path, city=f"x{path}")))
    courier.put_back()
    assert (kept, courier.unlike) == ({"city": "Bern"}, {})


def test_everybodys_own_account_is_put_back_at_the_one_path_of_all() -> None:
    """Whom the scan has registered asks first, and under no name; nothing of that person is kept or named."""
    app, cities = Flask("me"), {"Bearer own": "Aarau", "Bearer ann": "Bern", "Bearer ben": "Chur"}

    @app.route("/me", methods=["GET", "PUT"])
    def me() -> Any:
        who = request.headers["Authorization"]
        cities[who] = request.get_json()["city"] if request.method == "PUT" else cities[who]
        return jsonify(city=cities[who])

    courier = Courier(WsgiTransport(app), mode="active")
    for name in ("own", "ann", "ben"):
        person = Identity(name, (("Authorization", Secret(f"Bearer {name}")),))
        courier.carry(replace(person.on(put("/me", city="x")), identity=None if name == "own" else name))
    courier.put_back()
    assert (cities, courier.unlike) == ({"Bearer own": "x", "Bearer ann": "Bern", "Bearer ben": "Chur"}, {})


def test_what_could_not_be_put_back_is_named() -> None:
    app, _ = notes(once=True)
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(put("/notes/1", text="new"))
    courier.put_back()
    assert courier.unlike == {"PUT /notes/1": ["text"]}


def test_a_path_of_any_length_is_judged_at_once() -> None:
    """A document with one long path held a scan up for longer than it may take."""
    assert asked(BEARER, "GET", "/" + "secret-" * 12_000)


def shop() -> tuple[Flask, dict[str, dict[str, str]]]:
    """Things of which not everything is shown: one is not shown at all, one has a secret, one is masked, one is not shown any more."""
    app = Flask("shop")
    kept = {
        "limits": {"most": "5"},
        "webhook": {"url": "https://a.example", "secret": "old"},
        "card": {"holder": "ann", "iban": "DE02120300000000202051"},
        "shelf": {"name": "front"},
    }

    @app.post("/update_profile")
    @app.post("/me/email")
    def email() -> Any:
        return jsonify(ok=True)

    @app.route("/<what>", methods=["GET", "PUT"])
    def thing(what: str) -> Any:
        if request.method == "PUT":
            kept[what].update(request.get_json())
            return jsonify(ok=True)
        if what == "limits" or kept["shelf"]["name"] == what:
            return jsonify(error="not now"), 429
        shown = {name: value for name, value in kept[what].items() if name != "secret"}
        return jsonify({**shown, **({"iban": "****2051"} if "iban" in shown else {})})

    return app, kept


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (put("/limits", most="9"), "it could not be read beforehand"),
        (replace(put("/me/email", email="b@b.example"), method="POST"), "it could not be read beforehand"),
        (replace(put("/update_profile", city="b"), method="POST"), "it could not be read beforehand"),
        (put("/webhook", url="https://b.example", secret="new"), "secret"),
        (put("/card", iban="new"), "iban"),
    ],
)
def test_what_nobody_is_shown_is_named_and_no_mask_is_written(change: Request, named: str) -> None:
    app, kept = shop()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(change)
    courier.put_back()
    (members,) = courier.unlike.values()
    assert named in members
    assert kept["card"]["iban"] in ("new", "DE02120300000000202051")
    assert kept["webhook"]["url"] == "https://a.example"


def test_what_is_not_shown_at_the_end_is_put_back_unseen() -> None:
    app, kept = shop()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(put("/shelf", name="shelf"))
    courier.put_back()
    assert (kept["shelf"]["name"], courier.unlike) == ("front", {})


def coins() -> tuple[Flask, dict[int, dict[str, object]]]:
    """An open API in which POST does things to what was there."""
    app, kept = (
        Flask("coins"),
        {1: {"id": 1, "status": "open", "place": "box"}, 2: {"id": 2, "status": "open", "place": "bag"}},
    )

    def change(number: int, **members: object) -> Any:
        kept[number].update(members)
        return jsonify(ok=True)

    app.add_url_rule("/coins/<int:number>", "coin", lambda number: jsonify(kept[number]))
    app.add_url_rule(
        "/coins/<int:number>/cancel", "cancel", lambda number: change(number, status="cancelled"), methods=["POST"]
    )
    app.add_url_rule(
        "/coins/<int:number>/place", "place", lambda number: change(number, **request.get_json()), methods=["POST"]
    )
    app.add_url_rule(
        "/coins/<int:number>/form", "form", lambda number: change(number, **request.form), methods=["POST"]
    )
    app.add_url_rule(
        "/coins/lose", "lose", lambda: change(request.get_json()["coin_id"], place="lost"), methods=["POST"]
    )
    app.add_url_rule(
        "/coins/<int:number>", "patch", lambda number: change(number, **request.get_json()), methods=["PATCH"]
    )
    app.add_url_rule("/polls/<int:number>/vote", "vote", lambda number: jsonify(votes=number), methods=["POST"])
    return app, kept


@pytest.mark.parametrize("takes", [("PATCH",), ()])
@pytest.mark.parametrize(
    ("target", "members", "whose"),
    [
        ("/coins/1/cancel", {}, "status"),
        ("/coins/1/place", {"place": "sea"}, ""),
        ("/coins/1/form", {"place": "sea"}, ""),
        ("/coins/lose", {"coin_id": 1}, "place"),
    ],
)
def test_what_a_post_did_to_a_thing_is_put_back_or_named(
    target: str, members: dict[str, object], whose: str, takes: tuple[str, ...]
) -> None:
    app, kept = coins()
    was = {number: dict(one) for number, one in kept.items()}
    courier = Courier(WsgiTransport(app), mode="active")
    form = target.endswith("form")
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    body = urlencode(members).encode() if form else json.dumps(members).encode()
    courier.carry(Request("POST", target, (("Content-Type", kind),), body, "write"))
    assert kept != was
    courier.put_back(lambda path: takes if path == "/coins/1" else ())
    if whose and not takes:
        assert courier.unlike == {f"POST {target}": [whose]}
    else:
        assert (kept, courier.unlike) == (was, {})


def test_a_deed_on_what_nobody_can_read_is_named() -> None:
    app, _ = coins()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(Request("POST", "/polls/1/vote", (), b"", "write"))
    courier.carry(Request("POST", "/polls/1/search", (), b"", "write"))
    courier.put_back()
    assert courier.unlike == {"POST /polls/1/vote": ["it could not be read beforehand"]}


@pytest.mark.parametrize(
    ("target", "body", "named"),
    [
        ("/archive/1", b"", True),
        ("/edit/1", b"", True),
        ("/polls/1", b"", False),
        ("/polls/1", b"note=x", True),
        ("/search/1", b"q=x", False),
    ],
)
def test_a_deed_that_a_page_answers_with_another_page_is_named_too(target: str, body: bytes, named: bool) -> None:
    app = Flask("tickets")
    app.add_url_rule("/<kind>/<int:number>", view_func=lambda kind, number: redirect(f"/{kind}"), methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(Request("POST", target, (), body, "write"))
    courier.put_back()
    assert bool(courier.unlike) is named


@pytest.mark.parametrize("shown", [True, False])
def test_settings_of_the_target_are_nobodys_own(shown: bool) -> None:
    """What an administrator who was given set there is put back where it was shown, and named where it was not; the own account says nothing of it."""
    app, kept = Flask("settings"), {"title": "Our shop", "email": "desk@example.org"}
    app.add_url_rule("/me", "me", lambda: {"id": 1, "title": "Dr", "email": "root@example.org"})

    @app.route("/admin/settings", methods=["GET", "POST"] if shown else ["POST"])
    def settings() -> Any:
        kept.update(request.get_json() if request.method == "POST" else {})
        return jsonify(kept if shown else {"ok": True})

    root, courier = (
        Identity("root", (("X-API-Key", Secret("key-of-root")),)),
        Courier(WsgiTransport(app), mode="active"),
    )
    courier.given.take_up([root])
    courier.carry(root.on(Request("GET", "/me")))
    headers = (("Content-Type", "application/json"),)
    courier.carry(root.on(Request("POST", "/admin/settings", headers, b'{"title": "stp0123456789"}', "write")))
    courier.put_back()
    assert (kept["title"] == "Our shop") is shown
    assert courier.unlike == ({} if shown else {"POST /admin/settings": ["it could not be read beforehand"]})


@pytest.mark.parametrize(
    "way", ["by somebody of the scan under no name", "where the scan says that an account of its own is"]
)
def test_settings_of_the_target_are_put_back_whoever_has_set_them(way: str) -> None:
    app, kept = Flask("settings"), {"title": "Our shop"}

    @app.route("/admin/settings", methods=["GET", "POST"])
    def settings() -> Any:
        kept.update(request.get_json() if request.method == "POST" else {})
        return jsonify(kept)

    courier = Courier(WsgiTransport(app), mode="active")
    if way.startswith("where"):
        courier.made.own("/admin/settings", Request("POST", "/register"))
    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer of-somebody-registered"))
    courier.carry(Request("POST", "/admin/settings", headers, b'{"title": "stp0123456789"}', "write"))
    assert kept["title"] == "stp0123456789"
    courier.put_back()
    assert kept["title"] == "Our shop"


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/close/1", False),
        ("POST", "/tickets/1/close", False),
        ("POST", "/tickets/1/resolved", False),
        ("PUT", "/bookings/1/4/canceled", False),
        ("PUT", "/bookings/4", True),
        ("POST", "/orders/7/cancel", True),  # it is read beforehand, and told where it is another afterwards
        ("POST", "/tickets/1/pin", True),
        ("POST", "/tickets/99999999/close", True),
    ],
)
def test_what_ends_a_thing_is_not_done_where_nobody_was_shown_it(method: str, path: str, sent: bool) -> None:
    """Somebody's ticket that a scan closed at night stays closed, and a line in a report opens it for nobody."""
    app, done = Flask("desk"), list[str]()
    app.add_url_rule("/orders/<int:number>", "order", lambda number: {"id": number, "state": "open"})

    @app.route("/<path:said>", methods=["POST", "PUT"])
    def deed(said: str) -> Any:
        done.append(f"/{said}")
        return jsonify(ok=True)

    courier = Courier(WsgiTransport(app), mode="active")
    with nullcontext() if sent else pytest.raises(Skipped, match="could not be read beforehand"):
        courier.carry(Request(method, path, (), b"{}", "write"))
    assert done == ([path] if sent else [])


@pytest.mark.parametrize(
    ("identity", "body", "sent"),
    [
        ("bob", {"username": "ann@example.com", "password": "new"}, False),
        (None, {"user": {"email": "Ann@example.com", "password": "new"}}, False),
        ("bob", {"username": "somebody", "password": "new"}, True),
        ("bob", {"username": "ann@example.com", "text": "new"}, True),
    ],
)
def test_nobody_is_registered_by_the_name_of_somebody_given(
    identity: str | None, body: dict[str, object], sent: bool
) -> None:
    """A registration may overwrite who is there, and then that person's password is another."""
    given = GivenPeople()
    given.take_up([Identity("ann", (), subject="ann@example.com", password=Secret("anns-own")), someone()])
    asking = Request("POST", "/register", body=json.dumps(body).encode(), effect="write", identity=identity)
    assert bool(given.refusal(asking)) is not sent
    assert not given.refusal(replace(asking, effect="login"))


@pytest.mark.parametrize(
    ("path", "method"), [("/coins/<int:number>/cancel", "POST"), ("/coins/<int:number>/cancelled", "PUT")]
)
def test_what_is_done_to_things_is_done_to_the_scans_own_where_it_can_make_one(path: str, method: str) -> None:
    app, kept = coins()

    @app.route(path.replace("/coins", "/v2/coins"), methods=[method])
    def end(number: int) -> Any:
        kept[number]["status"] = "cancelled"
        return jsonify(kept[number])

    made = itertools.count(3)

    def make() -> Any:
        number = next(made)
        kept[number] = {"id": number, "status": "open", "place": request.get_json().get("place", "")}
        return jsonify(kept[number]), 201

    app.add_url_rule("/v2/coins", "coins", lambda: jsonify(list(kept.values())))
    app.add_url_rule("/v2/coins", "make", make, methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    routes = (
        Route("/v2/coins", ("GET", "POST"), readers=frozenset({"wire"})),
        Route(
            f"/v2{path.replace('<int:number>', '{id}')}",
            (method,),
            parameters=(("id", "string"),),
            readers=frozenset({"wire"}),
        ),
    )
    prepare(App("coins", routes=routes), courier, (), "active", "standard")
    assert [kept[number]["status"] for number in (1, 2)] == ["open", "open"]
    assert any(one["status"] == "cancelled" for one in kept.values())


@pytest.mark.parametrize(("who", "told"), [("carol", True), ("stp0123456789", False)])
def test_what_is_called_by_a_name_of_the_scan_was_not_there_before(who: str, told: bool) -> None:
    app = Flask("unread")
    app.add_url_rule("/users/<name>/city", "city", lambda name: ("", 204), methods=["PUT"])
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(put(f"/users/{who}/city", city="b"))
    courier.put_back()
    assert bool(courier.unlike) is told
    assert all("may have been changed" in one.reason for one in left_behind(courier))
