"""What says that it deletes, by its path, its query, its body or a header, is held to what DELETE is held to."""

import pytest
from tests.scan.wire.test_courier import Recorder, courier

from stopper.core.exchange import Request, Response
from stopper.core.probe import Skipped


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
        Request("POST", "/users/delete/ann", effect="write"),
        Request("POST", "/account/delete", effect="write"),
        Request("GET", "/%64elete/8"),
        Request("GET", "/notes/8", headers=(("x-http-method-override", "delete"),), effect="write"),
    ],
)
def test_what_deletes_what_nobody_knows_to_be_the_scans_is_not_sent(request_: Request) -> None:
    mine = courier(Recorder(Response(201, body=b'{"id": 7}')), mode="active")
    mine.carry(Request("POST", "/notes", body=b"{}", effect="write"))
    with pytest.raises(Skipped, match="itself created"):
        mine.carry(request_)


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/notes/remove", body=b'{"id": "stp0123456789x1"}', effect="write"),
        Request("POST", "/account/delete", effect="write", identity="bob"),
        Request("GET", "/notes/undelete/8"),
        Request("GET", "/deleted/8"),
        Request("GET", "/delivery/8"),
    ],
)
def test_what_deletes_nothing_that_was_there_is_sent(request_: Request) -> None:
    assert courier(Recorder(), mode="active").carry(request_).response.succeeded
