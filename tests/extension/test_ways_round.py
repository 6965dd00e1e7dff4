"""Ways round limits, keys and policies that somebody tried; each is closed."""

import io
import json
import os
from collections import UserDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Blueprint, Response, jsonify, request, send_file
from tests.extension.made import Made, bearer_header
from werkzeug.wrappers import Response as WerkzeugResponse

from stopper import (
    Principal,
    SettingError,
    accepts,
    api_key,
    bearer,
    fields,
    gives,
    limit,
    loads,
    owner,
    public,
    where,
)
from stopper.extension.limits_count import RequestLimits


@pytest.fixture
def made() -> Made:
    return Made()


def _behind(header: str, said: str) -> dict[str, Any]:
    name = "HTTP_" + header.upper().replace("-", "_")
    return {"environ_overrides": {"REMOTE_ADDR": "10.0.0.1", name: said}}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("X-Forwarded-For", "1" * 5000 + ", 203.0.113.9"),
        ("X-Forwarded-For", "unknown"),
        ("Forwarded", 'for="x, for=203.0.113.9'),
        ("Forwarded", "for=1.1.1.1;for=2.2.2.2, for=203.0.113.9"),
        ("Forwarded", "for=1.1.1.1" + ";by=x" * 2000 + ", for=203.0.113.9"),
    ],
)
def test_a_client_that_garbles_the_forwarded_header_does_not_become_the_proxy(header: str, said: str) -> None:
    made = Made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8", "STOPPER_FORWARDED_HEADER": header})
    made.route("/inside", api_key)
    key = made.keys.issue("ann", name="inside", addresses=["10.0.0.0/8"]).key.reveal()
    assert made.get("/inside", ("X-API-Key", key), **_behind(header, said)).status_code == 401
    assert made.get("/inside", ("X-API-Key", key), environ_overrides={"REMOTE_ADDR": "10.0.0.7"}).status_code == 200


def test_a_header_that_grows_too_long_gives_no_new_address() -> None:
    made = Made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8"})
    made.route("/contact", lambda view: limit("1/hour", by="address")(public(view)))
    answers = [made.get("/contact", **_behind("X-Forwarded-For", said + "203.0.113.9")).status_code for said in ("", "1.1.1.1, " * 500)]  # fmt: skip
    assert answers == [200, 429]


def test_a_view_that_is_named_like_files_is_counted() -> None:
    made = Made({"STOPPER_RATE_LIMIT": "1/hour"})
    blueprint = Blueprint("reports", "reports")
    blueprint.add_url_rule("/report", "static", public(lambda: "rows"))
    made.app.register_blueprint(blueprint)
    assert [made.get("/report").status_code for _ in range(2)] == [200, 429]


def test_who_makes_keys_with_ever_new_limits_fills_no_memory(made: Made) -> None:
    limits: RequestLimits = made.app.extensions["stopper"].limits
    with made.app.test_request_context("/") as context:
        for number in range(1, 3000):
            key = Principal("ann", "api_key", claims={"stopper_rate_limit": f"{number}/hour"}, credential_id="k")
            assert limits.count((), context.request, key, known=True)[0] is None
    assert len(limits._of_keys._meters) == 1000
    assert not limits._own._meters


