"""Sessions of browsers through the guard: who gets in by a cookie, and who does not get it to act for somebody else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, render_template_string, request
from flask.testing import FlaskClient
from tests.extension.made import without_request_id
from werkzeug.test import TestResponse

from stopper import (
    ForbiddenError,
    SettingError,
    Stopper,
    api_key,
    bearer,
    browser_session,
    current_principal,
    fresh,
    mfa,
    public,
    role,
)
from stopper.auth.clock import SetClock

SECRET = "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG"
COOKIE = "__Host-stopper-session"
CSRF = "__Host-stopper-csrf"
OWN = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "same-origin"}
FORM = "<form method=post action=/pay><input name=csrf_token value='{{ csrf_token() }}'></form>"


class Made:
    """One application with a log-in of its own."""

    def __init__(self, tmp_path: Path, **config: Any) -> None:
        self.clock = SetClock(1_800_000_000.5)
        self.app = app = Flask("made")
        app.config.update(
            STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/s.db", STOPPER_SESSION_SECRET=SECRET, STOPPER_ISSUER="https://app.example.com",
            STOPPER_AUDIENCE="https://app.example.com", STOPPER_API_KEY_PEPPER="p8-Lk3nW6vR1tY9mQ4xZ7cB2jH5sD0f-", **config,
        )  # fmt: skip
        self.stopper = stopper = Stopper(app, clock=self.clock)
        self.ran: list[str] = []

        @app.post("/login")
        @public
        def login() -> str:
            person = request.form["name"]
            return stopper.sessions.begin(person, roles=("user",), device=request.headers.get("User-Agent")).subject

        @app.post("/second")
        @browser_session
        def second() -> str:
            return stopper.sessions.renew(amr=("pwd", "otp"), roles=("user", "admin")).subject

        @app.post("/logout")
        @public
        def logout() -> str:
            stopper.sessions.end()
            return "out"

        @app.get("/form")
        @browser_session
        def form() -> str:
            return render_template_string(FORM)

        @app.get("/login-form")
        @public
        def login_form() -> str:
            return render_template_string(FORM)

        @app.route("/pay", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        @browser_session
        def pay() -> str:
            self.ran.append(request.method)
            return f"paid by {current_principal.subject}"

        @app.post("/either")
        @(browser_session | bearer)
        def either() -> str:
            return current_principal.kind

        @app.get("/admin")
        @(browser_session & role("admin") & mfa & fresh(minutes=5))
        def admin() -> str:
            return "admin"

        @app.get("/token")
        @bearer
        def token_only() -> str:
            return current_principal.subject

        @app.get("/key")
        @api_key
        def key_only() -> str:
            return current_principal.subject

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def log_in(self, name: str = "ann") -> FlaskClient:
        client = self.client()
        assert client.post("/login", data={"name": name}, headers=OWN, base_url="https://app.example.com").text == name
        return client


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers=headers, base_url="https://app.example.com")


def post(client: FlaskClient, path: str, method: str = "POST", data: Any = None, **headers: str) -> TestResponse:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(path, method=method, headers=shown, data=data, base_url="https://app.example.com")


def csrf_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(CSRF, domain="app.example.com")
    assert cookie is not None
    return cookie.value


def session_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE, domain="app.example.com")
    assert cookie is not None
    return cookie.value


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    one = Made(tmp_path)
    yield one
    store = one.app.extensions["stopper"].parts.store
    assert store is not None
    store.close()


@pytest.mark.feature("F20")
def test_a_log_in_gives_two_cookies_and_the_session_opens_its_doors(made: Made) -> None:
    client = made.client()
    answer = post(client, "/login", data={"name": "ann"}, **OWN)
    session, csrf = sorted(answer.headers.getlist("Set-Cookie"), key=lambda line: CSRF in line)
    assert session.startswith(f"{COOKIE}=")
    assert session.partition(";")[2] == " Path=/; HttpOnly; SameSite=Lax; Secure"
    assert csrf.partition(";")[2] == " Path=/; SameSite=Lax; Secure"
    assert answer.headers["Cache-Control"] == "no-store"
    assert get(client, "/pay").text == "paid by ann"
    assert get(made.client(), "/pay").status_code == 401


def test_a_single_page_application_acts_with_the_cookie_as_header(made: Made) -> None:
    client = made.log_in()
    assert post(client, "/pay", X_CSRF_Token=csrf_of(client)).text == "paid by ann"


def test_a_form_acts_with_its_field(made: Made) -> None:
    client = made.log_in()
    token = get(client, "/form").text.partition("value='")[2].partition("'")[0]
    assert post(client, "/pay", data={"csrf_token": token}).text == "paid by ann"
    assert token != get(client, "/form").text.partition("value='")[2].partition("'")[0], "each is another one (BREACH)"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.feature("F21")
def test_nothing_changes_without_a_token(made: Made, method: str) -> None:
    client = made.log_in()
    answer = post(client, "/pay", method, **OWN)
    assert answer.status_code == 403
    assert made.ran == []


@pytest.mark.parametrize("token", ["", "x", "a.b", "A" * 22 + "." + "A" * 43, "é", "A" * 10_000])
def test_a_made_up_token_is_none(made: Made, token: str) -> None:
    client = made.log_in()
    assert post(client, "/pay", X_CSRF_Token=token).status_code == 403
    assert post(client, "/pay", data={"csrf_token": token}).status_code == 403
    assert made.ran == []


def test_a_token_of_another_session_is_none(made: Made) -> None:
    """Also where both belong to one person, and where it was planted as a cookie from a subdomain."""
    ann, bob = made.log_in("ann"), made.log_in("bob")
    assert post(ann, "/pay", X_CSRF_Token=csrf_of(bob)).status_code == 403
    assert post(ann, "/pay", X_CSRF_Token=csrf_of(made.log_in("ann"))).status_code == 403
    ann.set_cookie(CSRF, csrf_of(bob), domain="app.example.com")
    assert post(ann, "/pay", X_CSRF_Token=csrf_of(bob)).status_code == 403


def test_a_token_of_before_the_log_in_holds_for_no_session(made: Made) -> None:
    client = made.client()
    before = get(client, "/login-form").text.partition("value='")[2].partition("'")[0]
    post(client, "/login", data={"name": "ann", "csrf_token": before})
    assert post(client, "/pay", X_CSRF_Token=before).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "https://other.example.com"},
        {"Origin": "http://app.example.com"},
        {"Origin": "https://app.example.com.evil.example"},
        {"Origin": "https://app.example.com:444"},
    ],
)
@pytest.mark.feature("F21")
def test_another_site_gets_nothing_done_even_with_a_token(made: Made, headers: dict[str, str]) -> None:
    client = made.log_in()
    assert post(client, "/pay", X_CSRF_Token=csrf_of(client), **headers).status_code == 403
    assert made.ran == []


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
def test_another_site_reads_nothing_but_by_a_link(made: Made, mode: str) -> None:
    client = made.log_in()
    assert (
        get(
            client, "/pay", **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "empty"}
        ).status_code
        == 403
    )
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert get(client, "/pay", **link).status_code == 200
    assert get(client, "/pay", **{**link, "Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert get(client, "/pay", **{**link, "Upgrade": "websocket"}).status_code == 403


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_an_old_browser_opens_no_websocket_and_reads_nothing_for_another_page(made: Made, origin: str) -> None:
    """Without Sec-Fetch-Site the Origin decides: a sandboxed frame has none of its own, and says so."""
    client = made.log_in()
    assert get(client, "/pay", Origin=origin).status_code == 403
    assert get(client, "/pay", Origin=origin, Upgrade="websocket").status_code == 403
    assert get(client, "/pay", Origin="https://app.example.com", Upgrade="websocket").status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {}])
@pytest.mark.feature("F21")
def test_another_site_logs_nobody_in(made: Made, headers: dict[str, str]) -> None:
    """Log-in CSRF: the victim would enter their data into the attacker's account. Where a browser says nothing, a token must come along."""
    client = made.client()
    assert post(client, "/login", data={"name": "mallory"}, **headers).status_code == 403
    assert client.get_cookie(COOKIE, domain="app.example.com") is None


