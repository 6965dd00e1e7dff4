"""Routes that no ``@app.route`` of Flask tells: view classes of libraries, rules that a function is told, decorators called by hand."""

import pytest

CLASSFUL = """
from flask import Blueprint, Flask
from flask_classful import FlaskView, route
from flask_login import login_required

app = Flask(__name__)

class NotesView(FlaskView):
    route_base = "/notes"
    decorators = [login_required]
    def index(self): return "all"
    def get(self, note_id): return "one"
    def post(self): return "made"
    def before_request(self, name): pass
    def recent(self, days): return "new"
    @route("/extra", methods=["PUT", "POST"])
    def extra(self): return "more"
    def _inner(self): return "none"

class PlainView(FlaskView):
    def delete(self, ident): return "gone"

class ShopView(FlaskView):
    route_prefix = "/shops/<shop>"
    def get(self, ident): return "one"

old = Blueprint("old", __name__, url_prefix="/old")
NotesView.register(app)
PlainView.register(app, route_prefix="/v1")
ShopView.register(old)
app.register_blueprint(old)
"""
BUILDER = """
from flask import Flask
from flask_appbuilder import AppBuilder, BaseView, expose, has_access
from flask_appbuilder.api import BaseApi, protect

app = Flask(__name__)

class Reports(BaseView):
    @expose("/list/")
    @has_access
    def listing(self): return "all"
    @expose("/raw/<name>", methods=["POST"])
    def raw(self, name): return name

class Greet(BaseApi):
    resource_name = "greeting"
    @expose("/", methods=["GET"])
    @protect()
    def get(self): return "hello"
"""
BY_HAND = """
from flask import Flask, Blueprint
from flask.views import MethodView
from flask_openapi3 import APIView, OpenAPI

app = Flask(__name__)
bp = Blueprint("b", __name__, url_prefix="/b")
view = APIView(url_prefix="/books")

def one(): return "1"

class Notes(MethodView):
    def get(self, ident): return "one"

def register(app, view, name):
    app.add_url_rule(f"/{name}/<int:ident>", view_func=view.as_view(f"{name}-item"))

@view.route("/<int:ident>")
class Book:
    def get(self): return "book"

register(app, Notes, "notes")
app.route("/hand", methods=["POST"])(one)
bp.get("/blue")(one)
app.register_blueprint(bp)
"""


def routes_of(reading) -> dict[tuple[str, str], str]:
    return {
        (route.path, method): route.access[method].state
        for route in reading.app.routes
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")
    }


def test_methods_of_flask_classful_are_routes_by_their_names(read):
    assert routes_of(read(CLASSFUL)) == {
        ("/notes/", "GET"): "guarded",
        ("/notes/{note_id}", "GET"): "guarded",
        ("/notes/", "POST"): "guarded",
        ("/notes/recent/{days}", "GET"): "guarded",
        ("/notes/extra", "PUT"): "guarded",
        ("/notes/extra", "POST"): "guarded",
        ("/v1/plain/{ident}", "DELETE"): "open",
        ("/old/shops/{shop}/shop/{ident}", "GET"): "open",
    }


def test_what_flask_appbuilder_exposes_is_a_route(read):
    assert routes_of(read(BUILDER)) == {
        ("/reports/list/", "GET"): "guarded",
        ("/reports/raw/{name}", "POST"): "open",
        ("/api/v1/greeting/", "GET"): "guarded",
    }


@pytest.mark.parametrize(
    ("path", "method"), [("/notes/{ident}", "GET"), ("/hand", "POST"), ("/b/blue", "GET"), ("/books/{ident}", "GET")]
)
def test_a_rule_that_is_told_or_put_around_by_hand_is_a_route(read, path: str, method: str):
    assert (path, method) in routes_of(read(BY_HAND))
