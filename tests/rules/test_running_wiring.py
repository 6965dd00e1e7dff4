"""What a look at the imported application tells, where the source alone says nothing or says too much."""

import http.client
import importlib
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from stopper.core.app import Access, App, ConfigFact, Route, Spec
from stopper.core.deployment.app_wiring import Wiring
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.core.secret import Secret
from stopper.rules.account.password_hash_cost_low import RULE as COST
from stopper.rules.account.password_stored_plaintext import RULE as PLAINTEXT
from stopper.rules.authorization.bundled_app_unprotected import RULE as BUNDLED
from stopper.rules.authorization.same_url_different_policies import RULE as TWICE
from stopper.rules.dependency.abandoned_auth_library import RULE as ABANDONED
from stopper.rules.dependency.vulnerable_auth_library import RULE as HOLES
from stopper.rules.inventory.shadow_route import RULE as SHADOW
from stopper.rules.jwt.jwt_algorithms_too_broad import RULE as BROAD
from stopper.rules.jwt.jwt_none_algorithm_listed import RULE as NONE
from stopper.rules.jwt.jwt_secret_reused import RULE as REUSED
from stopper.rules.jwt.public_key_as_secret import RULE as PUBLIC
from stopper.rules.leak.error_handler_scope_wrong import RULE as SCOPE
from stopper.rules.leak.last_resort_handler_missing import HANDLES
from stopper.rules.leak.last_resort_handler_missing import RULE as LAST_RESORT
from stopper.rules.leak.verbose_client_logging import RULE as CLIENTS
from stopper.rules.session.secret_key_unsafe_default import RULE as NO_KEY
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
    for name in HANDLES[1:]:  # what another test has loaded is nothing of this application
        monkeypatch.delitem(sys.modules, name, raising=False)

    def made(text: str) -> App:
        (tmp_path / "wired.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "wired", raising=False)
        app = importlib.import_module("wired").app
        monkeypatch.delitem(sys.modules, "wired")
        return as_it_runs(merged(read_running(app, tmp_path), read_source((tmp_path,), tmp_path).app))

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


ADMIN = """
from flask_admin import Admin, BaseView, expose

class Money(BaseView):
    @expose("/")
    def index(self):
        return "money"

class ForStaff(Money):
    def is_accessible(self):
        return False

admin = Admin(app)
"""


def test_a_view_of_flask_admin_that_asks_nobody_is_told(model: Model) -> None:
    added = 'vars(admin).get("x", admin.add_view)(globals()["Money"](endpoint="money"))\n'
    (hit,) = hits(BUNDLED, model(START + ADMIN + added))
    assert hit.reader == "running"
    assert hit.route is not None
    assert hit.route.path.endswith("/money/")


@pytest.mark.parametrize("guard", ["", "@app.before_request\ndef ask():\n    return 'no', 401\n"])
def test_a_view_of_flask_admin_that_asks_or_is_asked_before_is_in_order(model: Model, guard: str) -> None:
    kind = "Money" if guard else "ForStaff"
    added = f'vars(admin).get("x", admin.add_view)(globals()["{kind}"](endpoint="money"))\n'
    assert hits(BUNDLED, model(START + ADMIN + guard + added)) == ()


OLD = """
from werkzeug.middleware.dispatcher import DispatcherMiddleware

old = Flask("old")

@old.get("/users/<int:number>")
def user(number):
    return "user"

app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/legacy": old})
"""


def test_routes_of_a_mounted_application_that_no_document_knows_are_shadows(model: Model) -> None:
    told = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/notes": {"get": {"responses": {}}}}}
    spec = Spec("t", "1", "openapi.json", document=told)
    (hit,) = hits(SHADOW, replace(model(START + OLD), spec=spec))
    assert hit.route == RouteRef("GET", "/legacy/users/{number}")
    assert hit.reader == "running"
    assert hits(SHADOW, replace(model(START), spec=spec)) == ()


def test_a_session_that_is_used_under_another_name_needs_a_key(model: Model) -> None:
    used = (
        "import flask\nkept = getattr(flask, 'ses' + 'sion')\n@app.get('/me')\ndef me():\n    return kept.get('me')\n"
    )
    (hit,) = hits(NO_KEY, model(START + used))
    assert hit.reader == "running"
    assert hits(NO_KEY, model(START)) == ()


SAME = Secret("a secret of tokens that also signs the sessions 1")


@pytest.mark.parametrize(
    ("rule", "settings", "sound"),
    [
        (NONE, {"JWT_DECODE_ALGORITHMS": ["HS256", "none"]}, {"JWT_DECODE_ALGORITHMS": ["HS256"]}),
        (BROAD, {"JWT_DECODE_ALGORITHMS": ["HS256", "RS256"]}, {"JWT_DECODE_ALGORITHMS": ["RS256"]}),
        (REUSED, {"JWT_SECRET_KEY": SAME, "SECRET_KEY": SAME}, {"JWT_SECRET_KEY": SAME, "SECRET_KEY": Secret("other")}),
        (COST, {"BCRYPT_LOG_ROUNDS": 4}, {"BCRYPT_LOG_ROUNDS": 12}),
        (PLAINTEXT, {"SECURITY_PASSWORD_HASH": "plaintext"}, {"SECURITY_PASSWORD_HASH": "argon2"}),
        (
            PUBLIC,
            {"JWT_SECRET_KEY": Secret("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n-----END PUBLIC KEY-----\n")},
            {"JWT_SECRET_KEY": SAME},
        ),
    ],
    ids=lambda value: value.slug if isinstance(value, Rule) else "",
)
def test_a_setting_in_force_convicts_and_a_sound_one_clears(
    rule: Rule, settings: dict[str, object], sound: dict[str, object]
) -> None:
    def running(values: dict[str, object]) -> list[str | None]:
        config = {key: ConfigFact(key, value, "running") for key, value in values.items()}
        return [hit.reader for hit in hits(rule, App(config=config, readers=frozenset({"running"})))]

    assert running(settings) == ["running"]
    assert running(sound) == []


def test_a_library_that_is_installed_and_not_loaded_is_no_way_in() -> None:
    """What is loaded counts in the version that it says it has: a copy of its own may be older than what is installed."""

    def told(loaded: dict[str, str]) -> list[str]:
        installed = {"authlib": "1.6.10", "flask-jwt": "0.3"}
        app = App(readers=frozenset({"running"}), dependencies=installed, wiring=Wiring(loaded=loaded))
        return [hit.message.partition(" has ")[0] for rule in (HOLES, ABANDONED) for hit in hits(rule, app)]

    assert told({"flask": ""}) == []
    assert told({"authlib": ""}) == ["authlib 1.6.10"]
    assert told({"authlib": "1.6.4"}) == ["authlib 1.6.4"]
    assert told({"authlib": "99.0"}) == []
    assert len(told({"flask_jwt": ""})) == 1


def test_two_spellings_of_an_address_are_told_apart_by_what_runs_before_them() -> None:
    def served(path: str, state: Literal["guarded", "open"]) -> Route:
        return Route(
            path, ("GET",), "notes", "shop.notes", access={"GET": Access(state)}, readers=frozenset({"running"})
        )

    (hit,) = hits(TWICE, App(routes=(served("/notes", "guarded"), served("/notes/", "open"))))
    assert hit.reader == "running"
    assert hit.route == RouteRef("GET", "/notes/")
    assert hits(TWICE, App(routes=(served("/notes", "guarded"), served("/notes/", "guarded")))) == ()