def test_a_form_of_an_old_browser_logs_in_with_its_token(made: Made) -> None:
    client = made.client()
    token = get(client, "/login-form").text.partition("value='")[2].partition("'")[0]
    assert post(client, "/login", data={"name": "ann", "csrf_token": token}).status_code == 200
    other = made.client()
    assert post(other, "/login", data={"name": "ann", "csrf_token": token}).status_code == 403


def test_a_log_in_gives_another_id_and_the_old_one_is_void(made: Made) -> None:
    """Session fixation: whatever id the browser had, its owner does not get in by it."""
    client = made.log_in("ann")
    first = session_of(client)
    post(client, "/login", data={"name": "ann"}, **OWN)
    assert session_of(client) != first
    stolen = made.client()
    stolen.set_cookie(COOKIE, first, domain="app.example.com")
    assert get(stolen, "/pay").status_code == 401


def test_an_id_that_was_planted_is_not_taken_over(made: Made) -> None:
    client = made.client()
    planted = "A" * 43
    client.set_cookie(COOKIE, planted, domain="app.example.com")
    post(client, "/login", data={"name": "ann"}, **OWN)
    assert session_of(client) != planted
    attacker = made.client()
    attacker.set_cookie(COOKIE, planted, domain="app.example.com")
    assert get(attacker, "/pay").status_code == 401


