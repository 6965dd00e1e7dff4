"""The leak guard's rules: what is a leak, what is not, how one is allowed, and that nothing is left behind."""

import pytest
from tests.testing.conftest import write

APP = """
import base64, json, logging, secrets
from flask import Flask, request, session
app = Flask(__name__)
app.secret_key = "kept-6f1b2c9d8e7a-apart"
made = {}

@app.post("/login")
def login():
    token = made.setdefault("token", secrets.token_urlsafe(32))
    return {"access_token": token}, {"Cache-Control": "no-store"}

@app.post("/register")
def register():
    session["user"] = "somebody"
    return {"user": request.get_json()["name"]}

@app.get("/token")
def token_by_get():
    return {"access_token": secrets.token_urlsafe(32)}

@app.get("/token-kept-by-nobody")
def token_by_get_no_store():
    return {"access_token": secrets.token_urlsafe(32)}, {"Cache-Control": "no-store"}

@app.get("/me")
def me():
    return {"token": request.headers.get("Authorization", "").removeprefix("Bearer ")}

@app.get("/quiet")
def quiet():
    session["seen"] = session.get("seen", 0) + 1
    return {"hello": "somebody"}

@app.get("/headers")
def headers():
    return dict(request.headers)

@app.get("/config")
def config():
    return {key: str(value) for key, value in app.config.items() if key != "SECRET_KEY"}

@app.get("/cookie")
def cookie():
    logging.getLogger("shop.rules").warning("%s", request.cookies.get("session"))
    return "ok"
"""


def run(
    inner: pytest.Pytester, body: str, *options: str, fixture: str = "leak_guard", mark: str = ""
) -> pytest.RunResult:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    test = f"import pytest, shop\n{mark}\ndef test_it({fixture}):\n    client = shop.app.test_client()\n{lines}\n"
    write(inner, shop=APP, test_shop=test)
    return inner.runpytest_inprocess("-W", "error", *options)


def told(result: pytest.RunResult) -> list[str]:
    return [line.strip() for line in result.outlines if " reached " in line]


QUIET = {
    "the answer that makes a token may show it": 'client.post("/login")',
    "the route that makes a token may show it again": 'client.post("/login"); client.post("/login")',
    "a GET may make one that no cache keeps": 'client.get("/token-kept-by-nobody")',
    "a session cookie goes back and forth": 'client.get("/quiet"); client.get("/quiet")',
    "a word is no secret": 'client.post("/register", json={"name": "password", "password": "password"})',
    "a password that is the name is no secret": 'client.post("/register", json={"name": "Tester-1234", "password": "Tester-1234"})',
}


@pytest.mark.parametrize("body", QUIET.values(), ids=QUIET)
def test_this_is_no_leak(inner: pytest.Pytester, body: str) -> None:
    run(inner, body).assert_outcomes(passed=1)


LOUD = {
    "a token in another answer": ('token = client.post("/login").json["access_token"]\nclient.get("/me", headers={"Authorization": f"Bearer {token}"})', "the member access_token of POST /login"),
    "a token in an answer that caches keep": ('client.get("/token")', "the member access_token of GET /token"),
    "the client's own token": ('client.get("/me", headers={"Authorization": "Bearer Abc-123456789"})', "the Authorization header"),
    "the planted cookie, where headers are dumped": ('client.get("/headers")', "the planted cookie"),
    "the planted setting, where the configuration is dumped": ('client.get("/config")', "the planted setting"),
    "a session cookie in the log": ('client.get("/quiet"); client.get("/cookie")', "the cookie session of GET /quiet"),
    "a secret that the test knows": ('leak_guard.watch("somebody-else-9", "the name")\nclient.post("/register", json={"name": "somebody-else-9"})', "the name"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "label"), LOUD.values(), ids=LOUD)
def test_this_is_a_leak(inner: pytest.Pytester, body: str, label: str) -> None:
    result = run(inner, body)
    result.assert_outcomes(failed=1)
    assert any(f": {label}" in line for line in told(result)), result.stdout.str()


def test_the_value_is_never_shown(inner: pytest.Pytester) -> None:
    result = run(inner, 'client.get("/me", headers={"Authorization": "Bearer Abc-123456789"})')
    assert "Abc-123456789" not in "\n".join(told(result))


def test_without_the_option_nothing_is_watched(inner: pytest.Pytester) -> None:
    run(inner, 'client.get("/headers")', fixture="").assert_outcomes(passed=1)


def test_the_option_guards_every_test(inner: pytest.Pytester) -> None:
    run(
        inner, 'assert "leak_canary" in str(client.get("/headers").json)', "--stopper-leak-guard", fixture=""
    ).assert_outcomes(failed=1)


def test_the_setting_guards_every_test(inner: pytest.Pytester) -> None:
    inner.makepyprojecttoml("[tool.pytest.ini_options]\nstopper_leak_guard = true\naddopts = '-p no:cacheprovider'")
    (inner.path / "tox.ini").unlink()
    run(inner, 'client.get("/headers")', fixture="").assert_outcomes(failed=1)


def test_unittest_cases_are_guarded_too(inner: pytest.Pytester) -> None:
    case = "import unittest, shop\nclass Case(unittest.TestCase):\n    def test_it(self):\n        shop.app.test_client().get('/headers')\n"
    write(inner, shop=APP, test_shop=case)
    result = inner.runpytest_inprocess("--stopper-leak-guard")
    result.assert_outcomes(failed=1)
    assert told(result)


