"""View classes that ask who is calling in ``dispatch_request``, and what stands beside it."""

import pytest


def access(reading, path: str, method: str) -> str:
    return next(one.access[method].state for one in reading.app.routes if one.path == path and method in one.access)


HEAD = """\
from flask import Flask, abort, g, jsonify, request
from flask.views import View
app = Flask("x")
class Base(View):
    methods = ["GET", "POST"]
    auth_required = True
    ways = ()
    def respond(self, said, status=200):
        return jsonify(said), status
    def dispatch_request(self, *args, **kwargs):
        caller = None
        for way in self.ways:
            caller = way().authenticate()
        if caller:
            g.caller = caller
        elif self.auth_required:
            return self.respond({"error": "auth_required"}, 401)
        return getattr(self, request.method.lower())(*args, **kwargs)
class Below(Base):
    def dispatch_request(self, name):
        return Base.dispatch_request(self, find(name))
"""


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("    pass\n", "guarded"),
        ("    auth_required = False\n", "open"),
        ("    authentication_classes = ()\n", "open"),
        ("    public = True\n", "open"),
    ],
)
@pytest.mark.parametrize("base", ["Base", "Below"])
def test_a_class_asks_in_dispatch_request_unless_it_says_that_it_does_not(read, base, body, state):
    reading = read(
        f"{HEAD}class Notes({base}):\n{body}    def post(self, note=None):\n        return keep(note)\n"
        "app.add_url_rule('/n/<name>', view_func=Notes.as_view('n'))\n"
    )
    assert access(reading, "/n/{name}", "POST") == state


def test_a_question_to_whoever_is_kept_on_g_is_one_about_the_caller(read):
    reading = read(
        "from functools import wraps\nfrom flask import Flask, abort, g\napp = Flask('x')\n"
        "def permission_required(permission):\n    def decorator(func):\n        @wraps(func)\n        def wrapper(*args, **kwargs):\n"
        "            if not g.user.has_permission(permission):\n                abort(403)\n            return func(*args, **kwargs)\n"
        "        return wrapper\n    return decorator\n"
        "@app.post('/n')\n@permission_required('write')\ndef n():\n    return ''\n"
    )
    assert access(reading, "/n", "POST") == "guarded"


def test_a_hook_of_a_librarys_blueprint_sees_no_other_request(read):
    reading = read(
        "import rq_dashboard\nfrom flask import Flask, abort\nfrom flask_login import current_user\napp = Flask('x')\n"
        "@rq_dashboard.blueprint.before_request\ndef ask():\n    if not current_user.is_authenticated:\n        abort(401)\n"
        "@app.post('/n')\ndef n():\n    return ''\n"
    )
    assert access(reading, "/n", "POST") == "open"


def test_a_header_that_webargs_hands_to_a_wrapper_is_what_the_caller_shows(read):
    reading = read(
        "from functools import wraps\nfrom flask import Flask, abort, current_app\nfrom webargs import fields\nfrom webargs.flaskparser import use_kwargs\n"
        "app = Flask('x')\ndef authenticate(func):\n    @wraps(func)\n"
        "    @use_kwargs({'auth': fields.Str(required=True, data_key='authorization')}, location='headers')\n"
        "    def wrapper(auth, *args, **kwargs):\n        if current_app.config['THE_KEY'] != auth:\n            abort(401)\n"
        "        return func(*args, **kwargs)\n    return wrapper\n"
        "@app.post('/n')\n@authenticate\ndef n():\n    return ''\n"
    )
    assert access(reading, "/n", "POST") == "guarded"
