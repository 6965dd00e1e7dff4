"""Doors that speak GraphQL describe themselves: each field becomes a route, and what a scan asks there goes to the door as a query."""

import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.from_outside import reached, verdict
from tests.scan.engine.test_scan import served

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.login_names import LOGIN
from stopper.core.probe import Identity, Mode
from stopper.core.probing.graphql_limits import deep_query
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.surface.graphql import with_graphql
from stopper.scan.surface.graphql_names import Placing
from stopper.scan.surface.graphql_schema import Given, Kind, Schema, schema_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.graphql_answers import as_answered
from stopper.scan.wire.graphql_calls import GraphqlTransport, Operation
from stopper.scan.wire.wsgi import WsgiTransport


def kind(said: str, of: str = "SCALAR") -> dict[str, Any]:
    """The type that is written so: ``[Note!]``."""
    if said.endswith("!"):
        return {"kind": "NON_NULL", "name": None, "ofType": kind(said[:-1], of)}
    if said.startswith("["):
        return {"kind": "LIST", "name": None, "ofType": kind(said[1:-1], of)}
    return {"kind": of, "name": said}


def fields(**said: str) -> list[dict[str, Any]]:
    """Fields as they are written: ``note="id:ID! -> Note"``."""
    made = []
    for name, text in said.items():
        given, _, gives = text.rpartition("-> ")
        args = [
            {"name": n, "type": kind(t, "INPUT_OBJECT" if "Input" in t else "SCALAR"), "defaultValue": None}
            for n, t in re.findall(r"(\w+):(\S+)", given)
        ]
        plain = gives.strip("[]!") in ("String", "ID", "Boolean", "Int")
        made.append({"name": name, "args": args, "type": kind(gives, "SCALAR" if plain else "OBJECT")})
    return made


QUERIES = {
    "notes": "filter:String -> [Note]", "note": "id:ID! -> Note", "me": "-> User", "users": "-> [User]", "dropAll": "-> Boolean",
}  # fmt: skip
CHANGES = {
    "register": "input:AccountInput! -> Entered", "login": "username:String! password:String! -> Entered", "createNote": "text:String! -> Made",
    "updateNote": "id:ID! text:String -> Made", "deleteNote": "id:ID! -> Boolean", "updateMe": "phone:String isAdmin:Boolean -> User",
}  # fmt: skip
OBJECTS = {
    "Query": QUERIES, "Mutation": CHANGES, "Note": {"id": "-> ID", "text": "-> String", "author": "-> User"}, "Made": {"note": "-> Note"},
    "User": {"id": "-> ID", "name": "-> String", "password_hash": "-> String", "notes": "-> [Note]", "isAdmin": "-> Boolean"}, "Entered": {"token": "-> String"},
}  # fmt: skip
SCHEMA: dict[str, Any] = {
    "queryType": {"name": "Query"},
    "mutationType": {"name": "Mutation"},
    "types": [{"kind": "OBJECT", "name": name, "fields": fields(**said)} for name, said in OBJECTS.items()]
    + [
        {
            "kind": "INPUT_OBJECT",
            "name": "AccountInput",
            "inputFields": fields(_="username:String! password:String! -> ID")[0]["args"],
        }
    ],
}


