"""``flask stopper apikeys``, run inside an app as its operator would."""

import hashlib
import os
import subprocess
from pathlib import Path

from tests.cli.test_flask_store import flask
from tests.servers import forks

APP = """from flask import Flask
from stopper import Stopper, api_key

app = Flask("shop")
app.config.update(
    STOPPER_DATABASE_URL="sqlite:///shop.db",
    STOPPER_API_KEY_PEPPER="k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG",
    STOPPER_FOREIGN_API_KEYS=True,
)
stopper = Stopper(app)


@app.get("/")
@api_key
def home():
    return "home"


stopper.seal()


@app.cli.command("ask")
def ask():
    import sys

    for line in sys.stdin.read().split():
        print(app.test_client().get("/", headers={"X-API-Key": line}).status_code)
"""


def test_a_key_is_issued_listed_rotated_and_ended(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    made = flask(
        tmp_path, "apikeys", "issue", "ann", "--name", "ci", "--scope", "notes:read", "--expires-in", "90d", app="shop"
    )
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert key.startswith("stp_live_")
    assert key not in made.stderr
    key_id = key.split("_")[2]
    assert asked(tmp_path, key) == ["200"]
    (line,) = flask(tmp_path, "apikeys", "list", "ann", app="shop").stdout.splitlines()
    assert line.startswith(f"{key_id}  ci  notes:read  used 20")
    assert key not in line
    new = flask(tmp_path, "apikeys", "rotate", key_id, app="shop").stdout.strip()
    assert asked(tmp_path, key, new) == ["200", "200"]
    again = flask(tmp_path, "apikeys", "rotate", key_id, app="shop")
    assert (again.returncode, len(again.stderr.splitlines()), again.stdout) == (2, 1, "")
    assert flask(tmp_path, "apikeys", "revoke", key_id, app="shop").stdout == "1 key has ended\n"
    assert asked(tmp_path, key, new) == ["401", "200"]
    assert flask(tmp_path, "apikeys", "revoke", "--subject", "ann", app="shop").stdout == "1 key has ended\n"
    assert asked(tmp_path, new) == ["401"]
    assert flask(tmp_path, "apikeys", "revoke", "--subject", "ann", app="shop").returncode == 2


def test_keys_of_another_system_go_on_working(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    first, second = "sk_live_51HxQ9zLmN4pR7tV2wY8", "pk_71ZxQ3zLmN4pR7tV2wY8aBcD"
    typed = run(tmp_path, "stopper", "apikeys", "import", "ann", "--name", "old", given=first + "\n")
    assert typed.returncode == 0, typed.stderr
    digest = hashlib.sha256(second.encode()).hexdigest()
    named = flask(
        tmp_path,
        "apikeys",
        "import",
        "bob",
        "--name",
        "old",
        "--sha256",
        digest,
        "--address",
        "127.0.0.0/8",
        app="shop",
    )
    assert named.returncode == 0, named.stderr
    assert "127.0.0.0/8" in named.stdout
    assert asked(tmp_path, first, second, first[:-1] + "x") == ["200", "200", "401"]
    assert first not in typed.stdout + typed.stderr
    weak = run(tmp_path, "stopper", "apikeys", "import", "ann", "--name", "old", given="changeme\n")
    assert (weak.returncode, len(weak.stderr.splitlines())) == (2, 1)
    assert "changeme" not in weak.stderr


def test_a_daily_job_reminds_once(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    flask(tmp_path, "apikeys", "issue", "ann", "--name", "ci", "--expires-in", "2d", app="shop")
    assert flask(tmp_path, "apikeys", "remind", app="shop").stdout.startswith("ann  ")
    assert flask(tmp_path, "apikeys", "remind", app="shop").stdout == ""


def test_wrong_input_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    for given in (
        ("issue", "ann", "--name", "ci", "--address", "0.0.0.0/0"),
        ("issue", "ann", "--name", ""),
        ("issue", "ann", "--name", "ci", "--expires-in", "soon"),
        ("revoke",),
        ("rotate", "nobody", "--overlap", "0"),
    ):
        found = flask(tmp_path, "apikeys", *given, app="shop")
        assert (found.returncode, found.stdout) == (2, ""), given
        assert "Traceback" not in found.stderr


def asked(folder: Path, *keys: str) -> list[str]:
    return run(folder, "ask", given="\n".join(keys)).stdout.split()


def run(folder: Path, *words: str, given: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("STOPPER_", "FLASK_"))}
    return forks.run("flask", folder, *words, environ={**environ, "FLASK_APP": "shop"}, given=given)
