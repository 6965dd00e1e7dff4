"""For whom a branch of the settings is, and whom a session may name: programs that differ in one word."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import load
from stopper.scan.engine import run_detectors
from stopper.scan.source import files
from stopper.scan.source.read import read_files

KEYED = "import os\nfrom flask import Flask\n\napp = Flask(__name__)\nif {}:\n    app.config['SECRET_KEY'] = 'k4vUq9sPz2mXw7Ln'\n"
ROOM = """
import functools
from flask import Flask, abort, redirect, request, session
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash

app = Flask(__name__)
db = SQLAlchemy(app)


class {model}(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), unique=True)
    password_hash = db.Column(db.String(200))


def admin_required(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not session.get("user_id"):
            abort(401)
        return view(*args, **kwargs)

    return wrapper


@app.post("/login")
def login():
    who = {model}.query.filter_by(name=request.form["name"]).first()
    if who is None or not check_password_hash(who.password_hash, request.form["password"]):
        abort(401)
    session.clear()
    session["user_id"] = {who}
    return redirect("/")


@app.post("/admin/delete/<int:number>")
@admin_required
def delete(number):
    Post.query.filter_by(id=number).delete()
    return redirect("/")
"""


def _is_told(folder: Path, text: str, slug: str) -> bool:
    (folder / "app.py").write_text(text, encoding="utf-8")
    reading = read_files(files.find((folder,), folder, ()), folder, files.folders((folder,), folder))
    (result,) = run_detectors(reading.app, [next(one for one in load() if one.slug == slug)])
    return bool(result.hits)


@pytest.mark.parametrize(
    "test",
    [
        "os.environ.get('TESTING') == '1'",
        "os.environ.get('TESTING') in ('1', 'true')",
        "os.environ.get('TESTING', '').lower() == 'true'",
        "os.environ.get('TEST_MODE') is not None",
        "os.environ.get('TESTING') != '0'",
        "bool(os.environ.get('TESTING'))",
        "app.testing and os.environ.get('STAGE')",
        "app.config['TESTING']",
    ],
)
def test_a_key_for_tests_is_nobodys(tmp_path: Path, test: str) -> None:
    """However the variable is asked."""
    assert not _is_told(tmp_path, KEYED.format(test), "secret-key-hardcoded")


@pytest.mark.parametrize(
    "test",
    [
        "os.environ.get('TESTING') != '1'",
        "os.environ.get('TESTING') not in ('1', 'true')",
        "os.environ.get('TESTING', '0') == '0'",
        "os.environ.get('TEST_MODE') is None",
        "not app.testing and os.environ.get('STAGE')",
        "os.environ.get('TESTING') or os.environ.get('STAGE') == 'production'",
    ],
)
def test_a_key_for_whoever_runs_no_tests_is_told(tmp_path: Path, test: str) -> None:
    """The same variable, asked the other way round or as one of two."""
    assert _is_told(tmp_path, KEYED.format(test), "secret-key-hardcoded")


@pytest.mark.parametrize(
    ("model", "who", "told"),
    [("Admin", "who.id", False), ("Person", "who.id", True), ("Person", "1", False), ("Person", "request.form['name']", True)],
)  # fmt: skip
def test_whom_sessions_name(tmp_path: Path, model: str, who: str, told: bool) -> None:
    """A guard that asks for a log-in alone is enough where nobody but administrators, or one account, can log in."""
    assert _is_told(tmp_path, ROOM.format(model=model, who=who), "admin-route-weakly-protected") is told
