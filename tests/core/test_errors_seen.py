"""An error that one probe has met is told by those who look for what errors show, at its own route."""

from typing import Any

from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Target
from stopper.core.probing.errors_seen import ERRORS, errors_seen
from stopper.scan.catalogue import find
from stopper.scan.engine import run_probes
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

ROUTES = (Route("/notes/{id}", ("GET",), parameters=(("id", "int"),)), Route("/search", ("GET",), fields=("q",)))


def _target(**notes: Any) -> Target:
    made = Target(
        App(routes=ROUTES), "wsgi", "http://localhost", "active", "standard", TokenForge(), HonestRequests(), ()
    )
    made.notes.update(notes)
    return made


def test_an_error_is_known_by_its_route() -> None:
    met = [
        Exchange(Request("GET", path), Response(500))
        for path in ("/search?q='", "/api/notes/5", "/nothing", "/notes/5/tags")
    ]
    target = _target(**{ERRORS: lambda: tuple(met)})
    assert [str(ref) for ref, _ in errors_seen(target)] == ["GET /search", "GET /notes/{id}"]
    assert errors_seen(_target()) == []


def test_what_a_query_with_a_quote_has_broken_is_told_though_nothing_is_left_to_provoke_it() -> None:
    app = Flask("breaks")

    @app.get("/search")
    def search() -> Any:
        if "'" in request.args.get("q", ""):
            return jsonify(trace='Traceback (most recent call last):\n  File "/srv/app.py", line 3, in search'), 500
        return jsonify([])

    courier = Courier(WsgiTransport(app), mode="active", max_requests=20)
    courier.carry(Request("GET", "/search?q='"))
    courier.max_requests = 1
    rule = find("traceback-in-response")
    assert rule is not None
    (result,) = run_probes(_target(), [rule], courier)
    assert result.verdict.outcome == "fail"
    assert [str(ref) for ref in result.verdict.routes] == ["GET /search"]
