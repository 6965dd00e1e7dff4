"""Safe twins of weak APIs: each does something that a hasty probe would take for the weakness."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
from flask import Flask, Response, jsonify, request

from stopper.core.app import App, SecurityScheme, Spec
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.rules.bearer import bearer_token_accepted_in_url
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

KEY = "5a0c5b0f9f"
TOKEN = "t-9d2c7f6e1b4a"
Made = Callable[[Flask], None]
ALICE = Identity("alice", (("Authorization", Secret(f"Bearer {TOKEN}")),), Secret(TOKEN), "alice@example.com")


def verdict(slug: str, make: Made, *identities: Identity) -> str:
    """The outcome of that rule's probe on an app that *make* fills."""
    app = Flask(__name__)
    make(app)
    rule = find(slug)
    assert rule is not None
    return try_rule(rule, app, identities=identities).outcome


def knows(shown: str | None, right: str) -> bool:
    """A comparison in constant time."""
    return shown is not None and hmac.compare_digest(shown.encode(), right.encode())


def optional_key(app: Flask) -> None:
    """Everybody may read; a key that is shown must be right, and an empty one counts as none."""

    @app.get("/prices")
    def prices() -> object:
        shown = request.headers.get("X-API-Key")
        if shown and not knows(shown, KEY):
            return jsonify(error="bad key"), 401
        return jsonify(prices=[1, 2], partner=bool(shown))


def test_keys_that_are_optional_are_not_called_open() -> None:
    """A wrong key refused and no key accepted may be meant so: the probe stays unsure."""
    assert verdict("api-key-unset-fails-open", optional_key) == "open"


def sends_to_login(app: Flask) -> None:
    """Nobody is redirected; a bad token gets the log-in page with 200."""

    @app.get("/mail")
    def mail() -> object:
        if "Authorization" not in request.headers:
            return Response("", 302, {"Location": "/login"})
        return "<form action='/login'><input type='password' name='password'></form>"


def introspects(app: Flask) -> None:
    """Tells whether a token is good, always with 200."""

    @app.get("/introspect")
    def introspect() -> object:
        if "Authorization" not in request.headers:
            return jsonify(error="show a token"), 401
        return jsonify(active=knows(request.headers["Authorization"], f"Bearer {TOKEN}"))


@pytest.mark.parametrize("make", [sends_to_login, introspects])
def test_a_refusal_with_status_200_is_not_called_bypass(make: Made) -> None:
    """Answers that say no in other words do not convict."""
    assert verdict("any-bearer-token-accepted", make) == "open"
    assert verdict("any-bearer-token-accepted", make, ALICE) in ("open", "pass")


def test_an_answer_that_differs_from_the_honest_one_does_not_convict() -> None:
    """With a good identity at hand, an invented token must get what the good one gets."""

    def make(app: Flask) -> None:
        @app.get("/me")
        def me() -> object:
            if "Authorization" not in request.headers:
                return jsonify(error="who?"), 401
            if knows(request.headers["Authorization"], f"Bearer {TOKEN}"):
                return jsonify(name="alice", mail="alice@example.com")
            return jsonify(hint="your session has ended")

    assert verdict("any-bearer-token-accepted", make, ALICE) != "fail"


def one_partner(app: Flask) -> None:
    """One exact origin with credentials, echoed because it is on the list."""

    @app.after_request
    def allow(response: Response) -> Response:
        if request.headers.get("Origin") == "https://app.example.com":
            response.headers["Access-Control-Allow-Origin"] = "https://app.example.com"
            response.headers["Access-Control-Allow-Credentials"] = "true"
        return response

    app.add_url_rule("/me", view_func=lambda: {"user": "alice"})


def star(app: Flask) -> None:
    """A star together with credentials: browsers refuse that pair, so nobody is let in (Fetch standard, CORS check)."""

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Credentials"] = "true"
        return response

    app.add_url_rule("/me", view_func=lambda: {"user": "alice"})


def echo_without_cookies(app: Flask) -> None:
    """Any origin, but never with the visitor's cookies."""

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
        return response

    app.add_url_rule("/me", view_func=lambda: {"user": "alice"})


@pytest.mark.parametrize("make", [one_partner, star, echo_without_cookies])
def test_origins_that_get_no_cookies_in_are_not_called_open(make: Made) -> None:
    """Only the pair that a browser accepts convicts."""
    assert verdict("cors-any-origin-with-credentials", make) == "pass"


