"""Texts of exceptions and whole lists that administrators alone are shown weigh ``low``; the same for everybody does not."""

from pathlib import Path

import pytest

from stopper.core.rule import Hit
from stopper.rules.leak import exception_text_in_response
from stopper.rules.rate import page_size_unlimited
from stopper.scan.source.read import read_source

PANEL = """
from flask import Flask, flash, redirect
from flask_admin import Admin
from flask_admin.actions import action
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from shop import db, pause

app = Flask(__name__)


class Guarded:
    {asks}


class People(Guarded, ModelView):
    @action("pause", "Pause", "Sure?")
    def pause_them(self, ids):
        try:
            pause(ids)
        except Exception as error:
            flash(f"not paused: {{error}}")
        return redirect("/admin/people/")


Admin(app).add_view(People())
"""
ASKS = "def is_accessible(self):\n        return current_user.is_authenticated and current_user.role == 'admin'"
LIST = """
from flask import Flask, jsonify
from flask_sqlalchemy import SQLAlchemy
from shop import login_required, requires_admin

app = Flask(__name__)
db = SQLAlchemy(app)


class Alert(db.Model):
    id = db.Column(db.Integer, primary_key=True)


@app.get("/alerts")
@{guard}
def alerts():
    found = Alert.query.order_by(Alert.id).all()
    return jsonify([one.id for one in found])
"""


VIEW = """
from flask import Flask, flash, redirect
from flask_login import current_user, login_required
from shop import add

app = Flask(__name__)


@app.post("/currencies")
@login_required
def currency():
    {asks}
    try:
        add()
    except Exception as error:
        flash(f"not added: {{error}}")
    return redirect("/currencies")
"""
AROUND = """
from flask import Flask, g, jsonify
from flask_sqlalchemy import SQLAlchemy
from shop import login_required

app = Flask(__name__)
db = SQLAlchemy(app)


class Alert(db.Model):
    id = db.Column(db.Integer, primary_key=True)


@app.get("/alerts")
@login_required
def alerts():
    if {asks}:
        found = Alert.query.order_by(Alert.id).all()
        return jsonify([one.id for one in found])
    return jsonify([])
"""


@pytest.mark.parametrize(
    ("asks", "weighs"),
    [
        ("if not current_user.is_admin:\n        return redirect('/')", "low"),
        ("if current_user.is_not_super_admin():\n        raise ValueError", "low"),
        ("if current_user.is_admin:\n        return redirect('/admin')", None),
        ("if not current_user.is_active:\n        return redirect('/')", None),
    ],
)
def test_what_a_view_flashes_that_turns_others_away(asks: str, weighs: str | None, tmp_path: Path) -> None:
    told = _told(tmp_path, VIEW.format(asks=asks), exception_text_in_response)
    assert [hit.severity for hit in told] == [weighs]


@pytest.mark.parametrize(
    ("asks", "weighs"),
    [
        ("'user' in g and g.user.is_admin()", "low"),
        ("'user' in g or g.user.is_admin()", None),
        ("not g.user.is_admin()", None),
    ],
)
def test_a_list_that_a_question_stands_around(asks: str, weighs: str | None, tmp_path: Path) -> None:
    assert [hit.severity for hit in _told(tmp_path, AROUND.format(asks=asks), page_size_unlimited)] == [weighs]


@pytest.mark.parametrize(("asks", "weighs"), [(ASKS, "low"), ("pass", None)])
def test_what_a_page_of_flask_admin_flashes(asks: str, weighs: str | None, tmp_path: Path) -> None:
    told = _told(tmp_path, PANEL.format(asks=asks), exception_text_in_response)
    assert [hit.severity for hit in told] == [weighs]


@pytest.mark.parametrize(("guard", "weighs"), [("requires_admin", "low"), ("login_required", None)])
def test_a_list_with_all_rows(guard: str, weighs: str | None, tmp_path: Path) -> None:
    assert [hit.severity for hit in _told(tmp_path, LIST.format(guard=guard), page_size_unlimited)] == [weighs]


@pytest.mark.parametrize(
    ("needs", "weighs"), [("RoleNeed('admin')", "low"), ("RoleNeed('admin'), RoleNeed('writer')", None)]
)
def test_what_a_view_flashes_behind_a_permission_of_flask_principal(
    needs: str, weighs: str | None, tmp_path: Path
) -> None:
    """Whoever has one of the needs passes, so that all of them must be an administrator's."""
    guard = f"allowed = Permission({needs})\n\n\n@app.post"
    text = VIEW.replace("@app.post", guard).replace("@login_required", "@allowed.require(http_exception=403)")
    told = _told(
        tmp_path,
        f"from flask_principal import Permission, RoleNeed\n{text.format(asks='pass')}",
        exception_text_in_response,
    )
    assert [hit.severity for hit in told] == [weighs]


def _told(folder: Path, text: str, rule: object) -> list[Hit]:
    (folder / "app.py").write_text(text)
    return list(rule.RULE.detect(read_source((folder,), folder).app))  # type: ignore[attr-defined]
