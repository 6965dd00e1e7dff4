"""Sessions of browsers through the guard: who gets in by a cookie, and for how long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, request
from tests.extension.made import without_request_id
from tests.extension.made_sessions import COOKIE, CSRF, OWN, SECRET, Made, csrf_of, get, made_at, post, session_of

from stopper import ForbiddenError, SettingError, Stopper, browser_session, public


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    yield from made_at(tmp_path)


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


def test_a_log_in_gives_another_id_and_the_old_one_is_void(made: Made) -> None:
    """Session fixation: whatever id the browser had, its owner does not get in by it."""
    client = made.log_in("ann")
    first = session_of(client)
    post(client, "/login", data={"name": "ann"}, **OWN)
    assert session_of(client) != first
    stolen = made.client()
    stolen.set_cookie(COOKIE, first, domain="app.example.com")
    assert get(stolen, "/pay").status_code == 401


@pytest.mark.parametrize("path", ["/pay", "/login-form", "/nowhere"])
def test_no_log_line_carries_the_session_or_its_token(made: Made, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the policy does not ask for the session, and whatever the line calls it."""

    def tell(answer: Response) -> Response:
        if request.cookies:
            made.app.logger.warning("%s and %s", *request.cookies.values())
        return answer

    made.app.after_request(tell)
    client = made.log_in()
    session, token = session_of(client), csrf_of(client)
    get(client, path)
    assert "*** and ***" in caplog.text
    assert session not in caplog.text
    assert token not in caplog.text


def test_no_log_line_of_the_log_in_carries_the_new_session(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    def tell(answer: Response) -> Response:
        cookies = answer.headers.getlist("Set-Cookie")
        made.app.logger.warning("made %s", [line.partition("=")[2].partition(";")[0] for line in cookies])
        return answer

    made.app.after_request(tell)
    client = made.log_in()
    assert "made" in caplog.text
    assert session_of(client) not in caplog.text
    assert csrf_of(client) not in caplog.text


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


@pytest.mark.parametrize("cookies", ["{own}; {other}", "{other}; {own}", "{none}; {own}", "{own}; {none}"])
def test_a_log_out_with_a_planted_cookie_beside_it_ends_the_own_session_and_no_other(made: Made, cookies: str) -> None:
    ann, mallory = made.log_in("ann"), made.log_in("mallory")
    shown = cookies.format(
        own=f"{COOKIE}={session_of(ann)}", other=f"{COOKIE}={session_of(mallory)}", none=f"{COOKIE}=x"
    )
    client = made.app.test_client(use_cookies=False)
    without = client.post("/logout", headers={"Cookie": shown}, base_url="https://app.example.com")
    assert without.status_code == 403
    assert get(ann, "/pay").status_code == 200
    headers = {"Cookie": shown, "X-CSRF-Token": csrf_of(ann)}
    assert client.post("/logout", headers=headers, base_url="https://app.example.com").status_code == 200
    assert get(ann, "/pay").status_code == 401
    assert get(mallory, "/pay").status_code == 200


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


@pytest.mark.feature("F46")
def test_after_a_change_of_password_only_the_session_that_asked_goes_on(made: Made) -> None:
    @made.app.post("/password")
    @browser_session
    def password() -> dict[str, int]:
        ended = made.stopper.sessions.end_others()
        made.stopper.sessions.renew()
        return {"ended": ended}

    here, there, bob = made.log_in("ann"), made.log_in("ann"), made.log_in("bob")
    old = session_of(here)
    assert post(here, "/password", X_CSRF_Token=csrf_of(here)).json == {"ended": 1}
    assert [get(client, "/pay").status_code for client in (here, there, bob)] == [200, 401, 200]
    thief = made.client()
    thief.set_cookie(COOKIE, old, domain="app.example.com")
    assert get(thief, "/pay").status_code == 401


def test_a_log_in_that_a_revocation_overtakes_begins_no_session(made: Made) -> None:
    """The password was right when it was looked at; meanwhile it was changed."""
    revocations = made.app.extensions["stopper"].parts.revocations

    @made.app.post("/slow")
    @public
    def slow() -> str:
        mark = made.stopper.sessions.moment()
        if "overtaken" in request.args:
            revocations.revoke_subject("ann")
        return made.stopper.sessions.begin("ann", since=mark, tenant="acme", claims={"plan": "free"}).subject

    client = made.client()
    assert post(client, "/slow?overtaken", **OWN).status_code == 401
    assert client.get_cookie(COOKIE, domain="app.example.com") is None
    assert post(client, "/slow", **OWN).status_code == 200
    assert get(client, "/pay").status_code == 200


def test_renewing_without_a_session_is_refused_and_not_a_crash(made: Made) -> None:
    @made.app.post("/public-renew")
    @public
    def renew() -> str:
        return made.stopper.sessions.renew().subject

    client = made.log_in()
    assert post(client, "/public-renew", X_CSRF_Token=csrf_of(client)).status_code == 401
