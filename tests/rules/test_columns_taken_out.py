"""What the page of whole-model-serialized cannot say in every spelling: a copy of a row out of which columns are taken before it goes out."""

from pathlib import Path

import pytest

from stopper.rules.leak.whole_model_serialized import RULE
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source

APP = """from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)


class Guest(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    password_hash = db.Column(db.String(200))


def shown(row):
    held = dict(row.__dict__)
    {taken}
    return held


@app.get("/guests/<int:number>")
def guest(number):
    return shown(db.get_or_404(Guest, number))
"""


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ('held.pop("_sa_instance_state", None)', 1),
        ('held.pop("password_hash", None)', 0),
        ('del held["password_hash"]', 0),
        ('for name in ("_sa_instance_state", "password_hash"):\n        held.pop(name, None)', 0),
    ],
)
def test_a_copy_without_what_is_secret_is_not_told(tmp_path: Path, taken: str, found: int) -> None:
    """Taking out the state of SQLAlchemy leaves the hash; taking out the hash leaves nothing that nobody would choose to show."""
    (tmp_path / "app.py").write_text(APP.format(taken=taken), encoding="utf-8")
    (result,) = run_detectors(read_source((tmp_path,), tmp_path).app, [RULE])
    assert len(list(result.hits)) == found
