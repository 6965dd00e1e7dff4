"""``flask stopper routes`` in a process of its own."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.servers import forks

APP = """from flask import Flask
from stopper import Stopper, bearer, public

app = Flask("shop")
app.config.update(STOPPER_MODE="dev", STOPPER_ISSUER="http://127.0.0.1:8000", STOPPER_AUDIENCE="shop")
Stopper(app)


@app.get("/open")
@public
def everybody():
    return "x"


@app.post("/closed")
@bearer
def somebody():
    return "x"
"""
UNDECLARED = '\n\n@app.get("/forgotten")\ndef forgotten():\n    return "x"\n'


def flask(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "FLASK_APP": "shop"}
    return forks.run("flask", folder, "stopper", *arguments, environ=environment)


@pytest.mark.parametrize(("more", "code"), [("", 0), (UNDECLARED, 1)])
def test_check_is_1_for_a_route_without_policy(tmp_path: Path, more: str, code: int) -> None:
    (tmp_path / "shop.py").write_text(APP + more)
    done = flask(tmp_path, "routes", "--check")
    assert done.returncode == code, done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines() if "/open" in line] == ["public"]
    assert [line.split()[-1] for line in done.stdout.splitlines() if "/closed" in line] == ["bearer"]
    if more:
        assert done.stderr.startswith("stopper: 1 without a policy, first GET /forgotten; ")
        assert len(done.stderr.splitlines()) == 1
        assert flask(tmp_path, "routes").returncode == 0
    else:
        assert done.stderr == ""


def test_an_app_that_seals_itself_shows_its_table_and_no_traceback(tmp_path: Path) -> None:
    sealed = APP.replace("Stopper(app)", "guard = Stopper(app)") + UNDECLARED + "\n\nguard.seal()\n"
    (tmp_path / "shop.py").write_text(sealed)
    done = flask(tmp_path, "routes", "--check")
    assert done.returncode == 1, done.stderr
    assert "/forgotten" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_app_without_a_guard_is_told_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text('from flask import Flask\n\napp = Flask("shop")\n')
    done = flask(tmp_path, "routes")
    assert done.returncode == 2
    assert "Stopper(app)" in done.stderr
    assert "Traceback" not in done.stderr
