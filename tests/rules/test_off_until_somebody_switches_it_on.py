"""Settings that are off at first: a log that somebody asks for is none of each request, and what a way in must not do is no guard that is off."""

from pathlib import Path

import pytest

from stopper.core.rule import Hit
from stopper.rules.bearer import token_in_access_log
from stopper.rules.leak import test_mode_enabled
from stopper.rules.session import secret_key_unsafe_default
from stopper.scan.source.read import read_source

LOG = """
import os
from flask import Flask, request

app = Flask(__name__)
app.config["DUMP_HEADERS"] = {value}


@app.before_request
def dump():
    if app.config["DUMP_HEADERS"]:
        app.logger.debug("%s %s %s", request.method, request.path, request.headers)
"""
FROM_ENVIRONMENT = "os.environ.get('DUMP_HEADERS', '{}').lower() == 'true'"
LINKS = """
import os
from flask import Flask, abort, redirect, session
from flask_login import LoginManager, login_user
from people import by_link

app = Flask(__name__)
LoginManager(app)
app.config["ENABLE_LINK_AUTH"] = os.environ.get("ENABLE_LINK_AUTH", "false").lower() == "true"


@app.before_request
def held_to_its_way_in():
    if app.config.get("ENABLE_LINK_AUTH") and session.get("way") == "link":
        abort(401)


@app.get("/by-link/<link>")
def enter(link):
    person = by_link(link)
    {deed}
    return redirect("/")
"""


@pytest.mark.parametrize(
    ("value", "told"),
    [("False", 0), (FROM_ENVIRONMENT.format("false"), 0), ("True", 1), (FROM_ENVIRONMENT.format("true"), 1)],
)
def test_headers_in_a_log_that_is_switched_on(value: str, told: int, tmp_path: Path) -> None:
    assert len(_told(tmp_path, LOG.format(value=value), token_in_access_log)) == told


@pytest.mark.parametrize(
    ("deed", "told"),
    [("if app.config.get('ENABLE_LINK_AUTH'):\n        login_user(person)", 0), ("login_user(person)", 1)],
)
def test_a_guard_that_comes_with_a_way_in(deed: str, told: int, tmp_path: Path) -> None:
    assert len(_told(tmp_path, LINKS.format(deed=deed), test_mode_enabled)) == told


STARTED = """
import os
from flask import Flask, session


def main():
    os.environ["HUTS_ENV"] = "{stage}"
    os.environ["HUTS_SECRET"] = "Fjord-Anker-41-Wal"
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ["HUTS_SECRET"]
    app.add_url_rule("/seen", view_func=lambda: str(session.get("seen")))
    return app
"""


@pytest.mark.parametrize(("stage", "told"), [("unit_testing", 0), ("production", 1)])
def test_variables_that_are_filled_for_tests(stage: str, told: int, tmp_path: Path) -> None:
    assert len(_told(tmp_path, STARTED.format(stage=stage), secret_key_unsafe_default)) == told


def _told(folder: Path, text: str, rule: object) -> list[Hit]:
    (folder / "app.py").write_text(text)
    return list(rule.RULE.detect(read_source((folder,), folder).app))  # type: ignore[attr-defined]
