"""What asks nobody who is there beside pages that do, administrators whom anybody registers, and roles that anybody changes; with what is meant so."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.test_of_two_people import number_in_path, told
from tests.rules.test_two_given_people import Two, body
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


@pytest.mark.parametrize("noun", ["expenses", "posts"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_open_api_beside_a_closed_page(noun: str, method: str) -> None:
    """What somebody spends is nobody's business, and what somebody posts is everybody's: the own posts behind the log-in are a list like any other."""
    two, kept = Two("spending"), {1: [{"what": "rent of ann"}], 2: [{"what": "rent of ben"}]}

    @two.app.get(f"/my-{noun}")
    def mine() -> Any:
        return jsonify(kept[two.caller()])

    @two.app.route(f"/api/{noun}/<int:user_id>", methods=[method])
    def theirs(user_id: int) -> Any:
        rows = kept.get(user_id) or abort(404)
        if method == "GET":
            return jsonify(rows)
        rows.append({"what": request.get_json()["what"]})
        return jsonify(ok=True), 201

    operation = {**(body(what="string") if method == "POST" else {"responses": {}})}
    operation["parameters"] = [number_in_path("user_id")]
    paths: dict[str, Any] = {
        f"/my-{noun}": told(get={}),
        f"/api/{noun}/{{user_id}}": {method.lower(): operation},
        "/me": told(get={}),
    }
    verdict = two.judged("route-without-authentication", **paths)
    assert (f"{method} /api/{noun}/" in verdict.message and verdict.outcome == "fail") is (noun == "expenses")


def company(*, path: str, needs: str = "", ends_as: str = "admin") -> Flask:
    """People and a page of administrators; whoever registers at *path* is one of these where it is told what it *needs*."""
    app, people, tokens = Flask("company"), dict[str, dict[str, str]](), dict[str, str]()

    def join(role: str) -> Any:
        sent = request.get_json()
        if role == "admin" and needs == "invitation_code" and sent.get(needs) != "only-the-owner-knows":
            abort(403)
        if sent["username"] in people:
            return jsonify(error="taken"), 409
        people[sent["username"]] = {"password": sent["password"], "role": role}
        return jsonify(ok=True), 201

    app.add_url_rule("/register", "register", lambda: join("user"), methods=["POST"])
    app.add_url_rule(path, "admins", lambda: join(ends_as), methods=["POST"])

    @app.post("/login")
    def login() -> Any:
        sent, token = request.get_json(), secrets.token_urlsafe(24)
        if people.get(sent["username"], {}).get("password") != sent["password"]:
            return jsonify(error="no"), 401
        tokens[token] = sent["username"]
        return jsonify(token=token)

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer ")) or abort(401)

    app.add_url_rule("/me", "me", lambda: jsonify(username=caller()))

    @app.get("/reports")
    def reports() -> Any:
        return jsonify(reports=["of the year"]) if people[caller()]["role"] == "admin" else abort(403)

    said = dict.fromkeys(("username", "password", needs or "password"), "string")
    post = told(post=body(**said))
    paths: dict[str, Any] = {
        path: post,
        "/register": told(post=body(username="string", password="string")),
        "/login": post,
    }
    paths |= {"/reports": told(get={}), "/me": told(get={})}
    document = {"openapi": "3.0.3", "info": {"title": "company", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    return app


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"path": "/signup-admin"}, True),
        ({"path": "/admin/register"}, True),
        ({"path": "/signup-admin", "needs": "invitation_code"}, False),
        ({"path": "/signup-admin", "needs": "company_name"}, False),
        ({"path": "/signup-admin", "ends_as": "user"}, False),
        ({"path": "/signup-partner"}, False),
    ],
)
def test_whoever_asks_is_made_an_administrator(said: dict[str, str], wrong: bool) -> None:
    """An invitation that nobody has refuses; who founds a company looks after that one; who is none afterwards was made none."""
    verdict: Verdict = try_rule(RULES["low-role-reaches-admin"], company(**said))
    assert ("makes whoever asks" in verdict.message and verdict.outcome == "fail") is wrong, verdict.message


@pytest.mark.parametrize("checks", [False, True])
def test_what_an_ordinary_user_does_with_the_role_it_just_made(checks: bool) -> None:
    """A number that nobody has says 404 to everybody; the routes are told where they take the one that the same user made."""
    toy, roles, numbers = ToyPeople("roles"), {1: "admin"}, itertools.count(11)

    def let_in() -> None:
        toy.caller()
        if checks:
            abort(403)

    @toy.app.route("/admin/roles", methods=["GET", "POST"])
    def everything() -> Any:
        let_in()
        if request.method == "GET":
            return jsonify([{"id": number, "name": name} for number, name in roles.items()])
        roles[new := next(numbers)] = request.get_json()["name"]
        return jsonify(id=new, name=roles[new]), 201

    @toy.app.route("/admin/roles/<int:role_id>", methods=["GET", "PUT", "DELETE"])
    def one(role_id: int) -> Any:
        let_in()
        if role_id not in roles:
            abort(404)
        if request.method == "PUT":
            roles[role_id] = request.get_json()["name"]
        if request.method == "DELETE":
            del roles[role_id]
        return jsonify(id=role_id, name=roles.get(role_id))

    at = [number_in_path("role_id")]
    paths: dict[str, Any] = {
        "/admin/roles": told(get={}, post=body(name="string")),
        "/admin/roles/{role_id}": {**told(get={}, put=body(name="string"), delete={}), "parameters": at},
    }
    document = {"openapi": "3.0.3", "info": {"title": "roles", "version": "1"}, "paths": paths}
    toy.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    verdict = try_rule(RULES["low-role-reaches-admin"], toy.app)
    refs = {str(ref) for ref in verdict.routes} if verdict.outcome == "fail" else set[str]()
    changed = {"PUT /admin/roles/{role_id}", "DELETE /admin/roles/{role_id}"}
    assert refs & changed == (set() if checks else changed), verdict
    assert roles[1] == "admin"


@pytest.mark.parametrize("checks", [False, True])
def test_what_is_made_for_whoever_is_named_by_the_body(checks: bool) -> None:
    """``User not found`` says that a member names somebody: the own name goes there, and the id of a permission is that of the thing."""
    toy, kept, numbers = ToyPeople("permissions"), dict[int, dict[str, Any]](), itertools.count(11)

    @toy.app.route("/permissions", methods=["GET", "POST"])
    def permissions() -> Any:
        me = toy.caller()
        if request.method == "GET":
            return jsonify([one for one in kept.values() if one["subject"] == me])
        sent = request.get_json()
        if sent.get("subject") not in toy.passwords:
            return jsonify(message="User not found"), 404
        if sent["subject"] != me:
            abort(403)
        new = next(numbers)
        kept[new] = {"id": new, "subject": me, "object": sent["object"]}
        return jsonify(message="created"), 201

    @toy.app.get("/permissions/<int:user_id>")
    def of_somebody(user_id: int) -> Any:
        toy.caller()
        return jsonify([]) if user_id == 1 else abort(404)

    @toy.app.route("/permissions/<int:permission_id>/", methods=["PUT", "DELETE"])
    def one(permission_id: int) -> Any:
        me = toy.caller()
        found = kept.get(permission_id) or abort(404)
        if checks and found["subject"] != me:
            abort(403)
        if request.method == "DELETE":
            del kept[permission_id]
        else:
            found["object"] = request.get_json()["object"]
        return jsonify(message="done")

    paths: dict[str, Any] = {
        "/permissions": told(get={}, post=body(subject="string", object="string")),
        "/permissions/{user_id}": {"get": {"responses": {}, "parameters": [number_in_path("user_id")]}},
        "/permissions/{permission_id}/": {
            **told(put=body(object="string"), delete={}),
            "parameters": [number_in_path("permission_id")],
        },
    }
    verdict = toy.judged(**paths)
    assert (verdict.outcome == "fail") is not checks, verdict.message
    assert checks or {"PUT", "DELETE"} <= {ref.method for ref in verdict.routes}
