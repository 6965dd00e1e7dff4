"""What belongs to others stays as it is: their accounts, how they are reached, their passwords, and what a deed would do once more."""

import contextlib
import json
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.people.identities import Scene, gather
from stopper.scan.staying import left_behind
from stopper.scan.staying import test_people as people_told
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.survey import tidy
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.foreign_deeds import PeopleKnown
from stopper.scan.wire.wsgi import WsgiTransport

ANN = Identity("ann", (("Authorization", Secret("Bearer ann-token-0123456789")),))


def change(method: str, target: str, **members: object) -> Request:
    headers = (("Content-Type", "application/json"),)
    return Request(method, target, headers, json.dumps(members).encode(), "write")


def club() -> tuple[Flask, dict[str, object]]:
    """Whoever asks may be reached otherwise at several places, of which one alone shows how that was."""
    app, ann = Flask("club"), dict[str, object]({"email": "ann@example.com", "city": "Bern"})

    @app.route("/me", methods=["GET", "PUT"])
    @app.post("/profile")
    @app.post("/me/contact", endpoint="contact")
    @app.post("/update-details", endpoint="details")
    def account() -> Any:
        if request.method != "GET":
            ann.update(request.get_json())
        return jsonify(ann) if request.path == "/me" else jsonify(ok=True)

    @app.post("/contacts")
    @app.post("/team/invite", endpoint="invite")
    def other() -> Any:
        return jsonify(ok=True)

    return app, ann


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/profile", {"email": "stp0123456789@example.com"}),
        ("/me/contact", {"contact": {"phone_number": "+41 79 000 00 00"}}),
        ("/update-details", {"newEmail": "stp0123456789@example.com"}),
        ("/update-details", {"username": "stp0123456789"}),
    ],
)
def test_how_a_given_person_is_reached_is_changed_where_it_was_read_alone(
    path: str, members: dict[str, object]
) -> None:
    app, ann = club()
    was, courier = dict(ann), Courier(WsgiTransport(app), mode="active")
    courier.given.take_up([ANN])
    with pytest.raises(Skipped, match="reached otherwise"):
        courier.carry(ANN.on(change("POST", path, **members)))
    with pytest.raises(Skipped, match="reached otherwise"):
        courier.carry_together([ANN.on(change("POST", path, **members))])
    courier.carry(ANN.on(change("PUT", "/me", email="stp0123456789@example.com", city="Chur")))
    assert ann["city"] == "Chur"
    courier.put_back()
    assert (ann, courier.unlike) == (was, {})


def test_how_a_given_person_is_reached_is_put_back_where_the_own_account_shows_it() -> None:
    app, ann = club()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.given.take_up([ANN])
    courier.credentials.take_up("ann", (("Authorization", "Bearer ann-token-0123456789"),))
    courier.carry(ANN.on(Request("GET", "/me")))
    courier.carry(ANN.on(change("POST", "/update-details", email="stp0123456789@example.com")))
    assert ann["email"] == "stp0123456789@example.com"
    ben = Identity("ben", (("Authorization", Secret("Bearer ben-token-0123456789")),))
    courier.given.take_up([ben])
    with pytest.raises(Skipped, match="reached otherwise"):
        courier.carry(ben.on(change("POST", "/update-details", email="stp0123456789@example.com")))
    courier.put_back()
    assert (ann, courier.unlike) == ({"email": "ann@example.com", "city": "Bern"}, {})


@pytest.mark.parametrize("path", ["/contacts", "/team/invite"])
def test_somebody_else_may_be_spoken_of(path: str) -> None:
    courier = Courier(WsgiTransport(club()[0]), mode="active")
    courier.given.take_up([ANN])
    assert courier.carry(ANN.on(change("POST", path, email="stp0123456789@example.com"))).response.succeeded


