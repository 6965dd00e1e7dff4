"""`stopper lock` as a person and a pipeline use it."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytestmark = pytest.mark.feature("F73")

Run = Callable[..., CompletedProcess[str]]

APP = """\
from functools import wraps

from flask import Flask, abort, request

app = Flask(__name__)


def login_required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if request.headers.get("Authorization") != "Bearer right":
            abort(401)
        return view(*args, **kwargs)
    return inner


@app.get("/notes")
@login_required
def notes():
    return "[]"


@app.post("/notes")
@login_required
def add():
    open("written", "w").close()
    return "", 201


@app.get("/health")
def health():
    return "ok"
"""

GUARDED = """\
from flask import Flask

from stopper import Stopper, bearer, public, scope

app = Flask(__name__)
app.config.update(STOPPER_ISSUER="https://shop.example", STOPPER_AUDIENCE="shop")


@app.get("/notes")
@(bearer & scope("notes:read"))
def notes():
    return "[]"


@app.get("/health")
@public
def health():
    return "ok"


@app.get("/forgotten")
def forgotten():
    return "?"


Stopper(app)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP, encoding="utf-8")
    return tmp_path


def test_it_writes_every_door_and_runs_no_view(stopper: Run, shop: Path) -> None:
    done = stopper("lock", "shop:app", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert (shop / "stopper.lock").read_text("utf-8").splitlines()[-4:] == [
        "GET /health open traced anyone",
        "GET /notes guarded traced shop.login_required",
        "POST /notes guarded traced shop.login_required",
        "GET /static/{filename} open traced anyone",
    ]
    assert "4 doors: 2 guarded, 2 open" in done.stdout
    assert not (shop / "written").exists()


def test_two_runs_and_two_machines_write_the_same_bytes(stopper: Run, shop: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another" / "place"
    elsewhere.mkdir(parents=True)
    (elsewhere / "shop.py").write_text(APP, encoding="utf-8")
    stopper("lock", "shop:app", cwd=shop, PYTHONHASHSEED="1")
    stopper("lock", "shop", "--file", "other.lock", cwd=elsewhere, PYTHONHASHSEED="2")
    assert (shop / "stopper.lock").read_bytes() == (elsewhere / "other.lock").read_bytes()


def test_check_is_quiet_about_the_same_and_fails_on_an_opened_door(stopper: Run, shop: Path) -> None:
    stopper("lock", "shop:app", cwd=shop)
    before = (shop / "stopper.lock").read_bytes()
    same = stopper("lock", "shop:app", "--check", cwd=shop)
    assert (same.returncode, same.stdout) == (0, "stopper.lock: 4 doors: 2 guarded, 2 open, all as they were\n")
    text = APP.replace('@app.post("/notes")\n@login_required', '@login_required\n@app.post("/notes")')
    (shop / "shop.py").write_text(text, encoding="utf-8")
    done = stopper("lock", "shop:app", "--check", cwd=shop)
    assert done.returncode == 1
    assert done.stdout == "opened   POST /notes: was guarded by shop.login_required, is open to anyone\n"
    assert (shop / "stopper.lock").read_bytes() == before


def test_the_policies_of_the_guard_are_declared(stopper: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(GUARDED, encoding="utf-8")
    done = stopper("lock", "shop:app", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "stopper.lock").read_text("utf-8").splitlines()
    assert "GET /health open declared anyone" in lines
    assert "GET /forgotten guarded declared closed" in lines
    (notes,) = [line for line in lines if line.startswith("GET /notes")]
    assert notes.startswith("GET /notes guarded declared bearer & scope(")


def test_an_app_that_dies_is_incomplete_and_leaves_the_file_alone(stopper: Run, shop: Path) -> None:
    (shop / "stopper.lock").write_text("old\n", encoding="utf-8")
    (shop / "shop.py").write_text("raise RuntimeError('no luck')\n", encoding="utf-8")
    done = stopper("lock", "shop:app", cwd=shop)
    assert done.returncode == 3
    assert done.stderr.startswith("stopper: shop:app dies on import at shop.py:1: RuntimeError: no luck")
    assert (shop / "stopper.lock").read_text("utf-8") == "old\n"


def test_a_file_that_is_no_lock_is_refused(stopper: Run, shop: Path) -> None:
    (shop / "stopper.lock").write_text("nonsense\n", encoding="utf-8")
    done = stopper("lock", "shop:app", "--check", cwd=shop)
    assert done.returncode == 2
    assert "stopper.lock has no version line" in done.stderr
