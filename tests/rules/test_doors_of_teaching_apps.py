"""Ways of small applications that people learn from: log-ins by GET, cookies beside their own digest, bodies that are run, names that begin with a verb."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, jsonify, redirect, request
from tests.rules.from_outside import RULES
from tests.rules.toy_people import ToyPeople

from stopper.core.exchange import Response
from stopper.core.probe import Identity
from stopper.core.probing.accounts.login import understood
from stopper.core.secret import Secret
from stopper.scan.trial import try_rule


@pytest.mark.parametrize(
    ("slug", "page"),
    [(slug, page) for slug in ("credentials-in-query-string", "login-not-throttled") for page in (False, True)],
)
def test_a_log_in_by_get_is_judged_by_its_address(slug: str, page: bool) -> None:
    """A page that asks for an account judges none."""
    app = Flask("door")

    @app.get("/login")
    def login() -> Any:
        if page:
            return "<form method=post><input name=username><input name=password type=password></form>"
        name, word = request.args["username"], request.args["password"]
        return jsonify(data="Login successful" if (name, word) == ("ann", "s") else "Login unsuccessful"), 403

    told = try_rule(RULES[slug], app)
    assert (told.outcome == "fail") is not page, told.message
    assert page or str(told.routes[0]) == "GET /login"


def _digest(text: str, kept: bytes | None) -> str:
    return (
        hashlib.sha256(text.encode()).hexdigest()
        if kept is None
        else hmac.new(kept, text.encode(), "sha256").hexdigest()
    )


@pytest.mark.parametrize("keyed", [False, True])
def test_a_cookie_beside_its_own_digest_is_written_by_hand(keyed: bool) -> None:
    """A digest that needs a key is a signature. The door says no with 200, as pages do."""
    app, key = Flask("market"), secrets.token_bytes(16) if keyed else None

    @app.get("/office")
    def office() -> Any:
        try:
            said, _, digest = base64.b64decode(request.cookies.get("who", "")).decode().rpartition(".")
        except ValueError:
            return "Invalid cookie!"
        if not said or _digest(said, key) != digest:
            return "Invalid cookie!"
        return "You are not an admin." if json.loads(said)["role"] == 0 else "Welcome"

    said = json.dumps({"role": 0, "username": "annabel"})
    held = base64.b64encode(f"{said}.{_digest(said, key)}".encode()).decode()
    ann = Identity("ann", (("Cookie", Secret(f"who={held}")),), subject="annabel")
    told = try_rule(RULES["principal-from-client-header"], app, identities=[ann])
    assert (told.outcome == "fail") is not keyed, told.message


@pytest.mark.parametrize("opens", [False, True])
def test_an_entity_is_followed_by_a_search_that_finds_nobody(opens: bool) -> None:
    """What is not there does no harm; a file that holds zeros breaks the document."""
    app = Flask("search")

    @app.post("/search")
    def search() -> Any:
        text = request.get_data(as_text=True)
        if not text.startswith("<?xml"):
            return "<error>Start tag expected</error>", 500
        named = re.search(r"file://(/proc/[\w/]+)", text)
        path = Path(named.group(1)) if named is not None and opens else None
        if path is not None and path.exists() and b"\0" in path.read_bytes():
            return "<error>PCDATA invalid Char value 0</error>", 500
        return "<error>User not found</error>", 404

    told = try_rule(RULES["sensitive-file-served"], app)
    assert (told.outcome == "fail") is opens, told.message


@pytest.mark.parametrize("runs", [False, True])
def test_a_body_is_run_as_it_came(runs: bool) -> None:
    app = Flask("calculator")

    @app.post("/work")
    def work() -> Any:
        text = request.get_data(as_text=True)
        found = re.fullmatch(r"(\d+)\*(\d+)", text) if runs else None
        return str(int(found.group(1)) * int(found.group(2))) if found is not None else f"no: {text}"

    told = try_rule(RULES["code-injection"], app)
    assert (told.outcome == "fail") is runs, told.message


def test_a_view_that_wants_all_parameters_gets_them() -> None:
    app = Flask("door")
    asks = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("username", "password", "url")]
    document = {
        "openapi": "3.0.3",
        "info": {"title": "door", "version": "1"},
        "paths": {"/enter": {"get": {"responses": {}, "parameters": asks}}},
    }

    @app.get("/enter")
    def enter() -> Any:
        if len(request.args) < 3:
            return jsonify(error="username, password and url have to be provided"), 400
        return redirect(request.args["url"])

    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    assert try_rule(RULES["open-redirect"], app).outcome == "fail"


@pytest.mark.parametrize("asks", [False, True])
def test_things_of_a_company_are_listed_by_a_verb_and_read_by_a_newer_route(asks: bool) -> None:
    customers: dict[str, list[dict[str, Any]]] = {}

    class Bank(ToyPeople):
        def joined(self, name: str) -> None:
            customers[name] = [{"id": len(customers) + 5, "name": f"Mr {secrets.token_hex(4)}", "balance": 12.5}]

    people = Bank("bank")

    @people.app.get("/get_customers")
    def all_of_mine() -> Any:
        return jsonify(success=True, customers=customers[people.caller()])

    @people.app.get("/get_customer_v2/<int:number>")
    def one(number: int) -> Any:
        me = people.caller()
        known = customers[me] if asks else [one for some in customers.values() for one in some]
        return jsonify(success=True, customers=[one for one in known if one["id"] == number])

    told = people.judged()
    assert (told.outcome == "fail") is not asks, told.message


@pytest.mark.parametrize("kind", ["open", "asks", "echoes"])
def test_two_new_accounts_differ_in_whose_they_are(kind: str) -> None:
    """What answers for any id at all is nobody's."""
    numbers: dict[str, str] = {}

    class Money(ToyPeople):
        def joined(self, name: str) -> None:
            numbers[name] = str(uuid.uuid4())

    people = Money("money")

    @people.app.get("/me")
    def me() -> Any:
        return jsonify(user_id=numbers[people.caller()])

    @people.app.get("/account/<user_id>/summary")
    def summary(user_id: str) -> Any:
        mine = numbers[people.caller()]
        if (kind == "asks" and user_id != mine) or (kind != "echoes" and user_id not in numbers.values()):
            abort(404)
        return jsonify(user_id=user_id, balance=0.0)

    told = people.judged()
    assert (told.outcome == "fail") is (kind == "open"), told.message


