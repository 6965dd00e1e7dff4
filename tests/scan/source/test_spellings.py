"""The same thing written in other ways: rules put together, names from a star, readings in odd places, two applications in a folder."""

import pytest

from stopper.core.facts import source_of

HEAD = "from flask import Flask, Blueprint, request\napp = Flask(__name__)\n"
API = "from flask_restful import Api, Resource\napi = Api(app)\nclass Notes(Resource):\n    def get(self):\n        return {}\n"


@pytest.mark.parametrize(
    ("before", "rule", "path"),
    [
        ("ROOT = '/v1'", "f'{ROOT}/notes'", "/v1/notes"),
        ("ROOT = '/v1'", "ROOT + '/notes'", "/v1/notes"),
        ("ROOT = '/v1'", "'%s/notes/%d' % (ROOT, 2)", "/v1/notes/2"),
        ("ROOT = '/v1'", "'{}/notes'.format(ROOT)", "/v1/notes"),
        ("ROOT = '/v1'", "'{1}{root}/notes/{0}'.format('a', '/x', root=ROOT)", "/x/v1/notes/a"),
        ("class C:\n    ROOT = '/v2'", "f'{C.ROOT}/notes/<int:nid>'", "/v2/notes/{nid}"),
        ("app.config['ROOT'] = '/v3'", "f\"{app.config['ROOT']}/notes\"", "/v3/notes"),
        ("from elsewhere import ROOT", "f'{ROOT}/notes'", "/notes"),
        ("from elsewhere import ROOT", "ROOT + '/notes'", "/notes"),
    ],
)
def test_a_rule_that_is_put_together(read, before, rule, path):
    reading = read(f"{HEAD}{API}{before}\napi.add_resource(Notes, {rule})\n")
    assert [route.path for route in reading.app.routes] == [path]


@pytest.mark.parametrize("text", ["'%9999999999s' % 'x'", "'{:9999999999}'.format('x')", "'%s' % ('x' * 200000)"])
def test_a_text_that_would_be_huge_is_not_made(read, text):
    reading = read(f"KEY = {text}\nfrom flask import Flask\n")
    (assignment,) = source_of(reading.app).assignments()
    assert len(str(getattr(assignment.value, "value", ""))) < 100


def test_names_from_a_star(read):
    reading = read(
        "from flask import *\nfrom flask_login import *\napp = Flask(__name__)\n@app.get('/x')\n@login_required\ndef x():\n    return ''\n"
    )
    (route,) = reading.app.routes
    assert (route.path, route.access["GET"].state) == ("/x", "guarded")


def test_fields_are_seen_wherever_they_are_read(read):
    reading = read(
        HEAD
        + "people = {}\n@app.post('/x')\ndef x():\n    data = request.get_json()\n    people[data['email']] = 1\n"
        + "    note = {'text': request.get_json()['text']}\n    if data.get('role') == 'admin':\n        pass\n"
        + "    request.headers['X-Request-Id']\n    return note\n"
    )
    assert set(reading.app.routes[0].fields) == {"email", "text", "role"}


def test_readings_say_where_they_begin(read):
    facts = source_of(
        read(
            HEAD
            + "@app.get('/x')\ndef x():\n    return request.args['q'] + request.form.get('f', '') + lookup()['n']\n"
        ).app
    )
    assert [(one.source, one.key, one.function) for one in facts.readings()] == [
        ("flask.request.args", "q", "app.x"),
        ("flask.request.form", "f", "app.x"),
    ]
    assert [one.key for one in facts.readings("flask.request.args")] == ["q"]


@pytest.mark.parametrize(
    ("name", "text", "is_test"),
    [
        ("test.py", "import pytest\n", True),
        ("tests.py", "from unittest import TestCase\n", True),
        ("pages/test.py", "import pytest\n", True),
        ("test.py", "# a page that tests a connection\n", False),
        ("conftest.py", "", True),
        ("contest.py", "import pytest\n", False),
        ("integration_tests/assets/web.py", "", True),
        ("api-tests/asks.py", "", True),
        ("api/test_aid/db.py", "", True),
        ("stubs/sso/web.py", "", True),
        ("contests/web.py", "", False),
        ("test_pages/web.py", "", False),
    ],
)
def test_a_file_named_for_tests_is_one_when_it_imports_a_test_library(read, name, text, is_test):
    facts = source_of(read({name: text + HEAD}).app)
    assert (name in facts.tests) is is_test


