"""Routes come with their whole path, their methods, their view, and whatever stands on the way to it."""

import pytest

from stopper.core.facts import source_of

HEAD = "from flask import Flask, Blueprint, request, jsonify, abort, g, session, redirect\napp = Flask(__name__)\n"


def access(reading, path: str, method: str = "GET") -> str:
    """The state of one method of one route."""
    route = reading.app.route(path)
    assert route is not None, [known.path for known in reading.app.routes]
    return route.access[method].state


def paths(reading) -> list[str]:
    """Every path found."""
    return sorted(route.path for route in reading.app.routes)


def test_a_route_has_its_view_methods_and_typed_parameters(read):
    reading = read(
        HEAD + "@app.route('/n/<int:nid>/<path:p>', methods=['PUT', 'post'])\ndef n(nid, p):\n    return ''\n"
    )
    (route,) = reading.app.routes
    assert (route.path, route.view, route.endpoint, route.span.line) == ("/n/{nid}/{p}", "app.n", "n", 4)
    assert route.parameters == (("nid", "int"), ("p", "path"))
    assert set(route.methods) == {"PUT", "POST", "OPTIONS"}


def test_any_decorator_named_route_is_not_a_route(read):
    reading = read("import flask\nimport celery\nq = celery.Celery()\n@q.route('/x')\ndef x():\n    return ''\n")
    assert paths(reading) == []


def test_shortcuts_give_one_method(read):
    assert set(read(HEAD + "@app.delete('/x')\ndef x():\n    return ''\n").app.routes[0].methods) == {
        "DELETE",
        "OPTIONS",
    }


def test_the_options_that_flask_answers_is_not_judged(read):
    (route,) = read(HEAD + "@app.get('/x')\ndef x():\n    return ''\n").app.routes
    assert set(route.access) == {"GET", "HEAD"}


def test_a_blueprint_has_its_prefix(read):
    reading = read(
        HEAD
        + "bp = Blueprint('b', __name__, url_prefix='/b')\n@bp.get('/x')\ndef x():\n    return ''\napp.register_blueprint(bp)\n"
    )
    assert (paths(reading), reading.app.routes[0].endpoint) == (["/b/x"], "b.x")


def test_the_prefix_of_the_registration_wins(read):
    reading = read(
        HEAD
        + "bp = Blueprint('b', __name__, url_prefix='/b')\n@bp.get('/x')\ndef x():\n    return ''\napp.register_blueprint(bp, url_prefix='/api')\n"
    )
    assert paths(reading) == ["/api/x"]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("'{}/x/<int:n>'.format(app.config['PREFIX'])", "/api/x/{n}"),
        ("'{base}/x/<int:n>'.format(base=app.config['PREFIX'])", "/api/x/{n}"),
        ("'%s/x/<int:n>' % app.config['PREFIX']", "/api/x/{n}"),
        ("'{}/{}/<int:n>'.format(app.config['PREFIX'], 'x')", "/api/x/{n}"),
        ("'{}/x/<int:n>'.format(app.config['UNKNOWN'])", "/x/{n}"),
        ("'/x/{}/<int:n>'.format(app.config['UNKNOWN'])", None),
    ],
)
def test_a_rule_that_is_filled_in_with_a_setting_is_read(read, rule, path):
    source = HEAD + f"app.config['PREFIX'] = '/api'\ndef x(n):\n    return ''\napp.add_url_rule({rule}, view_func=x)\n"
    assert [route.path for route in read(source).app.routes] == ([path] if path else [])


def test_nested_blueprints_join_their_prefixes(read):
    reading = read(
        HEAD + "out = Blueprint('o', __name__, url_prefix='/o')\nbp = Blueprint('b', __name__, url_prefix='/b')\n"
        "@bp.get('/x')\ndef x():\n    return ''\nout.register_blueprint(bp)\napp.register_blueprint(out)\n"
    )
    assert paths(reading) == ["/o/b/x"]


