"""Things that are not counted from one are asked for by other usual numbers, and people by the administrator's name; only by what reads."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.app import App, Route
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

SPEC = frozenset({"spec"})


def asked(app: Flask, *routes: Route) -> dict[str, str]:
    """Where the honest request of each route goes, and all that was sent."""
    courier = Courier(WsgiTransport(app), mode="active", max_requests=400)
    target = prepare(App(routes=routes, readers=SPEC), courier, (), "active", "standard").target
    return {
        f"{method} {route.path}": target.request_for(route, method).target
        for route in routes
        for method in route.methods
    }


@pytest.mark.parametrize(("first", "known"), [("101", "101"), ("1001", "1001"), ("1", "1"), ("777", "1")])
def test_the_first_number_that_there_is(first: str, known: str) -> None:
    app, changed = Flask("shop"), list[str]()

    @app.route("/orders/<number>/lines", methods=["GET"])
    def lines(number: str) -> Any:
        return jsonify(lines=["tea"]) if number == first else abort(404)

    @app.route("/orders/<number>/notes", methods=["PUT"])
    def notes(number: str) -> Any:
        changed.append(number)
        return jsonify(ok=request.get_json())

    held = (("order_id", "string"),)
    found = asked(
        app,
        Route("/orders/{order_id}/lines", ("GET",), parameters=held, readers=SPEC),
        Route("/orders/{order_id}/notes", ("PUT",), parameters=held, readers=SPEC),
    )
    assert found == {
        "GET /orders/{order_id}/lines": f"/orders/{known}/lines",
        "PUT /orders/{order_id}/notes": "/orders/1/notes",
    }
    assert set(changed) <= {"1"}


@pytest.mark.parametrize(("says", "known"), [("mail of {0}", "1"), ("admin@acme-mail.org", "admin")])
def test_the_administrator_is_asked_for_where_that_tells_something_else(says: str, known: str) -> None:
    app = Flask("people")
    app.add_url_rule(
        "/mail/<name>", "mail", lambda name: says.format(name) if name == "admin" or "{" in says else "nobody"
    )  # type: ignore[misc]
    found = asked(app, Route("/mail/{name}", ("GET",), parameters=(("name", "string"),), readers=SPEC))
    assert found == {"GET /mail/{name}": f"/mail/{known}"}