def test_a_mark_allows_with_a_reason(inner: pytest.Pytester) -> None:
    mark = '@pytest.mark.leak_allowed("GET /headers*[response]", reason="it is an echo")'
    run(inner, 'client.get("/headers")', mark=mark).assert_outcomes(passed=1)


def test_a_call_allows_with_a_reason(inner: pytest.Pytester) -> None:
    run(inner, 'leak_guard.allow("GET /headers", reason="it is an echo")\nclient.get("/headers")').assert_outcomes(
        passed=1
    )


def test_the_configuration_allows_with_a_reason(inner: pytest.Pytester) -> None:
    inner.makeini("[pytest]\naddopts = -p no:cacheprovider\nstopper_leak_allow =\n    GET /headers  # it is an echo\n")
    run(inner, 'client.get("/headers")').assert_outcomes(passed=1)


def test_what_is_allowed_is_nothing_else(inner: pytest.Pytester) -> None:
    body = 'leak_guard.allow("GET /headers", reason="it is an echo")\nclient.get("/headers"); client.get("/config")'
    result = run(inner, body)
    assert [line.rpartition("during ")[2] for line in told(result)] == ["GET /config [response]"]


@pytest.mark.parametrize("mark", ['@pytest.mark.leak_allowed("GET /headers")', '@pytest.mark.leak_allowed(reason="x")'])
def test_without_a_reason_nothing_is_allowed(inner: pytest.Pytester, mark: str) -> None:
    result = run(inner, 'client.get("/headers")', mark=mark)
    result.assert_outcomes(errors=1)
    assert "a leak is allowed by a part of its line and a reason" in result.stdout.str()


def test_a_test_that_fails_by_itself_tells_its_leaks_besides(inner: pytest.Pytester) -> None:
    result = run(inner, 'client.get("/headers")\nassert 1 == 2')
    result.assert_outcomes(failed=1)
    assert "assert 1 == 2" in result.stdout.str()
    assert told(result)


def test_leaks_while_fixtures_are_taken_down_are_errors(inner: pytest.Pytester) -> None:
    test = (
        "import pytest, shop\n@pytest.fixture\ndef client(leak_guard):\n    client = shop.app.test_client()\n    yield client\n"
        "    client.get('/headers')\ndef test_it(client):\n    pass\n"
    )
    write(inner, shop=APP, test_shop=test)
    inner.runpytest_inprocess().assert_outcomes(passed=1, errors=1)


def test_prints_under_capsys_are_seen(inner: pytest.Pytester) -> None:
    result = run(
        inner, 'print(leak_guard.canary("password"))\nassert capsys.readouterr().out', fixture="leak_guard, capsys"
    )
    result.assert_outcomes(failed=1)


def test_nothing_is_left_behind(inner: pytest.Pytester) -> None:
    test = """
import logging, os, socket, ssl, subprocess, sys, threading, warnings
import flask, pytest, requests, httpx, urllib3, shop
from _pytest import capture
OWNERS = [logging.Logger, logging.Handler, socket.socket, ssl.SSLSocket, ssl.SSLObject, subprocess.Popen, sys.modules["os"], warnings,
          flask.Flask, requests.Session, httpx.Client, httpx.AsyncClient, urllib3.HTTPConnectionPool, capture.CaptureIO, capture.EncodedFile]
def state():
    hooks = sys.excepthook, threading.excepthook, "write" in vars(sys.stdout), "write" in vars(sys.stderr)
    names = {f"{owner.__name__}.{name}": found for owner in OWNERS for name, found in vars(owner).items() if name != "_showwarnmsg_impl"}  # pytest's own
    return names | {"hooks": hooks, "environ": dict(os.environ, PYTEST_CURRENT_TEST=""), "config": dict(shop.app.config)} | vars(shop.app)
@pytest.fixture(scope="module")
def before():
    shop.app.test_client().get("/quiet")
    return state()
def test_before(before):
    pass
def test_guarded(leak_guard):
    shop.app.test_client().get("/quiet")
    assert "write" in vars(sys.stdout)
def test_after(before):
    now = state()
    assert {name for name in {*now, *before} if now.get(name) != before.get(name)} == set()
"""
    write(inner, shop=APP, test_shop=test)
    inner.runpytest_inprocess().assert_outcomes(passed=3)


def test_a_project_without_flask_is_guarded_as_well(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "flask", None)
    write(inner, test_it="def test_it(leak_guard):\n    print(leak_guard.canary())\n")
    inner.runpytest_inprocess().assert_outcomes(failed=1)


def test_loading_the_plug_in_imports_nothing_heavy(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plug-ins import what they like
    inner.makeini("[pytest]\naddopts = -p no:cacheprovider -p stopper.testing.plugin\n")
    light = (
        "import sys\ndef test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('stopper')}\n"
        "    assert ours <= {'stopper', 'stopper.testing', 'stopper.testing.plugin'}, ours\n"
        "    assert not {'flask', 'werkzeug', 'cryptography', 'sqlalchemy', 'urllib3'} & set(sys.modules)\n"
    )
    write(inner, test_it=light)
    inner.runpytest_subprocess().assert_outcomes(passed=1)
