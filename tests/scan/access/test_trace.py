"""Doors are followed by running: each guard is told, and no view's body runs."""

from pathlib import Path
from types import ModuleType

import pytest

from stopper.scan.access.join import with_traced
from stopper.scan.access.row import Row
from stopper.scan.access.table import table
from stopper.scan.access.trace import Traced, traced
from stopper.scan.merge import as_it_runs, merged
from stopper.scan.running.read import read_running
from stopper.scan.source.read import read_source

pytestmark = pytest.mark.feature("F72")

HEAD = """
from functools import wraps
from flask import Blueprint, Flask, abort, jsonify, redirect, request
from flask.views import MethodView
from flask_jwt_extended import JWTManager, jwt_required

RAN = []
app = Flask(__name__)
app.config.update(SECRET_KEY="s" * 40, JWT_SECRET_KEY="j" * 40)
JWTManager(app)


def key_required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if request.headers.get("X-Key") != "right":
            abort(403)
        return view(*args, **kwargs)
    return inner
"""


def load(tmp_path: Path, body: str) -> ModuleType:
    """The module, as an import would make it."""
    path = tmp_path / "shop.py"
    path.write_text(HEAD + body, encoding="utf-8")
    module = ModuleType("shop")
    module.__file__ = str(path)
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    return module


def found(tmp_path: Path, body: str) -> dict[str, Traced]:
    """What tracing shows, by ``GET /path``; no view ran."""
    module = load(tmp_path, body)
    model = read_running(module.app, tmp_path)
    seen = traced(module.app, model, tmp_path, changes=True)
    assert module.RAN == []
    return {f"{method} {path}": one for (path, method, _), one in seen.items()}


def rows(tmp_path: Path, body: str) -> dict[str, Row]:
    """The access table, source read, by ``GET /path``."""
    module = load(tmp_path, body)
    source = read_source((tmp_path / "shop.py",), tmp_path).app
    model = as_it_runs(merged(read_running(module.app, tmp_path), source))
    model = with_traced(model, traced(module.app, model, tmp_path, changes=True))
    assert module.RAN == []
    return {f"{row.method} {row.path}": row for row in table(model)}


def test_a_guard_above_the_route_is_open_and_one_below_it_is_not(tmp_path: Path) -> None:
    told = rows(
        tmp_path,
        """
@jwt_required()
@app.get("/above")
def above():
    RAN.append("above")
    return ""


@app.get("/below")
@jwt_required()
def below():
    RAN.append("below")
    return ""
""",
    )
    assert (told["GET /above"].state, told["GET /above"].basis, told["GET /above"].who) == ("open", "traced", "anyone")
    assert told["GET /below"].state == "guarded"
    assert told["GET /below"].who == "flask_jwt_extended.jwt_required"


def test_a_blueprint_is_guarded_by_its_hook_alone_also_for_blueprints_within(tmp_path: Path) -> None:
    told = rows(
        tmp_path,
        """
outer, inner, free = Blueprint("outer", __name__), Blueprint("inner", __name__), Blueprint("free", __name__)


@outer.before_request
def only_with_key():
    if request.headers.get("X-Key") != "right":
        return jsonify(error="no"), 401


@outer.get("/a")
def a():
    RAN.append("a")
    return ""


@inner.delete("/b")
def b():
    RAN.append("b")
    return ""


@free.get("/c")
def c():
    RAN.append("c")
    return ""


outer.register_blueprint(inner, url_prefix="/inner")
app.register_blueprint(outer, url_prefix="/outer")
app.register_blueprint(free)
""",
    )
    for door in ("GET /outer/a", "DELETE /outer/inner/b"):
        assert (told[door].state, told[door].basis, told[door].who) == ("guarded", "traced", "shop.only_with_key")
        (guard,) = told[door].guards
        assert guard.span is not None
        assert (tmp_path / "shop.py").read_text().splitlines()[guard.span.line] == "def only_with_key():"
    assert told["GET /c"].state == "open"


def test_an_automatic_method_listed_by_hand_is_told_apart(tmp_path: Path) -> None:
    """flask-jwt-extended lets OPTIONS pass, so a view that lists it runs for everybody."""
    told = rows(
        tmp_path,
        """
@app.route("/both", methods=["GET", "OPTIONS"])
@jwt_required()
def both():
    RAN.append("both")
    return ""


def get_only(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if request.method == "GET" and "X-Key" not in request.headers:
            abort(401)
        return view(*args, **kwargs)
    return inner


@app.get("/head")
@get_only
def head():
    RAN.append("head")
    return ""
""",
    )
    assert told["GET /both"].state == "guarded"
    assert told["OPTIONS /both"].state == "open"
    assert told["HEAD /head"].state == "open"
    assert "OPTIONS /head" not in told


