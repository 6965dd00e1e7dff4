"""What says that it deletes, by its path, its query, its body or a header, is held to what DELETE is held to."""

import contextlib

import pytest
from tests.scan.wire.test_courier import Recorder, courier

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Mode, Skipped
from stopper.core.secret import Secret


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/notes/{}/delete", b""),
        ("/notes/delete/{}", b""),
        ("/deleteNote/{}", b"{}"),
        ("/api/remove_note?id={}", b""),
        ("/notes/remove", b'{"id": %s}'),
        ("/notes/remove", b'{"ids": [%s]}'),
        ("/notes/remove", b"id=%s"),
        ("/notes/{}?_method=DELETE", b""),
        ("/deletenote/{}", b""),
        ("/notes/manage?action=delete&id={}", b""),
        ("/notes/bulk", b'{"action": "delete", "ids": [%s]}'),
        ("/rpc", b'{"method": "note.delete", "note_id": %s}'),
        ("/notes/delete", b'{"noteIds": [%s]}'),
        ("/notes/{}/clear", b""),
    ],
)
def test_what_deletes_by_what_it_says_is_sent_to_what_the_scan_made_alone(path: str, body: bytes, method: str) -> None:
    mine = courier(Recorder(Response(201, body=b'{"id": 7}')), mode="active")
    mine.carry(Request("POST", "/notes", body=b"{}", effect="write"))

    def said(number: int) -> Request:
        said = body % b"%d" % number if b"%" in body else body
        return Request(method, path.format(number), body=said, effect="read" if method == "GET" else "write")

    if method == "GET" and b"%" in body:
        return  # a GET has no body
    assert mine.carry(said(7)).response.succeeded
    for other in (8, 77, 70):
        with pytest.raises(Skipped, match="itself created"):
            mine.carry(said(other))


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/notes/destroy-all", effect="write"),
        Request("POST", "/notes/remove", body=b'{"id": [7, 1]}', effect="write"),
        Request("POST", "/users/7/delete", effect="write"),
        Request("POST", "/users/ann/delete", effect="write"),
        Request("POST", "/users/7/notes/delete", effect="write"),
        Request("POST", "/notes/7/delete", body=b'{"ids": [1, 2]}', effect="write"),
        Request("POST", "/notes/delete", body=b'{"id": 7, "noteIds": [1, 2]}', effect="write"),
        Request("POST", "/notes/7/comments/delete", body=b'{"comment_id": 1}', effect="write"),
        Request("POST", "/account/delete", body=b'{"email": "ann@example.com"}', effect="write", identity="bob"),
        Request("GET", "/account/delete?user=ann", identity="bob"),
        Request("POST", "/plants/deleteall", effect="write"),
        Request("GET", "/wipe"),
        Request("POST", "/films/bulk", body=b'{"operation": "delete", "filmIds": [7]}', effect="write"),
        Request("POST", "/users/delete/ann", effect="write"),
        Request("POST", "/account/delete", effect="write"),
        Request("GET", "/%64elete/8"),
        Request("GET", "/notes/undelete/8"),
        Request("PUT", "/notes/8/deleted", effect="write"),
        Request("PATCH", "/notes/8/removed", body=b'{"removed": true}', effect="write"),
        Request("PUT", "/invoices/8/refunded", effect="write"),
        Request("GET", "/notes/8", headers=(("x-http-method-override", "delete"),), effect="write"),
    ],
)
def test_what_deletes_what_nobody_knows_to_be_the_scans_is_not_sent(request_: Request) -> None:
    mine = courier(Recorder(Response(201, body=b'{"id": 7}')), mode="active")
    mine.carry(Request("POST", "/notes", body=b"{}", effect="write"))
    with pytest.raises(Skipped, match=r"itself created|its path says"):
        mine.carry(request_)


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/notes/remove", body=b'{"id": "stp0123456789x1"}', effect="write"),
        Request("POST", "/account/delete", effect="write", identity="bob"),
        Request("GET", "/removed/8"),
        Request("GET", "/clearance/8"),
        Request("POST", "/notes", body=b'{"type": "delivery", "title": "delete me"}', effect="write"),
        Request("GET", "/deleted/8"),
        Request("GET", "/notes/deleted"),
        Request("POST", "/notes/related", effect="write"),
        Request("GET", "/delivery/8"),
    ],
)
def test_what_deletes_nothing_that_was_there_is_sent(request_: Request) -> None:
    assert courier(Recorder(), mode="active").carry(request_).response.succeeded


