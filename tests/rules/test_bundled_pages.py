"""A library's own page that answers nobody is proven by what stands in it; an application's own page at the same address is none of it."""

from pathlib import Path

import pytest
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.fileadmin import FileAdmin

from stopper.core.finding import Verdict
from stopper.rules.authorization.bundled_app_unprotected import RULE
from stopper.scan.trial import try_rule

RQ = '<title>RQ dashboard</title><link href="/rq/static/css/main.css">'
FLOWER = "<title>worker@one · Flower</title><input value='' id='url_prefix'>"
MONITOR = '<html ng-app="fmdApp"><menu></menu>'
PROFILER = '<a class="navbar-brand" href="./">Flask Profiler</a><a href="#tab-filtering">Filtering</a>'
TOOLBAR = '<h1>Shop</h1><div id="flDebug"><div style="display: none;" id="flDebugToolbar"></div></div>'
WELCOME = '<link href="/admin/static/admin/css/bootstrap4/admin.css"><a href="/admin/">Home</a>'


def serving(pages: dict[str, str], root: Path, everywhere: str = "") -> Verdict:
    app = Flask("an application")
    for number, (path, text) in enumerate(pages.items()):
        app.add_url_rule(path, f"page{number}", lambda text=text: text)
    if everywhere:
        app.register_error_handler(404, lambda _error: everywhere)
    return try_rule(RULE, app, surface="http", root=root)


@pytest.mark.parametrize(("path", "text", "name"), [
    ("/rq/", RQ, "the RQ dashboard"),
    ("/flower/", FLOWER, "Flower"),
    ("/dashboard/", MONITOR, "the monitoring dashboard"),
    ("/flask-profiler/", PROFILER, "the profiler"),
    ("/", TOOLBAR, "the debug toolbar"),
    ("/ops/queues", RQ, "the RQ dashboard"),
])  # fmt: skip
def test_a_page_of_a_library_is_known_by_its_content(path: str, text: str, name: str, tmp_path: Path) -> None:
    verdict = serving({path: text}, tmp_path)
    assert verdict.outcome == "fail", verdict.message
    assert name in verdict.message
    assert [str(ref) for ref in verdict.routes] == [f"GET {path}"]


@pytest.mark.parametrize(("path", "text"), [
    ("/admin/", "<title>Admin</title><h1>Our own back office</h1>"),
    ("/rq/", "<title>RQ dashboard</title><p>moved"),
    ("/dashboard/", f'{MONITOR}<span id="formLogin"></span>'),
    ("/dashboard/", "<title>Flower</title><p>roses and tulips"),
    ("/admin/", WELCOME),
])  # fmt: skip
def test_an_own_page_a_log_in_and_a_mere_welcome_pass(path: str, text: str, tmp_path: Path) -> None:
    assert serving({path: text}, tmp_path).outcome == "pass"


def test_a_page_that_answers_every_path_proves_nothing(tmp_path: Path) -> None:
    assert serving({"/notes": "{}"}, tmp_path, everywhere=RQ).outcome == "pass"


@pytest.mark.filterwarnings("ignore")
def test_the_menu_of_a_real_admin_leads_to_the_open_view_at_another_address(tmp_path: Path) -> None:
    app = Flask("an application")
    admin = Admin(app, url="/backoffice")
    admin.add_view(FileAdmin(tmp_path, name="Papers"))
    verdict = try_rule(RULE, app, surface="http", root=tmp_path)
    assert verdict.outcome == "fail", verdict.message
    assert "Flask-Admin" in verdict.message
    assert verdict.evidence[-1].exchange is not None
    assert verdict.evidence[-1].exchange.request.identity is None
