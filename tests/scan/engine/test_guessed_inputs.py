"""Names of inputs that nobody tells, and what is asked to find them."""

import subprocess
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Reader, Route
from stopper.scan.surface.guessed_inputs import QUERY, guess_registrations, guessed_inputs
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.transport import Transport
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})


def _seen(app: Flask, *routes: Route, mode: Any = "active") -> dict[tuple[str, str], Route]:
    courier = Courier(_transport(app), mode=mode, max_requests=300)
    model = guessed_inputs(App(routes=routes, readers=WIRE), courier, HonestRequests(canary="stpcanary"), ())
    return {(route.path, method): route for route in model.routes for method in route.methods}


def _transport(app: Flask) -> Transport:
    return WsgiTransport(app)


def test_a_name_whose_value_comes_back_is_read() -> None:
    app = Flask("echo")
    app.add_url_rule("/hello", "hello", lambda: "hello " + request.args.get("username", "nobody"))
    assert _seen(app, Route("/hello", ("GET",), readers=WIRE))["/hello", "GET"].optional == ("username",)


def test_a_name_that_changes_the_answer_is_read() -> None:
    app = Flask("change")
    app.add_url_rule("/found", "found", lambda: jsonify([] if request.args.get("keyword") else ["one", "two"]))
    assert _seen(app, Route("/found", ("GET",), readers=WIRE))["/found", "GET"].optional == ("keyword",)


def test_a_file_is_named_and_a_command_behind_its_name_is_told() -> None:
    app = Flask("files")

    @app.get("/read")
    def read() -> Any:
        with open(request.args["filename"]) as file:
            return {"text": file.read()}

    @app.get("/run")
    def run() -> Any:
        try:
            return {"out": subprocess.check_output("true " + request.args["file"], shell=True, text=True)}
        except (KeyError, subprocess.CalledProcessError):
            return {"out": "failed"}

    seen = _seen(app, Route("/read", ("GET",), readers=WIRE), Route("/run", ("GET",), readers=WIRE))
    assert (seen["/read", "GET"].optional, seen["/run", "GET"].optional) == (("filename",), ("file",))


@pytest.mark.parametrize("form", [False, True])
def test_a_member_of_a_body_is_found_in_json_and_in_forms(form: bool) -> None:
    app = Flask("bodies")

    @app.route("/say", methods=["GET", "POST"])
    def say() -> Any:
        told = request.form if form else request.get_json(silent=True) or {}
        return {"said": told.get("message", "")}

    seen = _seen(app, Route("/say", ("GET", "POST"), readers=WIRE))
    assert (seen["/say", "POST"].fields, seen["/say", "POST"].takes_form) == (("message",), form)
    assert seen["/say", "GET"].names == ()


def test_pages_that_show_their_address_or_change_by_themselves_tell_nothing() -> None:
    app = Flask("noise")
    count = iter(range(1000))
    app.add_url_rule("/echo", "echo", lambda: f"you asked for {request.url}")
    app.add_url_rule("/count", "count", lambda: str(next(count)))
    seen = _seen(app, Route("/echo", ("GET",), readers=WIRE), Route("/count", ("GET",), readers=WIRE))
    assert [route.names for route in seen.values()] == [(), ()]


def test_no_body_is_tried_where_nothing_may_be_written_and_at_no_route_of_a_document_that_goes_without() -> None:
    app = Flask("careful")
    asked: list[str] = []

    @app.route("/say", methods=["GET", "POST"])
    def say() -> Any:
        asked.append(f"{request.method} {request.get_data(as_text=True)}".strip())
        return {"said": (request.get_json(silent=True) or {}).get("message", "")}

    _seen(app, Route("/say", ("POST",), readers=WIRE), mode="default")
    assert asked == []
    _seen(app, Route("/say", ("GET", "POST"), readers=frozenset[Reader]({"spec"})))
    assert set(asked) == {"GET", "POST {}"}


def test_a_route_that_reads_none_of_the_usual_names_is_asked_for_none_of_them_again() -> None:
    app = Flask("plain")
    app.add_url_rule("/all", "all", lambda: {"things": [1, 2]})
    app.add_url_rule(
        "/some", "some", lambda: {"things": [one for one in ("ab", "cd") if request.args.get("q", "") in one]}
    )
    document = frozenset[Reader]({"spec"})
    told = _seen(app, Route("/all", ("GET",), readers=document), Route("/some", ("GET",), readers=document))
    some = told["/some", "GET"]
    assert told["/all", "GET"].reads_no_query
    assert (some.optional, some.reads_no_query) == (("q",), False)


def test_a_registration_that_wants_more_than_an_account_is_given_all_that_is_usual() -> None:
    app = Flask("accounts")

    @app.post("/api/users")
    def users() -> Any:
        told = request.get_json()
        if not all(told.get(name) for name in ("first_name", "last_name", "email", "password")):
            return {"error": "wrong"}, 400
        return {"id": 1}, 201

    honest = HonestRequests(canary="stpcanary")
    courier = Courier(_transport(app), mode="active", max_requests=50)
    guess_registrations(App(routes=(Route("/api/users", ("POST",), readers=WIRE),), readers=WIRE), courier, honest)
    assert {"first_name", "last_name", "email", "password"} <= set(honest.learned["/api/users"])


def test_what_is_asked_stays_small() -> None:
    app = Flask("quiet")
    app.add_url_rule("/still", "still", lambda: {"ok": True})
    courier = Courier(_transport(app), mode="default", max_requests=300)
    guessed_inputs(App(routes=(Route("/still", ("GET",), readers=WIRE),), readers=WIRE), courier, HonestRequests(), ())
    assert courier.sent <= 5
    assert len(QUERY) == len(set(QUERY))


def test_a_member_is_told_from_an_empty_body_and_an_id_is_a_number() -> None:
    app = Flask("whole")

    @app.post("/fetch")
    def fetch() -> Any:
        told = request.get_json()
        return {"name": "Ann"} if told and {"1": "Ann"}.get(str(told["id"])) else ({"error": "nothing"}, 404)

    assert _seen(app, Route("/fetch", ("POST",), readers=WIRE))["/fetch", "POST"].fields == ("id",)


def test_a_quote_tells_of_a_name_whose_value_is_only_looked_up() -> None:
    app = Flask("shelf")

    @app.get("/orders")
    def orders() -> Any:
        if "'" in request.args.get("customer", ""):
            return jsonify(error="the statement broke"), 500
        return jsonify([])

    assert _seen(app, Route("/orders", ("GET",), readers=WIRE))["/orders", "GET"].optional == ("customer",)