@pytest.mark.parametrize(
    "path",
    [
        "/deleteuser/3", "/deletenote?id=3", "/deleteaccount", "/closeaccount", "/notes/deleteall", "/notes/removeall", "/account/close", "/unregister",
        "/users/3/suspend", "/users/3/kill", "/flush", "/cleanup", "/notes/expunge", "/quit", "/me/leave",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["passive", "default"])
def test_a_get_that_takes_away_by_two_words_in_one_or_by_another_word_is_not_read(path: str, mode: Mode) -> None:
    with pytest.raises(Skipped, match="its path says"):
        courier(Recorder(), mode=mode).carry(Request("GET", path))


@pytest.mark.parametrize(
    "path", ["/deleted", "/removed/3", "/cleared", "/closest", "/disabled-users", "/banners", "/accounts", "/cancelled"]
)
def test_a_word_that_only_begins_like_a_deed_is_read(path: str) -> None:
    assert courier(Recorder(), mode="passive").carry(Request("GET", path)).response.succeeded


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/account/delete", "/account/remove", "/account/deletion", "/account/erase", "/account/close", "/profile/delete", "/me/anonymize", "/me/deactivate",
        "/users/me/disable", "/users/1/deactivate", "/delete-account", "/deleteaccount", "/closeaccount", "/unregister",
    ],
)  # fmt: skip
def test_no_account_of_somebody_given_is_ended(path: str, method: str) -> None:
    mine = courier(Recorder(), mode="active")
    mine.given.take_up([Identity("bob", (("Authorization", Secret("Bearer given-credential")),))])
    with pytest.raises(Skipped, match=r"end the account of bob|itself created|status of an account"):
        mine.carry(Request(method, path, effect="read" if method == "GET" else "write", identity="bob"))


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        (b'{"deleted": true}', True),
        (b'{"is_active": false}', True),
        (b'{"status": "closed"}', True),
        (b'{"deleted": false}', False),
        (b'{"name": "Bob", "is_active": true}', False),
        (b'{"status": "busy"}', True),  # nothing shows what it is, so it could not be put back
    ],
)
@pytest.mark.parametrize("path", ["/me", "/users/2"])
def test_no_change_says_that_somebody_given_is_gone(path: str, body: bytes, ends: bool) -> None:
    mine = courier(Recorder(), mode="active")
    mine.given.take_up([Identity("bob", (("Authorization", Secret("Bearer given-credential")),))])
    change = Request("PATCH", path, body=body, effect="write", identity="bob")
    with (
        pytest.raises(Skipped, match=r"end the account of bob|status of an account")
        if ends
        else contextlib.nullcontext()
    ):
        mine.carry(change)


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        ("/graphql/prune-logs", b'{"days": 1}', False), ("/graphql/shred-document", b'{"docId": 1}', False), ("/graphql/void-invoice", b'{"id": 1}', False),
        ("/graphql/deactivate-account", b'{"id": 1}', False), ("/graphql/logout-user", b'{"userId": 1}', False), ("/graphql/users/1/logout", b"{}", False), ("/members/suspend", b'{"email": "a@b.org"}', False),
        ("/graphql/deactivate-account", b'{"id": "stp0123456789ab"}', True), ("/users/logout", b"{}", True),
    ],
)  # fmt: skip
def test_an_account_that_the_body_names_is_ended_where_it_is_the_scans_own(path: str, body: bytes, sent: bool) -> None:
    refused = courier(Recorder(), mode="active").refusal(Request("POST", path, body=body, effect="write"))
    assert (refused == "") is sent, refused


@pytest.mark.parametrize("mode", ["default", "active"])
@pytest.mark.parametrize("path", ["/delete-login", "/api/remove-signin", "/login/delete"])
def test_no_log_in_deletes(path: str, mode: Mode) -> None:
    body = b'{"username": "ann", "password": "s"}'
    assert "itself created" in courier(Recorder(), mode=mode).refusal(Request("POST", path, body=body, effect="login"))
    assert not courier(Recorder(), mode=mode).refusal(Request("POST", "/login", body=body, effect="login"))


@pytest.mark.parametrize("mode", ["passive", "default"])
def test_a_reading_that_a_header_makes_a_change_is_one(mode: Mode) -> None:
    told = Request("GET", "/notes/1", (("X-HTTP-Method-Override", "put"),))
    assert courier(Recorder(), mode=mode).refusal(told)
    assert not courier(Recorder(), mode=mode).refusal(Request("GET", "/notes/1", (("X-HTTP-Method-Override", "HEAD"),)))


@pytest.mark.parametrize("mode", ["passive", "default"])
@pytest.mark.parametrize("query", ["_method=PUT", "page=2&_method=patch", "_METHOD=post", "_method=%50UT"])
def test_a_link_whose_query_says_a_changing_method_is_a_change(mode: Mode, query: str) -> None:
    assert courier(Recorder(), mode=mode).refusal(Request("GET", f"/notes/1?{query}"))
    assert not courier(Recorder(), mode=mode).refusal(Request("GET", "/notes/1?_method=GET"))