@pytest.mark.parametrize(
    ("path", "members", "kept"),
    [
        ("/account/update", {"user_id": 1, "city": "x"}, {"city": "x"}),
        ("/account/update", {"user_id": 7, "city": "x"}, {"user_id": 7, "city": "x"}),
        ("/profile", {"data": {"accountId": "1", "uid": "7 OR 1=1", "city": "x"}}, {"data": {"city": "x"}}),
        ("/update_profile", {"id": 1, "owner_id": 1, "username": "x"}, {"username": "x"}),
        ("/account/update", {"account_id": 7, "member_id": 7}, {"member_id": 7}),
        ("/profile", {"user_id": "stp0123456789"}, {"user_id": "stp0123456789"}),
        ("/groups/1/kick", {"user_id": 1}, {"user_id": 1}),
    ],
)
def test_a_change_of_the_own_account_names_nobody_elses(
    path: str, members: dict[str, object], kept: dict[str, object]
) -> None:
    known, good = PeopleKnown(()), (("Authorization", "Bearer ann-token-0123456789"),)
    body = json.dumps({"id": 7, "name": "ann", "org": 1, "account_id": 3}).encode()
    known.learn(Request("GET", "/me", good), Response(200, body=body), good)
    known.learn(Request("GET", "/me", (("Authorization", "Bearer x"),)), Response(200, body=b'{"id": 1}'), good)
    assert json.loads(known.of_nobody_else(change("POST", path, **members)).body) == kept


def test_a_change_among_all_people_names_the_scan_s_own() -> None:
    """Also where nobody's id is known: who stands there under the first number is somebody."""
    known = PeopleKnown(())
    stranger = change("PATCH", "/users", id_user=1, name="x")
    assert json.loads(known.of_nobody_else(stranger).body) == {"name": "x"}
    made_by_the_scan = known.of_nobody_else(
        stranger, lambda path: path == f"/users/{json.loads(stranger.body)['id_user']}"
    )
    assert made_by_the_scan == stranger
    known.registers(Response(201, body=b'{"id": 9}'))
    assert json.loads(known.of_nobody_else(change("PUT", "/users/", id=9, name="x")).body) == {"id": 9, "name": "x"}
    assert json.loads(known.of_nobody_else(change("PATCH", "/orders", id=1, text="x")).body) == {"id": 1, "text": "x"}


@pytest.mark.parametrize(
    ("path", "members", "put_back"),
    [("/flags/1/bump", {"by": 1}, False), ("/flags/1/bump", {}, False), ("/flags/1/place", {"place": "sea"}, True)],
)
def test_what_a_put_does_is_not_done_again_to_put_it_back(
    path: str, members: dict[str, object], put_back: bool
) -> None:
    app, flag, asked = Flask("flags"), dict[str, object]({"id": 1, "count": 0, "place": "box"}), list[str]()

    @app.get("/flags/1")
    def shown() -> Any:
        return jsonify(flag)

    @app.put("/flags/1/bump")
    @app.put("/flags/1/place", endpoint="place")
    def bump() -> Any:
        asked.append(request.path)
        flag.update(request.get_json() if request.path.endswith("place") else {"count": len(asked)})
        return jsonify(ok=True)

    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(change("PUT", path, **members))
    courier.put_back()
    assert len(asked) == (2 if put_back else 1)
    assert courier.unlike == ({} if put_back else {f"PUT {path}": ["count"]})


def steps(*, comes_in: bool = True) -> tuple[Flask, list[tuple[str, str]]]:
    """A registration that a code completes, a log-in with a second step, and places whose names are like that of one."""
    app, sent = Flask("steps"), list[tuple[str, str]]()
    tokens, codes = set[str](), dict[str, str]()

    @app.before_request
    def note() -> None:
        sent.append((request.path, request.get_data(as_text=True)))

    @app.post("/register")
    def start() -> Any:
        said: dict[str, Any] = request.get_json(silent=True) or {}
        if "email" not in said:
            return jsonify(error="email is required"), 400
        codes[said["email"]] = f"{secrets.randbelow(10**6):06d}"
        return jsonify(message="a code was sent to you", code=codes[said["email"]]), 202

    @app.post("/register/verify")
    def complete() -> Any:
        said: dict[str, Any] = request.get_json(silent=True) or {}
        missing = next((name for name in ("email", "code") if name not in said), None)
        if missing or codes.get(said["email"]) != said["code"]:
            return jsonify(error=f"{missing} is required" if missing else "wrong"), 400
        tokens.add(token := secrets.token_hex(16))
        return jsonify(token=token) if comes_in else jsonify(ok=True)

    @app.post("/login")
    def login() -> Any:
        said: dict[str, Any] = request.get_json(silent=True) or {}
        if said.get("password") != "ann's own password":
            return jsonify(error="wrong"), 401
        return jsonify(message="a one-time code was sent to you", challenge=secrets.token_hex(16))

    @app.post("/verify-reviewer")
    @app.post("/pin", endpoint="pin")
    def other() -> Any:
        wants = "password" not in (request.get_json(silent=True) or {})
        return (jsonify(error="password is required"), 400) if wants else jsonify(ok=True)

    @app.get("/me")
    def me() -> Any:
        known = request.headers.get("Authorization", "").removeprefix("Bearer ") in tokens
        return jsonify(name="somebody") if known else (jsonify(error="who?"), 401)

    return app, sent