class Notes:
    """People, and the notes that each keeps; whoever is asked gets and changes all of them where it is not *safe*."""

    def __init__(self, safe: bool, described: bool = True, by_get: bool = True) -> None:
        self.safe, self.described, self.slow = safe, described, False
        self.people: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.admins: set[str] = set()
        self.kept: dict[str, dict[str, Any]] = {"1": {"id": "1", "text": "old", "by": "root"}}
        self.asked: list[str] = []
        self.app = Flask("notes")
        self.app.add_url_rule("/graphql", view_func=self.door, methods=["GET", "POST"] if by_get else ["POST"])
        self.fields: dict[str, Callable[..., Any]] = {
            "notes": self.notes, "note": self.note, "me": self.me, "users": self.users, "register": self.register, "login": self.login,
            "createNote": self.create, "updateNote": self.update, "deleteNote": self.delete, "updateMe": self.update_me, "dropAll": self.kept.clear,
        }  # fmt: skip

    def door(self) -> Any:
        if isinstance(listed := request.get_json(silent=True), list):
            plain = [{"data": {"__typename": "Query"}}] * len(listed)
            return jsonify({"errors": [{"message": "one query"}]} if self.safe else plain)
        body: Any = request.args if request.method == "GET" else request.get_json(silent=True) or {}
        text = body.get("query") or ""
        self.asked.append(text)
        if self.slow and "fields" in text and "__type(" not in text:
            time.sleep(0.4)
        if "__type(" in text:
            return jsonify(
                data={"__type": next(one for one in SCHEMA["types"] if one["name"] == body["variables"]["name"])}
            )
        if "__schema" in text:
            return jsonify(data={"__schema": SCHEMA}) if self.described else (jsonify(errors=[{"message": "no"}]), 400)
        if text.startswith("{"):
            too_deep = self.safe and text.count("{") > 10
            return jsonify({"errors": [{"message": "too deep"}]} if too_deep else {"data": {"__typename": "Query"}})
        found = re.match(r"(?:query|mutation)(?:\([^)]*\))? \{ (\w+)", text)
        if found is None:
            return jsonify(errors=[{"message": "Syntax Error"}]), 400
        name, said = found.group(1), body.get("variables") or {}
        given: dict[str, Any] = json.loads(said) if isinstance(said, str) else said
        who = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        try:
            return jsonify(data={name: self.fields[name](who, **given)})
        except (PermissionError, sqlite3.Error) as error:
            return jsonify(data={name: None}, errors=[{"message": str(error), "path": [name]}])

    def notes(self, who: str | None, filter: str = "") -> Any:
        with closing(sqlite3.connect(":memory:")) as store:
            store.execute("create table note(id text, text text, by text)")
            store.executemany("insert into note values(:id, :text, :by)", list(self.kept.values()))
            if self.safe:
                rows = store.execute(
                    "select id, text from note where by = ? and text like ?", (who, f"%{filter}%")
                ).fetchall()
            else:
                rows = store.execute(
                    f"select id, text from note where by = '{who}' and text like '%{filter}%'"
                ).fetchall()
        return [{"id": number, "text": text} for number, text in rows]

    def note(self, who: str | None, id: str) -> Any:
        by = known_to(who)
        known = self.kept.get(id)
        return known if known is not None and (not self.safe or known["by"] == by) else None

    def me(self, who: str | None) -> Any:
        return {"id": "7", "name": known_to(who), "password_hash": None, "isAdmin": who in self.admins}

    def update_me(self, who: str | None, phone: str = "", isAdmin: bool = False) -> Any:
        if isAdmin and not self.safe:
            self.admins.add(known_to(who))
        return self.me(who)

    def users(self, who: str | None) -> Any:
        known_to(who)
        return [{"name": "ann", "password_hash": None if self.safe else "$2b$12$" + "a" * 53}]

    def register(self, who: str | None, input: dict[str, str]) -> Any:
        self.people[input["username"]] = input["password"]
        return self.login(who, **input)

    def login(self, who: str | None, username: str, password: str) -> Any:
        if self.people.get(username) != password:
            raise PermissionError("Wrong user name or password")
        token = secrets.token_hex(16)
        self.tokens[token] = username
        return {"token": token}

    def create(self, who: str | None, text: str) -> Any:
        number = str(secrets.randbelow(10**9))
        self.kept[number] = {"id": number, "text": text, "by": known_to(who)}
        return {"note": self.kept[number]}

    def update(self, who: str | None, id: str, text: str = "") -> Any:
        known = self.of(who, id)
        known["text"] = text
        return {"note": known}

    def delete(self, who: str | None, id: str) -> Any:
        return self.kept.pop(self.of(who, id)["id"]) is not None

    def of(self, who: str | None, number: str) -> dict[str, Any]:
        by = known_to(who)
        known = self.kept.get(number)
        if known is None or (self.safe and known["by"] != by):
            raise PermissionError("Note not found")
        return known


def known_to(who: str | None) -> str:
    if who is None:
        raise PermissionError("Not logged in")
    return who


def test_each_field_stands_where_a_route_of_its_kind_would() -> None:
    app = reached(Notes(safe=True).app)[0].app
    said = {f"{method} {one.path}" for one in app.routes for method in one.methods if one.path.startswith("/graphql/")}
    assert said == {
        "GET /graphql/notes", "GET /graphql/notes/{id}", "GET /graphql/me", "GET /graphql/users", "POST /graphql/register", "POST /graphql/login",
        "POST /graphql/notes", "PUT /graphql/notes/{id}", "PUT /graphql/me", "DELETE /graphql/notes/{id}",
    }  # fmt: skip