def test_a_blueprint_of_another_module_registered_in_a_factory(read):
    reading = read(
        {
            "shop/__init__.py": "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    from shop.views import bp\n    app.register_blueprint(bp, url_prefix='/api')\n    return app\n",
            "shop/views.py": "from flask import Blueprint\nbp = Blueprint('v', __name__)\n@bp.get('/x')\ndef x():\n    return ''\n",
        }
    )
    assert paths(reading) == ["/api/x"]


@pytest.mark.parametrize("decorator", ["app.get('/ready')", "app.shell_context_processor", "app.cli.command('seed')"])
def test_a_decorator_of_an_application_that_a_package_makes_leaves_the_routes_of_the_package(read, decorator):
    reading = read(
        {
            "app.py": f"from shop import create_app\napp = create_app()\n@{decorator}\ndef ready():\n    return ''\n",
            "shop/__init__.py": "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    from shop.views import bp\n    app.register_blueprint(bp, url_prefix='/api')\n    return app\n",
            "shop/views.py": "from flask import Blueprint\nbp = Blueprint('v', __name__)\n@bp.get('/x')\ndef x():\n    return ''\n",
        }
    )
    assert "/api/x" in paths(reading)


def test_blueprints_registered_in_a_loop(read):
    reading = read(
        HEAD
        + "a = Blueprint('a', __name__)\nb = Blueprint('b', __name__)\n@a.get('/1')\ndef f():\n    return ''\n@b.get('/2')\ndef h():\n    return ''\n"
        "for bp in (a, b):\n    app.register_blueprint(bp, url_prefix='/api')\n"
    )
    assert paths(reading) == ["/api/1", "/api/2"]


def test_routes_inside_a_factory(read):
    reading = read(
        "from flask import Flask\ndef create_app():\n    app = Flask('x')\n    @app.get('/x')\n    def x():\n        return ''\n    return app\n"
    )
    assert [(route.path, route.view) for route in reading.app.routes] == [("/x", "app.create_app.x")]


def test_routes_on_an_app_that_is_passed(read):
    reading = read("import flask\ndef register(app):\n    @app.get('/x')\n    def x():\n        return ''\n")
    assert paths(reading) == ["/x"]


def test_add_url_rule_with_a_function(read):
    reading = read(HEAD + "def x():\n    return ''\napp.add_url_rule('/x', 'x', x, methods=['POST'])\n")
    assert [(route.path, route.view) for route in reading.app.routes] == [("/x", "app.x")]


def test_a_method_view_has_the_methods_of_its_class(read):
    reading = read(
        "from flask import Flask\nfrom flask.views import MethodView\napp = Flask('x')\nclass N(MethodView):\n    def get(self):\n        return ''\n"
        "    def post(self):\n        return ''\napp.add_url_rule('/n', view_func=N.as_view('n'))\n"
    )
    assert set(reading.app.routes[0].methods) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_a_method_view_is_judged_method_by_method(read):
    reading = read(
        "from flask import Flask\nfrom flask.views import MethodView\nfrom flask_login import login_required\napp = Flask('x')\nclass N(MethodView):\n"
        "    def get(self):\n        return ''\n    @login_required\n    def post(self):\n        return ''\napp.add_url_rule('/n', view_func=N.as_view('n'))\n"
    )
    assert (access(reading, "/n", "GET"), access(reading, "/n", "POST")) == ("open", "guarded")


def test_decorators_of_a_view_class_guard_all_of_it(read):
    reading = read(
        "from flask import Flask\nfrom flask.views import MethodView\nfrom flask_login import login_required\napp = Flask('x')\nclass N(MethodView):\n"
        "    decorators = [login_required]\n    def get(self):\n        return ''\napp.add_url_rule('/n', view_func=N.as_view('n'))\n"
    )
    assert access(reading, "/n") == "guarded"