def test_more_rights_come_with_a_new_id(made: Made) -> None:
    client = made.log_in()
    old, token = session_of(client), csrf_of(client)
    assert get(client, "/admin").status_code == 403
    assert post(client, "/second", X_CSRF_Token=token).status_code == 200
    assert session_of(client) != old
    assert get(client, "/admin").text == "admin"
    assert post(client, "/pay", X_CSRF_Token=token).status_code == 403, "the token went with the id"
    thief = made.client()
    thief.set_cookie(COOKIE, old, domain="app.example.com")
    assert get(thief, "/pay").status_code == 401


def test_of_two_renewals_at_once_one_wins(made: Made) -> None:
    client = made.log_in()
    cookie = f"{COOKIE}={session_of(client)}; {CSRF}={csrf_of(client)}"
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf_of(client)}

    def renew(_: int) -> int:
        fresh_client = made.app.test_client(use_cookies=False)
        return fresh_client.post("/second", headers=headers, base_url="https://app.example.com").status_code

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(renew, range(8)))
    assert results.count(200) == 1
    assert set(results) == {200, 401}


def test_after_the_log_out_the_cookie_opens_nothing(made: Made) -> None:
    client = made.log_in()
    kept = session_of(client)
    answer = post(client, "/logout", X_CSRF_Token=csrf_of(client))
    assert all("Max-Age=0" in line for line in answer.headers.getlist("Set-Cookie"))
    thief = made.client()
    thief.set_cookie(COOKIE, kept, domain="app.example.com")
    assert get(thief, "/pay").status_code == 401


@pytest.mark.feature("F46")
def test_sessions_end_when_idle_and_at_last(made: Made) -> None:
    client = made.log_in()
    made.clock.forward(1_801)
    assert get(client, "/pay").status_code == 401
    client = made.log_in()
    for _ in range(30):
        made.clock.forward(1_500)
        status = get(client, "/pay").status_code
    assert status == 401, "twelve hours are over, however busy it was"


def test_a_revocation_of_the_person_ends_their_sessions(made: Made) -> None:
    ann, bob = made.log_in("ann"), made.log_in("bob")
    made.app.extensions["stopper"].parts.revocations.revoke_subject("ann")
    assert get(ann, "/pay").status_code == 401
    assert get(bob, "/pay").status_code == 200


