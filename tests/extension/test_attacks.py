"""Ways in that an attacker, or an unlucky colleague, has tried. Each test carries the name of its attack."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, request
from tests.auth.token_smith import NOW
from tests.extension.made import Made, bearer_header
from werkzeug.wrappers import Response

from stopper import Stopper, api_key, bearer, current_principal, public, where
from stopper.auth.clock import SetClock
from stopper.auth.revocation import Revocation, Revocations
from stopper.core.errors import PolicyError, SettingError
from stopper.extension import response_headers


@pytest.fixture
def made() -> Made:
    return Made()


def clear(app: Flask) -> None:
    app.before_request_funcs[None].clear()


def replace(app: Flask) -> None:
    app.before_request_funcs = {}  # type: ignore[assignment]


def drop_first(app: Flask) -> None:
    app.before_request_funcs[None] = app.before_request_funcs[None][1:]


@pytest.mark.parametrize("attack", [clear, replace, drop_first])
def test_the_hooks_are_taken_away(made: Made, attack: Any) -> None:
    made.route("/mine", bearer, "mine")
    attack(made.app)
    assert made.get("/mine").status_code == 503
    assert made.get("/mine", bearer_header()).status_code == 503
    assert made.ran == []
    with pytest.raises(SettingError, match="before_request_funcs"):
        made.stopper.seal()


def test_a_hook_is_put_before_the_guard(made: Made) -> None:
    made.route("/mine", bearer, "mine")
    made.app.before_request_funcs[None].insert(0, lambda: "leak")
    with pytest.raises(SettingError, match="stands before"):
        made.stopper.seal()


def test_a_later_hook_changes_the_route_that_was_judged(made: Made) -> None:
    made.route("/open", public, "open")
    made.route("/mine", bearer, "mine")

    @made.app.before_request
    def swap() -> None:
        request.url_rule = next(rule for rule in made.app.url_map.iter_rules() if rule.endpoint == "mine")

    assert made.get("/open").status_code == 503
    assert made.ran == []


def test_a_principal_is_carried_into_a_mounted_application(made: Made) -> None:
    inner = Flask("inner")
    Stopper(inner)

    @inner.get("/who")
    @public
    def inside() -> str:
        return str(bool(current_principal))

    @made.app.get("/who")
    @bearer
    def outside() -> Any:
        answer = Response.from_app(inner.wsgi_app, request.environ)
        return f"{answer.get_data(as_text=True)} {current_principal.subject}"

    assert made.get("/who", bearer_header()).data == b"False alice"


@pytest.mark.parametrize("first", [True, False])
def test_two_covers_whose_functions_have_one_name(made: Made, first: bool) -> None:
    made.app.add_url_rule("/x", "docs.x", lambda: "x")
    made.stopper.cover("docs.x", bearer & where(lambda principal: first))
    made.stopper.cover("docs.*", bearer & where(lambda principal: not first))
    with pytest.raises(PolicyError, match="covered twice"):
        made.stopper.seal()
    assert made.get("/x", bearer_header()).status_code == 503


class _Journal:
    def after(self, seq: int) -> list[Revocation]:
        return []


@pytest.mark.parametrize("sid", [{"a": 1}, [{"a": 1}], [[]], 5, None])
def test_a_session_id_of_an_odd_shape_is_no_crash(sid: object) -> None:
    revocations = Revocations(_Journal(), SetClock(NOW), token_lifetime=900)  # type: ignore[arg-type]
    made = Made(revocations=revocations)
    made.route("/mine", bearer, "mine")
    assert made.get("/mine", bearer_header(sid=sid)).status_code == 200


def test_a_token_seen_before_beside_a_second_credential_is_still_refused(made: Made) -> None:
    """What is remembered must not shorten the reading of the headers."""
    made.route("/mine", bearer, "mine")
    made.route("/both", bearer & api_key, "both")
    shown = bearer_header()
    assert made.get("/mine", shown).status_code == 200
    key = ("X-API-Key", made.keys.issue("alice", name="n").key.reveal())
    assert made.get("/mine", shown, key).status_code == 400
    assert made.get("/mine", shown, ("X-API-Key", "")).status_code == 400
    assert made.get("/both", shown).status_code == 401
    assert made.get("/both", shown, key).status_code == 200
    for spoiled in (f"{shown[1]} ", f"{shown[1]},x", f" {shown[1]}", f"{shown[1]}=", f"Bearer  {shown[1][7:]}x"):
        assert made.get("/mine", environ_overrides={"HTTP_AUTHORIZATION": spoiled}).status_code in (400, 401)


def test_an_answer_with_headers_of_its_own_keeps_ours_and_no_cache(made: Made) -> None:
    @made.app.get("/mine")
    @bearer
    def mine() -> Any:
        return "x", {"Cache-Control": "public, max-age=60", "X-Frame-Options": "SAMEORIGIN"}

    answer = made.get("/mine", bearer_header())
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert answer.headers.getlist("X-Frame-Options") == ["SAMEORIGIN"]
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert "Authorization" in answer.headers["Vary"]


def test_asking_for_what_nobody_judged_does_not_fill_the_log(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    made.route("/mine", bearer, "mine")
    clear(made.app)
    for _ in range(5):
        assert made.get("/mine").status_code == 503
    assert sum("nobody had judged" in record.getMessage() for record in caplog.records) == 1


def test_request_ids_never_come_twice_in_threads_or_forked_children() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: response_headers.new_request_id(), range(5_000)))
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
    response_headers.new_request_id()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, "".join(response_headers.new_request_id() for _ in range(64)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        said = answer.read()
    of_child = {said[start : start + 32] for start in range(0, len(said), 32)}
    assert len(of_child) == 64
    assert of_child.isdisjoint({response_headers.new_request_id() for _ in range(64)})


def test_a_class_of_application_that_answers_what_no_rule_matched() -> None:
    class Hidden(Flask):
        def dispatch_request(self) -> Any:
            return "leak" if request.path == "/hidden" else super().dispatch_request()

    app = Hidden("hidden")
    Stopper(app)
    app.add_url_rule("/open/", "open", public(lambda: "open"))
    client = app.test_client()
    assert client.get("/hidden").status_code == 404
    assert client.get("/open/").data == b"open"
    assert client.get("/open").status_code == 308
    assert client.post("/open/").status_code == 405