@pytest.mark.parametrize("beside", [False, True])
def test_somebody_called_admin_is_no_function_of_administrators(beside: bool) -> None:
    people = ToyPeople("club")
    people.app.add_url_rule("/user/admin", "admin", lambda: jsonify(username="admin", of=people.caller()))
    if beside:
        people.app.add_url_rule("/user/<name>", "one", lambda name: jsonify(username=name, of=people.caller()))
    told = try_rule(RULES["low-role-reaches-admin"], people.app)
    assert (told.outcome == "fail") is not beside, told.message


@pytest.mark.parametrize("drawn", [False, True])
def test_a_token_is_a_digest_of_what_the_same_answer_says(drawn: bool) -> None:
    people = ToyPeople("club")

    def login() -> Any:
        sent = request.get_json()
        if people.passwords.get(sent["username"]) != sent["password"]:
            return jsonify(error="no"), 401
        ends = time.ctime(time.time() + 300)
        token = secrets.token_hex(16) if drawn else hashlib.md5(ends.encode(), usedforsecurity=False).hexdigest()
        people.tokens[token] = sent["username"]
        return jsonify(token=token, expires=ends)

    people.app.view_functions["login"] = login
    people.app.add_url_rule("/me", "me", lambda: jsonify(name=people.caller()))
    told = try_rule(RULES["api-key-predictable"], people.app)
    assert (told.outcome == "fail") is not drawn, told.message
    assert drawn or "what the same answer says" in told.message


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"bad_login": true}', True),
        ("Invalid username or password", True),
        ("username and password have to be provided", False),
        ("Invalid JSON", False),
    ],
)
def test_a_400_that_refuses_the_account_has_read_it(text: str, read: bool) -> None:
    assert understood(Response(400, body=text.encode())) is read


def test_a_file_that_a_document_speaks_of_is_uploaded() -> None:
    app = Flask("files")
    sends = {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"page": {"type": "string", "format": "binary"}}}
        }
    }
    paths = {"/hammer": {"post": {"responses": {}, "requestBody": {"content": sends}}}}

    @app.post("/hammer")
    def hammer() -> Any:
        text = request.files["page"].read().decode()
        return "47569433" if text.startswith("!!python/object/apply:builtins.int") else "read"

    app.add_url_rule(
        "/openapi.json", "document", lambda: jsonify(openapi="3.0.3", info={"title": "f", "version": "1"}, paths=paths)
    )
    assert try_rule(RULES["code-injection"], app).outcome == "fail"
