"""What a look at the imported application tells, where the source alone says nothing or says too much."""

import http.client
import importlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stopper.core.app import App
from stopper.core.rule import Hit, Rule
from stopper.rules.leak.error_handler_scope_wrong import RULE as SCOPE
from stopper.rules.leak.last_resort_handler_missing import RULE as LAST_RESORT
from stopper.rules.leak.verbose_client_logging import RULE as CLIENTS
from stopper.scan.engine import run_detectors
from stopper.scan.merge import as_it_runs, merged
from stopper.scan.running.read import read_running
from stopper.scan.source.read import read_source

START = """from flask import Blueprint, Flask, jsonify

app = Flask(__name__)

@app.get("/notes")
def notes():
    return jsonify([])

"""
Model = Callable[[str], App]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The model that an audit makes of a module's text: the imported application first, then its source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(text: str) -> App:
        (tmp_path / "wired.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "wired", raising=False)
        app = importlib.import_module("wired").app
        monkeypatch.delitem(sys.modules, "wired")
        return as_it_runs(merged(read_running(app, tmp_path), read_source([tmp_path], tmp_path).app))

    return made


def hits(rule: Rule, app: App) -> tuple[Hit, ...]:
    (result,) = run_detectors(app, [rule])
    assert not result.error
    return result.hits


REGISTERED = """
HANDLERS = {"everything": Exception}

def answer(error):
    return jsonify(error="failed"), getattr(error, "code", 500)

for name, kind in HANDLERS.items():
    getattr(app, "register_" + "error_handler")(kind, answer)
"""


def test_a_last_resort_that_is_registered_in_a_way_nobody_reads_counts(model: Model) -> None:
    assert hits(LAST_RESORT, model(START + REGISTERED)) == ()


def test_an_application_without_a_last_resort_is_told_with_the_line_that_makes_it(model: Model) -> None:
    """A handler that is written and never registered here is none."""
    text = (
        START + "def later(flask):\n    @flask.errorhandler(Exception)\n    def last(error):\n        return 'x', 500\n"
    )
    (hit,) = hits(LAST_RESORT, model(text))
    assert hit.reader == "running"
    assert hit.span is not None
    assert hit.span.line == 3


def test_flask_restful_takes_the_place_of_the_last_resort(model: Model) -> None:
    assert hits(LAST_RESORT, model(START + "from flask_restful import Api\nApi(app)\n")) == ()


UNROUTED = """
pages = Blueprint("pages", __name__)

@pages.get("/page")
def page():
    return "page"

def gone(error):
    return "nothing here", 404

CODES = [404]
for code in CODES:
    getattr(pages, "register_" + "error_handler")(code, gone)
app.register_blueprint(pages)
"""


def test_a_blueprint_s_404_that_only_the_running_application_shows_is_told(model: Model) -> None:
    (hit,) = hits(SCOPE, model(START + UNROUTED))
    assert hit.reader == "running"
    assert hit.span is not None
    assert hit.span.line == START.count("\n") + 8


def test_a_blueprint_s_404_is_in_order_when_the_application_has_one_by_whatever_way(model: Model) -> None:
    covered = 'getattr(app, "register_" + "error_handler")(404, gone)\n'
    assert hits(SCOPE, model(START + UNROUTED + covered)) == ()


def test_the_logger_of_a_client_that_writes_is_told_however_its_level_came(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler()])
    assert hits(CLIENTS, model(START)) == ()
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    (hit,) = hits(CLIENTS, model(START))
    assert hit.reader == "running"
    assert "urllib3.connectionpool" in hit.message


def test_a_loud_logger_without_anywhere_to_write_to_is_silent(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    assert hits(CLIENTS, model(START)) == ()


def test_http_client_that_prints_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    (hit,) = hits(CLIENTS, model(START))
    assert "http.client" in hit.message


ODD = """
class Odd:
    def __getattr__(self, name):
        raise RuntimeError("touched")
    @property
    def mounts(self):
        raise RuntimeError("touched")
    def __call__(self, *args):
        raise RuntimeError("called")
    def __eq__(self, other):
        raise RuntimeError("compared")
    __hash__ = None

class Sly(dict):
    def items(self):
        raise RuntimeError("walked")
    get = __iter__ = items

app.wsgi_app = Odd()
app.error_handler_spec = Sly()
app.url_map.odd = Odd()
app.extensions["admin"] = [Odd(), 5, None]
"""


def test_odd_objects_are_neither_called_nor_asked(model: Model) -> None:
    app = model(START + ODD)
    assert app.wiring is not None
    assert app.wiring.handlers == ()
    assert app.wiring.mounts == ()
    assert app.wiring.admin_views == ()
