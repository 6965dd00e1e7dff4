"""Inputs of which nothing but a document or an answer tells: what probes send to them, and what they never send."""

import json
import os
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from flask import Flask, jsonify, render_template_string, request
from werkzeug.security import safe_join

from stopper.core.app import App, Route, SecurityScheme, Spec
from stopper.core.exchange import Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Skipped, Steps, Target, send
from stopper.core.probing.accounts.login import token_in
from stopper.core.probing.inputs import Input, judged
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.engine import run_detectors
from stopper.scan.people.credential import Held, forms
from stopper.scan.spec.read import read_spec
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def verdict(slug: str, app: Flask, *routes: Route, **given: Any) -> Verdict:
    return try_rule(RULES[slug], app, source=App(routes=routes, readers=frozenset({"spec"})), depth="standard", **given)


def said(path: str, method: str = "GET", **more: Any) -> Route:
    return Route(path, (method,), readers=frozenset({"spec"}), **more)


# --- what a document leaves optional ------------------------------------------------------------------------------------------


def greeter() -> Flask:
    app = Flask("greeter")

    @app.get("/greeting")
    def greeting() -> Any:
        if "whom" not in request.args:
            return jsonify(hint="nobody to greet")
        return render_template_string("<p>Hello " + request.args["whom"] + "</p>")

    return app


@pytest.mark.parametrize("slug", ["code-injection", "markup-unescaped"])
def test_an_optional_parameter_is_an_input(slug: str) -> None:
    found = verdict(slug, greeter(), said("/greeting", optional=("whom",)))
    assert (found.outcome, [str(ref) for ref in found.routes]) == ("fail", ["GET /greeting"])


def test_every_route_that_runs_its_input_is_a_place() -> None:
    app = greeter()
    app.add_url_rule("/again", "again", app.view_functions["greeting"])
    found = verdict("code-injection", app, said("/greeting", optional=("whom",)), said("/again", optional=("whom",)))
    assert {str(ref) for ref in found.routes} == {"GET /greeting", "GET /again"}


def test_what_was_proven_stays_proven_when_the_budget_ends() -> None:
    app = greeter()
    app.add_url_rule("/again", "again", app.view_functions["greeting"])
    asked: list[str] = []

    def tried(_: Target, one: Input) -> Steps[list[Evidence]]:
        asked.append(one.route.path)
        if len(asked) > 1:
            raise Skipped("the budget of 5 requests is used up; raise it with --max-requests")
        return [Evidence("exchange", "it greets", (yield from send(one.given("x"))))]

    rule = replace(
        RULES["markup-unescaped"], probe=lambda target: judged(target, tried, lambda one: f"greets {one.name}", "")
    )
    paths = [said(path, optional=("whom",)) for path in ("/greeting", "/again")]
    found = try_rule(rule, app, source=App(routes=tuple(paths), readers=frozenset({"spec"})))
    assert (found.outcome, len(found.routes), len(asked)) == ("fail", 1, 2)


@pytest.mark.parametrize("name", ["imagelink", "pictureUrl", "image_url", "webhook", "callback"])
def test_a_field_that_is_called_like_an_address_is_given_ours(name: str) -> None:
    app = Flask("fetches")

    @app.post("/fetch")
    def fetch() -> Any:
        address = request.get_json()[name]
        return jsonify(status=urlopen(address, timeout=5).status)

    found = verdict("server-side-request-forgery", app, said("/fetch", "POST", fields=(name,)))
    assert found.outcome == "fail", found.message


def test_the_document_is_public_where_the_scan_came_by_it_and_so_is_the_page_beside_it() -> None:
    app = Flask("described")
    app.add_url_rule("/v7/openapi.json", "document", lambda: jsonify(openapi="3.0.0", paths={}))
    app.add_url_rule("/v7/ui/", "page", lambda: "<div id='swagger-ui'></div>")
    model = App(spec=Spec("t", "1", "/v7/openapi.json"), readers=frozenset({"spec"}))
    found = try_rule(RULES["api-docs-public"], app, source=model, surface="http")
    assert {ref.path for ref in found.routes} >= {"/v7/openapi.json", "/v7/ui/"}, found.message


