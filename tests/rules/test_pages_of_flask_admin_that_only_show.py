"""A page of Flask-Admin where every change is asked for and everybody may look weighs ``low``; with one change that is not asked for it does not."""

from pathlib import Path

import pytest

from stopper.rules.authorization import bundled_app_unprotected
from stopper.scan.source.read import read_source

APP = """
from flask import Flask, g
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from huts import Hut, Valley, db

app = Flask(__name__)


class Asking:
    can_create = False

    @property
    def can_edit(self):
        return g.person is not None and g.person.level > 2


class Huts(Asking, ModelView):
    {deletes}


class Valleys(ModelView):
    pass


admin = Admin(app)
admin.add_view(Huts(Hut, db.session))
{more}
"""


@pytest.mark.parametrize(
    ("deletes", "more", "weighs"),
    [
        ("can_delete = False", "", "low"),
        ("can_delete = True", "", None),
        ("page_size = 20", "", None),
        ("can_delete = False", "admin.add_view(Valleys(Valley, db.session))", None),
    ],
)
def test_what_a_page_weighs_that_everybody_sees(deletes: str, more: str, weighs: str | None, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.format(deletes=deletes, more=more))
    told = list(bundled_app_unprotected.detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.severity for hit in told] == [weighs]
