"""Names that are guessed at a log-in do not crowd out those of other routes."""

from dataclasses import replace
from typing import Any

from flask import Flask, request
from markupsafe import escape
from tests.scan.engine.test_engine import target

from stopper.core.app import App, Route
from stopper.rules.injection.markup_unescaped import RULE
from stopper.scan.engine import run_probe


def test_many_doors_leave_room_for_the_third_name_of_another_route() -> None:
    app = Flask("doors")
    doors = [f"/{word}/login" for word in ("a", "b", "c", "d", "e", "f")]
    for number, path in enumerate(doors):
        app.add_url_rule(path, f"door{number}", lambda: str(escape("sign in")))

    @app.get("/hello")
    def hello() -> Any:
        return f"<p>{request.args.get('name', '')}</p>"

    plain, courier = target(app, depth="standard")
    known = replace(plain, app=App(routes=tuple(Route(path, ("GET",)) for path in [*doors, "/hello"])))
    verdict = run_probe(RULE, known, courier).verdict
    assert [str(ref) for ref in verdict.routes] == ["GET /hello"], verdict.message