@pytest.mark.parametrize(
    "page", ["<div id='swagger-ui'></div>", "<elements-api apiDescriptionUrl='/static/it.json' />"]
)
def test_a_document_behind_a_page_that_is_told_is_not_told_again(page: str) -> None:
    app = Flask("shown", static_folder=None)
    app.add_url_rule("/docs/", "page", lambda: page)
    app.add_url_rule("/static/it.json", "document", lambda: jsonify(openapi="3.0.0", paths={}))
    model = App(spec=Spec("t", "1", "/static/it.json"), readers=frozenset({"spec"}))
    found = try_rule(RULES["api-docs-public"], app, source=model, surface="http")
    assert [ref.path for ref in found.routes] == ["/docs/"], found.message


# --- files that an input names ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the file that is named is one of Linux")
@pytest.mark.parametrize(("sound", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_file_that_the_caller_names_is_read(tmp_path: Path, sound: bool, outcome: str) -> None:
    app, folder = Flask("files"), tmp_path

    @app.get("/report")
    def report() -> Any:
        name = request.args.get("file", "none")
        path = safe_join(str(folder), name) if sound else os.path.join(folder, name)
        try:
            return jsonify(data=Path(path or "/nowhere").read_text(encoding="utf-8"))
        except OSError:
            return jsonify(error="no such report"), 404

    assert verdict("sensitive-file-served", app, said("/report", fields=("file",))).outcome == outcome


def test_no_file_is_named_that_a_view_which_writes_could_damage(tmp_path: Path) -> None:
    """A scan once emptied the list of users of its own machine: the view opened for writing what it was told, on a GET."""
    app, opened = Flask("writes"), list[str]()

    @app.get("/save")
    def save() -> Any:
        opened.append(os.path.normpath(os.path.join(tmp_path, request.args.get("file", "none"))))
        return jsonify(saved=True)

    for slug in RULES:
        if (
            RULES[slug].probe is not None
            and "wsgi" in RULES[slug].surfaces
            and RULES[slug].family in ("leak", "injection")
        ):
            verdict(slug, app, said("/save", fields=("file",)))
    outside = {path for path in opened if not path.startswith((f"{tmp_path}{os.sep}", f"/proc{os.sep}"))}
    assert opened
    assert outside == set()


# --- statements ---------------------------------------------------------------------------------------------------------------


def rows(statement: str, *, bound: bool = False) -> Flask:
    app, store = Flask("rows"), sqlite3.connect(":memory:", check_same_thread=False)
    store.executescript("create table people (id integer, name text); insert into people values (1, 'ann'), (2, 'bob')")

    def answer(value: object) -> Any:
        try:
            found = (
                store.execute("select name from people where id = ?", (value,))
                if bound
                else store.execute(statement % value)
            )
            return jsonify(people=[name for (name,) in found])
        except sqlite3.Error:
            return "error", 500

    @app.get("/people/<number>")
    def one(number: str) -> Any:
        return answer(number)

    @app.post("/find")
    def find() -> Any:
        return answer(request.get_json()["search"]["by"]["name"])

    return app


@pytest.mark.parametrize(("bound", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_statement_into_which_a_number_is_written(bound: bool, outcome: str) -> None:
    """Any word breaks it, so a quote proves nothing; a condition behind the number does."""
    app = rows("select name from people where id = %s", bound=bound)
    found = verdict("sql-injection", app, said("/people/{number}", parameters=(("number", "string"),)))
    assert found.outcome == outcome


@pytest.mark.parametrize(("bound", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_member_of_an_inner_object_is_an_input(bound: bool, outcome: str) -> None:
    inner = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    middle = {"type": "object", "properties": {"by": inner}, "required": ["by"]}
    schema = {"type": "object", "properties": {"search": middle}, "required": ["search"]}
    app = rows("select name from people where name = '%s'", bound=bound)
    assert verdict("sql-injection", app, said("/find", "POST", request_schema=schema)).outcome == outcome


# --- refusals that call themselves a success ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"response": {"error": {"message": "token id None not found"}}}, "open"),
        ({"response": {"user": {"id": 1, "name": "ann"}}}, "fail"),
    ],
)
def test_an_error_in_an_envelope_is_a_refusal(body: dict[str, Any], outcome: str) -> None:
    app = Flask("envelope")
    app.add_url_rule("/me", "me", lambda: jsonify(body))
    assert verdict("spec-security-not-enforced", app, said("/me", spec_security=("token",))).outcome != (
        "fail" if outcome == "open" else "pass"
    )


# --- what a probe wrote itself ------------------------------------------------------------------------------------------------


def test_a_name_that_a_probe_gave_somebody_is_no_obeyed_condition() -> None:
    """The text of the statement is stored as a person's name, so asking for that person finds it: nothing was injected."""
    app, names = Flask("people"), ["ann"]

    @app.put("/nickname")
    def rename() -> Any:
        names[:] = [request.get_json()["nick"]]
        return jsonify(saved=True)

    @app.get("/by-name/<name>")
    def by_name(name: str) -> Any:
        return jsonify(name=name, since="2020", likes="tea") if name in names else (jsonify(error="nobody"), 404)

    schema = {"type": "object", "properties": {"nick": {"type": "string"}}, "required": ["nick"]}
    first = said("/nickname", "PUT", request_schema=schema)
    second = said("/by-name/{name}", parameters=(("name", "string"),))
    assert verdict("sql-injection", app, first, second).outcome == "pass"


def test_the_account_of_a_person_of_the_scan_is_left_as_it_is() -> None:
    app, sent = Flask("account"), list[dict[str, Any]]()

    @app.put("/me")
    def me() -> Any:
        sent.append(request.get_json()["user"])
        return jsonify(saved=True)

    inner = {"type": "object", "properties": {name: {"type": "string"} for name in ("username", "password", "bio")}}
    schema = {
        "type": "object",
        "properties": {"user": {**inner, "required": ["username", "password", "bio"]}},
        "required": ["user"],
    }
    verdict("sql-injection", app, said("/me", "PUT", request_schema=schema))
    assert len({body["bio"] for body in sent}) > 1
    assert len({body["password"] for body in sent}) == 1
    assert len({body["username"] for body in sent}) == 1


# --- log-ins ------------------------------------------------------------------------------------------------------------------


def test_a_token_that_is_an_object_is_found() -> None:
    answer = Response(
        200,
        (),
        b'{"access": {"user": {"id": 1}, "token": {"id": "5f1d7a84db00d2fce00b31a7fc73224f", "expires": "soon"}}}',
    )
    assert token_in(answer) == "5f1d7a84db00d2fce00b31a7fc73224f"


@pytest.mark.parametrize(("kind", "first"), [("apiKey", "X-Auth-Token"), ("http bearer", "Authorization")])
def test_a_token_is_first_shown_where_the_document_wants_it(kind: str, first: str) -> None:
    scheme = SecurityScheme("token", kind, "header", "X-Auth-Token")
    app = App(spec=Spec("t", "1", "here", {"token": scheme}))
    assert next(forms(Held(token=Secret("a-token-of-the-test")), app))[0][0] == first


def test_a_log_in_that_answers_strangers_with_404_is_understood() -> None:
    app = Flask("not found")

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        if (data.get("username"), data.get("password")) == ("admin", "admin123"):
            return jsonify(token="5f1d7a84db00d2fce00b31a7fc73224f")
        return jsonify(Error="No user here"), 404

    assert (
        verdict("default-account-enabled", app, said("/login", "POST", fields=("username", "password"))).outcome
        == "fail"
    )


# --- registering --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "hits"), [("password", 0), ("colour", 1)])
def test_registering_with_an_inner_object_needs_no_credential(member: str, hits: int) -> None:
    inner = {"type": "object", "properties": {"email": {"type": "string"}, member: {"type": "string"}}}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"user": inner}}}}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/users": {"post": {"requestBody": body, "responses": {}}},
            "/me": {"get": {"security": [{"token": []}], "responses": {}}},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
    spec, routes = read_spec(json.dumps(document), "here")
    app = App(routes=tuple(routes), spec=spec, readers=frozenset({"spec"}))
    (seen,) = run_detectors(app, [RULES["spec-security-missing"]])
    assert len(list(seen.hits)) == hits
