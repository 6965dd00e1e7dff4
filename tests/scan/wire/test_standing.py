"""Roles, rights and states are changed of the scan's own people alone: an administrator who was given must be one afterwards."""

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FORM
from stopper.scan.wire.wsgi import WsgiTransport

ROOT = Identity("root", (("Authorization", Secret("Bearer root-token-0123456789")),))
JSON = (("Content-Type", "application/json"),)
STATUS_OF_ANOTHER = "an account that this scan has not registered"


def courier(app: Flask | None = None) -> Courier:
    mine = Courier(WsgiTransport(app or Flask("empty")), mode="active")
    mine.given.take_up([ROOT])
    return mine


def change(method: str, target: str, **members: object) -> Request:
    return Request(method, target, JSON, json.dumps(members).encode(), "write")


def sent(mine: Courier, one: Request) -> bool:
    with contextlib.suppress(Skipped):
        mine.carry(one)
        return True
    return False


@pytest.mark.parametrize("who", [ROOT, None])
@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("/users/1/ban", {}),
        ("/users/1/demote", {}),
        ("/users/1/promoted", {}),
        ("/users/1/deactivated", {}),
        ("/deactivated/1", {}),
        ("/users/1/merge", {}),
        ("/users/1/revoke-role", {}),
        ("/users/1/role", {"role": "x"}),
        ("/users/1/admin", {}),
        ("/users/1/make/admin", {}),
        ("/users/1/roles/2", {}),
        ("/users/ann/role", {"role": "x"}),
        ("/accounts/1/status", {"status": "x"}),
        ("/teams/3/members/5/role", {"value": "x"}),
        ("/members/toggle-status/4", {}),
        ("/set-role/1", {"role": "x"}),
        ("/admin/ban/1", {}),
        ("/promote/1", {}),
        ("/roles/1/permissions", {"permissions": []}),
        ("/admin/role", {"user_id": 1, "role": "x"}),
        ("/admin/plan", {"user_id": 1, "plan": "x"}),
        ("/admins", {"email": "ann@example.com"}),
        ("/roles/assign", {"userId": 1, "role": "x"}),
        ("/users/update-status", {"id": 1, "status": "x"}),
        ("/api/update-status", {"id": 1, "status": "x"}),
        ("/permissions/grant", {"user": "ann", "permission": "x"}),
        ("/graphql/set-user-role", {"userId": "1", "role": "x"}),
        ("/manage/suspend?user_id=1", {}),
        ("/manage/access?user_id=1&level=x", {}),
        ("/users/1' OR 'a'='a/ban", {}),
        ("/users/1", {"role": "x"}),
        ("/users/1/profile", {"user": {"is_admin": True}}),
        ("/users/update", {"id": 1, "is_active": False}),
    ],
)
def test_what_changes_the_standing_of_somebody_who_was_there_is_not_sent(
    target: str, members: dict[str, object], who: Identity | None
) -> None:
    one = change("POST", target.replace(" ", "%20"), **members)
    assert not sent(courier(), who.on(one) if who else one)
    form = Request("POST", one.target, (("Content-Type", FORM),), urlencode(members).encode(), "write")
    assert any(isinstance(value, dict) for value in members.values()) or not sent(courier(), form)


@pytest.mark.parametrize(
    ("method", "target", "members"),
    [
        ("POST", "/orders/1/status", {"status": "paid"}),
        ("POST", "/users/1/notes", {"title": "x", "status": "open"}),
        ("PUT", "/users/1/notes/7/status", {"status": "open"}),
        ("POST", "/orders/status", {"order_id": 5, "user_id": 1, "status": "x"}),
        ("POST", "/tasks/5/assign", {"user_id": 1}),
        ("POST", "/feed/status", {"user_id": 1, "text": "hello"}),
        ("POST", "/tickets/update-status", {"id": 1, "status": "open"}),
        ("PUT", "/users/1", {"name": "x", "city": "y"}),
        ("POST", "/users/search", {"role": "admin"}),
        ("POST", "/users/1/roles/check", {"role": "admin"}),
        ("POST", "/users", {"username": "stp0123456789", "role": "user"}),
        ("POST", "/register", {"email": "stp0123456789@example.com", "role": "user"}),
        ("POST", "/admin/orders", {"status": "open"}),
        ("POST", "/products/5/promote", {}),
        ("POST", "/users/99999999/ban", {}),
        ("POST", "/admin/ban", {"user_id": "stp0123456789"}),
        ("PUT", "/me", {"is_active": True, "name": "x"}),
        ("POST", "/make-order", {"thing": 5}),
    ],
)
def test_what_changes_nobodys_standing_is_sent(method: str, target: str, members: dict[str, object]) -> None:
    assert sent(courier(), ROOT.on(change(method, target, **members)))


