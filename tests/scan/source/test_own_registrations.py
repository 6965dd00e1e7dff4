"""Routes that a function or a decorator of the project registers: out of a table that it is handed, under a prefix of its own, on an object
that somebody puts into the module."""

import pytest

TABLE = """
from flask import Blueprint, Flask
from flask.views import MethodView
from flask_restful import Api, Resource

def served(blueprint, rows, decorators=None):
    views = {}
    for path, resource in rows:
        view = views.get(resource)
        if view is None:
            view = resource.as_view(resource.__name__)
            for decorator in decorators or []:
                view = decorator(view)
            views[resource] = view
        blueprint.add_url_rule(path, view_func=view)
    return blueprint

def restful(blueprint, rows):
    api = Api(blueprint)
    for row in rows:
        (path, resource) = row
        api.add_resource(resource, path)
    return api

class Notes(MethodView):
    def get(self): return "all"

class Note(MethodView):
    def delete(self, number): return "gone"

class Shops(Resource):
    def post(self): return "made"

class Shop(Resource):
    def put(self): return "kept"

notes = Blueprint("notes", __name__)
routes = [("/notes", Notes), ("/notes/<int:number>", Note)]
served(notes, routes)
shops = Blueprint("shops", __name__)
restful(shops, [("/shops", Shops), ("/shops/one", Shop)])
app = Flask(__name__)
app.register_blueprint(notes, url_prefix="/v1")
app.register_blueprint(shops)
"""
PREFIXED = """
import functools
import flask
from flask_login import current_user

app = flask.Flask(__name__)
HOME = "/ds"

def register(url, methods=None, require_auth=True):
    def wrapper(view):
        @app.route(r"%s%s" % (HOME, url), methods=methods)
        @functools.wraps(view)
        def handler(**named):
            if require_auth and not current_user.is_authenticated:
                flask.abort(401)
            return flask.jsonify(view(**named))
        return handler
    return wrapper

@register("/boards/", methods=["POST"])
def create(name):
    return {"name": name}

@register("/boards/<int:board_id>/")
def show(board_id):
    return {"id": board_id}
"""
SET_UP = """
from flask import Flask
from flask_restful import Api, Resource
from common import name_of

path_of = name_of(__name__)

class Reset(Resource):
    def post(self): return {"sent": True}

def setup(api: Api, base: str) -> None:
    path = "/".join([base, path_of])
    api.add_resource(Reset, path + "/reset", methods=("POST",))

app = Flask(__name__)
"""


def routes_of(reading) -> dict[tuple[str, str], str]:
    return {
        (method, route.path): route.access[method].state
        for route in reading.app.routes
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")
    }


def test_a_function_registers_each_row_of_the_table_it_is_handed(read):
    """Under the prefix of the blueprint that stands beside the table, and with the methods of each class."""
    assert routes_of(read(TABLE)) == {
        ("GET", "/v1/notes"): "open",
        ("DELETE", "/v1/notes/{number}"): "open",
        ("POST", "/shops"): "open",
        ("PUT", "/shops/one"): "open",
    }


def test_a_decorator_puts_its_rule_below_a_prefix_and_asks_who_it_is(read):
    """The view is the function under it, and what its wrapper asks guards it."""
    assert routes_of(read(PREFIXED)) == {
        ("POST", "/ds/boards/"): "guarded",
        ("GET", "/ds/boards/{board_id}/"): "guarded",
    }


def test_a_rule_of_which_only_the_end_is_known_is_a_route(read):
    assert set(routes_of(read(SET_UP))) == {("POST", "/reset")}


OF_A_LOADER = """
from flask import request
{bound}

@manager.route("/login", methods=["POST"])
def login():
    return request.json["name"]
"""


@pytest.mark.parametrize(
    ("bound", "found"),
    [
        ("", {("POST", "/login")}),
        ("import manager", set()),
        ("from clicks import manager", set()),
        ("from manager import route", set()),
    ],
)
def test_an_object_that_the_module_does_not_bind_is_put_there_by_whoever_loads_it(read, bound, found):
    """What the module imports or makes is what it says it is, and nothing of Flask."""
    assert set(routes_of(read(OF_A_LOADER.format(bound=bound)))) == found


HEIR = """
from flask import Flask
from flask.views import MethodView
from flask_jwt_extended import jwt_required

app = Flask(__name__)

class Assets(MethodView):
    @jwt_required()
    def get(self): return []

class Old(Assets):
    pass

class Open(Assets):
    def get(self): return []

app.add_url_rule("/assets", view_func=Assets.as_view("assets"))
app.add_url_rule("/old", view_func=Old.as_view("old"))
app.add_url_rule("/open", view_func=Open.as_view("open"))
"""


@pytest.mark.parametrize(("path", "state"), [("/assets", "guarded"), ("/old", "guarded"), ("/open", "open")])
def test_head_runs_the_get_of_a_base(read, path, state):
    """And the one that an heir says anew, where it does."""
    states = {
        route.access[method].state
        for route in read(HEIR).app.routes
        for method in ("GET", "HEAD")
        if route.path == path
    }
    assert states == {state}


MANAGERS = """
from flask import Flask, request

class Manager:
    def serve(self, app):
        app.add_url_rule("/callback", "callback", self.callback)
    def callback(self):
        return "plain"

class Okta(Manager):
    def callback(self):
        return "<h1>" + request.args.get("error", "") + "</h1>"

class Quiet(Manager):
    pass

app = Flask(__name__)
Okta().serve(app)
"""


def test_an_heir_answers_the_route_that_its_base_adds(read):
    """Where it says the method anew; one that does not has the method of its base."""
    assert {route.view for route in read(MANAGERS).app.routes} == {"app.Manager.callback", "app.Okta.callback"}
