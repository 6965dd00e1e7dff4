"""Sessions and CSRF in a real browser: its own page acts, a page of another origin that has the person's cookie does not."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, render_template_string, request
from werkzeug.serving import WSGIRequestHandler, make_server

from stopper import Stopper, browser_session, current_principal, public

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
OWN_PAGE = """<script>
const token = () => document.cookie.split("; ").find(one => one.startsWith("stopper-csrf=")).split("=")[1];
(async () => {
  await fetch("/login", {method: "POST"});
  await fetch("/pay?by=own", {method: "POST", headers: {"X-CSRF-Token": token()}});
  location = EVIL;
})();
</script>"""
EVIL_PAGE = """<form method=post action="VICTIM/pay?by=form"><input name=csrf_token value=x></form>
<script>
(async () => {
  for (const mode of ["no-cors", "cors"]) {
    await fetch("VICTIM/pay?by=evil", {method: "POST", mode, credentials: "include"}).catch(() => 0);
    await fetch("VICTIM/read?by=evil", {mode, credentials: "include"}).catch(() => 0);
  }
  await new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = "VICTIM/read?by=evil"; });
  document.forms[0].submit();
})();
</script>"""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Seen:
    """What came to the victim: who ran views, and of the other page's requests the cookie and the status."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []
        self.foreign: list[tuple[str, str]] = []
        self.form_came = threading.Event()


def victim(tmp_path: Path, evil: list[str], seen: Seen) -> Flask:
    app = Flask("victim")
    app.config.update(
        STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/v.db",
        STOPPER_SESSION_SECRET="k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG",
        STOPPER_MODE="dev",
    )
    stopper = Stopper(app)

    @app.get("/")
    @public
    def page() -> Response:
        script = OWN_PAGE.replace("EVIL", f"'{evil[0]}/'")
        return Response(script, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"})

    @app.post("/login")
    @public
    def login() -> str:
        return stopper.sessions.begin("ann").subject

    @app.post("/pay")
    @browser_session
    def pay() -> str:
        seen.ran.append((request.args["by"], current_principal.subject))
        return "paid"

    @app.get("/read")
    @browser_session
    def read() -> str:
        seen.ran.append((request.args["by"], current_principal.subject))
        return "secret"

    # Beneath the guard, to see what the browser sent and what it got.
    inner = app.wsgi_app

    def watching(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            if "by=own" not in environ["QUERY_STRING"] and "by=" in environ["QUERY_STRING"]:
                seen.foreign.append((environ.get("HTTP_COOKIE", ""), status[:3]))
            if "by=form" in environ["QUERY_STRING"]:
                seen.form_came.set()
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = watching  # type: ignore[method-assign]
    stopper.seal()
    return app


@pytest.mark.browser
@pytest.mark.feature("F21")
def test_a_page_of_the_same_site_and_another_origin_has_the_cookie_and_gets_nothing_done(
    tmp_path: Path, chromium: str
) -> None:
    """Another port, or a sister domain: SameSite lets the cookie pass, so Origin, Sec-Fetch-Site and the token must hold."""
    evil_at: list[str] = []
    seen = Seen()
    evil = Flask("evil")
    with served(victim(tmp_path, evil_at, seen)) as home:
        evil.add_url_rule("/", "page", lambda: EVIL_PAGE.replace("VICTIM", home))
        with served(evil) as there:
            evil_at.append(there)
            run(chromium, tmp_path, f"{home}/", seen)
    assert seen.ran == [("own", "ann")]
    assert len(seen.foreign) >= 6
    assert {status for _, status in seen.foreign} <= {"401", "403", "204"}
    with_cookie = [status for cookie, status in seen.foreign if "stopper-session=" in cookie]
    assert len(with_cookie) >= 5, "the browser did send the cookie along"
    assert set(with_cookie) == {"403"}


FORM_PAGE = """<form method=post action="/pay?by=own"><input name=csrf_token value="{{ csrf_token() }}"></form>
<script>document.forms[0].submit()</script>"""
LOG_IN_PAGE = """<script>(async () => { await fetch("/login", {method: "POST"}); location = "/form"; })();</script>"""
STRANGER_PAGE = """<form method=post action="VICTIM/login?by=form"><input name=name value=mallory></form>
<script>
(async () => {
  for (const path of ["pay", "login"]) {
    await fetch(`VICTIM/${path}?by=stranger`, {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => 0);
  }
  document.forms[0].submit();
})();
</script>"""


@pytest.mark.browser
@pytest.mark.feature("F21")
def test_the_applications_own_form_is_sent_and_a_stranger_logs_nobody_in(tmp_path: Path, chromium: str) -> None:
    """A page whose policy is `no-referrer` sends its form with `Origin: null`; another site's form has no cookie and begins no session."""
    stranger_at: list[str] = []
    seen = Seen()
    app = victim(tmp_path, stranger_at, seen)
    stopper_page = "default-src 'self'; form-action 'self'; script-src 'unsafe-inline'; connect-src 'self'"

    def page(text: str) -> Response:
        return Response(text, headers={"Content-Security-Policy": stopper_page}, content_type="text/html")

    app.add_url_rule("/start", "start", public(lambda: page(LOG_IN_PAGE)))
    app.add_url_rule("/form", "form", browser_session(lambda: page(render_template_string(FORM_PAGE))))
    pay = app.view_functions["pay"]

    def pay_and_go() -> Response:
        pay()
        return page(f"<script>location = '{stranger_at[0]}/'</script>")

    app.view_functions["pay"] = browser_session(pay_and_go)
    stranger = Flask("stranger")
    with served(app) as home:
        stranger.add_url_rule("/", "page", lambda: STRANGER_PAGE.replace("VICTIM", home))
        with served(stranger) as there:
            stranger_at.append(there.replace("127.0.0.1", "localhost"))
            run(chromium, tmp_path, f"{home}/start", seen)
    assert seen.ran == [("own", "ann")], "the form of the application's own page"
    assert len(seen.foreign) == 3
    assert not any("stopper-session=" in cookie for cookie, _ in seen.foreign), "SameSite keeps it back"
    assert sorted(status for _, status in seen.foreign) == ["401", "403", "403"]


def run(chromium: str, tmp_path: Path, url: str, seen: Seen) -> None:
    """Open *url* and wait until the last form has come."""
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", url]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert seen.form_came.wait(60), (seen.ran, seen.foreign)
    finally:
        browser.terminate()
        browser.wait(20)