@pytest.mark.parametrize("who", [ROOT, None])
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PATCH", "/users/all"),
        ("PUT", "/api/users/bulk"),
        ("PATCH", "/all-users"),
        ("POST", "/users/deactivate-all"),
        ("POST", "/users/bulk-update"),
    ],
)
def test_all_people_at_once_are_left_as_they_are(method: str, target: str, who: Identity | None) -> None:
    one = change(method, target, bio="x")
    assert not sent(courier(), who.on(one) if who else one)
    assert sent(courier(), change(method, target, bio="x", username="stp0123456789"))


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/users/bulk"), ("PATCH", "/notes/all"), ("PUT", "/user/notifications/read-all"), ("POST", "/users/all")],
)
def test_many_of_something_else_may_be_changed_and_many_people_made(method: str, target: str) -> None:
    assert sent(courier(), change(method, target, bio="x"))


@pytest.mark.parametrize("target", ["/promote", "/me/promote", "/account/make-admin", "/become-admin"])
def test_nobody_given_is_made_more_or_less_than_before(target: str) -> None:
    assert not sent(courier(), ROOT.on(change("POST", target)))
    assert sent(courier(), change("POST", target))


def people(*, by_id: bool = True) -> tuple[Flask, dict[int, dict[str, Any]], list[Any]]:
    """People with an administrator at their head, who may do everything to everybody, and what each of them ever was."""
    app, seen = Flask("people"), list[Any]()
    kept: dict[int, dict[str, Any]] = {
        1: {"id": 1, "name": "root", "role": "admin", "status": "active", "city": "Bern"}
    }
    tokens, passwords = {"root-token-0123456789": 1}, dict[str, str]()

    def who() -> int | None:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))

    @app.before_request
    def known() -> Any:
        if who() is None and request.path not in ("/", "/register", "/login"):
            return jsonify(error="log in"), 401
        return None

    @app.after_request
    def note(answer: Any) -> Any:
        seen.append({name: value for name, value in kept[1].items() if name != "city"})
        return answer

    @app.errorhandler(KeyError)
    @app.errorhandler(TypeError)
    @app.errorhandler(ValueError)
    def wrong(error: Exception) -> Any:
        return jsonify(error=f"missing or wrong: {error}"), 400

    @app.post("/register")
    def register() -> Any:
        said = request.get_json()
        number, name = max(kept) + 1, str(said["username"])
        kept[number] = {"id": number, "name": name, "role": "user", "status": "active", "city": ""}
        passwords[name] = str(said["password"])
        return jsonify(id=number), 201

    @app.post("/login")
    def login() -> Any:
        name = str(request.get_json()["username"])
        if passwords.get(name) != request.get_json()["password"]:
            return jsonify(error="wrong"), 401
        number = next(one["id"] for one in kept.values() if one["name"] == name)
        tokens[f"token-of-{name}-{len(tokens)}"] = number
        return jsonify(access_token=f"token-of-{name}-{len(tokens) - 1}")

    @app.get("/me")
    def me() -> Any:
        return jsonify(kept[who() or 1])

    @app.get("/users")
    def everybody() -> Any:
        return jsonify([{"id": one["id"], "role": one["role"]} for one in kept.values()])

    @app.route("/users/<int:number>", methods=["GET", "PUT"])
    def user(number: int) -> Any:
        if request.method == "PUT" and number in kept:
            kept[number].update(
                {name: value for name, value in dict(request.get_json()).items() if name in kept[number]}
            )
        return jsonify(kept[number]) if by_id and number in kept else (jsonify(error="none"), 404)

    @app.route("/users/<int:number>/role", methods=["PUT", "POST"])
    @app.post("/admin/role", defaults={"number": 0})
    def role(number: int) -> Any:
        number = number or int(request.get_json()["user_id"])
        kept[number]["role"] = request.get_json()["role"]
        return jsonify(ok=True)

    @app.post("/users/<int:number>/ban")
    def ban(number: int) -> Any:
        kept[number].update(status="banned")
        return jsonify(ok=True)

    links = ["/register", "/login", "/me", "/users", "/users/1", "/users/1/role", "/users/1/ban", "/admin/role"]
    app.add_url_rule("/", "home", lambda: jsonify(links=links))
    return app, kept, seen