def test_what_is_done_to_a_log_in_is_none_and_what_a_query_takes_away_is_not_asked() -> None:
    account = "username:String! password:String! -> String"
    names = (
        "login",
        "createLogin",
        "newSignin",
        "updateLogin",
        "deleteLogin",
        "tokenCreate",
        "createSession",
        "obtainToken",
    )
    types = [
        {"kind": "OBJECT", "name": "Query", "fields": fields(popMessage="queue:String -> String", takeNext="-> String", taken="-> String")},
        {"kind": "OBJECT", "name": "Mutation", "fields": fields(**dict.fromkeys(names, account))},
    ]  # fmt: skip
    schema = schema_in({"queryType": {"name": "Query"}, "mutationType": {"name": "Mutation"}, "types": types})
    assert schema is not None
    placing = Placing("/graphql", schema)
    assert [one.name for one in schema.queries if placing.query(one) is not None] == ["taken"]
    enter = [one.name for one in schema.mutations if LOGIN.search(placing.mutation(one, one.given).path)]
    assert enter == ["login", "tokenCreate", "createSession", "obtainToken"]


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize(
    "slug", ["sql-injection", "sensitive-field-in-response", "cross-user-object-access", "mass-assignment"]
)
def test_what_varies_routes_varies_fields(slug: str, safe: bool) -> None:
    notes = Notes(safe)
    assert verdict(slug, notes.app).outcome == ("pass" if safe else "fail")
    assert notes.kept["1"] == {"id": "1", "text": "old", "by": "root"}
    assert not any("dropAll" in one for one in notes.asked)


@pytest.mark.parametrize(
    ("slug", "outcome"),
    [
        ("api-docs-public", "fail"),
        ("request-size-unlimited", "fail"),
        ("login-not-throttled", "fail"),
        ("auth-failure-status-wrong", "pass"),
    ],
)
def test_a_door_is_judged_by_what_it_says_where_it_takes_no_get(slug: str, outcome: str) -> None:
    assert verdict(slug, Notes(safe=True, by_get=False).app).outcome == outcome


def test_a_door_that_is_too_slow_for_all_of_it_is_asked_piece_by_piece() -> None:
    notes = Notes(safe=True)
    notes.slow = True
    courier = Courier(WsgiTransport(notes.app), mode="active", max_requests=900, timeout=0.3)
    model = App(routes=(Route("/graphql", ("POST",), readers=frozenset({"wire"})),), readers=frozenset({"wire"}))
    app = with_graphql(model, courier, HonestRequests(canary="canary"))
    assert "/graphql/notes/{id}" in [one.path for one in app.routes]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (None, True),
        ({"type": "object", "properties": {"query": {"type": "string"}, "variables": {"type": "object"}}}, True),
        ({"type": "object", "properties": {"title": {"type": "string"}}}, False),
    ],
)
def test_a_door_of_which_a_document_says_no_more_than_that_it_takes_a_query_describes_itself(
    schema: dict[str, Any] | None, told: bool
) -> None:
    courier = Courier(WsgiTransport(Notes(safe=True).app), mode="active", max_requests=200)
    door = Route("/graphql", ("POST",), request_schema=schema, readers=frozenset({"spec"}))
    model = App(routes=(door,), readers=frozenset({"spec", "wire"}))
    found = with_graphql(model, courier, HonestRequests()).routes
    assert (len(found) > 1) is told


def test_no_other_method_of_a_field_is_a_deed() -> None:
    notes = Notes(safe=True)
    _, courier = reached(notes.app)
    notes.asked.clear()
    assert courier.carry(Request("HEAD", "/graphql/login")).response.status == 405
    assert courier.carry(Request("PATCH", "/graphql/notes", effect="write")).response.status == 405
    assert courier.carry(Request("GET", "/graphql/notes/1?access_token=x")).response.wire is not None
    assert len(notes.asked) == 1


def test_a_door_limits_what_is_asked_at_once() -> None:
    loose, strict = (verdict("request-size-unlimited", Notes(safe).app) for safe in (False, True))
    assert loose.message.endswith("and POST /graphql answers 20 queries in one request and a query 14 levels deep")
    assert "answers" not in strict.message
    assert deep_query(SCHEMA, 3) == "{__typename notes @skip(if: true){author{notes{author{__typename}}}}}"


def test_a_door_that_does_not_describe_itself_stays_as_it_is() -> None:
    door = [one for one in reached(Notes(safe=True, described=False).app)[0].app.routes if "graphql" in one.path]
    assert door
    assert all(one.path == "/graphql" and one.request_schema is None for one in door)


def test_queries_go_by_get_where_only_reading_is_allowed() -> None:
    notes = Notes(safe=True)
    courier = Courier(WsgiTransport(notes.app), mode="passive", max_requests=900)
    model = App(routes=(Route("/graphql", ("GET", "POST"), readers=frozenset({"wire"})),), readers=frozenset({"wire"}))
    prepare(model, courier, (), "passive", "standard")
    courier.carry(Request("GET", "/graphql/notes/1"))
    assert notes.asked[-1] == "query($id: ID!) { note(id: $id) { id text author { id name password_hash isAdmin } } }"
    assert all(method == "GET" for method, _ in courier.asked)
    assert not any(one.startswith("mutation") for one in notes.asked)


