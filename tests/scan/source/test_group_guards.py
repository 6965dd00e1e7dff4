"""Decorators that are given to a namespace or an API stand before each of its resources."""

import pytest

OWN = (
    "import functools\nfrom flask import Flask, abort, g\n"
    "def login_required():\n    def outer(view):\n        @functools.wraps(view)\n        def inner(*args, **kwargs):\n"
    "            if g.user is None:\n                abort(401)\n            return view(*args, **kwargs)\n        return inner\n    return outer\n"
    "app = Flask('x')\n"
)
RESOURCE = "class N(Resource):\n    def get(self):\n        return {}\n    def put(self):\n        return {}\n"


@pytest.mark.parametrize(("given", "state"), [("decorators=[login_required()]", "guarded"), ("decorators=[]", "open")])
def test_a_namespace_with_decorators_guards_its_resources(read, given, state):
    reading = read(
        OWN
        + f"from flask_restx import Api, Namespace, Resource\napi = Api(app)\nns = Namespace('n', path='/n', {given})\n"
        f"@ns.route('/x')\n{RESOURCE}api.add_namespace(ns)\n"
    )
    route = reading.app.route("/n/x")
    assert {route.access[method].state for method in ("GET", "PUT")} == {state}


def test_an_api_with_decorators_guards_its_resources(read):
    reading = read(
        OWN
        + f"from flask_restful import Api, Resource\napi = Api(app, decorators=[login_required()])\n{RESOURCE}api.add_resource(N, '/x')\n"
    )
    assert reading.app.route("/x").access["PUT"].state == "guarded"


def test_decorators_that_only_add_headers_guard_nothing(read):
    reading = read(
        OWN + "from flask_cors import cross_origin\nfrom flask_restx import Api, Resource\n"
        f"api = Api(app, decorators=[cross_origin()])\n@api.route('/x')\n{RESOURCE}"
    )
    assert reading.app.route("/x").access["PUT"].state == "open"