def becoming(app: Flask, *given: Identity) -> tuple[tuple[Identity, ...], Courier]:
    courier = Courier(WsgiTransport(app), mode="active")
    posts = ("/register", "/register/verify", "/login", "/verify-reviewer", "/pin")
    routes = (*(Route(path, ("POST",), readers=frozenset({"wire"})) for path in posts), Route("/me", ("GET",)))
    return gather(
        Scene(App("steps", routes=routes), courier, HonestRequests(canary="stpcanary1"), "stpcanary1"), given
    )[0], courier


def test_a_given_persons_password_is_sent_to_no_step() -> None:
    app, sent = steps()
    becoming(app, Identity("ann", (), subject="ann@example.com", password=Secret("ann's own password")))
    assert {path for path, body in sent if "own password" in body} == {"/login"}
    assert {"/verify-reviewer", "/pin"} <= {path for path, _ in sent}


@pytest.mark.parametrize("comes_in", [True, False])
def test_who_is_let_in_by_the_confirmation_comes_in_and_all_who_registered_are_named(comes_in: bool) -> None:
    people, courier = becoming(steps(comes_in=comes_in)[0])
    assert [one.name for one in people] == (["alice", "bob"] if comes_in else [])
    (told,) = people_told(courier)
    assert told.reason.count("alice") == 1
    assert "alice-stpcanary1@example.com" in told.reason


@pytest.mark.parametrize("same", [True, False])
def test_an_account_of_the_scans_own_is_deleted_where_it_is_shown_by_its_name(same: bool) -> None:
    """The number that a registration answers may be that of something else: then somebody who was there has it among people."""
    app, people = Flask("people"), {3: "carol"}

    @app.post("/register")
    def register() -> Any:
        number = 7 if same else 3
        people.setdefault(number, request.get_json()["username"])
        return jsonify(id=number), 201

    @app.route("/users/<int:user_id>", methods=["GET", "DELETE"])
    def user(user_id: int) -> Any:
        name = people.pop(user_id) if request.method == "DELETE" else people.get(user_id, "")
        return (jsonify(id=user_id, username=name), 200) if name else (jsonify(error="none"), 404)

    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(change("POST", "/register", username="stp0123456789", password="secret"))
    tidy(
        App("people", routes=(Route("/users/{user_id}", ("GET", "DELETE"), parameters=(("user_id", "int"),)),)), courier
    )
    assert people == {3: "carol"}
    assert [one.what for one in people_told(courier)] == ([] if same else ["test people"])


