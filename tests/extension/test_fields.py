"""Members that nobody named do not come in, and do not go out: JSON, forms, nested, lists, by who acts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Response, jsonify, request
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.extension.made import Made, bearer_header

from stopper import PolicyError, accepts, bearer, fields, gives, principal_optional, public, role, scope
from stopper.auth.field_filter import Fields

ALLOWED = fields(
    "title", "tags", pinned=role("editor"), address=fields("street", owner=role("admin")), meta=..., notes=(scope("w"), fields("text"))
)  # fmt: skip


class Posted:
    """One application whose view gives back what it read."""

    def __init__(self, allowed: Fields = ALLOWED, policy: Any = bearer, **config: Any) -> None:
        self.made = Made(config)
        self.read: list[object] = []

        @accepts(allowed)
        def view() -> Any:
            self.read.append(request.get_json(force=True, silent=True) or dict(request.form))
            return {}

        self.made.app.add_url_rule("/x", "x", policy(view), methods=["POST", "PATCH"])

    def send(self, *, who: dict[str, Any] | None = None, **options: Any) -> Any:
        shown = [bearer_header(**(who or {}))]
        return self.made.app.test_client().post("/x", headers=shown, **options)

    def names(self, *, who: dict[str, Any] | None = None, **options: Any) -> list[str]:
        answer = self.send(who=who, **options)
        assert answer.status_code == 422, answer.data
        assert not self.read
        return [one["field"] for one in answer.json["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": "a", "tags": ["b", 1, None, True]},
        {"title": None},
        {"address": {"street": "x"}},
        {"address": None},
        {"address": [{"street": "x"}, {}]},
        {"meta": {"any": [{"thing": 1}]}},
        [{"title": "a"}, {"title": "b"}],
        [],
    ],
)
def test_what_was_named_comes_in(body: object) -> None:
    posted = Posted()
    assert posted.send(json=body).status_code == 200
    assert posted.read == [body or {}]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"is_admin": True}, ["is_admin"]),
        ({"title": "a", "role": "admin", "id": 1}, ["id", "role"]),
        ({"pinned": True}, ["pinned"]),
        ({"address": {"street": "x", "city": "y"}}, ["address.city"]),
        ({"address": {"owner": "eve"}}, ["address.owner"]),
        ({"address": "street"}, ["address"]),
        ({"address": [["street"]]}, ["address"]),
        ({"title": {"is_admin": True}}, ["title"]),
        ({"title": [{"is_admin": True}]}, ["title"]),
        ({"title": [["a"]]}, ["title"]),
        ({"notes": {"text": "a"}}, ["notes"]),
        ([{"title": "a"}, {"role": "x"}], ["role"]),
        ([1, "a"], ["the body"]),
        ({"Title": "a"}, ["Title"]),
        ({"tit\u200ble": "a"}, ["tit?le"]),
        ({"\uff49\uff53\uff3f\uff41\uff44\uff4d\uff49\uff4e": 1}, ["\uff49\uff53\uff3f\uff41\uff44\uff4d\uff49\uff4e"]),
    ],
)
def test_what_was_not_named_is_refused_by_name(body: object, names: list[str]) -> None:
    assert Posted().names(json=body) == names


def test_an_unknown_member_and_one_that_others_may_set_look_alike() -> None:
    posted = Posted()
    unknown, forbidden = posted.send(json={"aaaaaa": 1}), posted.send(json={"pinned": 1})
    assert unknown.data.replace(b"aaaaaa", b"pinned") == forbidden.data
    assert unknown.status_code == forbidden.status_code == 422


def test_who_may_sets_it() -> None:
    posted = Posted()
    assert posted.send(json={"pinned": True}, who={"roles": ["editor"]}).status_code == 200
    assert posted.send(json={"address": {"owner": "eve"}}, who={"roles": ["admin"]}).status_code == 200
    assert posted.send(json={"notes": [{"text": "a"}]}, who={"scope": "w"}).status_code == 200
    assert posted.send(json={"notes": [{"is_admin": 1}]}, who={"scope": "w"}).status_code == 422


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b'{"title": 1, "title": 2}', "application/json", 400),
        (b'{"title": NaN}', "application/json", 400),
        (b'{"title": 1} x', "application/json", 400),
        (b"\xff\xfe{\x00}\x00", "application/json", 400),
        (b"[" * 100, "application/json", 400),
        (b'"title"', "application/json", 400),
        (b'{"is_admin": true}', "text/plain", 415),
        (b'{"is_admin": true}', "", 415),
        (b'{"is_admin": true}', "application/octet-stream", 415),
        (b'{"is_admin": true}', "application/x-www-form-urlencoded", 422),
        (b'{"is_admin": true}', "application/vnd.x+json", 422),
        (b'{"is_admin": true}', "application/json; charset=utf-7", 422),
        (b'{"is_admin": true}', "multipart/form-data", 400),
        (b'{"is_admin": true}', "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_body_that_cannot_be_judged_does_not_reach_the_view(raw: bytes, kind: str, status: int) -> None:
    posted = Posted()
    assert posted.send(data=raw, content_type=kind).status_code == status
    assert not posted.read


def test_forms_and_files_are_judged_by_their_names() -> None:
    posted = Posted(fields("title", "picture"))
    assert posted.send(data={"title": "a"}).status_code == 200
    posted.read.clear()
    assert posted.names(data={"title": "a", "is_admin": "1"}) == ["is_admin"]
    import io

    assert posted.names(data={"picture": (io.BytesIO(b"x"), "a.png"), "other": (io.BytesIO(b"x"), "b.png")}) == [
        "other"
    ]
    assert posted.names(data={"address[owner]": "eve"}) == ["address[owner]"]


def test_no_body_is_no_member() -> None:
    assert Posted().send().status_code == 200


def test_nobody_in_particular_meets_no_requirement() -> None:
    posted = Posted(policy=principal_optional(bearer))
    client = posted.made.app.test_client()
    assert client.post("/x", json={"title": "a"}).status_code == 200
    assert client.post("/x", json={"pinned": True}).status_code == 422
    open_door = Posted(policy=public).made.app.test_client()
    assert open_door.post("/x", json={"pinned": True}).status_code == 422


def test_the_guard_decides_before_the_body_is_read() -> None:
    posted = Posted()
    assert posted.made.app.test_client().post("/x", json={"is_admin": 1}).status_code == 401


def test_the_envelope_of_the_application() -> None:
    found = Posted(STOPPER_ENVELOPE="status").send(json={"is_admin": 1})
    assert found.status_code == 422
    assert found.json["status"] == "failed"
    assert found.json["error"]["fields"][0]["field"] == "is_admin"


def test_many_names_are_told_in_part() -> None:
    assert len(Posted().names(json={f"n{number}": 1 for number in range(200)})) == 8


async def _later() -> Any:
    return {"title": "a", "secret": "b"}


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


ROW = {
    "title": "a",
    "password_hash": "x",
    "pinned": True,
    "address": {"street": "s", "owner": "o", "city": "c"},
    "tags": [1, {"a": 1}],
}


def shown(view: Any, *, allowed: Fields = ALLOWED, **who: Any) -> Any:
    made = Made()
    made.app.add_url_rule("/x", "x", bearer(gives(allowed)(view)))
    return made.app.test_client().get("/x", headers=[bearer_header(**who)])


def test_only_what_was_named_goes_out() -> None:
    assert shown(lambda: ROW).json == {"title": "a", "address": {"street": "s"}}
    assert shown(lambda: [ROW, ROW]).json == [{"title": "a", "address": {"street": "s"}}] * 2
    assert shown(lambda: ROW, roles=["editor", "admin"]).json == {
        "title": "a", "pinned": True, "address": {"street": "s", "owner": "o"}
    }  # fmt: skip


@pytest.mark.parametrize(
    "view",
    [
        lambda: jsonify(ROW),
        lambda: (ROW, 201),
        lambda: (ROW, {"X-A": "1"}),
        lambda: (ROW, 201, {"X-A": "1"}),
        lambda: (jsonify(ROW), 202),
        lambda: Response(json.dumps(ROW), content_type="application/vnd.x+json"),
        lambda: Response(
            iter([json.dumps(ROW).encode()[:9], json.dumps(ROW).encode()[9:]]), content_type="application/json"
        ),
    ],
)
def test_however_the_view_answers(view: Any) -> None:
    answer = shown(view)
    assert answer.json == {"title": "a", "address": {"street": "s"}}
    assert int(answer.headers.get("Content-Length", len(answer.data))) == len(answer.data)


def test_what_a_provider_turns_into_members_is_filtered_too() -> None:
    from dataclasses import dataclass

    @dataclass
    class Person:
        street: str = "s"
        owner: str = "o"

    assert shown(lambda: {"address": Person()}).json == {"address": {"street": "s"}}


def test_errors_and_other_media_types_stay_as_they_are() -> None:
    assert shown(lambda: ({"reason": "x"}, 409)).json == {"reason": "x"}
    assert shown(lambda: "<p>hello</p>").text == "<p>hello</p>"
    made = Made()
    made.app.add_url_rule("/x", "x", bearer(gives(ALLOWED)(lambda: request.get_json())))
    assert made.app.test_client().get("/x", headers=[bearer_header()]).status_code == 415


def test_a_view_that_waits_is_filtered_too() -> None:
    pytest.importorskip("asgiref")
    assert shown(_later).json == {"title": "a"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fields("a", "a"),
        lambda: fields("a", a=role("x")),
        lambda: fields(""),
        lambda: fields(a="x"),  # type: ignore[arg-type]
        lambda: fields(a=(role("x"), role("y"))),  # type: ignore[arg-type]
        lambda: fields(a=(fields("b"), ...)),  # type: ignore[arg-type]
        lambda: accepts(["a"]),  # type: ignore[arg-type]
        lambda: gives(fields("a"))(type("View", (), {})),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_module_loads(wrong: Any) -> None:
    with pytest.raises(PolicyError):
        wrong()


NAMES = st.sampled_from(["title", "tags", "pinned", "address", "street", "owner", "is_admin", "meta2"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def members(value: object, allowed: Fields, path: str = "") -> Iterator[str]:
    """Every path to a member in *value*, as far as *allowed* describes objects."""
    if isinstance(value, list):
        for item in value:
            yield from members(item, allowed, path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}{name}"
            rule = allowed.rules.get(name)
            yield from members(
                inner, rule.inside if rule is not None and rule.inside else fields("-"), f"{path}{name}."
            )


@given(JSON)
@settings(max_examples=400)
def test_whatever_is_sent_only_named_members_pass_and_only_named_members_are_shown(value: object) -> None:
    open_to_all = {"title", "tags", "address", "address.street"}
    if isinstance(value, (dict, list)) and not list(ALLOWED.refused(value, None)):
        assert set(members(value, ALLOWED)) <= open_to_all
    assert set(members(ALLOWED.shown(value, None), ALLOWED)) <= open_to_all
