"""Routes, settings and headers that a loop over a table of the source writes."""

import pytest

from stopper.core.facts import source_of
from stopper.core.values import options

TABLE = (
    "from flask import Flask\nfrom flask_restful import Api, Resource\napp = Flask('x')\napi = Api(app)\n"
    "class N(Resource):\n    def get(self):\n        return {}\nclass M(Resource):\n    def post(self):\n        return {}\n"
    "TABLE = ((N, '/n'), (M, '/m'))\n"
)


@pytest.mark.parametrize(
    "loop",
    [
        "[api.add_resource(*row) for row in TABLE]\n",
        "for row in TABLE:\n    api.add_resource(*row)\n",
        "for view, rule in TABLE:\n    api.add_resource(view, rule)\n",
        "for row in TABLE:\n    api.add_resource(row[0], row[1])\n",
        "for row in [{'view': N, 'url': '/n'}, *[{'view': M, 'url': '/m'}]]:\n    api.add_resource(row['view'], row['url'])\n",
    ],
)
def test_each_row_of_a_table_is_a_resource_at_its_own_path(read, loop):
    found = {(route.path, route.view.rpartition(".")[2]) for route in read(TABLE + loop).app.routes}
    assert found == {("/n", "N"), ("/m", "M")}


def test_a_loop_over_a_table_of_rules_pairs_each_rule_with_its_view(read):
    reading = read(
        "from flask import Flask\napp = Flask('x')\ndef n():\n    return ''\ndef m():\n    return ''\n"
        "for rule, view in (('/n', n), ('/m', m)):\n    app.add_url_rule(rule, view_func=view)\n"
    )
    assert {(route.path, route.view.rpartition(".")[2]) for route in reading.app.routes} == {("/n", "n"), ("/m", "m")}


@pytest.mark.parametrize("name", ["'x'", "view.__name__.lower()"])
def test_each_view_class_of_a_table_answers_its_own_methods(read, name):
    reading = read(
        "from flask import Flask\nfrom flask.views import MethodView\n"
        "class A(MethodView):\n    def get(self):\n        return ''\nclass B(MethodView):\n    def post(self):\n        return ''\n"
        f"ROUTES = {{'/a': A, '/b': B}}\ndef make():\n    app = Flask('x')\n    for rule, view in ROUTES.items():\n        app.add_url_rule(rule, view_func=view.as_view({name}))\n    return app\n"
    )
    found = {route.path: (route.view.rpartition(".")[2], route.methods[0]) for route in reading.app.routes}
    assert found == {"/a": ("A", "GET"), "/b": ("B", "POST")}


def test_one_resource_of_two_is_added_at_one_path(read):
    either = "chosen = N if app.debug else M\napi.add_resource(chosen, '/n', '/m')\n"
    assert {route.path for route in read(TABLE + either).app.routes} == {"/n", "/m"}


def test_a_long_table_is_read_to_its_end(read):
    long = "TABLE = (" + ", ".join(f"(N, '/n{number}')" for number in range(40)) + ")\n"
    for loop in (
        "[api.add_resource(*row) for row in TABLE]\n",
        "for v, rule in TABLE:\n    api.add_resource(v, rule)\n",
        "for row in [{'view': v, 'url': rule} for v, rule in TABLE]:\n    api.add_resource(row['view'], row['url'])\n",
    ):
        assert len(read(TABLE + long + loop).app.routes) == 40


def test_a_resource_of_restful_is_registered_by_its_decorator(read):
    reading = read(
        "from flask import Blueprint, Flask\nfrom flask_restful import Api, Resource\napi = Api()\nrouter = Blueprint('r', 'r', url_prefix='/api')\n"
        "@api.resource('/n', '/m', endpoint='n')\nclass N(Resource):\n    def get(self):\n        return {}\n    def post(self):\n        return {}\n"
        "app = Flask('x')\napi.init_app(router)\napp.register_blueprint(router)\n"
    )
    found = {
        route.path: {method for method in route.methods if method in ("GET", "POST")} for route in reading.app.routes
    }
    assert found == {"/api/n": {"GET", "POST"}, "/api/m": {"GET", "POST"}}


@pytest.mark.parametrize(
    "written",
    [
        "for name, value in TABLE.items():\n    app.config[name] = value\n",
        "for name, value in TABLE.items():\n    app.config.setdefault(name, value)\n",
        "for name, value in (('DEBUG', True), ('TESTING', True)):\n    app.config[name] = value\n",
        "app.config.update({name: value for name, value in TABLE.items()})\n",
    ],
)
def test_settings_written_in_a_loop_over_a_table_have_their_own_values(read, written):
    source = f"from flask import Flask\napp = Flask(__name__)\nTABLE = {{'DEBUG': True, 'TESTING': True}}\n{written}"
    found = {(write.key, write.value.value) for write in source_of(read(source).app).config_writes()}
    assert found == {("DEBUG", True), ("TESTING", True)}


def test_headers_filled_in_a_loop_over_a_table_are_those_of_the_table(read):
    source = "import flask\nH = {}\nfor name, value in {'X-Api-Key': 'abc', 'Accept': 'xyz'}.items():\n    H[name] = value\nuse(H)\n"
    (call,) = source_of(read(source).app).calls("use")
    assert any(getattr(one, "keys", tuple)() == ("X-Api-Key", "Accept") for one in options(call.args[0]))


def test_going_through_a_mapping_gives_its_keys(read):
    source = "import flask\nT = {'a': flask.request.headers, 'b': 2}\nfor name in T:\n    use(name)\nfor word in T.keys():\n    use(word)\n"
    first, second = source_of(read(source).app).calls("use")
    for call in (first, second):
        assert {getattr(one, "value", None) for one in options(call.args[0])} == {"a", "b"}