@pytest.mark.parametrize("package", ["flask_restful", "flask_restx"])
def test_a_resource_is_served_at_every_path_it_is_added_to(read, package):
    reading = read(
        f"from flask import Flask\nfrom {package} import Api, Resource\napp = Flask('x')\napi = Api(app, prefix='/v1')\nclass N(Resource):\n"
        "    def get(self):\n        return {}\napi.add_resource(N, '/n', '/m/<int:i>')\n"
    )
    assert paths(reading) == ["/v1/m/{i}", "/v1/n"]


def test_a_namespace_of_restx_has_its_path(read):
    reading = read(
        "from flask import Flask\nfrom flask_restx import Api, Namespace, Resource\napp = Flask('x')\napi = Api(app)\nns = Namespace('n', path='/n')\n"
        "@ns.route('/<int:i>')\nclass N(Resource):\n    def get(self, i):\n        return {}\napi.add_namespace(ns)\n"
    )
    assert paths(reading) == ["/n/{i}"]


def test_method_decorators_by_method(read):
    reading = read(
        "from flask import Flask\nfrom flask_restful import Api, Resource\nfrom flask_jwt_extended import jwt_required\napp = Flask('x')\napi = Api(app)\n"
        "class N(Resource):\n    method_decorators = {'post': [jwt_required()]}\n    def get(self):\n        return {}\n    def post(self):\n        return {}\napi.add_resource(N, '/n')\n"
    )
    assert (access(reading, "/n", "GET"), access(reading, "/n", "POST")) == ("open", "guarded")


def test_a_smorest_blueprint_is_a_blueprint(read):
    reading = read(
        "from flask import Flask\nfrom flask.views import MethodView\nfrom flask_smorest import Api, Blueprint\napp = Flask('x')\napi = Api(app)\n"
        "blp = Blueprint('n', 'n', url_prefix='/n')\n@blp.route('/<int:i>')\nclass N(MethodView):\n    @blp.response(200)\n    def get(self, i):\n        return {}\napi.register_blueprint(blp)\n"
    )
    assert (paths(reading), access(reading, "/n/{i}")) == (["/n/{i}"], "open")


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("from flask_jwt_extended import jwt_required", "jwt_required()"),
        ("from flask_login import login_required", "login_required"),
        ("from flask_httpauth import HTTPTokenAuth\nauth = HTTPTokenAuth()", "auth.login_required"),
        ("from flask_httpauth import HTTPBasicAuth\nauth = HTTPBasicAuth()", "auth.login_required(role='a')"),
        ("from flask_security import auth_required", "auth_required('token')"),
        (
            "from authlib.integrations.flask_oauth2 import ResourceProtector\nrequire = ResourceProtector()",
            "require('p')",
        ),
        ("from apiflask import HTTPTokenAuth\nauth = HTTPTokenAuth()", "app.auth_required(auth)"),
        ("from stopper import bearer", "bearer"),
        ("from stopper import bearer, scope", "(bearer & scope('a'))"),
    ],
)
def test_guards_of_libraries(read, imports, decorator):
    reading = read(f"{HEAD}{imports}\n@app.get('/x')\n@{decorator}\ndef x():\n    return ''\n")
    assert access(reading, "/x") == "guarded"