@pytest.mark.parametrize("mode", ["passive", "default"])
def test_a_whole_scan_that_is_not_active_sends_no_mutation_but_log_ins(mode: Mode) -> None:
    notes = Notes(safe=False)
    notes.people["carol"] = "carols-password"
    carol = Identity("carol", (), subject="carol", password=Secret("carols-password"))
    with served(notes.app) as url:
        report = run_scan(url, ProbeOptions(rules=load(), mode=mode, identities=(carol,)))
    sent = [one for one in notes.asked if one.lstrip().startswith("mutation")]
    assert any("note(id" in one for one in notes.asked), "the door was not found"
    assert not [one for one in sent if mode == "passive" or "login(" not in one]
    assert notes.kept == {"1": {"id": "1", "text": "old", "by": "root"}}
    assert notes.people == {"carol": "carols-password"}
    assert report.requests


@pytest.mark.parametrize(
    ("answer", "changes", "status", "body"),
    [
        ({"data": {"note": None}, "errors": [{"message": "Not logged in", "path": ["note"]}]}, False, 401, None),
        ({"data": {"note": None}, "errors": [{"message": "Admins only", "path": ["note"]}]}, False, 403, None),
        (
            {
                "data": {"note": None},
                "errors": [{"message": "no", "path": ["note"], "extensions": {"code": "FORBIDDEN"}}],
            },
            False,
            403,
            None,
        ),
        ({"data": {"note": None}}, False, 404, None),
        (
            {
                "errors": [
                    {
                        "message": "Wrong password",
                        "path": ["note"],
                        "extensions": {"exception": {"context": {"self": "<x at 0x7f>"}}},
                    }
                ]
            },
            True,
            401,
            {"errors": [{"message": "Wrong password", "path": ["note"], "extensions": {"code": None}}]},
        ),
        ({"errors": [{"message": "Variable '$id' got invalid value 'x'"}]}, False, 400, None),
        (
            {"data": {"note": None}, "errors": [{"message": "'NoneType' object is not iterable", "path": ["note"]}]},
            False,
            500,
            None,
        ),
        ({"data": {"note": {"ok": True, "note": {"id": 5}}}}, True, 201, {"id": 5}),
        ({"data": {"note": {"ok": False, "errors": ["too short"], "note": None}}}, True, 400, None),
        ({"data": {"note": {"edges": [{"node": {"id": 5}}]}}}, False, 200, [{"id": 5}]),
    ],
)
def test_an_answer_is_judged_by_what_it_says(answer: Any, changes: bool, status: int, body: Any) -> None:
    with Flask("said").app_context():
        plain = jsonify(answer)
    told = as_answered(
        "note", "/graphql/notes/{id}" if not changes else "/graphql/notes", changes, Response(200, (), plain.data)
    ).response
    assert told.status == status
    assert body is None or told.json() == body


def test_an_input_of_itself_is_read_once() -> None:
    def member(name: str, said: str) -> dict[str, Any]:
        return {"name": name, "type": kind(said, "INPUT_OBJECT"), "defaultValue": None}

    def schema_of(inputs: dict[str, list[dict[str, Any]]]) -> Schema:
        described = [{"kind": "INPUT_OBJECT", "name": name, "inputFields": said} for name, said in inputs.items()]
        asked = {"kind": "OBJECT", "name": "Query", "fields": fields(notes="-> String")}
        schema = schema_in({"queryType": {"name": "Query"}, "types": [asked, *described]})
        assert schema is not None
        return schema

    texts = [{"name": f"s{at}", "type": kind("String"), "defaultValue": None} for at in range(30)]
    others = schema_of({one: [*(member(f"{to}{at}", to) for at in range(60) for to in "AB"), *texts] for one in "AB"})
    given = Given("where", Kind("A", "A", leaf=False))
    said = json.dumps(others.json_schema(given))
    assert 30 < said.count('"string"') < 250
    assert schema_of({"A": [member(f"m{at}", "A!") for at in range(60)]}).json_schema(given) is None


def test_nobodys_token_goes_into_an_address() -> None:
    sent: list[str] = []
    app = Flask("told")

    @app.route("/graphql", methods=["GET", "POST"])
    def door() -> Any:
        sent.append(request.full_path)
        return jsonify(data={"whoami": None})

    text = Kind("String", "String!", leaf=True, needed=True)
    whoami = Operation(
        "/graphql", "whoami", "GET", "/graphql/whoami", text, members={"token": ("token",)}, given={"token": text},
        inner={"token": text}, token="token",
    )  # fmt: skip
    for by_get, times in ((True, 0), (False, 1)):
        way = GraphqlTransport(
            WsgiTransport(app), by_get=by_get, operations=[whoami], schemas={"/graphql": Schema((), (), {}, {}, {}, {})}
        )
        way.send(Request("GET", "/graphql/whoami", (("Authorization", "Bearer tok-ann-5f1c9"),)), 5)
        assert len(sent) == times
        assert not any("tok-ann" in one for one in sent)
