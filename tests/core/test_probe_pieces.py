"""What probes read out of foreign answers: never a crash, whatever the bytes, and the right pieces."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.naming import as_parameter
from stopper.core.personal import addresses_in, is_personal, mentions_personal, people_in
from stopper.core.probe import Target
from stopper.core.probing.accounts.login import asks_basic, lets_in, token_in, understood
from stopper.core.probing.baseline import alike, form, same
from stopper.core.probing.provoke import variations
from stopper.core.probing.secret import signs
from stopper.core.probing.things.objects import as_id, entries, ids, marked, texts
from stopper.core.secret import Secret
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_any_json_is_read_without_a_fault(value: object) -> None:
    response = Response(200, (("Content-Type", "application/json"),), json.dumps(value).encode())
    assert same(response, response)
    hash(form(value))
    list(ids(value, "note_id"))
    list(people_in(value))
    assert all(isinstance(entry, dict) and texts(entry) >= 0 for entry in entries(value))
    token_in(response)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_compared_without_a_fault_and_in_both_directions_alike(left: bytes, right: bytes) -> None:
    first, second = Response(200, body=left), Response(200, body=right)
    assert same(first, second) == same(second, first)
    assert alike(first, second) == alike(second, first)
    assert not lets_in(first)


@given(st.binary(max_size=200))
def test_any_body_is_marked_without_a_fault(body: bytes) -> None:
    request, marks = marked(Request("POST", "/notes", body=body, effect="write"), "canary")
    assert request.effect == "write"
    assert all(mark in request.body.decode() for mark in marks.values())


def test_only_free_texts_are_marked() -> None:
    body = json.dumps({"title": "x", "email": "a@example.com", "count": 3, "role": "user"}).encode()
    request, marks = marked(Request("POST", "/notes", body=body), "canary")
    said = json.loads(request.body)
    assert set(marks) == {"title"}
    assert said["title"].startswith("canary")
    assert (said["email"], said["count"], said["role"]) == ("a@example.com", 3, "user")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"id": 7, "text": "tea"}, ["7"]),
        ({"note_id": "ab-1", "id": 7}, ["ab-1"]),
        ({"note": {"id": 7}}, ["7"]),
        ({"id": True}, []),
        ({"id": "../../etc"}, []),
        ([{"id": 7}], []),
    ],
)
def test_the_id_of_an_object_is_found_and_nothing_that_leads_elsewhere(value: object, found: list[str]) -> None:
    assert list(ids(value, "note_id")) == found


def test_an_id_is_a_short_plain_text_or_number() -> None:
    assert as_id("a" * 129) is None
    assert as_id(1.5) is None
    assert as_id("6f1f6a0e") == "6f1f6a0e"


def test_names_that_are_about_people() -> None:
    assert all(map(is_personal, ("email", "user_email", "phone_number", "password_hash", "date_of_birth")))
    assert not any(map(is_personal, ("emails_sent", "title", "price", "telephone_box", "name")))
    assert mentions_personal("SELECT id, email FROM people")
    assert not mentions_personal("SELECT id, title FROM notes")
    assert list(people_in({"rows": [{"email": None}, {"email": ""}, {"email": "a@example.com"}]})) == ["email"]
    assert addresses_in("Write to A@Example.com!") == {"a@example.com"}


@pytest.mark.parametrize(("algorithm", "name"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_a_secret_is_known_by_the_signature_it_makes(algorithm: str, name: str) -> None:
    made = hmac.new(b"kettle", b"head.claims", getattr(hashlib, name)).digest()
    token = "head.claims." + base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    assert signs(token, algorithm, Secret("kettle"))
    assert not signs(token, algorithm, Secret("teapot"))
    assert not signs(token, "RS256", Secret("kettle"))


def test_a_refused_login_is_told_from_one_that_was_not_read() -> None:
    assert understood(Response(401))
    assert not any(understood(Response(status)) for status in (400, 404, 405, 415, 422, 500))
    assert asks_basic(Response(401, (("WWW-Authenticate", 'Basic realm="x"'),)))
    assert not asks_basic(Response(401, (("WWW-Authenticate", "Bearer"),)))


def test_names_that_a_view_may_read_are_guessed_in_one_request() -> None:
    """What a document names is varied alone; what nothing names costs one request, whatever the number of guesses."""
    route = Route("/notes", ("GET",), optional=("sort",))
    target = Target(App(), "wsgi", "http://localhost", "active", "deep", TokenForge(), HonestRequests(), canary="stp1")
    varied = [one.target for one in variations(target, route, Request("GET", "/notes?limit=5"))]
    assert [[name for name in ("limit", "sort", "page", "id") if f"{name}=stp1" in one] for one in varied] == [
        ["limit"], ["sort"], ["page", "id"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("id_user", "user_id"),
        ("idUser", "user_id"),
        ("id_cliente", "id_cliente"),
        ("id_token", "id_token"),
        ("id_note", "id_note"),
    ],
)
def test_whose_id_it_is_may_be_said_behind_it(name: str, said: str) -> None:
    assert as_parameter(name) == said


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ({"code": 201, "data": {"id": 7, "biller": "gas"}}, ["7"]),
        ({"code": 200, "message": "ok"}, []),
        ({"code": "A17", "data": {"id": 7}}, ["A17"]),
        ({"code": 7, "name": "ann"}, ["7"]),
    ],
)
def test_how_the_server_answered_is_no_id(said: dict[str, object], number: list[str]) -> None:
    """Many put the status of HTTP into the envelope of their answers."""
    assert list(ids(said, "bill_id")) == number
