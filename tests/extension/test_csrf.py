"""A session alone changes nothing: what another site can make a browser send, and what it gets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from tests.extension.made_sessions import COOKIE, CSRF, OWN, SECRET, Made, csrf_of, get, made_at, post

from stopper import SettingError, Stopper, browser_session, public


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    yield from made_at(tmp_path)


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