def test_an_origin_echoed_with_credentials_is_convicted_however_it_is_made() -> None:
    """The effect counts, not the library."""

    def make(app: Flask) -> None:
        @app.after_request
        def allow(response: Response) -> Response:
            if origin := request.headers.get("Origin"):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Allow-Credentials"] = "true"
            return response

        app.add_url_rule("/me", view_func=lambda: {"user": "alice"})

    assert verdict("cors-any-origin-with-credentials", make) == "fail"


def echoes(app: Flask) -> None:
    """Gives back what it was asked for."""

    @app.get("/search")
    def search() -> object:
        return jsonify(q=request.args.get("id"), page=request.args.get("page"), found=[])


def teaches_python(app: Flask) -> None:
    """A page about exceptions, whatever it is asked for."""
    text = "int('x') says: invalid literal for int() with base 10: 'x'"
    app.add_url_rule("/lesson", view_func=lambda: {"text": text})


def says_error(app: Flask) -> None:
    """Refuses wrong input in its own words."""

    @app.get("/notes")
    def notes() -> object:
        page = request.args.get("page", "1")
        return jsonify(notes=[]) if page.isdigit() else (jsonify(error="ValueError: page must be a number"), 400)


@pytest.mark.parametrize("make", [echoes, teaches_python, says_error])
def test_words_that_no_exception_wrote_do_not_convict(make: Made) -> None:
    """An echo, a lesson that says the same when asked rightly, and an error of one's own are no leak."""
    assert verdict("exception-text-in-response", make) == "pass"


def test_a_share_link_is_no_bearer_token_in_the_url() -> None:
    """A route that takes its own ticket from the query does not take the caller's token there."""

    def make(app: Flask) -> None:
        @app.get("/notes")
        def notes() -> object:
            ticket = hashlib.sha256(request.args.get("token", "").encode()).hexdigest()
            if knows(request.headers.get("Authorization"), f"Bearer {TOKEN}") or ticket == "0" * 64:
                return jsonify(notes=["tea"])
            return jsonify(error="no"), 401

    assert verdict("bearer-token-accepted-in-url", make, ALICE) == "pass"


def test_a_token_in_the_url_is_convicted_with_the_nonsense_as_control() -> None:
    """The same route that does take the token from the query."""

    def make(app: Flask) -> None:
        @app.get("/notes")
        def notes() -> object:
            shown = request.headers.get("Authorization") or f"Bearer {request.args.get('auth_token', '')}"
            return jsonify(notes=["tea"]) if knows(shown, f"Bearer {TOKEN}") else (jsonify(error="no"), 401)

    assert verdict("bearer-token-accepted-in-url", make, ALICE) == "fail"


def test_a_manual_of_flask_is_no_dump() -> None:
    """Names of settings in prose are not their values."""
    names = ("SECRET_KEY", "SERVER_NAME", "APPLICATION_ROOT", "SESSION_COOKIE_NAME", "MAX_CONTENT_LENGTH")

    def make(app: Flask) -> None:
        app.add_url_rule("/manual", view_func=lambda: "<p>".join(f"{name}: what it is for" for name in names))

    assert verdict("config-dump-in-response", make) == "pass"


def test_a_dump_behind_a_log_in_is_found_by_somebody_who_may_read_it() -> None:
    """What nobody may see is looked at as the first identity."""

    def make(app: Flask) -> None:
        @app.get("/debug")
        def debug() -> object:
            if not knows(request.headers.get("Authorization"), f"Bearer {TOKEN}"):
                return jsonify(error="no"), 401
            return jsonify({name: repr(value) for name, value in app.config.items()})

    assert verdict("config-dump-in-response", make) == "pass"
    assert verdict("config-dump-in-response", make, ALICE) == "fail"


def test_a_cookie_signed_with_another_key_does_not_convict() -> None:
    """Without a literal in the source there is nothing to hold the cookie against."""

    def make(app: Flask) -> None:
        app.secret_key = "only this test knows it"
        app.add_url_rule("/", view_func=lambda: {"ok": True})

    assert verdict("secret-key-hardcoded", make) == "pass"


@pytest.mark.parametrize(
    ("parameter", "where", "hits"),
    [("access_token", "query", 1), ("token", "query", 1), ("Authorization", "header", 0), ("page_token", "query", 0)],
)
def test_an_openapi_document_may_say_that_tokens_travel_in_urls(parameter: str, where: str, hits: int) -> None:
    """Only a scheme that puts a token into the query is told, and by the name of the parameter alone."""
    scheme = SecurityScheme("caller", "apiKey", where, parameter)
    app = App(spec=Spec("Notes", "1", "openapi.json", {"caller": scheme}))
    assert len(list(bearer_token_accepted_in_url.detect(app))) == hits