@pytest.mark.feature("F46")
def test_own_sessions_are_listed_and_ended(made: Made) -> None:
    first, second = made.log_in("ann"), made.log_in("ann")
    made.log_in("bob")
    with made.app.test_request_context():
        sessions = made.stopper.sessions
        listed = sessions.list("ann")
        assert [one.subject for one in listed] == ["ann", "ann"]
        assert not sessions.end_one("bob", listed[0].id), "somebody else's session"
        assert sessions.end_all("ann") == 2
    assert get(first, "/pay").status_code == get(second, "/pay").status_code == 401


@pytest.mark.parametrize(
    "cookies",
    [
        "{name}={good}; {name}={good}", "{name}={good}; {name}=x", "{name}=x; {name}={good}", "{name}={good},{name}=x", "a=b; {name}=x;{name} = {good}",
    ],
)  # fmt: skip
def test_two_session_cookies_are_refused(made: Made, cookies: str) -> None:
    """Cookie tossing: one of them was planted, and nobody knows which."""
    shown = cookies.format(name=COOKIE, good=session_of(made.log_in()))
    client = made.app.test_client(use_cookies=False)
    assert client.get("/pay", headers={"Cookie": shown}, base_url="https://app.example.com").status_code == 400
    assert made.ran == []


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 100_000, "é" * 43, "../../x", "' OR 1=1 --", "\t"])
def test_no_made_up_cookie_opens_a_door(made: Made, value: str) -> None:
    client = made.app.test_client(use_cookies=False)
    shown = {"Cookie": f"{COOKIE}={value}".encode().decode("latin-1")}
    assert client.get("/pay", headers=shown, base_url="https://app.example.com").status_code in (400, 401)
    assert made.ran == []


@pytest.mark.feature("F5")
def test_a_cookie_opens_no_door_that_does_not_name_it(made: Made) -> None:
    client = made.log_in()
    for path in ("/token", "/key"):
        assert get(client, path).status_code == 401


def test_a_cookie_and_a_token_at_once_are_two_credentials(made: Made) -> None:
    client = made.log_in()
    answer = post(client, "/either", X_CSRF_Token=csrf_of(client), Authorization="Bearer e30.e30.eA")
    assert answer.status_code == 400
    assert post(client, "/either", X_CSRF_Token=csrf_of(client)).text == "browser_session"


def test_the_store_holds_no_id_that_opens_a_door(made: Made, tmp_path: Path) -> None:
    client = made.log_in()
    for file in tmp_path.iterdir():
        assert session_of(client).encode() not in file.read_bytes()


def test_without_the_store_nobody_gets_in(made: Made, tmp_path: Path) -> None:
    client = made.log_in()
    store = made.app.extensions["stopper"].parts.store
    store.close()
    for file in tmp_path.glob("s.db*"):
        file.unlink()
    (tmp_path / "s.db").write_bytes(b"no database" * 1000)
    assert get(client, "/pay").status_code == 503
    assert made.ran == []


