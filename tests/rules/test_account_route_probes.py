"""Probes of routes about accounts: a look-up by name among many routes, a role taken at registration, another's password."""

import secrets
import sqlite3
from typing import Any

import jwt
import pytest
from flask import Flask, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route, Spec
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.redactor import mask
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


def tried(slug: str, app: Flask, **more: Any) -> Verdict:
    """The verdict of that rule alone."""
    rule = find(slug)
    assert rule is not None
    return try_rule(rule, app, **more)


def lookup(bound: bool) -> Flask:
    """Many routes that read nothing, and one at the end that looks a person up by name."""
    app = Flask("lookup")
    for number in range(12):
        app.add_url_rule(f"/a{number}", f"a{number}", lambda: jsonify(news=[]))

    @app.get("/people/<name>")
    def person(name: str) -> Any:
        base = sqlite3.connect(":memory:")
        base.execute("create table people (name text)")
        base.execute("insert into people values ('ann')")
        if bound:
            row = base.execute("select name from people where name = ?", (name,)).fetchone()
        else:
            row = base.execute(f"select name from people where name = '{name}'").fetchone()
        return jsonify(name=row[0]) if row else (jsonify(error="unknown"), 404)

    return app


@pytest.mark.parametrize(("bound", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_known_parameter_is_tried_before_guessed_names_use_the_budget(bound: bool, outcome: str) -> None:
    assert tried("sql-injection", lookup(bound), depth="standard").outcome == outcome


def accounts(kept: bool) -> Flask:
    """Registers people and shows them in a list; one of the two takes a role from whoever registers."""
    app = Flask("accounts")
    people: dict[str, dict[str, Any]] = {}

    @app.post("/users/register")
    def register() -> Any:
        said = request.get_json()
        name = str(said["username"])
        people[name] = {"username": name, "admin": False if kept else bool(said.get("admin", False))}
        return jsonify(status="registered")

    @app.get("/users")
    def listed() -> Any:
        return jsonify(users=list(people.values()))

    return app


@pytest.mark.parametrize(("kept", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_role_taken_at_registration_shows_in_a_list(kept: bool, outcome: str) -> None:
    someone = Identity("alice", (("Authorization", Secret("Bearer x")),))
    verdict = tried("mass-assignment", accounts(kept), identities=[someone])
    assert verdict.outcome == outcome
    assert kept or "admin" in verdict.message


def columns(kept: bool) -> Flask:
    """Registers people with a statement made of what was sent, which an unknown column spoils; the log-in tells who may do what."""
    app, people = Flask("columns"), dict[str, dict[str, Any]]()

    @app.post("/register")
    def register() -> Any:
        said = request.get_json()
        if not kept and not set(said) <= {"username", "email", "name", "password", "is_admin"}:
            return jsonify(error="no such column"), 500
        people[said["username"]] = {
            "is_admin": False if kept else said.get("is_admin", False),
            "word": said["password"],
        }
        return jsonify(sent=said)

    @app.post("/login")
    def login() -> Any:
        said = request.get_json()
        person = people.get(said["username"])
        if person is None or person["word"] != said["password"]:
            return jsonify(error="no"), 401
        return jsonify(token="t" * 30, isAdmin=person["is_admin"])

    return app


@pytest.mark.parametrize(("kept", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_right_taken_at_registration_shows_in_the_log_in(kept: bool, outcome: str) -> None:
    someone = Identity("alice", (("Authorization", Secret("Bearer x")),))
    verdict = tried("mass-assignment", columns(kept), identities=[someone])
    assert verdict.outcome == outcome, verdict.message
    assert kept or "is_admin" in verdict.message


@pytest.mark.parametrize(("kept", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_role_that_the_document_names_is_no_ones_to_give_himself(kept: bool, outcome: str) -> None:
    app, people = Flask("roles"), dict[str, Any]()

    @app.post("/register")
    def register() -> Any:
        said = request.get_json()
        people[said["login"]] = said
        return "made", 201

    @app.post("/login")
    def login() -> Any:
        said = request.get_json()
        role = "user" if kept else people[said["login"]]["role"]
        return jsonify(token=jwt.encode({"sub": said["login"], "role": role}, "k" * 32))

    body = {"properties": {"login": {}, "password": {}, "role": {"example": "user"}}}
    model = App(
        routes=(
            Route("/register", ("POST",), request_schema=body, readers=frozenset({"spec"})),
            Route("/login", ("POST",), fields=("login", "password"), readers=frozenset({"spec"})),
        )
    )
    someone = Identity("alice", (("Authorization", Secret("Bearer x")),))
    assert tried("mass-assignment", app, identities=[someone], source=model).outcome == outcome


def test_the_name_of_a_field_behind_a_path_that_ends_in_password_is_not_masked() -> None:
    body = {"content": {"application/json": {"schema": {"properties": {"password": {"type": "string"}}}}}}
    path = {"put": {"requestBody": body, "responses": {"200": {"description": "done"}}}}
    rule, document = find("spec-bounds-missing"), {"openapi": "3.0.0", "paths": {"/people/password": path}}
    assert rule is not None
    assert rule.detect is not None
    hits = list(rule.detect(App(spec=Spec("t", "1", "t.json", document=document))))
    assert any("password has no maxLength" in mask(hit.message) for hit in hits)


def passwords(own_only: bool) -> Flask:
    """Registers, logs in and changes passwords; of the account in the path, or of the caller's own."""
    app = Flask("passwords")
    known: dict[str, str] = {}
    tokens: dict[str, str] = {}

    @app.post("/register")
    def register() -> Any:
        known[request.get_json()["username"]] = request.get_json()["password"]
        return jsonify(status="registered")

    @app.post("/login")
    def login() -> Any:
        said = request.get_json()
        if known.get(said.get("username", "")) != said.get("password"):
            return jsonify(error="wrong"), 401
        token = secrets.token_hex(20)
        tokens[token] = said["username"]
        return jsonify(access_token=token)

    @app.get("/me")
    def me() -> Any:
        name = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(username=name) if name else (jsonify(error="log in"), 401)

    @app.put("/users/<username>/password")
    def change(username: str) -> Any:
        name = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if name is None or username not in known:
            return jsonify(error="log in"), 401
        known[name if own_only else username] = request.get_json()["password"]
        return jsonify(status="changed")

    return app


@pytest.mark.parametrize(("own_only", "outcome"), [(False, "fail"), (True, "pass")])
def test_who_sets_the_password_of_another_is_found_by_the_log_in_after_it(own_only: bool, outcome: str) -> None:
    verdict = tried("cross-user-object-access", passwords(own_only))
    assert verdict.outcome == outcome
    assert own_only or "set the password" in verdict.message


class Clinic(ToyPeople):
    """Everybody registers as staff. ``asks`` says whether the export of what only few may read asks for the role as well."""

    def __init__(self, *, asks: bool) -> None:
        super().__init__("clinic")
        app = self.app
        app.add_url_rule("/staff/register", "joins", app.view_functions["register"], methods=["POST"])
        app.add_url_rule("/staff/me", "me", lambda: jsonify(name=self.caller()))
        app.add_url_rule("/audit", "audit", lambda: (jsonify(error="no"), 403) if self.caller() else jsonify([]))
        app.add_url_rule("/audit/export", "export", lambda: self.refused() if asks else jsonify(of=self.caller()))

    def refused(self) -> Any:
        return jsonify(error=f"no, {self.caller()}"), 403


@pytest.mark.parametrize("asks", [True, False])
def test_what_a_list_refuses_another_way_gives(asks: bool) -> None:
    """The own account below a word that everybody registers under is no administrator's."""
    told = tried("low-role-reaches-admin", Clinic(asks=asks).app)
    assert [str(ref) for ref in told.routes] == ([] if asks else ["GET /audit/export"])


class Profiles(ToyPeople):
    """An account whose profile is a member of its own. ``picks`` says whether only the name in it is taken."""

    def __init__(self, *, picks: bool) -> None:
        self.kept = dict[str, dict[str, Any]]()
        super().__init__("profiles")

        @self.app.route("/me", methods=["GET", "PUT"])
        def me() -> Any:
            mine = self.kept[self.caller()]
            sent = request.get_json()["profile"] if request.method == "PUT" else {}
            mine |= {name: value for name, value in sent.items() if name == "full_name" or not picks}
            return jsonify(mine)

    def joined(self, name: str) -> None:
        self.kept[name] = {"name": name, "full_name": "", "role": "user"}


@pytest.mark.parametrize("picks", [True, False])
def test_a_right_in_an_object_within_the_body_is_written(picks: bool) -> None:
    profile = {"type": "object", "properties": {"full_name": {"type": "string"}}}
    schema = {"type": "object", "properties": {"profile": profile}}
    put = Route("/me", ("PUT",), readers=frozenset({"spec"}), request_schema=schema)
    told = tried("mass-assignment", Profiles(picks=picks).app, source=App(routes=(put,), readers=frozenset({"spec"})))
    assert ("PUT /me" in [str(ref) for ref in told.routes]) is not picks


@pytest.mark.parametrize("there", [True, False])
def test_a_thing_that_nobody_should_have_is_not_changed_and_none_is_left(there: bool) -> None:
    """A PUT that makes what was not there; the id that nobody should have is somebody's where ``there`` says so."""
    plans = {99999999: {"name": "gold"}} if there else dict[int, Any]()
    people = ToyPeople("plans")

    @people.app.route("/admin/plans/<int:plan_id>", methods=["GET", "PUT", "DELETE"])
    def plan(plan_id: int) -> Any:
        people.caller()
        if request.method == "PUT":
            plans[plan_id] = request.get_json()
        found = plans.pop(plan_id, None) if request.method == "DELETE" else plans.get(plan_id)
        return (jsonify(found), 200) if found is not None else (jsonify(error="none"), 404)

    told = tried("low-role-reaches-admin", people.app)
    assert plans.get(99999999) == ({"name": "gold"} if there else None)
    assert ("PUT /admin/plans/{plan_id}" in [str(ref) for ref in told.routes]) is not there