@pytest.mark.parametrize(
    ("files", "is_test"),
    [
        ({"kit/box/conftest.py": "", "kit/box/test_it.py": ""}, True),
        ({"kit/box/conftest.py": ""}, False),
        ({"kit/box/test_it.py": ""}, False),
        ({"conftest.py": "", "test_it.py": ""}, False),
        ({"kit/box/conftest.py": "", "kit/box/test_it.py": "", "kit/box/shop.py": HEAD}, False),
        ({"kit/box/conftest.py": "", "kit/box/test_it.py": "", "used.py": "from kit.box.client import asks\n"}, False),
    ],
)
def test_a_folder_with_pytests_file_and_tests_is_test_code_unless_it_serves_or_somebody_imports_it(
    read, files, is_test
):
    asks = {"kit/box/client/asks.py": "import requests\nrequests.get('https://x.example')\n"}
    facts = source_of(read({**asks, **files, "app.py": HEAD}).app)
    assert ("kit/box/client/asks.py" in facts.tests) is is_test


def test_a_file_of_a_package_that_is_called_like_a_library_is_not_what_others_import_by_that_name(read):
    guard = "from functools import wraps\nfrom flask import abort, g\ndef needed(*wanted):\n    def wrapper(view):\n        @wraps(view)\n        def inner(*args, **kwargs):\n            if not g.user or not g.user.can(*wanted):\n                abort(403)\n            return view(*args, **kwargs)\n        return inner\n    return wrapper\n"
    app = HEAD + "from shop.app.flask import needed\n@app.post('/x')\n@needed('write')\ndef x():\n    return 'x'\n"
    files = {"shop/__init__.py": "", "shop/app/__init__.py": "", "shop/app/flask.py": guard, "shop/views.py": app}
    (route,) = read(files).app.routes
    assert route.access["POST"].state == "guarded"


@pytest.mark.parametrize("maker", ["connexion.App", "connexion.FlaskApp"])
def test_a_connexion_application_is_one_of_flask(read, maker):
    reading = read(
        {
            "config.py": f"import connexion\nshop = {maker}(__name__)\nshop.app.config['SECRET_KEY'] = 'random'\n",
            "app.py": "from config import shop\nshop.run(debug=True)\n",
        }
    )
    facts = source_of(reading.app)
    assert [write.key for write in facts.config_writes()] == ["SECRET_KEY"]
    assert [call.span.path for call in facts.calls("flask.Flask.run")] == ["app.py"]


SEALED = "from flask import Flask\nfrom stopper import Stopper\napp = Flask(__name__)\nStopper(app)\n@app.get('/sealed')\ndef s():\n    return ''\n"
BARE = (
    "from flask import Flask, Blueprint\napp = Flask(__name__)\nbp = Blueprint('b', __name__)\n@bp.get('/inner')\ndef i():\n    return ''\n"
    "@app.get('/bare')\ndef b():\n    return ''\napp.register_blueprint(bp)\n"
)


def test_a_seal_closes_its_own_application_only(read):
    reading = read({"one.py": SEALED, "two.py": BARE})
    found = {route.path: route.access["GET"].state for route in reading.app.routes}
    assert found == {"/sealed": "guarded", "/bare": "open", "/inner": "open"}


def test_a_seal_closes_the_blueprints_of_its_application(read):
    extra = "from stopper import Stopper\nstopper = Stopper()\nstopper.init_app(app)\n"
    found = {route.path: route.access["GET"].state for route in read(BARE + extra).app.routes}
    assert found == {"/bare": "guarded", "/inner": "guarded"}


def test_a_file_that_uses_an_app_under_a_plain_name_is_read(read):
    reading = read(
        {
            "core/ext.py": "from flask import Flask\nserver = Flask(__name__)\n",
            "views.py": "from core.ext import server\n@server.get('/a')\ndef a():\n    return 1\n",
        }
    )
    assert [route.path for route in reading.app.routes] == ["/a"]


def test_a_package_hides_a_module_of_its_name(read):
    reading = read(
        {
            "app.py": "from app import app\napp.run()\n",
            "app/__init__.py": "from flask import Flask\napp = Flask(__name__)\nfrom views import *\n",
            "views.py": "from app import app\n@app.get('/notes')\ndef notes():\n    return ''\n",
        }
    )
    assert [route.path for route in reading.app.routes] == ["/notes"]