def test_a_view_class_is_told_method_by_method(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        """
class Notes(MethodView):
    def get(self):
        RAN.append("get")
        return ""

    @key_required
    def post(self):
        RAN.append("post")
        return ""


class Closed(MethodView):
    decorators = [key_required]

    def get(self):
        RAN.append("closed")
        return ""


class Front(MethodView):
    def dispatch_request(self, *args, **kwargs):
        if "X-Key" not in request.headers:
            return "", 401
        return super().dispatch_request(*args, **kwargs)

    def get(self):
        RAN.append("front")
        return ""


app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
app.add_url_rule("/closed", view_func=Closed.as_view("closed"))
app.add_url_rule("/front", view_func=Front.as_view("front"))
""",
    )
    assert told["GET /notes"].outcome == "reached"
    for door in ("POST /notes", "GET /closed"):
        assert told[door].outcome == "stopped"
        assert told[door].stopper is not None
        assert told[door].stopper.name == "shop.key_required"
    assert told["GET /front"].how == "shop.Front.dispatch_request stops it with 401"


def test_the_decorators_of_a_resource_are_told_though_they_are_applied_late(tmp_path: Path) -> None:
    """Flask-RESTful wraps the method at each request and checks the input before the method's own decorators."""
    told = found(
        tmp_path,
        """
class Resource(MethodView):
    method_decorators = {}

    def dispatch_request(self, *args, **kwargs):
        if request.method == "PUT":
            abort(400)
        view = getattr(self, request.method.lower())
        for decorator in self.method_decorators.get(request.method.lower(), []):
            view = decorator(view)
        return view(*args, **kwargs)


class Item(Resource):
    method_decorators = {"delete": [key_required]}

    def get(self, item):
        RAN.append("get")
        return ""

    def delete(self, item):
        RAN.append("delete")
        return ""

    @key_required
    def put(self, item):
        RAN.append("put")
        return ""


app.add_url_rule("/items/<item>", view_func=Item.as_view("item"))
""",
    )
    assert told["GET /items/{item}"].outcome == "reached"
    for door in ("DELETE /items/{item}", "PUT /items/{item}"):
        assert told[door].how == "shop.key_required stops it with 403"


def test_a_decorator_that_does_not_say_whom_it_wraps_is_looked_through(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        """
def hidden(fn):
    def inner(*args, **kwargs):
        if "X-Nobody-Sends-This" not in request.headers:
            return "", 401
        return fn(*args, **kwargs)
    inner.__name__ = fn.__name__
    return inner


class Check:
    def __init__(self, func):
        self.func = func
        self.__name__ = func.__name__

    def __call__(self, *args, **kwargs):
        if "X-Nobody-Sends-This" not in request.headers:
            abort(401)
        return self.func(*args, **kwargs)


@app.post("/a")
@hidden
def a():
    RAN.append("a")
    return ""


@app.post("/b")
@Check
def b():
    RAN.append("b")
    return ""
""",
    )
    assert told["POST /a"].how == "shop.hidden stops it with 401"
    assert told["POST /b"].how == "shop.Check stops it with 401"


def test_a_guard_that_takes_anything_that_is_shown_is_open(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        """
def shown(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if "Authorization" not in request.headers:
            abort(401)
        return view(*args, **kwargs)
    return inner


@app.get("/a")
@shown
def a():
    RAN.append("a")
    return ""


@app.get("/b")
@jwt_required()
def b():
    RAN.append("b")
    return ""
""",
    )
    assert (told["GET /a"].outcome, told["GET /a"].by_garbage) == ("reached", True)
    assert told["GET /b"].outcome == "stopped"


def test_a_check_of_the_input_or_of_csrf_does_not_hide_what_comes_after_it(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        """
@app.before_request
def csrf_protect():
    if request.method != "GET":
        abort(403)


@app.before_request
def version():
    if "X-Version" not in request.headers:
        abort(400)


def has_title(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if not (request.get_json(silent=True) or {}).get("no_such_title"):
            abort(422)
        return view(*args, **kwargs)
    return inner


@app.post("/open")
@has_title
def free():
    RAN.append("free")
    return ""


@app.post("/closed")
@has_title
@key_required
def closed():
    RAN.append("closed")
    return ""
""",
    )
    assert told["POST /open"].outcome == "reached"
    assert not told["POST /open"].is_straight
    assert told["POST /closed"].outcome == "stopped"
    assert told["POST /closed"].stopper is not None
    assert told["POST /closed"].stopper.name == "shop.key_required"


