"""Probes of the token, login and authorization rules on safe twins and odd applications: who is not weak is not accused."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask, Response, abort, g, jsonify, redirect, request
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, get_jwt_identity, jwt_required

from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

KEY = secrets.token_hex(32)
TOKEN_RULES = (
    "jwt-broken-signature-accepted",
    "jwt-none-algorithm-accepted",
    "jwt-expired-token-accepted",
    "jwt-secret-guessable",
)


def tried(slug: str, app: Flask, **more: Any) -> Verdict:
    """The verdict of that rule alone."""
    rule = find(slug)
    assert rule is not None
    return try_rule(rule, app, **more)


def token_of(name: str, **claims: object) -> str:
    """A token as the applications below issue it."""
    return jwt.encode(
        {"sub": name, "exp": time.time() + 900, "jti": secrets.token_hex(8), **claims}, KEY, algorithm="HS256"
    )


def people(*names: str) -> list[Identity]:
    """Given identities with tokens that the applications below accept."""
    return [
        Identity(name, (("Authorization", Secret(f"Bearer {token}")),), Secret(token), f"{name}@example.com")
        for name in names
        for token in (token_of(name),)
    ]


def caller(where: Callable[[], str | None] | None = None) -> str | None:
    """Who calls, by a strictly verified token."""
    shown = where() if where else request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(shown or "", KEY, algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        return None


# -- tokens ----------------------------------------------------------------------------------------------------------------------


def always_200() -> Flask:
    """Says yes by its status and no in its body."""
    app = Flask("always_200")

    @app.get("/me")
    def me() -> Response:
        name = caller()
        return jsonify(status="ok", name=name) if name else jsonify(status="error", error="log in first")

    return app


def one_form() -> Flask:
    """Answers everybody 200 with the same members."""
    app = Flask("one_form")

    @app.get("/me")
    def me() -> Response:
        name = caller()
        return jsonify(message=f"hello {name}" if name else "please log in")

    return app


def redirecting() -> Flask:
    """Sends strangers to a login page."""
    app = Flask("redirecting")

    @app.get("/me")
    def me() -> Any:
        name = caller()
        return jsonify(name=name) if name else redirect("/login")

    return app


def public() -> Flask:
    """Guards nothing and reads no token."""
    app = Flask("public")

    @app.get("/news")
    def news() -> Response:
        return jsonify(news=["tea is hot"])

    return app


def by_library() -> Flask:
    """Flask-JWT-Extended with its defaults: 401 and 422."""
    app = Flask("by_library")
    app.config["JWT_SECRET_KEY"] = KEY
    JWTManager(app)

    @app.get("/me")
    @jwt_required()
    def me() -> Response:
        return jsonify(name=get_jwt_identity())

    return app


@pytest.mark.parametrize("slug", TOKEN_RULES)
@pytest.mark.parametrize(
    "make", [always_200, one_form, redirecting, public, by_library], ids=lambda make: make.__name__
)
def test_a_server_that_verifies_or_guards_nothing_is_not_accused(slug: str, make: Callable[[], Flask]) -> None:
    given = people("alice", "bob")
    assert tried(slug, make(), identities=given).outcome != "fail"


@pytest.mark.parametrize("slug", TOKEN_RULES)
def test_a_server_that_verifies_is_cleared_and_not_left_open(slug: str) -> None:
    app = redirecting()
    app.config["JWT_SECRET_KEY"] = KEY
    assert tried(slug, app, identities=people("alice")).outcome == "pass"


@pytest.mark.parametrize("slug", TOKEN_RULES)
def test_credentials_that_are_no_tokens_have_no_signature_to_ask_about(slug: str) -> None:
    app = Flask("opaque")

    @app.get("/me")
    def me() -> Response:
        if request.headers.get("X-API-Key") != "alices-own-key":
            abort(401)
        return jsonify(name="alice")

    alice = Identity("alice", (("X-API-Key", Secret("alices-own-key")),))
    assert tried(slug, app, identities=[alice], mode="default").outcome == "not-applicable"


@pytest.mark.parametrize("header", ["X-Access-Token", "Cookie", "Authorization"])
def test_a_token_is_varied_where_the_application_reads_it(header: str) -> None:
    app = Flask("elsewhere")

    @app.get("/me")
    def me() -> Response:
        shown = {
            "Cookie": request.cookies.get("token"),
            "Authorization": request.headers.get("Authorization", "").removeprefix("JWT "),
        }
        text = shown.get(header, request.headers.get(header)) or ""
        try:
            return jsonify(name=jwt.decode(text, options={"verify_signature": False})["sub"])
        except jwt.InvalidTokenError:
            abort(401)

    token = token_of("alice")
    value = {"Cookie": f"token={token}", "Authorization": f"JWT {token}"}.get(header, token)
    alice = Identity("alice", ((header, Secret(value)),), Secret(token))
    verdict = tried("jwt-broken-signature-accepted", app, identities=[alice], mode="default")
    assert verdict.outcome == "fail"
    assert [str(ref) for ref in verdict.routes] == ["GET /me"]


def test_only_a_mixed_spelling_of_none_is_accepted_and_found() -> None:
    app = Flask("mixed")

    @app.get("/me")
    def me() -> Response:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            algorithm = jwt.get_unverified_header(text)["alg"]
            if algorithm != "none" and algorithm.lower() == "none":
                return jsonify(name=jwt.decode(text, options={"verify_signature": False})["sub"])
            return jsonify(name=jwt.decode(text, KEY, algorithms=["HS256"])["sub"])
        except jwt.InvalidTokenError:
            abort(401)

    verdict = tried("jwt-none-algorithm-accepted", app, identities=people("alice"), mode="default")
    assert verdict.outcome == "fail"
    assert tried("jwt-broken-signature-accepted", app, identities=people("alice"), mode="default").outcome == "pass"


def test_the_guessed_secret_stands_nowhere_in_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.scan.tokens.forge.TokenForge.guess", lambda self, token: Secret(KEY))
    app = redirecting()
    verdict = tried("jwt-secret-guessable", app, identities=people("alice"), mode="default")
    assert verdict.outcome == "fail"
    said = [verdict.message, *(one.text for one in verdict.evidence)]
    assert not any(KEY in text for text in said)


def test_a_wrong_guess_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "stopper.scan.tokens.forge.TokenForge.guess", lambda self, token: Secret("something else entirely")
    )
    assert tried("jwt-secret-guessable", redirecting(), identities=people("alice"), mode="default").outcome == "open"


def test_expiry_is_open_without_a_key_and_not_passed() -> None:
    assert (
        tried("jwt-expired-token-accepted", redirecting(), identities=people("alice"), mode="default").outcome == "open"
    )


def test_a_given_token_that_has_run_out_is_enough_to_tell() -> None:
    app = Flask("no_clock")

    @app.get("/me")
    def me() -> Response:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            return jsonify(name=jwt.decode(text, KEY, algorithms=["HS256"], options={"verify_exp": False})["sub"])
        except jwt.InvalidTokenError:
            abort(401)

    old = token_of("bob", exp=time.time() - 99999)
    bob = Identity("bob", (("Authorization", Secret(f"Bearer {old}")),), Secret(old))
    assert (
        tried("jwt-expired-token-accepted", app, identities=[*people("alice"), bob], mode="default").outcome == "fail"
    )


def logging_out(forget: bool) -> Flask:
    """Flask-JWT-Extended with a logout route and, when *forget*, a block list."""
    app = Flask("logging_out")
    app.config["JWT_SECRET_KEY"] = KEY
    manager, ended = JWTManager(app), set[str]()

    @manager.token_in_blocklist_loader
    def is_ended(header: object, claims: dict[str, str]) -> bool:
        return claims["jti"] in ended

    @app.post("/login")
    def login() -> Response:
        if request.get_json()["password"] != "right":
            abort(401)
        return jsonify(access_token=create_access_token(request.get_json()["email"]))

    @app.delete("/logout")
    @jwt_required()
    def logout() -> Response:
        if forget:
            ended.add(get_jwt()["jti"])
        return jsonify(message="bye")

    @app.get("/me")
    @jwt_required()
    def me() -> Response:
        return jsonify(name=get_jwt_identity())

    return app


@pytest.mark.parametrize(("forget", "outcome"), [(True, "pass"), (False, "fail")])
def test_logout_is_judged_by_what_the_token_opens_afterwards(forget: bool, outcome: str) -> None:
    alice = Identity("alice", (), subject="alice@example.com", password=Secret("right"))
    verdict = tried("jwt-accepted-after-revocation", logging_out(forget), identities=[alice], mode="default")
    assert verdict.outcome == outcome, verdict.message


def test_logging_out_never_ends_a_token_that_was_given() -> None:
    app = logging_out(True)
    given = people("alice")
    assert tried("jwt-accepted-after-revocation", app, identities=given, mode="default").outcome in (
        "open",
        "not-applicable",
    )
    client = app.test_client()
    header = {"Authorization": given[0].headers[0][1].reveal()}
    assert client.delete("/logout", headers=header).status_code != 401


# -- login -----------------------------------------------------------------------------------------------------------------------


def login_app(after: Callable[[int], Response | None]) -> Flask:
    """A login whose wrong answers are those of *after* the number of failures, else 401."""
    app = Flask("login_app")
    failures: list[float] = []

    @app.post("/login")
    def login() -> Any:
        said = after(len(failures))
        if said is not None:
            return said
        if request.get_json(silent=True) is None:
            abort(415)
        if request.get_json()["password"] == "right":
            return jsonify(access_token="token-of-alice")
        failures.append(time.monotonic())
        return jsonify(error="wrong"), 401

    return app


def said(status: int, **headers: str) -> Response:
    """An answer with a body that says nothing."""
    return Response("{}", status, headers, content_type="application/json")


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (lambda count: None, "fail"),
        (lambda count: said(429) if count >= 5 else None, "pass"),
        (lambda count: said(429) if count >= 11 else None, "pass"),
        (lambda count: said(403) if count >= 10 else None, "pass"),
        (lambda count: said(401, **{"X-RateLimit-Remaining": "90"}) if count else None, "pass"),
    ],
    ids=["nothing", "429 after five", "429 after eleven", "locked after ten", "announced by headers"],
)
@pytest.mark.parametrize("known", [True, False], ids=["own account", "made-up account"])
def test_login_is_judged_by_what_changes(after: Callable[[int], Response | None], outcome: str, known: bool) -> None:
    alice = Identity("alice", (), subject="alice@example.com", password=Secret("right"))
    given = [alice] if known else []
    verdict = tried("login-not-throttled", login_app(after), identities=given, mode="default")
    assert verdict.outcome == outcome, verdict.message


def test_a_limit_that_is_higher_than_what_the_probe_tries_is_not_denied() -> None:
    app = login_app(lambda count: said(429) if count >= 50 else None)
    app.config["RATELIMIT_DEFAULT"] = "50 per hour"
    alice = Identity("alice", (), subject="alice@example.com", password=Secret("right"))
    assert tried("login-not-throttled", app, identities=[alice], mode="default").outcome == "open"


def test_at_most_twelve_wrong_passwords_are_tried() -> None:
    app, wrong = login_app(lambda count: None), []

    @app.after_request
    def count(response: Response) -> Response:
        if request.path == "/login" and response.status_code == 401:
            wrong.append(1)
        return response

    alice = Identity("alice", (), subject="alice@example.com", password=Secret("right"))
    tried("login-not-throttled", app, identities=[alice], mode="default")
    assert len(wrong) == 12


@pytest.mark.parametrize("path", ["/tokens", "/sessions"])
def test_a_route_for_members_that_only_sounds_like_a_login_is_not_accused(path: str) -> None:
    app = Flask("members")

    @app.post(path)
    def create() -> Any:
        return (jsonify(id="1"), 201) if caller() else (jsonify(error="show your token"), 401)

    assert tried("login-not-throttled", app, mode="default").outcome == "open"


@pytest.mark.parametrize(("limit", "outcome"), [(99, "fail"), (5, "pass")])
def test_a_login_by_basic_authentication_is_tried_by_basic_authentication(limit: int, outcome: str) -> None:
    app, wrong = Flask("basic"), []

    @app.post("/tokens")
    def tokens() -> Any:
        shown = request.authorization
        if shown is None or shown.type != "basic":
            return Response("log in", 401, {"WWW-Authenticate": 'Basic realm="notes"'})
        if len(wrong) >= limit:
            return said(429)
        wrong.append(shown.username)
        return Response("wrong", 401, {"WWW-Authenticate": 'Basic realm="notes"'})

    verdict = tried("login-not-throttled", app, mode="default")
    assert verdict.outcome == outcome, verdict.message
    assert len(wrong) <= 12


def test_a_login_that_takes_every_password_is_another_weakness() -> None:
    app = Flask("takes_all")

    @app.post("/login")
    def login() -> Response:
        return jsonify(access_token="for everybody")

    assert tried("login-not-throttled", app, mode="default").outcome == "open"


# -- objects and routes ----------------------------------------------------------------------------------------------------------


def board(*, shared_list: bool, anonymous: bool, owner_only: bool) -> Flask:
    """Notes that are shared with everybody, or with every member, or with nobody."""
    app = Flask("board")
    notes: list[dict[str, str]] = []

    @app.before_request
    def authenticate() -> None:
        g.name = caller()
        if g.name is None and not (anonymous and request.method == "GET"):
            abort(401)

    @app.get("/me")
    def me() -> Response:
        return jsonify(name=g.name)

    @app.get("/notes")
    def all_notes() -> Response:
        return jsonify([note for note in notes if shared_list or note["owner"] == g.name])

    @app.post("/notes")
    def add() -> Any:
        notes.append({"id": str(len(notes)), "owner": g.name, "text": str(request.get_json()["text"])})
        return jsonify(notes[-1]), 201

    @app.get("/notes/<int:note_id>")
    def one(note_id: int) -> Response:
        if note_id >= len(notes) or (owner_only and notes[note_id]["owner"] != g.name):
            abort(404)
        return jsonify(notes[note_id])

    @app.delete("/notes/<int:note_id>")
    def remove(note_id: int) -> Any:
        return "", 204

    return app


@pytest.mark.parametrize(
    ("shared_list", "anonymous", "owner_only", "outcomes"),
    [
        (False, False, False, {"fail"}),
        (False, False, True, {"pass"}),
        (True, False, False, {"open", "pass"}),
        (False, True, False, {"open", "pass"}),
    ],
    ids=["anybody's by id", "one's own", "shared with members", "public to read"],
)
def test_objects_that_are_shared_on_purpose_are_no_finding(
    shared_list: bool, anonymous: bool, owner_only: bool, outcomes: set[str]
) -> None:
    app = board(shared_list=shared_list, anonymous=anonymous, owner_only=owner_only)
    assert tried("cross-user-object-access", app, identities=people("alice", "bob")).outcome in outcomes


def test_without_writing_alices_list_and_bobs_list_are_enough() -> None:
    app = board(shared_list=False, anonymous=False, owner_only=False)
    given = people("alice", "bob")
    header = {"Authorization": given[0].headers[0][1].reveal()}
    app.test_client().post("/notes", json={"text": "only alice knows"}, headers=header)
    verdict = tried("cross-user-object-access", app, identities=given, mode="passive")
    assert verdict.outcome == "fail"
    assert {one.exchange.request.method for one in verdict.evidence if one.exchange} == {"GET"}


@pytest.mark.parametrize(("method", "checked"), [("PUT", False), ("DELETE", False), ("PUT", True)])
def test_what_bob_may_not_read_he_may_not_change_either(method: str, checked: bool) -> None:
    app = board(shared_list=False, anonymous=False, owner_only=True)
    notes: dict[str, dict[str, str]] = {}

    def mine(key: str) -> dict[str, str]:
        if key not in notes or notes[key]["owner"] != g.name:
            abort(404)
        return notes[key]

    @app.post("/cards")
    def add_card() -> Any:
        key = secrets.token_hex(4)
        notes[key] = {"owner": g.name, "text": str(request.get_json()["text"])}
        return jsonify(id=key), 201

    @app.get("/cards/<key>")
    def read_card(key: str) -> Response:
        return jsonify(text=mine(key)["text"])

    @app.route("/cards/<key>", methods=[method], endpoint="change")
    def change_card(key: str) -> Any:
        if checked:
            mine(key)
        if method == "DELETE":
            notes.pop(key, None)
        elif key in notes:
            notes[key]["text"] = str(request.get_json()["text"])
        return "", 204

    verdict = tried("cross-user-object-access", app, identities=people("alice", "bob"))
    assert verdict.outcome == ("pass" if checked else "fail"), verdict.message
    if not checked:
        assert [ref.method for ref in verdict.routes] == [method]


def profiles(*, private: bool, directory: bool) -> Flask:
    """What people tell of themselves, under their own id."""
    app = Flask("profiles")
    numbers = {"alice": "11", "bob": "12"}

    @app.before_request
    def authenticate() -> None:
        g.name = caller()
        if g.name is None:
            abort(401)

    @app.get("/me")
    def me() -> Response:
        return jsonify(id=numbers[g.name], email=f"{g.name}@example.com")

    @app.get("/users/<user_id>")
    def one(user_id: str) -> Response:
        name = next((name for name, number in numbers.items() if number == user_id), None)
        if name is None or (private and name != g.name):
            abort(404)
        return jsonify(id=user_id, email=f"{name}@example.com")

    if directory:

        @app.get("/users")
        def everybody() -> Response:
            return jsonify([{"id": number, "email": f"{name}@example.com"} for name, number in numbers.items()])

    return app


@pytest.mark.parametrize(
    ("private", "directory", "outcomes"),
    [(False, False, {"fail"}), (True, False, {"pass"}), (False, True, {"open", "pass"})],
    ids=["anybody's by id", "one's own", "a directory"],
)
def test_a_profile_under_ones_own_id_is_ones_own(private: bool, directory: bool, outcomes: set[str]) -> None:
    app = profiles(private=private, directory=directory)
    verdict = tried("cross-user-object-access", app, identities=people("alice", "bob"), mode="passive")
    assert verdict.outcome in outcomes, verdict.message


def test_one_person_alone_says_nothing_of_others() -> None:
    app = board(shared_list=False, anonymous=False, owner_only=False)
    assert (
        tried("cross-user-object-access", app, identities=people("alice"), mode="passive").outcome == "not-applicable"
    )


def shop(answer: Callable[[], Any]) -> Flask:
    """A guarded route beside an open one."""
    app = Flask("shop")

    @app.get("/me")
    def me() -> Response:
        name = caller()
        if name is None:
            abort(401)
        return jsonify(name=name)

    app.add_url_rule("/things", view_func=answer, endpoint="things")
    return app


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ({"products": [{"id": 1, "name": "kettle", "price": 3}]}, "pass"),
        ({"contact": "write to shop@example.com"}, "pass"),
        ({"customers": [{"id": 1, "email": "carol@example.com"}]}, "fail"),
        ([{"name": "bob", "phone": "+15550100"}], "fail"),
        ({"email": None, "name": ""}, "pass"),
    ],
)
def test_an_open_route_is_a_finding_when_it_gives_away_people(value: Any, outcome: str) -> None:
    app = shop(lambda: jsonify(value))
    verdict = tried("route-without-authentication", app, identities=people("alice"), mode="passive")
    assert verdict.outcome == outcome, verdict.message


def test_a_route_that_builds_the_database_anew_is_left_alone_and_hides_nothing() -> None:
    app, built = shop(lambda: jsonify([{"email": "carol@example.com"}])), []

    @app.get("/createdb")
    def createdb() -> Response:
        built.append(1)
        return jsonify(message="built")

    verdict = tried("route-without-authentication", app, identities=people("alice"), mode="active")
    assert verdict.outcome == "fail", verdict.message
    assert not built


@pytest.mark.parametrize("who", ["nobody", "a session"])
def test_an_open_route_is_found_by_nobody_and_by_a_session_too(who: str) -> None:
    app = Flask("sessions")

    @app.get("/me")
    def me() -> Response:
        if request.cookies.get("session") != "alices-session":
            abort(401)
        return jsonify(name="alice")

    @app.get("/things")
    def things() -> Response:
        return jsonify(customers=[{"email": "carol@example.com"}])

    alice = Identity("alice", (("Cookie", Secret("session=alices-session")),))
    given = [alice] if who == "a session" else []
    verdict = tried("route-without-authentication", app, identities=given, mode="passive")
    assert verdict.outcome == "fail", verdict.message
    assert [str(ref) for ref in verdict.routes] == ["GET /things"]


@pytest.mark.parametrize("closed", [True, False])
def test_an_older_version_that_asks_nobody_what_the_newer_one_asks_is_open(closed: bool) -> None:
    app = Flask("versions")

    @app.get("/v1/notes/<int:number>")
    def old(number: int) -> Response:
        return jsonify(id=number, text="of somebody")

    @app.get("/v2/notes/<int:number>")
    def new(number: int) -> Response:
        return jsonify(id=number, text="of somebody") if not closed or caller() else abort(401)

    @app.get("/v2/me")
    def me() -> Response:
        return jsonify(id=1) if caller() else abort(401)

    verdict = tried("route-without-authentication", app, identities=people("alice"), mode="passive")
    assert [str(ref) for ref in verdict.routes] == (["GET /v1/notes/{number}"] if closed else [])


def test_an_address_that_the_request_brought_along_is_no_gift() -> None:
    app = shop(lambda: jsonify(email=request.args.get("email", "")))
    assert tried("route-without-authentication", app, identities=people("alice"), mode="passive").outcome == "pass"


def test_a_route_that_tells_people_apart_is_not_open() -> None:
    app = shop(
        lambda: jsonify(email="alice@example.com", notes=[1]) if caller() else jsonify(email="guest@example.com")
    )
    assert tried("route-without-authentication", app, identities=people("alice"), mode="passive").outcome == "pass"


def described(security: list[dict[str, list[str]]], view: Callable[[], Any]) -> Flask:
    """An application whose document speaks of /things."""
    app = shop(view)

    @app.get("/openapi.json")
    def openapi() -> Response:
        fine = {"200": {"description": "fine"}}
        return jsonify(
            openapi="3.0.3",
            info={"title": "Shop", "version": "1"},
            components={"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            paths={
                "/me": {"get": {"security": [{"bearer": []}], "responses": fine}},
                "/things": {"get": {"security": security, "responses": fine}},
            },
        )

    return app


def guarded_things() -> Any:
    """Refuses strangers."""
    return (jsonify(things=[1]), 200) if caller() else (jsonify(error="log in"), 401)


def open_things() -> Response:
    """Answers everybody."""
    return jsonify(things=[1])


def complaining() -> Response:
    """Refuses strangers with a status of success."""
    return jsonify(things=[1]) if caller() else jsonify(error="log in")


@pytest.mark.parametrize(
    ("security", "view", "outcomes"),
    [
        ([{"bearer": []}], open_things, {"fail"}),
        ([{"bearer": []}], guarded_things, {"pass"}),
        ([{"bearer": []}], complaining, {"pass", "open"}),
        ([{"bearer": []}, {}], open_things, {"pass"}),
        ([], open_things, {"pass"}),
    ],
    ids=["promised and open", "promised and kept", "refused with 200", "optional", "public"],
)
@pytest.mark.parametrize("given", [True, False], ids=["as somebody", "as nobody"])
def test_the_document_is_held_against_the_server(
    security: list[dict[str, list[str]]], view: Callable[[], Any], outcomes: set[str], given: bool
) -> None:
    app = described(security, view)
    verdict = tried("spec-security-not-enforced", app, identities=people("alice") if given else [], mode="passive")
    assert verdict.outcome in outcomes, verdict.message
