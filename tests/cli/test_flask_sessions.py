"""``flask stopper sessions``, run inside an app as its operator would."""

import os
from pathlib import Path

from tests.cli.test_flask_store import flask
from tests.servers import forks

APP = """from flask import Flask
from stopper import Stopper

app = Flask("shop")
app.config.update(STOPPER_DATABASE_URL="sqlite:///shop.db", STOPPER_SESSION_SECRET="k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG")
stopper = Stopper(app)
stopper.seal()


@app.cli.command("begin")
def begin():
    for name in ("ann", "ann", "bob"):
        with app.test_request_context(headers={"Sec-Fetch-Site": "same-origin"}):
            stopper.sessions.begin(name, device="desk")
"""


def test_a_persons_sessions_are_listed_and_ended_and_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    begun = flask(tmp_path, "routes", app="shop")
    assert begun.returncode == 0, begun.stderr
    _begin(tmp_path)
    lines = flask(tmp_path, "sessions", "list", "ann", app="shop").stdout.splitlines()
    assert len(lines) == 2
    assert all(line.endswith("  desk") and ", ends 20" in line for line in lines)
    first = lines[0].split()[0]
    done = flask(tmp_path, "sessions", "end", "ann", "--session", first, app="shop")
    assert done.stdout == "1 session has ended\n", done.stderr
    assert first not in flask(tmp_path, "sessions", "list", "ann", app="shop").stdout
    not_his = flask(tmp_path, "sessions", "end", "bob", "--session", lines[1].split()[0], app="shop")
    assert (not_his.returncode, len(not_his.stderr.splitlines())) == (2, 1)
    _begin(tmp_path)
    assert flask(tmp_path, "sessions", "end", "ann", app="shop").stdout == "3 sessions have ended\n"
    _begin(tmp_path)
    revoked = flask(tmp_path, "revoke", "--subject", "ann", app="shop")
    assert revoked.stdout == "ann is logged out everywhere\n", revoked.stderr
    assert flask(tmp_path, "sessions", "list", "ann", app="shop").stdout == ""
    assert len(flask(tmp_path, "sessions", "list", "bob", app="shop").stdout.splitlines()) == 3
    assert flask(tmp_path, "sessions", "end", "ann", app="shop").returncode == 2


def _begin(folder: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("STOPPER_", "FLASK_"))}
    done = forks.run("flask", folder, "begin", environ={**environ, "FLASK_APP": "shop"})
    assert done.returncode == 0, done.stderr


def test_an_app_that_keeps_none_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from flask import Flask\nfrom stopper import Stopper\napp = Flask('s')\nStopper(app)\n"
    )
    done = flask(tmp_path, "sessions", "list", "ann", app="shop")
    assert done.returncode == 2
    assert done.stderr.startswith("stopper: this app keeps no sessions; set STOPPER_DATABASE_URL")
