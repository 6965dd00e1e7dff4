"""Hooks stop the routes that they stop, and no others: what they ask about path, endpoint and method is answered for each route."""

import pytest

HEAD = "from flask import Flask, Blueprint, request, session, abort, redirect, url_for, current_app\napp = Flask(__name__)\n"
ROUTES = (
    "@app.get('/notes')\ndef notes():\n    return ''\n"
    "@app.get('/public/news')\ndef news():\n    return ''\n"
    "@app.get('/notes/<int:nid>')\ndef note(nid):\n    return ''\n"
)
TURN_AWAY = "    if 'user' not in session:\n        abort(401)\n"


def states(reading) -> dict[str, str]:
    """The state of GET of every route by its path."""
    return {route.path: route.access["GET"].state for route in reading.app.routes}


@pytest.mark.parametrize(
    "exempting",
    [
        "    if any(request.path.startswith(start) for start in OPEN):\n        return None\n",
        "    for start in OPEN:\n        if request.path.startswith(start):\n            return None\n",
        "    if request.path.startswith(tuple(OPEN)):\n        return None\n",
        "    if request.endpoint in ('news', 'static'):\n        return None\n",
        "    if request.endpoint == 'news' or request.path == '/health':\n        return None\n",
        "    if is_open():\n        return None\n",
        "    if not (request.path != '/public/news'):\n        return None\n",
        "    if request.path.endswith(('/news', '.css')):\n        return None\n",
    ],
)
def test_what_a_hook_lets_go_is_open_and_the_rest_guarded(read, exempting):
    opens = "OPEN = ['/public/', '/static/']\ndef is_open():\n    return request.path == '/public/news'\n"
    reading = read(f"{HEAD}{opens}@app.before_request\ndef door():\n{exempting}{TURN_AWAY}{ROUTES}")
    assert states(reading) == {"/notes": "guarded", "/public/news": "open", "/notes/{nid}": "guarded"}


@pytest.mark.parametrize(
    "test",
    [
        "request.path.startswith('/notes') and 'user' not in session",
        "'user' not in session and request.endpoint not in ['news']",
        "'user' not in session and not request.path.startswith('/public')",
    ],
)
def test_a_hook_for_some_paths_guards_those(read, test):
    reading = read(f"{HEAD}@app.before_request\ndef door():\n    if {test}:\n        abort(401)\n{ROUTES}")
    assert states(reading) == {"/notes": "guarded", "/public/news": "open", "/notes/{nid}": "guarded"}


@pytest.mark.parametrize(
    "exempting",
    [
        "    if request.path in load_open_paths():\n        return None\n",
        "    if re.match(PATTERN, request.path):\n        return None\n",
        "    if is_open():\n        return None\n",
        "    if getattr(app.view_functions[request.endpoint], 'open_to_all', False):\n        return None\n",
    ],
)
def test_an_exception_that_cannot_be_told_leaves_the_routes_unknown(read, exempting):
    opaque = "import re\ndef is_open():\n    return request.path in app.config['OPEN']\n"
    reading = read(f"{HEAD}{opaque}@app.before_request\ndef door():\n{exempting}{TURN_AWAY}{ROUTES}")
    assert set(states(reading).values()) == {"unknown"}


def test_an_exception_that_comes_after_the_refusal_opens_nothing(read):
    late = "    if request.path == '/notes':\n        return None\n"
    reading = read(f"{HEAD}@app.before_request\ndef door():\n{TURN_AWAY}{late}{ROUTES}")
    assert set(states(reading).values()) == {"guarded"}


def test_a_hook_that_calls_a_check_which_raises_is_a_guard(read):
    """Two functions down, with the request passed on by hand and an error class of the project's own."""
    reading = read(
        HEAD
        + "class AuthError(Exception):\n    pass\n"
        + "def token_of(req):\n    shown = req.headers.get('Authorization')\n    if not shown:\n        raise AuthError('no token', 401)\n"
        + "    return shown[7:]\n"
        + "def requires_client(expected):\n    token = token_of(request)\n    for key in load_keys(expected):\n        try:\n"
        + "            decode(token, key)\n            return\n        except ValueError:\n            continue\n"
        + "    raise AuthError('not for you', 401)\n"
        + "def requires_admin():\n    requires_client(current_app.config.get('ADMIN_CLIENT'))\n"
        + "bp = Blueprint('inner', __name__)\nbp.before_request(requires_admin)\n"
        + "@bp.get('/inner')\ndef inner():\n    return ''\napp.register_blueprint(bp)\n@app.get('/outer')\ndef outer():\n    return ''\n"
    )
    assert states(reading) == {"/inner": "guarded", "/outer": "open"}


TABLE = (
    "def door():\n" + TURN_AWAY + "bp = Blueprint('inner', __name__)\n@bp.get('/inner')\ndef inner():\n    return ''\n"
)


