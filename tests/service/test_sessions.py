"""A person sees and ends their own sessions and nobody else's; whoever holds a token may end it (RFC 7009)."""

import dataclasses

import pytest
from flask.testing import FlaskClient
from tests.servers.service import PASSWORD

from stopper.core.errors import StoreUnavailableError
from stopper.service import Accounts, create_app

FORM = "application/x-www-form-urlencoded"


def _log_in(client: FlaskClient, name: str = "ann", device: str | None = None) -> dict[str, str]:
    person = {"email": f"{name}@example.com", "password": PASSWORD}
    client.post("/auth/register", json=person)
    found = client.post("/auth/login", json={**person, **({"device": device} if device else {})}).json
    assert found
    return found


def _as(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def _sessions(client: FlaskClient, tokens: dict[str, str]) -> list[dict]:
    found = client.get("/auth/sessions", headers=_as(tokens)).json
    assert found
    return found["sessions"]


def test_where_one_is_logged_in(client: FlaskClient) -> None:
    phone = _log_in(client, device="phone")
    desk = _log_in(client, device="desk")
    _log_in(client, "bob")
    client.post("/auth/refresh", json={"refresh_token": phone["refresh_token"], "device": "phone"})
    shown = _sessions(client, desk)
    assert [(one["device"], one["current"]) for one in shown] == [("phone", False), ("desk", True)]
    assert shown[0]["last_used_at"] >= shown[0]["created_at"]
    assert shown[1]["last_used_at"] is None
    assert "refresh_token" not in str(shown)


def test_ending_one_ends_its_tokens_of_both_kinds(client: FlaskClient) -> None:
    phone, desk = _log_in(client, device="phone"), _log_in(client, device="desk")
    lost = next(one["id"] for one in _sessions(client, desk) if not one["current"])
    assert client.delete(f"/auth/sessions/{lost}", headers=_as(desk)).status_code == 204
    assert client.get("/auth/me", headers=_as(phone)).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": phone["refresh_token"]}).status_code == 401
    assert [one["device"] for one in _sessions(client, desk)] == ["desk"]
    assert client.delete(f"/auth/sessions/{lost}", headers=_as(desk)).status_code == 404


def test_a_session_of_somebody_else_looks_like_none(client: FlaskClient) -> None:
    ann, bob = _log_in(client), _log_in(client, "bob")
    (of_ann,) = _sessions(client, ann)
    other = client.delete(f"/auth/sessions/{of_ann['id']}", headers=_as(bob))
    nobody = client.delete("/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA", headers=_as(bob))
    assert (other.status_code, other.data) == (nobody.status_code, nobody.data)
    assert other.status_code == 404
    assert client.get("/auth/me", headers=_as(ann)).status_code == 200


def test_ending_all_others_keeps_the_one_that_asks(client: FlaskClient) -> None:
    others = [_log_in(client) for _ in range(3)]
    here = _log_in(client)
    assert client.delete("/auth/sessions", headers=_as(here)).status_code == 204
    assert [client.get("/auth/me", headers=_as(one)).status_code for one in others] == [401] * 3
    assert client.get("/auth/me", headers=_as(here)).status_code == 200


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_is_ended_whatever_the_hint_says(client: FlaskClient, kind: str, hint: str | None) -> None:
    tokens = _log_in(client)
    answer = client.post("/oauth/revoke", data={"token": tokens[kind], **({"token_type_hint": hint} if hint else {})})
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", "no-store")
    assert client.get("/auth/me", headers=_as(tokens)).status_code == 401
    refreshed = client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code
    assert refreshed == (401 if kind == "refresh_token" else 200), "an access token ends alone (RFC 7009 §2.1)"


def test_a_token_of_nobody_is_answered_like_any_other(client: FlaskClient) -> None:
    tokens = _log_in(client)
    head, payload, signature = tokens["access_token"].split(".")
    forged = ".".join((head, payload, signature[::-1]))
    good = client.post("/oauth/revoke", data={"token": _log_in(client)["access_token"]})
    for token in ("x", forged, "A" * 43, "a.b.c", "ü", "A" * 8192):
        answer = client.post("/oauth/revoke", data={"token": token})
        assert (answer.status_code, answer.data) == (good.status_code, good.data)
    assert client.get("/auth/me", headers=_as(tokens)).status_code == 200, "a forged token ends nothing"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": ""}, 400),
        ({"data": "token="}, 400),
        ({"data": "token=a&token=b"}, 400),
        ({"data": "token=" + "a" * 9000}, 400),
        ({"data": "token=%FF"}, 400),
        ({"data": b"token=\xc3\xbc"}, 400),
        ({"data": "&".join(f"x{n}=1" for n in range(40)) + "&token=a"}, 400),
        ({"data": "token=a", "query_string": "token=b"}, 400),
        ({"json": {"token": "a"}}, 415),
        ({"data": "token=a", "headers": {"Authorization": "Basic eDp5"}}, 401),
        ({"data": "token=a&" + "y" * 70_000}, 413),
    ],
)
def test_what_is_no_request_is_told_the_way_of_oauth(client: FlaskClient, sent: dict, status: int) -> None:
    given = {} if "json" in sent else {"content_type": FORM}
    answer = client.post("/oauth/revoke", **given, **sent)
    assert answer.status_code == status
    assert answer.json
    assert answer.json["error"] in ("invalid_request", "invalid_client")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_without_the_store_it_is_503_and_never_200(accounts: Accounts, client: FlaskClient, kind: str) -> None:
    """CVE-2020-15223 (fosite): revocation said 200 while the storage had failed."""
    tokens = _log_in(client)

    class Down:
        def __getattr__(self, name: str) -> object:
            def fails(*_: object, **__: object) -> object:
                raise StoreUnavailableError

            return fails

    broken = dataclasses.replace(
        accounts, refresh=Down() if kind == "refresh_token" else accounts.refresh, revocations=Down()
    )  # type: ignore[arg-type]
    answer = create_app(broken, mode="dev").test_client().post("/oauth/revoke", data={"token": tokens[kind]})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert client.get("/auth/me", headers=_as(tokens)).status_code == 200
