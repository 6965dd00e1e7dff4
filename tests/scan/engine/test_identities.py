"""Becoming somebody: whatever form an API gives its credentials in, the scan finds it and proves it before it uses it."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask, jsonify, redirect, request, session

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Mode
from stopper.core.secret import Secret
from stopper.scan.people.credential import COOKIE_WORDS, credentials_in
from stopper.scan.people.doors import REGISTER, doors
from stopper.scan.people.identities import Scene, gather
from stopper.scan.running.read import read_running
from stopper.scan.surface.harvest import harvested, ids_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

Give = Callable[[str, str], Any]
Take = Callable[[], str | None]


def shop(
    give: Give,
    take: Take,
    *,
    form: bool = False,
    name: str = "email",
    register_gives: bool = False,
    can_register: bool = True,
    refuses_json: bool = False,
    path: str = "/auth/login",
) -> Flask:
    """An API whose login answers what *give* makes of a person and a token, and whose pages ask *take* for the token."""
    app = Flask("shop")
    app.secret_key = secrets.token_hex(16)
    people: dict[str, str] = {"carol@example.com": "carols-password"}
    tokens: dict[str, str] = {}

    def body() -> Any:
        return request.form if form else request.get_json()

    def enter(who: str) -> Any:
        token = secrets.token_urlsafe(24)
        tokens[token] = who
        return give(who, token)

    def register() -> Any:
        people[body()[name]] = body()["password"]
        return enter(body()[name]) if register_gives else ("", 201)

    @app.post(path)
    def login() -> Any:
        data = body()
        if refuses_json and not request.form:
            return jsonify(error="no"), 401
        if people.get(data[name]) != data["password"]:
            return jsonify(error="no"), 401
        return enter(data[name])

    @app.get("/profile")
    def profile() -> Any:
        token = take()
        return jsonify(who=tokens[token]) if token in tokens else (jsonify(error="no"), 401)

    if can_register:
        app.add_url_rule("/auth/register", view_func=register, methods=["POST"])
    return app


def bearer() -> str | None:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def become(
    app: Flask, mode: Mode = "active", given: tuple[Identity, ...] = ()
) -> tuple[tuple[Identity, ...], tuple[str, ...], Courier]:
    courier = Courier(WsgiTransport(app), mode=mode)
    honest = HonestRequests(canary="stpcanary1")
    people, notes = gather(Scene(read_running(app, Path()), courier, honest, "stpcanary1"), given)
    return people, notes, courier


def whoami(courier: Courier, identity: Identity) -> Any:
    return courier.carry(identity.on(Request("GET", "/profile"))).response.json()


def cookie(who: str, token: str) -> Any:
    session["token"] = token
    return redirect("/profile")


def any_cookie(token: str) -> Any:
    answer = jsonify(ok=True)
    answer.set_cookie("theme", "dark")
    answer.set_cookie("who", token)
    return answer


SHOPS: dict[str, Flask] = {
    "a bearer token": shop(lambda _, token: jsonify(access_token=token), bearer),
    "a nested token": shop(lambda _, token: jsonify(data={"auth": {"token": token}}), bearer),
    "a name of its own": shop(lambda _, token: jsonify(jwt=token), lambda: request.headers.get("X-Access-Token")),
    "the scheme Token": shop(lambda _, token: jsonify(token=token), lambda: request.headers.get("Authorization", "").removeprefix("Token ")),
    "the access of a pair": shop(lambda _, token: jsonify(user={"refresh": "r" * 40, "access": token}), bearer),
    "no scheme": shop(lambda _, token: jsonify(token=token), lambda: request.headers.get("Authorization")),
    "a header of the answer": shop(lambda _, token: ("", 200, {"Authorization": f"Bearer {token}"}), bearer),
    "an API key": shop(lambda _, token: jsonify(api_key=token), lambda: request.headers.get("X-API-Key")),
    "a session cookie after a form": shop(cookie, lambda: session.get("token"), form=True),
    "a form that answers 401 to JSON": shop(lambda _, token: jsonify(token=token), bearer, form=True, refuses_json=True),
    "a token in a list": shop(lambda _, token: jsonify(data=[{"token": token}]), bearer),
    "idToken": shop(lambda _, token: jsonify(idToken=token), bearer),
    "X-Token": shop(lambda _, token: jsonify(token=token), lambda: request.headers.get("X-Token")),
    "a lower-case scheme in a header": shop(lambda _, token: ("", 200, {"authorization": f"bearer {token}"}), bearer),
    "a scheme in the token": shop(lambda _, token: jsonify(token=f"Bearer {token}"), bearer),
    "authenticate-user": shop(lambda _, token: jsonify(token=token), bearer, path="/auth/authenticate-user"),
    "connect": shop(lambda _, token: jsonify(token=token), bearer, path="/auth/connect"),
    "a cookie of any name": shop(lambda _, token: any_cookie(token), lambda: request.cookies.get("who")),
    "a user name": shop(lambda _, token: jsonify(access_token=token), bearer, name="username"),
    "a token at registration": shop(lambda _, token: jsonify(access_token=token), bearer, register_gives=True),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHOPS)
def test_two_people_are_registered_and_are_two(kind: str) -> None:
    people, notes, courier = become(SHOPS[kind])
    assert [one.name for one in people] == ["alice", "bob"]
    assert notes == ()
    names = [whoami(courier, one)["who"] for one in people]
    assert "alice" in names[0]
    assert "bob" in names[1]
    assert all(one.issued_by is not None and one.issued_by.path.startswith("/auth/") for one in people)


@pytest.mark.parametrize("mode", ["passive", "default"])
def test_nobody_is_registered_without_being_asked(mode: Mode) -> None:
    app = SHOPS["a bearer token"]
    people, _, courier = become(app, mode)
    assert people == ()
    assert not any(method == "POST" for method, _ in courier.asked)


def test_a_given_account_is_logged_in_and_keeps_its_name() -> None:
    carol = Identity("carol", (), subject="carol@example.com", password=Secret("carols-password"))
    people, _, courier = become(SHOPS["a bearer token"], "default", (carol,))
    assert [one.name for one in people] == ["carol"]
    assert whoami(courier, people[0]) == {"who": "carol@example.com"}


def test_an_account_that_is_refused_is_told() -> None:
    carol = Identity("carol", (), subject="carol@example.com", password=Secret("wrong-password"))
    people, notes, _ = become(SHOPS["a bearer token"], "default", (carol,))
    assert people == ()
    assert notes == ("carol could not log in: no login route took the account",)


CAROL = Identity("carol", (), subject="carol@example.com", password=Secret("carols-password"))


def test_a_passive_scan_says_that_it_tried_nothing() -> None:
    people, notes, courier = become(SHOPS["a bearer token"], "passive", (CAROL,))
    assert people == ()
    assert notes == ("carol was not logged in: a passive scan sends no log-in",)
    assert not any(method == "POST" for method, _ in courier.asked)


def test_a_scan_without_a_log_in_route_says_so() -> None:
    app = shop(lambda _, token: jsonify(token=token), bearer, path="/enter-here", can_register=False)
    assert become(app, "default", (CAROL,))[1] == ("carol could not log in: no route looks like a log-in",)


@pytest.mark.parametrize("mode", ["default", "active"])
def test_a_credential_that_opens_nothing_is_no_log_in_and_is_told(mode: Mode) -> None:
    app = shop(lambda _, token: jsonify(token=token), lambda: None)
    people, notes, _ = become(app, mode, (CAROL,))
    assert people == ()
    assert notes[0] == (
        "carol's credential from POST /auth/login opened none of the routes that refuse nobody (GET /profile): "
        "what only carol may see was not tested"
    )
    assert "carols-password" not in repr(notes)


def test_a_given_credential_that_opens_nothing_is_told() -> None:
    given = Identity("dave", (("X-API-Key", Secret("daves-key")),))
    _, notes, _ = become(shop(lambda _, token: jsonify(t=token), bearer, can_register=False), "default", (given,))
    assert "dave's credential from the command line opened none" in notes[0]
    assert "daves-key" not in notes[0]


def test_a_credential_that_is_known_but_may_not_enter_is_a_log_in() -> None:
    """An application whose only reads are for administrators answers 403 to a person and 401 to nobody."""
    app = Flask("admins")
    app.add_url_rule("/login", endpoint="in", view_func=lambda: jsonify(token="t" * 12), methods=["POST"])

    @app.get("/reports")
    def reports() -> Any:
        return jsonify(error="no"), 403 if bearer() == "t" * 12 else 401

    people, notes, _ = become(app, "default", (CAROL,))
    assert [one.name for one in people] == ["carol"]
    assert notes == ()


@pytest.mark.parametrize("reads", [True, False])
def test_who_is_turned_away_with_401_for_a_role_has_come_in(reads: bool) -> None:
    """The refusal is neither that of nobody nor that of a token that nobody issued; an API that reads no token refuses all alike."""
    app = Flask("teachers")
    app.add_url_rule("/login", endpoint="in", view_func=lambda: jsonify(token="t" * 12), methods=["POST"])

    @app.get("/students")
    def students() -> Any:
        if not bearer() or not reads:
            return jsonify(msg="Missing Authorization Header"), 401
        if bearer() != "t" * 12:
            return jsonify(msg="Not enough segments"), 422
        return jsonify(id=None, name=None), 401

    people, notes, _ = become(app, "default", (CAROL,))
    assert [one.name for one in people] == (["carol"] if reads else []), notes


@pytest.mark.parametrize("issues", ["POST", "GET", ""])
def test_http_basic_logs_in_at_the_route_or_everywhere(issues: str) -> None:
    app = Flask("basic")

    def known() -> bool:
        said = request.authorization
        return said is not None and (said.username, said.password) == ("carol@example.com", "carols-password")

    if issues:
        app.add_url_rule(
            "/login",
            endpoint="token",
            view_func=lambda: jsonify(token="t" * 12) if known() else ("", 401),
            methods=[issues],
        )

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(who="carol") if (bearer() == "t" * 12 if issues else known()) else ("", 401)

    people, notes, courier = become(app, "default", (CAROL,))
    assert notes == ()
    assert whoami(courier, people[0]) == {"who": "carol"}
    assert "carols-password" not in repr(people)


def test_a_given_credential_is_used_as_it_is() -> None:
    given = Identity("dave", (("X-API-Key", Secret("daves-key")),))
    people, _, _ = become(shop(lambda _, token: jsonify(t=token), bearer, can_register=False), "default", (given,))
    assert people == (given,)


def minting_app(check: bool = True) -> Flask:
    app = Flask("minting")
    app.config.update(JWT_SECRET_KEY="j" * 40, AUDIENCE="shop")

    @app.get("/profile")
    def profile() -> Any:
        try:
            claims = jwt.decode(
                bearer() or "",
                app.config["JWT_SECRET_KEY"],
                algorithms=["HS256"],
                audience="shop",
                options={"verify_signature": check},
            )
        except jwt.PyJWTError:
            return jsonify(error="no"), 401
        return jsonify(who=claims["sub"], role=claims["role"])

    return app


def test_people_are_minted_with_the_key_of_the_application() -> None:
    people, _, courier = become(minting_app(), "passive")
    assert [(one.name, one.minted) for one in people] == [("alice", True), ("bob", True), ("admin", True)]
    assert [whoami(courier, one) for one in people] == [
        {"who": "1", "role": "user"},
        {"who": "2", "role": "user"},
        {"who": "3", "role": "admin"},
    ]


def test_nobody_is_minted_where_a_strangers_token_passes_too() -> None:
    """The key proves nothing where nobody looks at the signature."""
    assert become(minting_app(check=False), "passive")[0] == ()


def test_nobody_is_minted_where_the_key_is_for_something_else() -> None:
    app = SHOPS["a bearer token"]
    app.config["JWT_SECRET_KEY"] = "j" * 40
    assert become(app, "passive")[0] == ()


def test_no_credential_shows_in_what_is_kept() -> None:
    people, _, courier = become(SHOPS["a bearer token"])
    token = people[0].token
    assert token is not None
    assert token.reveal() not in repr((people, courier.skipped, courier.asked))


@pytest.mark.parametrize(
    ("body", "found"),
    [(b'{"access_token": "abcdefgh"}', "abcdefgh"), (b'{"data": {"user": {"authToken": "abcdefgh"}}}', "abcdefgh"), (b'{"token": ""}', None), (b"[]", None),
     (b'{"token": {"value": 5}}', None), (b'{"csrf": "abcdefgh"}', None), (b"\xff", None), (b'{"token_type": "Bearer"}', None)],
)  # fmt: skip
def test_tokens_in_answers(body: bytes, found: str | None) -> None:
    held = credentials_in(Response(200, body=body))
    assert (held.token.reveal() if held and held.token else None) == found


def test_cookies_that_a_browser_would_send_back() -> None:
    lines = (
        "session=abc; HttpOnly; Path=/",
        "theme=dark",
        "access_token_cookie=x.y.z; Secure",
        "session=",
        "bad cookie line;;;",
    )
    assert (
        cookies_of(Response(200, tuple(("Set-Cookie", line) for line in lines)), COOKIE_WORDS)
        == "session=abc; access_token_cookie=x.y.z"
    )


@pytest.mark.parametrize(
    ("body", "ids"),
    [(b'[{"id": 7}, {"id": 8}]', ["7", "8"]), (b'{"items": [{"uuid": "a-b"}]}', ["a-b"]), (b'{"id": true}', []), (b'{"id": "../x y"}', []), (b"5", []), (b'{"note_id": 4, "id": 9}', ["4"])],
)  # fmt: skip
def test_ids_in_answers(body: bytes, ids: list[str]) -> None:
    assert list(ids_in(Response(200, body=body), "note_id")) == ids


def test_an_id_that_exists_stands_in_an_honest_request() -> None:
    app = Flask("ids")
    app.add_url_rule("/notes", view_func=lambda: jsonify([{"id": 41}]))
    app.add_url_rule("/notes/<int:note_id>/tags", endpoint="t", view_func=lambda note_id: "")
    model, courier, honest = read_running(app, Path()), Courier(WsgiTransport(app)), HonestRequests()
    honest.harvest.update(harvested(model, courier, honest, ()))
    route = model.route("/notes/{note_id}/tags")
    assert route is not None
    assert honest(route, "GET").target == "/notes/41/tags"


def test_a_thing_is_made_where_there_is_none_and_its_fields_are_learned() -> None:
    app = Flask("things")
    kept: list[str] = []

    @app.get("/things")
    def every() -> Any:
        return jsonify([{"id": index} for index, _ in enumerate(kept, 1)])

    @app.post("/things")
    def make() -> Any:
        kept.append(request.get_json()["title"])
        return jsonify(id=len(kept)), 201

    app.add_url_rule("/things/<thing_id>", endpoint="one", view_func=lambda thing_id: thing_id)
    model, courier, honest = (
        read_running(app, Path()),
        Courier(WsgiTransport(app), mode="active"),
        HonestRequests(canary="stpx"),
    )
    assert harvested(model, courier, honest, ()) == {"/things/{thing_id}": {"thing_id": "1"}}
    post = next(route for route in model.routes if route.path == "/things" and "POST" in route.methods)
    assert b'"title": "text stpx"' in honest(post, "POST").body


def test_honest_requests_speak_of_their_effect() -> None:
    honest = HonestRequests()
    login = Route("/auth/login", ("POST",), fields=("email", "password"))
    assert honest(login, "POST").effect == "login"
    assert honest(Route("/notes", ("POST",)), "POST").effect == "write"
    assert honest(Route("/notes/{id}", ("DELETE",)), "DELETE").effect == "write"
    assert honest(Route("/search", ("GET",), fields=("q", "page")), "get").target == "/search?q=text+stopper&page=1"
    assert App().routes == ()


def log_in_at(app: Flask, path: str, people: dict[str, str]) -> None:
    """A log-in that gives a token, and a page behind it."""

    @app.post(path)
    def login() -> Any:
        told = request.get_json()
        known = people.get(told["username"]) == told["password"]
        return jsonify(token=told["username"] * 2) if known else (jsonify(error="no"), 401)

    @app.get("/me")
    def me() -> Any:
        return jsonify(ok=True) if bearer() else (jsonify(error="no"), 401)


def test_a_registration_that_takes_letters_and_digits_only_is_sent_those() -> None:
    app, people = Flask("plain"), dict[str, str]()

    @app.post("/user")
    def user() -> Any:
        told = request.get_json()
        if not (told["username"].isalnum() and told["password"].isalnum()):
            return jsonify(error="username and password should match the pattern ^[0-9A-Za-z]+$"), 403
        people[told["username"]] = told["password"]
        return jsonify(ok=True)

    log_in_at(app, "/user/login", people)
    assert [one.name for one in become(app)[0]] == ["alice", "bob"]


def test_a_token_that_is_handed_out_for_a_name_alone_is_used() -> None:
    app = Flask("open")
    app.add_url_rule("/token", endpoint="in", view_func=lambda: jsonify(token="t" * 12), methods=["POST"])

    @app.get("/me")
    def me() -> Any:
        return jsonify(ok=True) if bearer() == "t" * 12 else (jsonify(error="no"), 401)

    model = replace(read_running(app, Path()), readers=frozenset({"wire"}))
    routes = tuple(replace(one, fields=("user",)) if one.path == "/token" else one for one in model.routes)
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    people, _ = gather(Scene(App(routes=routes), courier, HonestRequests(), "canary"), ())
    assert [(one.name, one.token is not None) for one in people] == [("alice", True)]


@pytest.mark.parametrize(("path", "taken"), [("/drivers", True), ("/password/change", False)])
def test_a_post_of_a_name_and_a_password_is_a_registration_by_its_document(path: str, taken: bool) -> None:
    names = {"login": {"type": "string"}, "password": {"type": "string"}}
    route = Route(path, ("POST",), request_schema={"type": "object", "properties": names}, readers=frozenset({"spec"}))
    assert (list(doors(App(routes=(route,)), REGISTER)) == [route]) is taken


@pytest.mark.parametrize("by", ["username", "email"])
def test_a_log_in_of_which_nothing_is_known_is_tried_with_name_and_address_at_once(by: str) -> None:
    app, people, tries = Flask("both"), dict[str, str](), list[int]()

    @app.post("/signup")
    def signup() -> Any:
        sent = request.get_json()
        if not {"username", "email", "password"} <= sent.keys():
            return {"error": "no"}, 400
        people[sent[by]] = sent["password"]
        return {"ok": True}, 201

    @app.post("/login")
    def login() -> Any:
        tries.append(1)
        sent = request.get_json(silent=True) or {}
        name = sent.get(by, "")
        return {"token": f"{name}-{'k' * 24}"} if name and people.get(name) == sent.get("password") else ({"e": 1}, 401)

    @app.get("/me")
    def me() -> Any:
        named = request.headers.get("Authorization", "").removeprefix("Bearer ").rpartition("-")[0]
        return {"name": named} if named in people else ({"error": "no"}, 401)

    routes = tuple(
        Route(path, (verb,), readers=frozenset({"wire"}))
        for path, verb in (("/signup", "POST"), ("/login", "POST"), ("/me", "GET"))
    )
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    found, _ = gather(Scene(App(routes=routes), courier, HonestRequests(), "canary"), ())
    assert [one.name for one in found] == ["alice", "bob"]
    assert len(tries) <= 4


def test_a_registration_that_takes_short_passwords_only_is_sent_one() -> None:
    app, people = Flask("short"), dict[str, str]()

    @app.post("/register")
    def joins() -> Any:
        told = request.get_json()
        if not 8 <= len(told["password"]) <= 12:
            return jsonify(error="Password does not meet requirements."), 400
        people[told["username"]] = told["password"]
        return jsonify(ok=True)

    log_in_at(app, "/login", people)
    assert [one.name for one in become(app)[0]] == ["alice", "bob"]