def test_a_guard_above_the_route_has_no_effect(read):
    reading = read(
        HEAD + "from flask_jwt_extended import jwt_required\n@jwt_required()\n@app.get('/x')\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "open"
    function = source_of(reading.app).function("app.x")
    assert next((one.name, one.above_route) for one in function.decorators) == ("flask_jwt_extended.jwt_required", True)


def test_an_optional_guard_lets_everybody_in(read):
    reading = read(
        HEAD
        + "from flask_jwt_extended import jwt_required\n@app.get('/x')\n@jwt_required(optional=True)\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "open"


OWN = """
from functools import wraps
import jwt
def need(f):
    @wraps(f)
    def inner(*args, **kwargs):
        token = request.headers.get('Authorization')
        if not token:
            return jsonify(error='no'), 401
        g.user = jwt.decode(token, 'k', algorithms=['HS256'])
        return f(*args, **kwargs)
    return inner
"""


def test_an_own_decorator_that_answers_401_is_a_guard(read):
    assert access(read(HEAD + OWN + "@app.get('/x')\n@need\ndef x():\n    return ''\n"), "/x") == "guarded"


def test_an_own_decorator_with_arguments_is_a_guard(read):
    own = (
        "from functools import wraps\ndef role(name):\n    def deco(f):\n        @wraps(f)\n        def inner(*a, **k):\n            if session.get('role') != name:\n"
        "                abort(403)\n            return f(*a, **k)\n        return inner\n    return deco\n"
    )
    assert access(read(HEAD + own + "@app.get('/x')\n@role('admin')\ndef x():\n    return ''\n"), "/x") == "guarded"


def test_an_own_decorator_that_only_looks_is_no_guard(read):
    own = "from functools import wraps\ndef timed(f):\n    @wraps(f)\n    def inner(*a, **k):\n        return f(*a, **k)\n    return inner\n"
    assert access(read(HEAD + own + "@app.get('/x')\n@timed\ndef x():\n    return ''\n"), "/x") == "open"


def test_an_unseen_decorator_with_a_telling_name_leaves_it_unknown(read):
    assert (
        access(
            read(
                HEAD
                + "from corp.security import login_needed\n@app.get('/x')\n@login_needed\ndef x():\n    return ''\n"
            ),
            "/x",
        )
        == "unknown"
    )


def test_an_unseen_decorator_with_another_name_guards_nothing(read):
    assert (
        access(read(HEAD + "from corp.stats import timed\n@app.get('/x')\n@timed\ndef x():\n    return ''\n"), "/x")
        == "open"
    )


def test_a_hook_that_refuses_guards_every_route(read):
    hook = "@app.before_request\ndef check():\n    if not request.headers.get('Authorization'):\n        abort(401)\n"
    assert access(read(HEAD + hook + "@app.get('/x')\ndef x():\n    return ''\n"), "/x") == "guarded"


def test_a_hook_that_only_notes_guards_nothing(read):
    hook = "@app.before_request\ndef note():\n    g.start = 1\n"
    assert access(read(HEAD + hook + "@app.get('/x')\ndef x():\n    return ''\n"), "/x") == "open"


def test_a_hook_of_a_blueprint_guards_that_blueprint_only(read):
    text = (
        HEAD
        + "from flask_jwt_extended import jwt_required\nbp = Blueprint('b', __name__)\n@bp.before_request\n@jwt_required()\ndef check():\n    pass\n"
        "@bp.get('/in')\ndef a():\n    return ''\n@app.get('/out')\ndef b():\n    return ''\napp.register_blueprint(bp)\n"
    )
    reading = read(text)
    assert (access(reading, "/in"), access(reading, "/out")) == ("guarded", "open")


def test_functions_that_say_what_they_take_are_handed_a_blueprint(read):
    reading = read(
        HEAD + "out = Blueprint('o', __name__, url_prefix='/api')\nbp = Blueprint('b', __name__, url_prefix='/notes')\n"
        "@bp.get('/x')\ndef x():\n    return ''\n"
        "def hooks(on: Blueprint):\n    @on.before_request\n    def check():\n        if 'user' not in session:\n            abort(401)\n"
        "def children(on: Blueprint):\n    on.register_blueprint(bp)\nhooks(out)\nchildren(out)\napp.register_blueprint(out)\n"
    )
    assert access(reading, "/api/notes/x") == "guarded"


def test_a_hook_of_an_outer_blueprint_guards_the_inner(read):
    reading = read(
        HEAD
        + "out = Blueprint('o', __name__)\nbp = Blueprint('b', __name__)\n@out.before_request\ndef check():\n    if 'user' not in session:\n        abort(401)\n"
        "@bp.get('/x')\ndef x():\n    return ''\nout.register_blueprint(bp)\napp.register_blueprint(out)\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_hook_lets_through_the_endpoints_that_it_names(read):
    hook = (
        "OPEN = {'login', 'health'}\n@app.before_request\ndef check():\n    if request.endpoint in OPEN:\n        return\n"
        "    if not session.get('user'):\n        return jsonify(error='no'), 401\n"
    )
    reading = read(
        HEAD + hook + "@app.get('/health')\ndef health():\n    return ''\n@app.get('/x')\ndef x():\n    return ''\n"
    )
    assert (access(reading, "/health"), access(reading, "/x")) == ("open", "guarded")


def test_a_hook_with_an_exception_that_cannot_be_told_is_unknown(read):
    hook = (
        "import corp\n@app.before_request\ndef check():\n    if request.endpoint in corp.open_ones():\n        return\n"
        "    if not session.get('user'):\n        abort(401)\n"
    )
    assert access(read(HEAD + hook + "@app.get('/x')\ndef x():\n    return ''\n"), "/x") == "unknown"


def test_a_hook_registered_by_a_call(read):
    reading = read(
        HEAD
        + "def check():\n    if not session.get('user'):\n        abort(401)\napp.before_request(check)\n@app.get('/x')\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_view_that_verifies_itself_is_guarded(read):
    reading = read(
        HEAD
        + "from flask_jwt_extended import verify_jwt_in_request\n@app.get('/x')\ndef x():\n    verify_jwt_in_request()\n    return ''\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_view_that_turns_nobody_into_401_is_guarded(read):
    own = "def who():\n    return USERS.get(request.headers.get('Authorization'))\n"
    reading = read(
        HEAD
        + own
        + "@app.get('/x')\ndef x():\n    user = who()\n    if user is None:\n        return jsonify(error='no'), 401\n    return ''\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_view_that_validates_its_input_is_not_guarded(read):
    reading = read(
        HEAD
        + "@app.post('/x')\ndef x():\n    data = request.get_json()\n    if not data:\n        return jsonify(error='no'), 400\n    return ''\n"
    )
    assert access(reading, "/x", "POST") == "open"


def test_stopper_closes_every_route_but_the_public_ones(read):
    reading = read(
        HEAD
        + "from stopper import Stopper, public\nStopper(app)\n@app.get('/x')\ndef x():\n    return ''\n@app.get('/y')\n@public\ndef y():\n    return ''\n"
    )
    assert (access(reading, "/x"), access(reading, "/y")) == ("guarded", "open")


def test_a_view_wrapped_where_it_is_registered(read):
    reading = read(
        HEAD
        + "from flask_login import login_required\ndef x():\n    return ''\napp.add_url_rule('/x', view_func=login_required(x))\n"
    )
    assert access(reading, "/x") == "guarded"


def test_routes_in_tests_are_not_routes_of_the_app(read):
    reading = read({"app.py": HEAD, "tests/test_a.py": HEAD + "@app.get('/x')\ndef x():\n    return ''\n"})
    assert paths(reading) == []


def test_a_helper_is_reached_by_the_routes_that_call_it(read):
    reading = read(
        HEAD
        + "def low():\n    pass\ndef mid():\n    low()\n@app.get('/x')\ndef x():\n    mid()\n    return ''\n@app.get('/y')\ndef y():\n    return ''\n"
    )
    facts = source_of(reading.app)
    assert [str(ref) for ref in facts.routes_reaching("app.low")] == ["GET /x"]
    assert {ref.path for ref in facts.routes_reaching("")} == {"/x", "/y"}


def test_a_guard_is_reached_by_the_routes_behind_it(read):
    reading = read(
        HEAD + OWN + "@app.get('/x')\n@need\ndef x():\n    return ''\n@app.get('/y')\ndef y():\n    return ''\n"
    )
    assert [str(ref) for ref in source_of(reading.app).routes_reaching("app.need.inner")] == ["GET /x"]


def test_fields_that_the_view_reads(read):
    reading = read(
        HEAD
        + "@app.post('/x')\ndef x():\n    data = request.get_json()\n    print(data['name'], data.get('age'))\n    return ''\n"
    )
    assert set(reading.app.routes[0].fields) == {"name", "age"}


def test_error_handlers_of_app_and_blueprint(read):
    reading = read(
        HEAD
        + "bp = Blueprint('b', __name__)\n@bp.errorhandler(404)\ndef a(e):\n    return ''\n@app.errorhandler(Exception)\ndef b(e):\n    return ''\n"
    )
    found = {(one.what, one.blueprint, one.function) for one in source_of(reading.app).error_handlers()}
    assert found == {("404", "b", "app.a"), ("Exception", "", "app.b")}


def test_methods_that_a_library_calls_for_errors_are_error_handlers(read):
    reading = read(
        "from flask import Flask\nfrom flask_restful import Api\n"
        "class MyApp(Flask):\n    def handle_exception(self, e):\n        return str(e), 500\n"
        "class MyApi(Api):\n    def handle_error(self, e):\n        return str(e), 500\n"
        "class Other:\n    def handle_error(self, e):\n        return str(e), 500\n"
        "app = MyApp(__name__)\napi = MyApi(app)\n"
    )
    found = {(one.what, one.function) for one in source_of(reading.app).error_handlers()}
    assert found == {("Exception", "app.MyApp.handle_exception"), ("Exception", "app.MyApi.handle_error")}


@pytest.mark.parametrize(
    "body",
    [
        "if session.get('user'):\n        return redirect('/home')",
        "token = request.headers.get('Authorization')\n    if token:\n        try:\n            g.user = load(token)\n        except ValueError:\n            abort(401)",
        "if session.get('user'):\n        if stale():\n            return jsonify(e=1), 401",
        "token = request.headers.get('Authorization')\n    if token and request.is_json:\n        try:\n            g.user = load(token)\n        except ValueError:\n            abort(401)",
        "if paused():\n        return 'later', 503",
    ],
)
def test_a_hook_that_lets_nobody_in_particular_through_guards_nothing(read, body):
    hook = f"@app.before_request\ndef hook():\n    {body}\n"
    assert access(read(HEAD + hook + "@app.get('/x')\ndef x():\n    return ''\n"), "/x") == "open"


@pytest.mark.parametrize(
    "body",
    [
        "if session.get('user') is None:\n        return redirect('/login')",
        "if 'user' not in session:\n        return redirect('/login')",
        "if request.is_json and not session.get('user'):\n        abort(401)",
        "if not (session.get('user') or request.headers.get('X-API-Key') == 'k'):\n        abort(403)",
        "if session.get('user'):\n        return None\n    else:\n        return jsonify(e=1), 401",
        "if session.get('user'):\n        return None\n    return jsonify(e=1), 401",
        "try:\n        g.user = load(request.headers['Authorization'])\n    except ValueError:\n        abort(401)",
        "user = load(request.headers.get('Authorization'))\n    if not user:\n        raise Unauthorized()",
    ],
)
def test_a_hook_that_turns_away_who_shows_nothing_guards(read, body):
    hook = f"@app.before_request\ndef hook():\n    {body}\n"
    assert access(read(HEAD + hook + "@app.get('/x')\ndef x():\n    return ''\n"), "/x") == "guarded"


def test_a_view_that_sends_away_who_is_logged_in_is_open(read):
    reading = read(
        HEAD
        + "@app.post('/x')\ndef x():\n    if session.get('user'):\n        return redirect('/home')\n    return ''\n"
    )
    assert access(reading, "/x", "POST") == "open"


def test_a_decorator_that_only_looks_at_the_token_of_old_versions_is_open(read):
    reading = read(
        HEAD + "from flask_jwt_extended import jwt_optional\n@app.get('/x')\n@jwt_optional\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "open"


def test_a_rule_that_a_function_of_the_project_gives_back(read):
    own = "import settings\ndef scoped(rule):\n    if settings.MANY:\n        return '/<org>' + rule\n    return rule\n"
    assert paths(read(HEAD + own + "@app.get(scoped('/x'))\ndef x():\n    return ''\n")) == ["/x"]


def test_a_resource_added_through_a_method_of_an_own_api(read):
    reading = read(
        "from flask import Flask\nfrom flask_restful import Api, Resource\nclass Ours(Api):\n    def add_our_resource(self, r, *urls):\n        return self.add_resource(r, *urls)\n"
        "app = Flask('x')\napi = Ours()\nclass N(Resource):\n    def get(self):\n        return {}\napi.add_our_resource(N, '/n')\napi.init_app(app)\n"
    )
    assert paths(reading) == ["/n"]


def test_a_namespace_of_an_api_on_a_blueprint_is_served_once(read):
    reading = read(
        "from flask import Flask, Blueprint\nfrom flask_restx import Api, Namespace, Resource\napp = Flask('x')\nbp = Blueprint('api', 'x', url_prefix='/v1')\napi = Api(bp)\n"
        "ns = Namespace('n')\n@ns.route('')\nclass N(Resource):\n    def get(self):\n        return {}\napi.add_namespace(ns, '/n')\napp.register_blueprint(bp)\n"
    )
    assert paths(reading) == ["/v1/n"]


def test_views_that_a_function_of_the_project_registers_are_routes(read):
    """``register(app, Notes, "/notes")``: the rule and the view come from the callers."""
    reading = read(
        HEAD
        + "from flask.views import MethodView\nfrom flask_login import login_required\n"
        + "class Notes(MethodView):\n    decorators = [login_required]\n    def get(self):\n        return ''\n"
        + "class News(MethodView):\n    def get(self):\n        return ''\n"
        + "def register(to, view, url, name):\n    to.add_url_rule(url, view_func=view.as_view(name))\n"
        + "def plain(url, view):\n    app.add_url_rule(url, 'x', view)\n"
        + "def home():\n    return ''\n"
        + "register(app, Notes, '/notes', 'notes')\nregister(app, News, '/news', 'news')\nplain('/', home)\n"
    )
    assert {route.path: route.view for route in reading.app.routes} == {
        "/notes": "app.Notes", "/news": "app.News", "/": "app.home",
    }  # fmt: skip
    assert (access(reading, "/notes"), access(reading, "/news")) == ("guarded", "open")


def test_an_instance_of_a_class_derived_from_flask_is_an_application(read):
    """Its routes, its blueprints and its settings are those of any application; methods of its own stay its own."""
    reading = read(
        "from flask import Flask, Blueprint\nclass Base(Flask):\n    def load(self):\n        return 1\nclass Notes(Base):\n    pass\n"
        "app = Notes(__name__)\napp.config['TESTING'] = True\nbp = Blueprint('b', 'x', url_prefix='/b')\n"
        "@app.get('/n')\ndef n():\n    return ''\n@bp.get('/m')\ndef m():\n    return ''\napp.register_blueprint(bp)\napp.load()\n"
    )
    assert paths(reading) == ["/b/m", "/n"]
    facts = source_of(reading.app)
    assert [write.key for write in facts.config_writes("TESTING")] == ["TESTING"]
    assert [call.callee for call in facts.calls("app.Base.load")] == ["app.Base.load"]


def test_an_instance_of_a_class_derived_from_blueprint_is_a_blueprint(read):
    """Its routes are seen with their methods, under the prefix that it is registered with; methods of its own stay its own."""
    reading = read(
        "from flask import Flask, Blueprint\nclass Base(Blueprint):\n    def menu(self):\n        return []\nclass Notes(Base):\n    pass\n"
        "app = Flask(__name__)\nbp = Notes('b', 'x')\n"
        "@bp.route('/m', methods=['GET', 'POST'])\ndef m():\n    return ''\napp.register_blueprint(bp, url_prefix='/b')\nbp.menu()\n"
    )
    assert {route.path: route.methods[:2] for route in reading.app.routes} == {"/b/m": ("GET", "POST")}
    assert [call.callee for call in source_of(reading.app).calls("app.Base.menu")] == ["app.Base.menu"]


def test_a_namespace_that_an_api_object_makes_stands_under_the_api_and_its_blueprint(read):
    """``api.namespace("notes")``, also of a class derived from ``Api`` whose own methods keep their names."""
    reading = read(
        "from flask import Flask, Blueprint\nfrom flask_restx import Api, Resource\n"
        "app = Flask(__name__)\nv1 = Blueprint('v1', __name__, url_prefix='/api/1')\n"
        "class OwnApi(Api):\n    def noted(self, view):\n        return view\n"
        "api = OwnApi(v1)\nnotes = api.namespace('notes', 'Notes')\nplain = Api(app).namespace('books', path='/b')\n"
        "@notes.route('/<nid>/')\nclass Note(Resource):\n    @api.noted\n    def get(self, nid):\n        return {}\n"
        "@plain.route('/<bid>/')\nclass Book(Resource):\n    def get(self, bid):\n        return {}\n"
        "@api.route('/all/')\nclass All(Resource):\n    def get(self):\n        return {}\n"
        "app.register_blueprint(v1)\n"
    )
    assert sorted(route.path for route in reading.app.routes) == ["/api/1/all/", "/api/1/notes/{nid}/", "/b/{bid}/"]


def test_a_guard_that_lets_the_known_through_and_refuses_all_others_at_its_end_stops(read):
    reading = read(
        HEAD
        + "def known(view):\n    if session.get('user') or load(request):\n        return view\n    abort(403)\n"
        + "@app.get('/x')\n@known\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_function_that_hands_on_the_guard_of_an_unseen_library_is_no_open_door(read):
    reading = read(
        HEAD
        + "from theirs.guards import require_auth_header as their_guard\n"
        + "def require_auth_header(*args, **kwargs):\n    kwargs['audience'] = 'us'\n    return their_guard(*args, **kwargs)\n"
        + "@app.get('/x')\n@require_auth_header({'notes'})\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") == "unknown"


def test_who_is_calling_is_read_where_a_hook_hung_it_on_the_request(read):
    reading = read(
        HEAD
        + "@app.before_request\ndef known():\n    request.decoded_token = load(request.headers.get('Authorization'))\n"
        + "@app.get('/x')\ndef x():\n    who = getattr(request, 'decoded_token', None)\n    if not who:\n        return jsonify(ok=False), 401\n    return ''\n"
    )
    assert access(reading, "/x") == "guarded"


def test_a_refusal_that_a_helper_gives_beside_the_caller_is_a_guard_of_the_view(read):
    reading = read(
        HEAD
        + "def caller():\n    who = session.get('user')\n    if not who:\n        return None, (jsonify(ok=False), 401)\n    return who, None\n"
        + "@app.get('/x')\ndef x():\n    who, refusal = caller()\n    if refusal:\n        return refusal\n    return who\n"
        + "@app.get('/y')\ndef y():\n    who, refusal = caller()\n    return str(who)\n"
    )
    assert access(reading, "/x") == "guarded"
    assert access(reading, "/y") == "open"


def test_a_401_for_whoever_is_not_authenticated_is_no_open_door_however_that_is_found_out(read):
    reading = read(
        HEAD
        + "from functools import wraps\nWAYS = {'local': by_session}\n"
        + "def is_user_authenticated(incoming):\n    return WAYS['local'](incoming)\n"
        + "def requires(*permissions):\n    def outer(view):\n        @wraps(view)\n        def inner(*args, **kwargs):\n"
        + "            if not is_user_authenticated(request):\n                return jsonify(ok=False), 401\n            return view(*args, **kwargs)\n        return inner\n    return outer\n"
        + "@app.get('/x')\n@requires('all')\ndef x():\n    return ''\n"
    )
    assert access(reading, "/x") != "open"