@pytest.mark.parametrize(
    ("answer", "told"),
    [({"ok": True}, True), ({"error": "taken"}, False), ({"success": False}, False), ("<p>Users</p>", False)],
)
def test_an_account_is_named_of_which_the_answer_says_nothing(answer: Any, told: bool) -> None:
    """``POST /admin/create-user`` makes an administrator, and answers ``{"ok": true}``."""
    app = Flask("people")
    app.add_url_rule("/admin/create-user", view_func=lambda: answer, methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(change("POST", "/admin/create-user", username="aaaaaaaaaaaa!", password="secret"))
    assert [one.reason.split(";")[0] for one in people_told(courier)] == (
        ["this scan registered aaaaaaaaaaaa!"] if told else []
    )


@pytest.mark.parametrize(("leads", "told"), [("/login", True), ("/register", False)])
def test_an_account_is_named_that_another_page_answers(leads: str, told: bool) -> None:
    """A form that was filled in well leads on, and otherwise back to itself."""
    app = Flask("people")
    app.add_url_rule("/register", view_func=lambda: redirect(leads), methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    courier.carry(Request("POST", "/register", form, b"username=stp0123456789&password=secret", "write"))
    assert [one.what for one in people_told(courier)] == (["test people"] if told else [])


@pytest.mark.parametrize(
    ("path", "leads", "told"),
    [
        ("/notes/new", "/notes", "it led to another page 2 times"),
        ("/notes/new", "/login", ""),
        ("/notes/search", "/notes", ""),
        ("/account", "/", ""),
    ],
)
def test_what_a_form_may_have_made_is_named(path: str, leads: str, told: str) -> None:
    app = Flask("notes")
    app.add_url_rule(path, view_func=lambda: redirect(leads), methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    for number in range(2):
        courier.carry(Request("POST", path, form, f"title=stp0123456789{number}".encode(), "write"))
    reasons = [one.reason.partition(":")[0] for one in left_behind(courier)]
    assert reasons == ([told] if told else [])


def test_who_was_deleted_at_the_end_is_not_told() -> None:
    """Others, of whom no answer says under which id they are, hinder nobody's deletion."""
    app, people = Flask("people"), dict[int, str]()

    @app.post("/admin/create-user")
    @app.post("/register", endpoint="register")
    def register() -> Any:
        if request.path != "/register":
            return jsonify(ok=True)
        people[7] = request.get_json()["username"]
        return jsonify(id=7), 201

    @app.route("/users/<int:number>", methods=["GET", "DELETE"])
    def user(number: int) -> Any:
        name = people.pop(number, "") if request.method == "DELETE" else people.get(number, "")
        return jsonify(id=number, username=name) if name else (jsonify(error="none"), 404)

    courier = Courier(WsgiTransport(app), mode="active")
    for number in range(4):
        courier.carry(change("POST", "/admin/create-user", username=f"stp012345678{number}", password="secret"))
    courier.carry(change("POST", "/register", username="stp0123456789", password="secret"))
    route = Route("/users/{number}", ("GET", "DELETE"), parameters=(("number", "int"),))
    tidy(App("people", routes=(route,)), courier)
    assert not people
    assert [one.reason for one in people_told(courier) if "stp0123456789" in one.reason] == []


def test_people_of_the_scan_go_last() -> None:
    """As whom a scan asks puts back first what it has changed; of several, those go last as whom it asks."""
    app, people, notes = Flask("notes"), dict[int, str](), {1: "carol's"}
    gone: list[str] = []

    @app.post("/register")
    def register() -> Any:
        number = len(people) + 7
        people[number] = request.get_json()["username"]
        return jsonify(id=number), 201

    @app.route("/users/<int:number>", methods=["GET", "DELETE"])
    def user(number: int) -> Any:
        name = people.get(number, "")
        if request.method == "DELETE":
            gone.append(people.pop(number))
        return (jsonify(id=number, username=name), 200) if name else (jsonify(error="none"), 404)

    @app.route("/notes/<int:number>", methods=["GET", "PATCH"])
    def note(number: int) -> Any:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in people.values():
            return jsonify(error="who?"), 401
        if request.method == "PATCH":
            notes[number] = request.get_json()["text"]
        return jsonify(id=number, text=notes[number])

    courier = Courier(WsgiTransport(app), mode="active")
    for name in ("stp0123456789", "stp9876543210"):
        courier.carry(change("POST", "/register", username=name, password="secret"))
    alice = Identity("alice", (("Authorization", Secret("Bearer stp0123456789")),), subject="stp0123456789")
    courier.people.update({"alice": alice.subject})
    courier.carry(alice.on(change("PATCH", "/notes/1", text="stp0123456789's")))
    assert notes == {1: "stp0123456789's"}
    routes = (Route("/users/{number}", ("GET", "DELETE"), parameters=(("number", "int"),)),)
    tidy(App("notes", routes=routes), courier)
    assert notes == {1: "carol's"}
    assert gone == ["stp9876543210", "stp0123456789"]


@pytest.mark.parametrize(
    ("shows", "path", "members", "goes"),
    [
        (False, "/profile/1", {"username": "x"}, False),
        (False, "/users/1", {"email": "x@example.com", "city": "Bern"}, False),
        (False, "/users/1", {"city": "Bern"}, True),
        (True, "/users/1", {"email": "x@example.com"}, True),
        (False, "/users/stp0123456789", {"email": "x@example.com"}, True),
        (False, "/notes/1", {"email": "x@example.com"}, True),
        (False, "/users/1/notes", {"email": "x@example.com"}, True),
    ],
)
def test_a_stranger_is_called_otherwise_only_where_it_can_be_put_back(
    shows: bool, path: str, members: dict[str, object], goes: bool
) -> None:
    """By the scan's own people too: a page that shows the account as text is nothing to put back."""
    app, seen = Flask("people"), list[str]()

    @app.route("/<path:where>", methods=["GET", "POST"])
    def any_of_them(where: str) -> Any:
        seen.extend([where] if request.method == "POST" else [])
        return jsonify(id=1, email="carol@example.com") if shows else "<p>carol@example.com</p>"

    courier = Courier(WsgiTransport(app), mode="active")
    with contextlib.suppress(Skipped):
        courier.carry(change("POST", path, **members))
    assert seen == ([path[1:]] if goes else [])


def queue() -> tuple[Flask, dict[int, dict[str, object]]]:
    """Deeds by POST of which no answer shows what they do, on jobs that were there, and accounts that anybody may end."""
    app, people = Flask("queue"), dict[int, dict[str, object]]()
    people.update({number: {"id": number, "active": True} for number in (1, 2)})

    @app.post("/queue/drain")
    @app.post("/jobs/bulk", endpoint="bulk")
    @app.post("/votes", endpoint="votes")
    @app.post("/jobs/search", endpoint="search")
    @app.post("/admin/maintenance", endpoint="maintenance")
    @app.post("/users/<int:number>/owner", endpoint="owner")
    def deed(number: int = 0) -> Any:
        return jsonify(ok=True)

    @app.post("/jobs")
    @app.post("/users", endpoint="user")
    def make() -> Any:
        people.setdefault(7, {"id": 7, "active": True})
        return jsonify(id=7), 201

    @app.post("/users/<int:number>/deactivate")
    def deactivate(number: int) -> Any:
        people[number]["active"] = False
        return jsonify(ok=True)

    return app, people


@pytest.mark.parametrize(
    ("path", "members", "told"),
    [
        ("/queue/drain", {}, "what it does nobody is shown"),
        ("/jobs/bulk", {"ids": [1, 2], "state": "done"}, "what it does nobody is shown (ids 1, ids 2)"),
        ("/votes", {"job_id": 1}, "what it does nobody is shown (job_id 1)"),
        ("/admin/maintenance", {"on": True}, "what it does nobody is shown"),
        ("/users/1/owner", {"role": "admin"}, "it could not be read beforehand"),
        ("/votes", {"job_id": 7}, ""),
        ("/jobs/bulk", {"ids": ["stp0123456789"]}, ""),
        ("/jobs/search", {"ids": [1]}, ""),
        ("/jobs", {"queue_id": 1}, ""),
    ],
)
def test_a_deed_by_post_on_what_was_there_is_named(path: str, members: dict[str, object], told: str) -> None:
    app, _ = queue()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(change("POST", "/jobs", title="x"))
    courier.carry(change("POST", path, **members))
    courier.put_back()
    assert courier.unlike == ({f"POST {path}": [told]} if told else {})


def test_accounts_of_others_are_not_ended_by_anybody() -> None:
    app, people = queue()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.given.take_up([ANN])
    for somebody in (change("POST", "/users/1/deactivate"), ANN.on(change("POST", "/users/2/deactivate"))):
        with pytest.raises(Skipped, match="account"):
            courier.carry(somebody)
    courier.carry(change("POST", "/users", name="x"))
    courier.carry(change("POST", "/users/7/deactivate"))
    assert [number for number, one in people.items() if not one["active"]] == [7]
