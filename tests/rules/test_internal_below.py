"""Routes for developers that lie below a word which answers nothing by itself are asked for, also beside a document."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import target
from tests.scan.engine.test_scan import served

from stopper.core.app import App, Route
from stopper.core.finding import Verdict
from stopper.core.probe import Depth
from stopper.core.rule import Rule
from stopper.rules.api_key.config_dump_in_response import RULE as DUMPED
from stopper.rules.inventory.internal_route_served import RULE
from stopper.scan.catalogue import find
from stopper.scan.engine import run_probe
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan

DESCRIBED = (
    Route("/api/v1/books", ("GET",), readers=frozenset({"spec"})),
    Route("/api/v1/books/{id}", ("GET",), parameters=(("id", "string"),), readers=frozenset({"spec"})),
    Route("/", ("GET",), readers=frozenset({"spec"})),
)


def judged(path: str, answer: Any, depth: Depth = "standard", rule: Rule = RULE) -> Verdict:
    app = Flask("left")
    app.add_url_rule(path, view_func=lambda: answer if isinstance(answer, str) else jsonify(answer))
    plain, courier = target(app, depth=depth)
    return run_probe(rule, replace(plain, surface="http", app=App(routes=DESCRIBED)), courier).verdict


@pytest.mark.parametrize(
    "path", ["/debug/users", "/internal/config", "/admin/logs", "/api/v1/internal/books", "/api/v1/debug"]
)
def test_what_lies_below_such_a_word_is_found_beside_a_document(path: str) -> None:
    verdict = judged(path, [{"name": "ann", "role": "admin"}])
    assert verdict.outcome == "fail"
    assert [ref.path for ref in verdict.routes] == [path]


def test_the_environment_that_such_a_route_shows_is_told_as_such() -> None:
    shown = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/srv/app", "LANG": "C.UTF-8", "PWD": "/srv/app"}
    assert judged("/debug/config", shown, rule=DUMPED).outcome == "fail"
    assert judged("/debug/config", {"debug": False}, rule=DUMPED).outcome == "pass"


def test_the_page_of_a_log_in_is_no_route_for_developers() -> None:
    assert judged("/admin/logs", '<form><input name="p" type="password"></form>').outcome == "pass"


def test_a_quick_scan_asks_for_the_words_alone() -> None:
    assert judged("/debug/users", [{"name": "ann"}], "quick").outcome == "pass"
    assert judged("/debug", [{"name": "ann"}], "quick").outcome == "fail"


@pytest.mark.parametrize("believes", [True, False])
def test_a_route_of_developers_that_nobody_names_is_opened_by_an_address_in_a_header(believes: bool) -> None:
    app = Flask("inside")
    app.add_url_rule("/", "home", lambda: jsonify(name="inside"))

    @app.get("/internal/config")
    def config() -> Any:
        local = believes and request.headers.get("X-Forwarded-For", "").startswith("127.")
        return jsonify(pool=5) if local else (jsonify(error="forbidden"), 403)

    rule = find("principal-from-client-header")
    assert rule is not None
    with served(app) as url:
        report = run_scan(url, ProbeOptions(mode="active", rules=(rule,)))
    assert [one.outcome for one in report.outcomes] == ["fail" if believes else "not-applicable"], report.outcomes
