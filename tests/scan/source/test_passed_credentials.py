"""A function that turns somebody away guards a view only where that view gives it what a caller shows: an id of the address is none."""

import pytest

SHARED = (
    "import functools\nimport jwt\nfrom flask import Flask, abort, g, request\napp = Flask('x')\n"
    "def jwt_required(view):\n    @functools.wraps(view)\n    def inner(*args, **kwargs):\n        try:\n"
    "            g.user = jwt.decode(request.headers['Authorization'][7:], app.config['KEY'], algorithms=['HS256'])\n"
    "        except jwt.InvalidTokenError:\n            abort(401)\n        return view(*args, **kwargs)\n    return inner\n"
    "class Missing(Exception): pass\n"
    "class Rows:\n    def person(self, user_id):\n        return db.get(user_id)\n"
    "    def notes(self, user_id):\n        person = self.person(user_id)\n        if not person:\n"
    "            raise Missing('no such user')\n        return db.find(person)\n"
    "rows = Rows()\n"
    "@app.get('/mine')\n@jwt_required\ndef mine():\n    return rows.notes(g.user['sub'])\n"
)


@pytest.mark.parametrize(
    "body",
    [
        "    return rows.notes(user_id)\n",
        "    def lines():\n        for one in rows.notes(user_id):\n            yield one\n    return app.response_class(lines())\n",
        "    return shown(user_id)\ndef shown(user_id):\n    return {'notes': rows.notes(user_id)}\n",
    ],
)
def test_what_looks_up_an_id_of_the_address_is_no_guard_though_another_view_gives_it_a_claim(read, body):
    reading = read(SHARED + f"@app.get('/notes/<user_id>')\ndef theirs(user_id):\n{body}")
    assert reading.app.route("/mine").access["GET"].state == "guarded"
    assert reading.app.route("/notes/{user_id}").access["GET"].state == "open"


@pytest.mark.parametrize(
    "body",
    [
        "    return rows.notes(request.headers.get('Authorization'))\n",
        "    who = g.user['sub']\n    return rows.notes(who)\n",
        "    return shown(g.user['sub'])\ndef shown(user_id):\n    return {'notes': rows.notes(user_id)}\n",
    ],
)
def test_where_a_view_gives_it_what_the_caller_shows_it_is_one(read, body):
    reading = read(SHARED + f"@app.get('/notes')\ndef theirs():\n{body}")
    assert reading.app.route("/notes").access["GET"].state == "guarded"


def test_a_function_that_verifies_the_token_it_is_given_is_a_guard_wherever_the_token_comes_from(read):
    reading = read(
        "import jwt\nfrom flask import Flask, abort, request\napp = Flask('x')\n"
        "def person(token):\n    try:\n        return jwt.decode(token, app.config['KEY'], algorithms=['HS256'])\n"
        "    except jwt.InvalidTokenError:\n        abort(401)\n"
        "@app.get('/a')\ndef a():\n    return person(request.headers['Authorization'][7:])\n"
        "@app.post('/b')\ndef b():\n    return person(request.get_json()['token'])\n"
    )
    assert [reading.app.route(path).access[verb].state for path, verb in (("/a", "GET"), ("/b", "POST"))] == [
        "guarded"
    ] * 2