def test_cookies_go_by_mode_and_issuer_and_not_by_the_request(tmp_path: Path) -> None:
    app = Flask("dev")
    app.config.update(
        STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/d.db", STOPPER_SESSION_SECRET=SECRET, STOPPER_MODE="dev"
    )
    stopper = Stopper(app)

    @app.post("/login")
    @public
    def login() -> str:
        return stopper.sessions.begin("ann").subject

    answer = app.test_client().post("/login", headers={"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "https"})
    assert sorted(line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")) == [
        "stopper-csrf",
        "stopper-session",
    ]
    assert not any("Secure" in line for line in answer.headers.getlist("Set-Cookie"))


def test_a_policy_on_sessions_without_a_place_for_them_is_refused_at_the_start() -> None:
    app = Flask("none")
    stopper = Stopper(app)

    @app.get("/x")
    @browser_session
    def view() -> str:
        abort(500)

    with pytest.raises(SettingError, match="STOPPER_DATABASE_URL"):
        stopper.seal()
    with pytest.raises(SettingError, match="STOPPER_DATABASE_URL"):
        _ = stopper.sessions


def test_pages_of_other_origins_may_act_only_where_they_may_send_cookies(tmp_path: Path) -> None:
    made = Made(tmp_path, STOPPER_CORS_ORIGINS=["https://spa.example.com"], STOPPER_CORS_CREDENTIALS=True)
    client = made.log_in()
    headers = {"Origin": "https://spa.example.com", "Sec_Fetch_Site": "same-site"}
    assert post(client, "/pay", X_CSRF_Token=csrf_of(client), **headers).status_code == 200
    assert post(client, "/pay", **headers).status_code == 403
    asked = {"Origin": "https://spa.example.com", "Access-Control-Request-Method": "POST"}
    preflight = client.options("/pay", headers=asked, base_url="https://app.example.com")
    assert "X-CSRF-Token" in preflight.headers["Access-Control-Allow-Headers"]


def test_another_site_logs_nobody_out(made: Made) -> None:
    """The log-out of this application is public: what ends the session judges the request itself."""
    client = made.log_in()
    foreign = {"Origin": "https://other.example.com", "Sec_Fetch_Site": "same-site"}
    assert post(client, "/logout", X_CSRF_Token=csrf_of(client), **foreign).status_code == 403
    assert post(client, "/logout").status_code == 403
    assert get(client, "/pay").status_code == 200
    assert post(client, "/logout", X_CSRF_Token=csrf_of(client)).status_code == 200
    assert get(client, "/pay").status_code == 401


def test_every_401_for_a_shown_session_is_the_same_bytes(made: Made) -> None:
    ended, idle = made.log_in("ann"), made.log_in("bob")
    made.app.extensions["stopper"].sessions.end_all("ann")
    made.clock.forward(1_801)
    unknown = made.client()
    unknown.set_cookie(COOKIE, "A" * 43, domain="app.example.com")
    malformed = made.client()
    malformed.set_cookie(COOKIE, "x", domain="app.example.com")
    answers = [get(client, "/pay") for client in (ended, idle, unknown, malformed)]
    assert len({without_request_id(answer).__repr__() for answer in answers}) == 1
    assert answers[0].status_code == 401
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_session_costs_one_look_up_and_bearer_routes_none(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    client = made.log_in()
    asked: list[str] = []
    database = made.app.extensions["stopper"].parts.store.database
    run = database._run

    def counted(work: Any, **options: Any) -> Any:
        asked.append("write" if options["writes"] else "read")
        return run(work, **options)

    monkeypatch.setattr(database, "_run", counted)
    assert get(client, "/pay").status_code == 200
    assert post(client, "/pay", X_CSRF_Token=csrf_of(client)).status_code == 200
    assert asked == ["read", "read"]
    made.clock.forward(61)
    get(client, "/pay")
    assert asked[2:] == ["read", "write"], "the time of last use, once a minute"
    asked.clear()
    get(client, "/key")
    get(client, "/login-form")
    assert asked == ["read"], "the page before the log-in asks whose session its token is for"


def test_a_lost_csrf_cookie_is_set_again_and_a_good_one_is_not(made: Made) -> None:
    client = made.log_in()
    assert get(client, "/pay").headers.getlist("Set-Cookie") == []
    for planted in (None, "x", csrf_of(made.log_in("bob"))):
        client.delete_cookie(CSRF, domain="app.example.com")
        if planted is not None:
            client.set_cookie(CSRF, planted, domain="app.example.com")
        assert len(get(client, "/pay").headers.getlist("Set-Cookie")) == 1
        assert post(client, "/pay", X_CSRF_Token=csrf_of(client)).status_code == 200


def test_a_token_in_the_url_in_json_or_twice_is_none(made: Made) -> None:
    client = made.log_in()
    token = csrf_of(client)
    assert post(client, f"/pay?csrf_token={token}").status_code == 403
    at = {"base_url": "https://app.example.com"}
    assert client.post("/pay", json={"csrf_token": token}, **at).status_code == 403
    assert post(client, "/pay", data={"csrf_token": [token, token]}).status_code == 403
    assert post(client, "/pay", X_CSRF_Token=f"{token},{token}").status_code == 403
    plain = client.post("/pay", data=f"csrf_token={token}", content_type="text/plain", **at)
    assert plain.status_code == 403
    assert made.ran == []


def test_a_form_too_large_to_read_is_answered_and_changes_nothing(made: Made) -> None:
    client = made.log_in()
    made.app.config["MAX_CONTENT_LENGTH"] = 100
    assert post(client, "/pay", data={"csrf_token": csrf_of(client), "more": "x" * 200}).status_code == 413
    assert made.ran == []


def test_a_provider_sends_its_answer_from_another_site(made: Made) -> None:
    """The answer of OAuth comes by a link from elsewhere; its `state` binds it to this browser."""

    @made.app.get("/callback")
    @public
    def callback() -> str:
        return made.stopper.sessions.begin("ann", allow_cross_site=request.args["state"] == "checked").subject

    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    client = made.client()
    assert get(client, "/callback?state=no", **link).status_code == 403
    assert get(client, "/callback?state=checked", **link).text == "ann"
    assert get(client, "/pay").status_code == 200


def test_the_id_stands_in_no_log(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = made.log_in()
    used = [session_of(client), csrf_of(client)]
    get(client, "/pay")
    post(client, "/second", X_CSRF_Token=csrf_of(client))
    used += [session_of(client), csrf_of(client)]
    post(client, "/logout", X_CSRF_Token=csrf_of(client))
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "session-begun" in said
    assert [cookie for cookie in used if cookie in said] == []


def test_a_plain_page_costs_nothing_and_apps_without_sessions_keep_their_templates(tmp_path: Path) -> None:
    app = Flask("other")
    app.config.update(STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/o.db")
    stopper = Stopper(app)
    assert "jinja_env" not in vars(app)
    app.add_url_rule("/x", "x", public(lambda: "x"))
    stopper.seal()
    assert "jinja_env" not in vars(app)


def test_two_judges_of_one_field_are_refused_at_the_start(tmp_path: Path) -> None:
    app = Flask("wtf")
    app.config.update(STOPPER_SESSION_SECRET=SECRET, STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/w.db")
    app.extensions["csrf"] = object()
    stopper = Stopper(app)
    app.add_url_rule("/x", "x", browser_session(lambda: "x"))
    with pytest.raises(SettingError, match="CSRFProtect"):
        stopper.seal()


def test_the_secret_alone_opens_the_store_of_the_instance_folder(tmp_path: Path) -> None:
    app = Flask("own", instance_path=str(tmp_path / "instance"))
    app.config.update(STOPPER_SESSION_SECRET=SECRET)
    stopper = Stopper(app)
    app.add_url_rule("/x", "x", browser_session(lambda: "x"))
    stopper.seal()
    assert (tmp_path / "instance" / "stopper.db").exists()


@pytest.mark.parametrize("shared", [SECRET, "changeme" * 8, "short"])
def test_a_weak_or_shared_secret_is_refused_at_the_start(tmp_path: Path, shared: str) -> None:
    app = Flask("weak")
    app.config.update(
        STOPPER_SESSION_SECRET=shared, SECRET_KEY=shared, STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/w.db"
    )
    with pytest.raises(SettingError, match="STOPPER_SESSION_SECRET"):
        Stopper(app)


def test_a_session_and_a_token_together_are_of_one_person(made: Made) -> None:
    """`bearer & browser_session` is no way to use one person's token in another's browser."""
    from stopper.core.principal import Principal
    from stopper.extension.gate import _together

    ann, bob = Principal("ann", "bearer"), Principal("bob", "browser_session")
    with pytest.raises(ForbiddenError):
        _together(ann, bob)
    assert _together(ann, Principal("ann", "browser_session")).also is not None
