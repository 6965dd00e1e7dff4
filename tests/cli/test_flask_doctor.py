"""``flask stopper doctor``, run as somebody at a server would."""

import json
from pathlib import Path

import pytest
from tests.cli.test_flask_store import flask

TOP = """import logging
from flask import Flask
from stopper import Issuer, Secret, Stopper, bearer

logging.basicConfig(level="INFO", filename="app.log")
app = Flask("shop")
"""
SOUND = """stopper = Stopper(app, issuers=[Issuer("https://idp.example.com", ["HS256"], keys=Secret("k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG"), audience="shop")])

@app.get("/orders")
@bearer
def orders():
    return {}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(TOP + SOUND)
    return tmp_path


def test_a_sound_application_is_exit_0_with_the_counts_at_the_end(shop: Path) -> None:
    done = flask(shop, "doctor", app="shop")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-3:]
    assert last[0].startswith("OWASP ASVS 5.0 level 2: ")
    assert last[1] == "RFC 8725 and its successor: 33 of 33 met"
    assert "not met" not in done.stdout
    assert "HSTS" not in done.stdout.upper()
    assert "hsts_sent" in flask(shop, "doctor", "--all", app="shop").stdout


def test_the_gate_may_count_what_is_yours_or_nothing(shop: Path) -> None:
    assert flask(shop, "doctor", "--fail-on", "your-part", app="shop").returncode == 1
    (shop / "shop.py").write_text(TOP + SOUND + "\n@app.get('/open')\ndef forgotten():\n    return {}\n")
    wrong = flask(shop, "doctor", app="shop")
    assert (wrong.returncode, "GET /open" in wrong.stdout) == (1, True)
    assert flask(shop, "doctor", "--fail-on", "never", app="shop").returncode == 0


def test_the_json_has_these_members_and_no_others(shop: Path) -> None:
    done = flask(shop, "doctor", "--format", "json", "--level", "3", app="shop")
    assert done.returncode == 1, "unbound tokens pass here"
    shown = json.loads(done.stdout)
    assert list(shown) == ["version", "app", "mode", "level", "counts", "rows", "errors"]
    assert (shown["version"], shown["app"], shown["mode"], shown["level"]) == (1, "shop", "prod", 3)
    assert list(shown["counts"]) == ["start", "deployment", "asvs", "jwt", "oauth"]
    assert list(shown["counts"]["asvs"]) == ["met", "not met", "your part", "not applicable", "open"]
    members = ["source", "id", "level", "title", "verdict", "evidence", "mend", "check", "tests"]
    assert {tuple(one) for one in shown["rows"]} == {tuple(members)}
    assert "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("rest", "slug"),
    [
        ("app.debug = True\n" + SOUND, "debug-enabled"),
        (SOUND.replace(', audience="shop"', ""), "jwt-audience-issuer-unchecked"),
        (SOUND.replace("k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG", "changeme-tiny"), "jwt-secret-too-short"),
        ('app.config["SECRET_KEY"] = "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG"\n' + SOUND, "jwt-secret-reused"),
        ('app.config.update(STOPPER_CORS_ORIGINS="*", STOPPER_CORS_CREDENTIALS=True)\n' + SOUND, "cors-any-origin-with-credentials"),
    ],
)  # fmt: skip
def test_what_is_refused_at_the_start_is_a_row_with_slug_and_mend(rest: str, slug: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(TOP + rest)
    done = flask(tmp_path, "doctor", "--format", "json", app="shop")
    assert done.returncode == 1, done.stderr
    shown = json.loads(done.stdout)
    assert [(one["id"], one["verdict"]) for one in shown["rows"]] == [(slug, "not met")]
    assert shown["rows"][0]["mend"]
    assert shown["errors"] == ["the application does not start, so nothing else was judged"]
    assert "changeme" not in done.stdout + done.stderr
    assert "k9-Vt2mQ7" not in done.stdout + done.stderr


def test_a_store_that_does_not_answer_is_exit_3(tmp_path: Path) -> None:
    setting = 'app.config["STOPPER_DATABASE_URL"] = "postgresql://app:q7Lm0pX2v@127.0.0.1:9/app"\n'
    (tmp_path / "shop.py").write_text(TOP + setting + SOUND)
    done = flask(tmp_path, "doctor", "--fail-on", "never", app="shop")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "could not look: schema: a store does not answer" in done.stdout
    assert "q7Lm0pX2v" not in done.stdout + done.stderr


def test_an_application_that_nobody_guards_or_that_dies_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("from flask import Flask\napp = Flask('bare')\n")
    done = flask(tmp_path, "doctor", app="bare")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    (tmp_path / "dies.py").write_text("raise RuntimeError('with-k9-Vt2mQ7xW4rL8zP1nB6c')\n")
    died = flask(tmp_path, "doctor", app="dies")
    assert (died.returncode, len(died.stderr.splitlines())) == (3, 1)
    assert "k9-Vt2" not in died.stderr
    assert flask(tmp_path, "doctor", "--level", "4", app="bare").returncode == 2