@pytest.mark.parametrize("by_id", [True, False])
def test_what_a_change_says_of_a_role_is_what_stands_there(by_id: bool) -> None:
    """Where it can be read the change goes out with it, so that it is known who is let in; else it stays."""
    app, kept, _ = people(by_id=by_id)
    mine = courier(app)
    assert sent(mine, ROOT.on(change("PUT", "/users/1/role", role="text"))) is by_id
    assert sent(mine, ROOT.on(change("PUT", "/users/1", role="x", city="Bonn"))) is by_id
    assert (kept[1]["role"], kept[1]["city"]) == ("admin", "Bonn" if by_id else "Bern")


def test_a_list_of_rights_is_not_sent_as_a_text() -> None:
    """A form cannot say a list, and what it says in its place is something else."""
    app, kept = Flask("form"), {"rights": ["read"], "role": "admin"}

    @app.route("/users/1", methods=["GET", "PUT"])
    def user() -> Any:
        kept.update(request.form.to_dict())
        return jsonify(kept)

    def form(name: str) -> Request:
        return Request("PUT", "/users/1", (("Content-Type", FORM),), f"{name}=x".encode(), "write")

    assert not sent(courier(app), ROOT.on(form("rights")))
    assert sent(courier(app), ROOT.on(form("role")))
    assert kept == {"rights": ["read"], "role": "admin"}


@pytest.mark.parametrize(
    ("had", "wanted", "has"), [("admin", "user", "admin"), ("user", "root", "root"), ("user", "x", "user")]
)
def test_who_was_given_may_be_more_for_a_while_and_never_less(had: str, wanted: str, has: str) -> None:
    """What the own account shows is tried and taken back; an administrator stays one, and no member is added that nobody could take away."""
    app, kept = Flask("me"), dict[str, Any](id=1, role=had, city="Bern")

    @app.route("/me", methods=["GET", "PUT"])
    def me() -> Any:
        kept.update(request.get_json() if request.method == "PUT" else {})
        return jsonify(kept)

    mine = courier(app)
    assert sent(mine, ROOT.on(change("PUT", "/me", role=wanted, is_admin=True, city="Bonn")))
    assert kept == {"id": 1, "role": has, "city": "Bonn"}
    mine.put_back()
    assert kept == {"id": 1, "role": had, "city": "Bern"}


@pytest.mark.parametrize("number", ["by its path", "by /me"])
def test_an_account_of_the_scans_own_is_changed(number: str) -> None:
    app, kept, _ = people()
    mine = courier(app)
    mine.carry(change("POST", "/register", username="stp01234567", password="secret"))
    token = mine.carry(
        Request("POST", "/login", JSON, b'{"username": "stp01234567", "password": "secret"}', "login")
    ).response.json()
    assert isinstance(token, dict)
    made = Identity("stp01234567", (("Authorization", Secret(f"Bearer {token['access_token']}")),))
    if number == "by /me":
        mine = courier(app)
        assert not sent(mine, made.on(change("PUT", "/users/2/role", role="x", note="y")))
        mine.carry(made.on(Request("GET", "/me")))
    assert sent(mine, made.on(change("PUT", "/users/2/role", role="admin")))
    assert sent(mine, change("POST", "/admin/role", user_id=2, role="admin"))
    assert kept[2]["role"] == "admin"


def test_a_forged_credential_shows_nobody_of_the_scans_own() -> None:
    """An answer about the administrator to who holds a token that a probe has made up makes no account the scan's."""
    mine = courier()
    forged = Request("GET", "/me", (("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),))
    mine.known.learn(forged, Response(200, (("Content-Type", "application/json"),), b'{"id": 1, "user_id": 1}'), None)
    assert not mine.known.has_registered("users", "1")


@pytest.fixture(scope="module")
def scanned() -> tuple[dict[int, dict[str, Any]], list[Any], Any]:
    app, kept, seen = people()
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=load(), mode="active", identities=(ROOT,)))
    return kept, seen, report


def test_an_administrator_who_was_given_is_at_no_moment_of_a_scan_anything_else(scanned: Any) -> None:
    kept, seen, _ = scanned
    assert len(seen) > 100
    assert all(one == {"id": 1, "name": "root", "role": "admin", "status": "active"} for one in seen)
    assert kept[1]["city"] == "Bern"


def test_that_anybody_may_change_anybody_is_found_by_the_scans_own_people(scanned: Any) -> None:
    _, _, report = scanned
    assert "mass-assignment" in {one.rule.slug for one in report.findings}


def test_what_was_held_back_is_named_with_what_it_could_do(scanned: Any) -> None:
    _, _, report = scanned
    left = {one.what: one.reason for one in report.skipped}
    assert STATUS_OF_ANOTHER in left["POST /users/1/ban"]