def test_a_set_up_page_does_not_hide_who_may_pass_behind_it(tmp_path: Path) -> None:
    told = found(
        tmp_path,
        """
@app.before_request
def needs_setup():
    if request.path != "/welcome":
        return redirect("/welcome")


@app.get("/welcome")
def welcome():
    RAN.append("welcome")
    return ""


@app.get("/a")
def a():
    RAN.append("a")
    return ""


@app.get("/b")
@key_required
def b():
    RAN.append("b")
    return ""
""",
    )
    assert told["GET /a"].outcome == "reached"
    assert told["GET /b"].outcome == "stopped"


def test_what_a_decorator_was_told_of_roles_stands_in_the_table_and_keys_do_not(tmp_path: Path) -> None:
    told = rows(
        tmp_path,
        """
def needs(role, secret_key):
    def decorate(view):
        @wraps(view)
        def inner(*args, **kwargs):
            if request.headers.get("X-Key") != secret_key + role:
                abort(403)
            return view(*args, **kwargs)
        return inner
    return decorate


@app.get("/a")
@needs("admin", "k3y-of-the-shop")
def a():
    RAN.append("a")
    return ""
""",
    )
    assert told["GET /a"].who == "shop.needs(role='admin')"


def test_a_check_in_the_view_is_read_and_one_that_hangs_on_data_is_a_doubt(tmp_path: Path) -> None:
    told = rows(
        tmp_path,
        """
@app.post("/sure")
def sure():
    if request.headers.get("Authorization") != "Bearer right":
        abort(401)
    RAN.append("sure")
    return ""


@app.post("/maybe/<int:page>")
def maybe(page):
    if page > 3 and not request.headers.get("Authorization"):
        abort(401)
    RAN.append("maybe")
    return ""


@app.post("/none")
def none():
    RAN.append("none")
    return ""
""",
    )
    assert (told["POST /sure"].state, told["POST /sure"].basis) == ("guarded", "read")
    assert told["POST /maybe/{page}"].state == "unknown"
    assert told["POST /none"].state == "open"


def test_changing_methods_are_not_tried_where_their_hooks_could_write(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        """
@app.before_request
def log():
    RAN.append(request.method)


@app.route("/a", methods=["GET", "POST", "DELETE"])
def a():
    return ""
""",
    )
    model = read_running(module.app, tmp_path)
    seen = traced(module.app, model, tmp_path, changes=False)
    assert set(module.RAN) <= {"GET", "HEAD"}
    assert {method for (path, method, _), one in seen.items() if one.outcome == "unclear"} == {"POST", "DELETE"}


def test_a_request_that_hangs_in_a_hook_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.scan.access.tracer.SECONDS", 0.05)
    told = found(
        tmp_path,
        """
import time


@app.before_request
def slow():
    while True:
        time.sleep(0.01)


@app.get("/a")
def a():
    RAN.append("a")
    return ""
""",
    )
    assert (told["GET /a"].outcome, told["GET /a"].how) == ("unclear", "a request that shows nothing did not end")


def test_an_application_is_as_it_was_after_tracing(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        """
@app.before_request
def version():
    abort(400)


@app.get("/a")
def a():
    return "still here"
""",
    )
    hooks = {name: list(found) for name, found in module.app.before_request_funcs.items()}
    traced(module.app, read_running(module.app, tmp_path), tmp_path, changes=True)
    assert {name: list(found) for name, found in module.app.before_request_funcs.items()} == hooks
    assert "create_url_adapter" not in vars(module.app)
    module.app.before_request_funcs.clear()
    assert module.app.test_client().get("/a").text == "still here"


def test_a_wrapper_that_cannot_be_looked_through_is_not_guessed_about(tmp_path: Path) -> None:
    """Which of the two is the view? Calling either could run it."""
    told = found(
        tmp_path,
        """
def both(one, two):
    def inner(*args, **kwargs):
        if "X-Key" not in request.headers:
            return "", 401
        return one() + two()
    return inner


def first():
    RAN.append("first")
    return "1"


def second():
    RAN.append("second")
    return "2"


app.add_url_rule("/both", "both", both(first, second), methods=["GET", "POST"])
""",
    )
    for door in ("GET /both", "POST /both"):
        assert (told[door].outcome, told[door].stopper) == ("unclear", None)
