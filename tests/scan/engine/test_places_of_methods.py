"""A finding in one method of a view class names the route-method that it concerns, and not those that are guarded beside it."""

from pathlib import Path

from stopper.rules.authorization import method_without_authentication, route_without_authentication
from stopper.scan.correlate import correlate
from stopper.scan.detecting import run_detectors
from stopper.scan.source.read import read_source

APP = """
from flask import Flask
from flask.views import MethodView
from flask_login import current_user, login_required

from shop import Item, db

app = Flask(__name__)


class Items(MethodView):
    @login_required
    def get(self, name):
        return {"mine": Item.of(current_user.id, name).name}

    @login_required
    def delete(self, name):
        Item.of(current_user.id, name).delete()
        return "", 204

    def put(self, name):
        change(name)
        return "", 204


def change(name):
    db.session.add(Item(name))
    db.session.commit()


app.add_url_rule("/items/<name>", view_func=Items.as_view("items"))
"""


def test_the_open_method_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    app = read_source((tmp_path,), tmp_path).app
    rules = (method_without_authentication.RULE, route_without_authentication.RULE)
    found = correlate(app, run_detectors(app, rules), ())
    assert {finding.rule.slug for finding in found} == {"method-without-authentication"}, "one cause, one finding"
    for finding in found:
        assert [str(place.route) for place in finding.places] == ["PUT /items/{name}"], finding.places


def test_a_function_that_one_method_calls_reaches_that_method_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    facts = read_source((tmp_path,), tmp_path).app.source
    assert facts is not None
    assert [str(ref) for ref in facts.routes_reaching("app.change")] == ["PUT /items/{name}"]