def test_one_limit_in_two_spellings_is_one_counter(made: Made) -> None:
    limits: RequestLimits = made.app.extensions["stopper"].limits
    with made.app.test_request_context("/") as context:
        found = [
            limits.count(
                (),
                context.request,
                Principal("ann", "api_key", claims={"stopper_rate_limit": said}, credential_id="k"),
                known=True,
            )[0]
            for said in ("1/hour", "1 per 60 minutes")
        ]
    assert [refusal is None for refusal in found] == [True, False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_child_is_not_held_by_a_lock_that_a_thread_of_its_parent_had(made: Made) -> None:
    made.route("/a", lambda view: limit("1/hour", by="address")(public(view)))
    limits: RequestLimits = made.app.extensions["stopper"].limits
    made.get("/a")
    with limits._lock:
        child = os.fork()
        if not child:
            os._exit(0 if limits._lock.acquire(timeout=5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("name", ["kind", "function", "values", "named"])
def test_an_argument_of_the_url_may_have_any_name(made: Made, name: str) -> None:
    made.route(f"/a/<{name}>", bearer & loads(note=lambda **given: given) & where(lambda _, **known: name in known))
    made.route(f"/b/<{name}>", bearer & owner(lambda **given: str(given[name])))
    assert made.get("/a/x", bearer_header(sub="ann")).status_code == 200
    assert [made.get(f"/b/{who}", bearer_header(sub="ann")).status_code for who in ("ann", "bob")] == [200, 403]


async def _later(**_: str) -> dict[str, str]:
    return {"owner_id": "ann"}


class _Future:
    def __await__(self) -> Any:
        yield {"owner_id": "ann"}


async def _one_by_one(**_: str) -> Any:
    yield {"owner_id": "ann"}


@pytest.mark.parametrize("load", [lambda **_: _later(), lambda **_: _Future(), _one_by_one])
def test_what_would_have_to_be_awaited_is_no_object(made: Made, load: Any, caplog: pytest.LogCaptureFixture) -> None:
    made.route("/notes/<note_id>", bearer & loads(note=load))
    assert made.get("/notes/1", bearer_header(sub="ann")).status_code == 403
    assert "never awaited" in caplog.text
    assert made.ran == []


class _Lazy(UserDict[str, str]):
    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError(key)


def test_an_object_whose_member_cannot_be_read_is_nobodys(made: Made) -> None:
    made.route("/notes/<note_id>", bearer & loads(note=lambda **_: _Lazy()) & owner("note.owner_id"))
    assert made.get("/notes/1", bearer_header(sub="ann")).status_code == 403


# -- field filters ----------------------------------------------------------------------------------------------------------------


class _JsonByNature(Response):
    default_mimetype = "application/json"


@dataclass
class _Person:
    name: str
    password: str


_PERSON = {"name": "ann", "password": "s"}
_TEXT = json.dumps(_PERSON)
_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "answer",
    [
        lambda: (_TEXT, 200, _JSON),
        lambda: (_TEXT.encode(), _JSON),
        lambda: (iter([_TEXT[:9], _TEXT[9:]]), 200, _JSON),
        lambda: WerkzeugResponse(_TEXT, content_type="application/json"),
        lambda: (Response(_TEXT), 200, _JSON),
        lambda: (jsonify(_PERSON), 201),
        lambda: send_file(io.BytesIO(_TEXT.encode()), mimetype="application/json"),
        lambda: Response(_TEXT, content_type="application/vnd.api+json"),
    ],
)
def test_however_json_is_written_only_named_members_leave(made: Made, answer: Callable[[], Any]) -> None:
    made.app.add_url_rule("/me", "me", public(gives(fields("name"))(answer)))
    shown = made.get("/me")
    assert shown.status_code in (200, 201)
    assert shown.get_json(force=True) == {"name": "ann"}


def test_an_application_whose_texts_are_json_is_filtered(made: Made) -> None:
    made.app.response_class = _JsonByNature
    made.app.add_url_rule("/me", "me", public(gives(fields("name"))(lambda: _TEXT)))
    assert made.get("/me").json == {"name": "ann"}


def test_an_object_that_a_framework_would_write_is_filtered(made: Made) -> None:
    view: Callable[[], Any] = lambda: (_Person("ann", "s"), 200)  # noqa: E731
    filtered = gives(fields("name"))(view)
    with made.app.test_request_context("/"):
        assert filtered() == ({"name": "ann"}, 200)


def test_text_that_is_no_json_stays(made: Made) -> None:
    made.app.add_url_rule("/me", "me", public(gives(fields("name"))(lambda: ("{a page}", 200, {"X-Note": "1"}))))
    assert made.get("/me").text == "{a page}"


def test_a_form_in_chunks_that_is_none_does_not_reach_a_view(made: Made) -> None:
    """A hook that has read the body before leaves it there for a view that takes any body for JSON."""
    made.app.before_request(lambda: [request.get_data(), None][1])

    def view() -> Any:
        made.ran.append("view")
        return request.get_json(force=True)

    made.app.add_url_rule("/me", "me", public(accepts(fields("name"))(view)), methods=["POST"])
    answer = made.app.test_client().post(
        "/me", input_stream=io.BytesIO(b'{"admin":true}'), content_type="multipart/form-data; boundary=b",
        environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    )  # fmt: skip
    assert (answer.status_code, made.ran) == (400, [])


def test_a_form_has_no_text_in_the_place_of_an_object(made: Made) -> None:
    taken = accepts(fields("name", address=fields("street")))(lambda: "ran")
    made.app.add_url_rule("/me", "me", public(taken), methods=["POST"])
    client = made.app.test_client()
    assert [client.post("/me", data={name: "x"}).status_code for name in ("name", "address")] == [200, 422]


@pytest.mark.parametrize("filter_", [accepts(fields("name")), gives(fields("name"))])
def test_a_filter_above_the_route_would_not_be_asked_and_is_refused(made: Made, filter_: Any) -> None:
    @made.app.post("/me")
    @bearer
    def me() -> Any:
        return {}

    filter_(me)  # as a decorator that stands on top of the others does
    with pytest.raises(SettingError, match="below the route"):
        made.stopper.seal()
    assert made.get("/me", bearer_header(), method="POST").status_code == 503


def test_filters_below_the_route_are_no_fault(made: Made) -> None:
    @made.app.post("/me")
    @bearer
    @accepts(fields("name"))
    @gives(fields("name"))
    def me() -> Any:
        return {}

    made.stopper.seal()
