"""A detector asks what stands in a function once, however many places of that function it judges: twice the code is twice the work, not four times.

Work is counted in calls of Python, which no busy machine changes.
"""

import sys
from pathlib import Path

import pytest

from stopper.core.app import App
from stopper.rules.api_key import (
    api_key_accepted_in_url,
    credential_check_falls_through,
    credential_logged,
    whole_request_logged,
)
from stopper.rules.authorization import admin_route_weakly_protected, object_lookup_without_owner
from stopper.rules.transport import proxy_trust_misconfigured
from stopper.scan.source.read import read_source

HEAD = "from flask import Flask, abort, jsonify, request, session\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n"
VIEW = "@app.route('/x')\ndef view():\n    out = {}\n"


def keys(count: int) -> str:
    """Many readings of the query beside a header with a key."""
    tests = (
        f"    if request.args.get('k{n}') == 'v':\n        out['a{n}'] = request.headers.get('X-API-Key')\n"
        for n in range(count)
    )
    return HEAD + VIEW + "".join(tests) + "    return jsonify(out)\n"


def kinds(count: int) -> str:
    """A long chain of tests, none of which is about a credential, and one that is."""
    chain = "".join(f"    elif kind == 'k{n}':\n        out = handle(kind, {n})\n" for n in range(count))
    first = "    kind = request.args.get('kind')\n    if request.headers.get('X-API-Key') is None:\n        return 'no', 401\n"
    return HEAD + VIEW + first + chain.replace("elif", "if", 1) + "    return jsonify(out)\n"


def addresses(count: int) -> str:
    """Many headers beside each other, none of which says where a request comes from."""
    reads = (f"    out['{n}'] = request.headers.get('X-Part-{n}')\n    note({n})\n" for n in range(count))
    return HEAD + VIEW + "".join(reads) + "    return jsonify(out)\n"


def things(count: int) -> str:
    """Many views that look something up, and one function before all of them."""
    table = "db = SQLAlchemy(app)\nclass Thing(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n    owner_id = db.Column(db.Integer)\n"
    asked = "@app.before_request\ndef guard():\n    if session.get('user_id') is None:\n        abort(401)\n"
    pulled = "@app.url_value_preprocessor\ndef pull(endpoint, values):\n    values.pop('other')\n"
    views = (
        f"@app.route('/{n}/<int:thing_id>')\ndef v{n}(thing_id):\n    return jsonify(Thing.query.get(thing_id))\n"
        for n in range(count)
    )
    return HEAD + table + asked + pulled + "".join(views)


def administered(count: int) -> str:
    """Many routes of everybody and of administrators behind a guard that only asks who is there."""
    guard = "@app.get('/{0}/{1}')\n@login_required\ndef {0}{1}():\n    return jsonify(ok=True)\n"
    change = "@app.post('/admin/users/{0}')\n@login_required\ndef v{0}():\n    Person.query.filter_by(id={0}).delete()\n    return jsonify(ok=True)\n"
    views = (guard.format("notes", n) + change.format(n) for n in range(count))
    return f"from flask_login import login_required\n{HEAD}" + "".join(views)


def texts(count: int) -> str:
    """Each text says the one before it several times."""
    said = "".join(f"    t{n + 1} = '{{a}} {{b}} {{c}}'.format(a=t{n}, b=t{n}, c=t{n})\n" for n in range(count // 6))
    return HEAD + VIEW + f"    t0 = request.args['a']\n{said}    print(t{count // 6})\n    return out\n"


def calls_in(rule, app: App) -> int:
    """How many functions of Python the detector calls, generators that go on among them."""
    number = 0

    def count(_frame, event, _given):
        nonlocal number
        number += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        list(rule.detect(app))
    finally:
        sys.setprofile(before)
    return number


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (api_key_accepted_in_url, keys),
        (credential_check_falls_through, kinds),
        (proxy_trust_misconfigured, addresses),
        (object_lookup_without_owner, things),
        (admin_route_weakly_protected, administered),
        (credential_logged, texts),
        (whole_request_logged, texts),
    ],
)
def test_twice_the_code_is_about_twice_the_work(rule, source, tmp_path: Path) -> None:
    work: list[int] = []
    for count in (60, 120):
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "app.py").write_text(source(count))
        work.append(calls_in(rule, read_source((folder,), folder).app))
    assert work[1] < 2.3 * work[0]
