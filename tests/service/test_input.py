"""Whatever is sent to an endpoint, it answers with what is wrong and never with 500."""

import json

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.servers.service import PASSWORD

GOOD = {
    "/auth/register": {"email": "ann@example.com", "password": PASSWORD},
    "/auth/login": {"email": "ann@example.com", "password": PASSWORD, "device": "phone"},
    "/auth/refresh": {"refresh_token": "a" * 43, "device": "phone"},
    "/auth/password/change": {"current_password": PASSWORD, "new_password": "copper lantern seven rivers"},
}
FIELDS = [(path, name) for path, body in GOOD.items() for name in body]


@pytest.fixture
def token(client: FlaskClient) -> str:
    client.post("/auth/register", json=GOOD["/auth/register"])
    answer = client.post("/auth/login", json=GOOD["/auth/login"]).json
    assert answer
    return answer["access_token"]


def _post(client: FlaskClient, path: str, token: str, **what):
    # A token is shown where the endpoint wants one; the public ones ignore it.
    return client.post(path, headers={"Authorization": f"Bearer {token}"}, **what)


def _problem(answer, status: int, field: str | None = None) -> None:
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert body["status"] == status
    if field:
        assert [wrong["field"] for wrong in body["errors"]] == [field]
        assert field in body["detail"]


@pytest.mark.parametrize(("path", "name"), FIELDS)
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"], "x" * 2000])
def test_a_field_of_the_wrong_type_or_size_is_named(
    client: FlaskClient, token: str, path: str, name: str, value: object
) -> None:
    _problem(_post(client, path, token, json={**GOOD[path], name: value}), 400, name)


@pytest.mark.parametrize(("path", "name"), [pair for pair in FIELDS if pair[1] != "device"])
def test_a_missing_field_is_named(client: FlaskClient, token: str, path: str, name: str) -> None:
    _problem(
        _post(client, path, token, json={key: value for key, value in GOOD[path].items() if key != name}), 400, name
    )


@pytest.mark.feature("F25")
@pytest.mark.parametrize("path", [*GOOD, "/auth/logout"])
@pytest.mark.parametrize("name", ["userId", "roles", "is_admin", "", "__proto__", "x" * 500])
def test_an_unknown_field_is_named_and_nothing_is_set_by_it(
    client: FlaskClient, token: str, path: str, name: str
) -> None:
    """CVE-2025-61928 (better-auth): the subject was taken from the body."""
    _problem(_post(client, path, token, json={**GOOD.get(path, {}), name: "x"}), 400, name[:64])


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b'{"email": "a@example.com", "email": "b@example.com"}', "twice"),
        (b'{"email": NaN}', "number"),
        (b'{"email": 1e999}', "number"),
        (b'\xef\xbb\xbf{"email": "a"}', "JSON"),
        (b'{"email": "\xff"}', "UTF-8"),
        (b'{"email": "\\ud800"}', "half"),
        (b'{"email": "\\u0000"}', "NUL"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deep"),
    ],
)
def test_a_body_that_is_no_good_json_says_why(
    client: FlaskClient, token: str, path: str, body: bytes, said: str
) -> None:
    answer = _post(client, path, token, data=body, content_type="application/json")
    _problem(answer, 400)
    assert said in answer.json["detail"]


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""]
)
def test_another_content_type_is_415(client: FlaskClient, token: str, path: str, kind: str) -> None:
    _problem(_post(client, path, token, data=json.dumps(GOOD[path]), content_type=kind), 415)


@pytest.mark.parametrize("path", GOOD)
def test_a_body_beyond_64_kib_is_413(client: FlaskClient, token: str, path: str) -> None:
    body = json.dumps({**GOOD[path], "padding": "x" * 65536})
    _problem(_post(client, path, token, data=body, content_type="application/json"), 413)


@pytest.mark.parametrize("path", [*GOOD, "/auth/logout"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_405_and_no_get_gives_a_credential(client: FlaskClient, path: str, method: str) -> None:
    """CVE-2021-21241 (Flask-Security-Too): GET /login returned the token."""
    answer = client.open(path, method=method, json=GOOD.get(path))
    assert answer.status_code == 405
    assert b"token" not in answer.data


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_bodies = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(
        st.sampled_from(["email", "password", "device", "refresh_token", "x"]) | st.text(max_size=9),
        _values,
        max_size=6,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.feature("F25")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(path=st.sampled_from(["/auth/register", "/auth/login", "/auth/refresh"]), body=_bodies)
def test_any_bytes_are_answered_without_a_fault_of_ours(client: FlaskClient, path: str, body: bytes) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    assert answer.status_code in (201, 400, 401, 429), (answer.status_code, body)


def test_an_address_that_is_none_and_a_weak_password_are_named(client: FlaskClient) -> None:
    _problem(client.post("/auth/register", json={"email": "ann", "password": PASSWORD}), 400, "email")
    _problem(
        client.post("/auth/register", json={"email": "ann@example.com", "password": "passwordpassword"}),
        400,
        "password",
    )
    _problem(client.post("/auth/register", json={"email": "ann@example.com", "password": "short"}), 400, "password")


def test_answers_never_show_what_was_sent(client: FlaskClient) -> None:
    answer = client.post(
        "/auth/register", json={"email": "ann@example.com", "password": "hunter2hunter2", "x": "hunter3"}
    )
    assert b"hunter" not in answer.data