@pytest.mark.parametrize(
    ("filling", "expected"),
    [
        ("app.before_request_funcs = {None: [door]}", {"/inner": "guarded", "/outer": "guarded"}),
        ("app.before_request_funcs = {'inner': [door]}", {"/inner": "guarded", "/outer": "open"}),
        ("app.before_request_funcs['inner'] = [door]", {"/inner": "guarded", "/outer": "open"}),
        ("app.before_request_funcs.setdefault(None, []).append(door)", {"/inner": "guarded", "/outer": "guarded"}),
        ("app.before_request_funcs[None].append(door)", {"/inner": "guarded", "/outer": "guarded"}),
        ("app.after_request_funcs = {None: [door]}", {"/inner": "open", "/outer": "open"}),
    ],
)
def test_the_table_behind_the_hooks(read, filling, expected):
    outer = "app.register_blueprint(bp)\n@app.get('/outer')\ndef outer():\n    return ''\n"
    assert states(read(f"{HEAD}{TABLE}{filling}\n{outer}")) == expected


def test_a_view_that_ends_by_sending_to_the_login_page_is_guarded(read):
    view = "@app.get('/x')\ndef x():\n    if session.get('user'):\n        return 'hello'\n    return redirect(url_for('{}'))\n"
    assert states(read(HEAD + view.format("auth.login"))) == {"/x": "guarded"}
    assert states(read(HEAD + view.format("shop.index"))) == {"/x": "open"}


def test_a_registration_that_ends_at_the_login_page_is_open(read):
    reading = read(
        HEAD
        + "@app.get('/register')\ndef register():\n    if session.get('user'):\n        return redirect('/')\n    save()\n"
        + "    return redirect(url_for('login'))\n"
    )
    assert states(reading) == {"/register": "open"}


VIEW = """
from flask import Flask, abort, jsonify, request, session
app = Flask(__name__)

@app.route("/notes/<int:number>", methods=["GET", "POST"])
def show(number):
    note = find(number)
{body}
    return jsonify(note.text)
"""


def of_view(read, body):
    """The state of GET and of POST of a view with that body."""
    reading = read(VIEW.format(body="\n".join("    " + line for line in body.splitlines())))
    (route,) = reading.app.routes
    return route.access["GET"].state, route.access["POST"].state


@pytest.mark.parametrize(
    "body",
    [
        'if "user" not in session:\n    abort(401)',
        'if not session.get("user") or note.owner != session["user"]:\n    abort(403)',
        'if note is None:\n    return jsonify(error="no such note"), 404\nif "user" not in session:\n    abort(401)',
        'if note is None:\n    abort(404)\nif "user" not in session:\n    abort(401)',
    ],
)
def test_a_view_that_refuses_everybody_who_shows_nothing_is_guarded(read, body):
    assert of_view(read, body) == ("guarded", "guarded")


@pytest.mark.parametrize(
    "body",
    [
        'if note.private:\n    if "user" not in session:\n        abort(401)',
        'if note.private and "user" not in session:\n    abort(401)',
        'if note.public:\n    return jsonify(note.text)\nif "user" not in session:\n    abort(401)',
    ],
)
def test_a_view_that_refuses_only_some_is_not_known_to_be_guarded(read, body):
    assert of_view(read, body) == ("unknown", "unknown")


def test_a_view_that_refuses_one_method_guards_that_method(read):
    assert of_view(read, 'if request.method == "POST" and "user" not in session:\n    abort(401)') == (
        "open",
        "guarded",
    )


def test_what_only_compares_the_caller_with_their_own_session_guards_nothing(read):
    """A token against forged requests says nothing of who is calling: anybody has a session."""
    assert of_view(read, 'if request.form["csrf"] != session["csrf"]:\n    abort(403)') == ("open", "open")


def test_a_guard_that_decorates_a_hook_stops_whatever_the_hook_asks_afterwards(read):
    """What the body of the hook asks about those who are logged in does not open the routes to the others."""
    reading = read(
        "from flask import Blueprint, Flask, abort, g\nfrom flask_httpauth import HTTPBasicAuth\n"
        "app = Flask(__name__)\nauth = HTTPBasicAuth()\napi = Blueprint('api', __name__)\n"
        "@api.before_request\n@auth.login_required\ndef check():\n"
        "    if not g.current_user.is_anonymous and not g.current_user.confirmed:\n        return 'first confirm', 403\n"
        "@api.get('/people')\ndef people():\n    return ''\napp.register_blueprint(api)\n"
    )
    assert reading.app.route("/people").access["GET"].state == "guarded"


def test_what_methods_of_one_class_hold_inside_is_told_apart_by_the_method(read):
    """Two methods with an inner function of one name: each decorator is judged by its own, also where a method has that name too."""
    doorman = (
        "class Doorman:\n"
        "    def inner(self, view):\n        return view\n"
        "    def counts(self, view):\n        def inner(*args):\n            return view(*args)\n        return inner\n"
        "    def lets_in(self, view):\n        def inner(*args):\n            if 'user' not in session:\n                abort(401)\n"
        "            return view(*args)\n        return inner\n"
        "doorman = Doorman()\n"
    )
    views = "".join(
        f"@app.get('/{name}')\n@doorman.{name}\ndef {name}():\n    return ''\n"
        for name in ("inner", "counts", "lets_in")
    )
    assert states(read(HEAD + doorman + views)) == {"/inner": "open", "/counts": "open", "/lets_in": "guarded"}
