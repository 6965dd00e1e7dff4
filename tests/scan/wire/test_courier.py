"""The courier: what a mode forbids is not sent, whatever a probe asks for."""

import contextlib
import json
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.exchange import Request, Response
from stopper.core.probe import Mode, Skipped
from stopper.core.redactor import mask
from stopper.core.rule import Surface
from stopper.scan.wire.busy_doors import retry_after
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.things_made import created_paths
from stopper.scan.wire.transport import Hold, at_once


class Recorder:
    """A transport that remembers what reached it and gives prepared answers."""

    surface: Surface = "wsgi"
    base_url = "http://localhost"

    def __init__(self, *answers: Response) -> None:
        self.sent: list[Request] = []
        self._answers = list(answers)
        self._lock = threading.Lock()

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        hold()
        with self._lock:
            self.sent.append(request)
            return self._answers.pop(0) if self._answers else Response(200)

    def close(self) -> None:
        pass


def courier(transport: Recorder, **given: Any) -> Courier:
    return Courier(transport, **given)


EFFECTS = st.sampled_from(["read", "login", "write"])
METHODS = st.sampled_from(
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE", "get", "CONNECT"]
)


@given(METHODS, EFFECTS, st.sampled_from(["passive", "default", "active"]))
def test_no_mode_sends_more_than_it_promises(method: str, effect: Any, mode: Mode) -> None:
    transport = Recorder()
    try:
        courier(transport, mode=mode).carry(Request(method, "/notes", effect=effect))
    except Skipped:
        assert transport.sent == []
        return
    assert mode == "active" or effect != "write"
    if mode == "passive":
        assert method in ("GET", "HEAD", "OPTIONS")
        assert effect == "read"
    if mode == "default" and method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
        assert effect == "login"


def test_a_post_that_calls_itself_reading_counts_as_writing() -> None:
    transport = Recorder()
    with pytest.raises(Skipped, match="it would write"):
        courier(transport).carry(Request("POST", "/notes", effect="read"))
    assert transport.sent == []


def test_only_what_the_scan_created_is_deleted() -> None:
    transport = Recorder(Response(201, body=b'{"id": 7}'))
    mine = courier(transport, mode="active")
    with pytest.raises(Skipped, match="itself created"):
        mine.carry(Request("DELETE", "/notes/7", effect="write"))
    mine.carry(Request("POST", "/notes", effect="write"))
    mine.carry(Request("DELETE", "/notes/7", effect="write"))
    with pytest.raises(Skipped):
        mine.carry(Request("DELETE", "/notes/8", effect="write"))
    assert [request.method for request in transport.sent] == ["POST", "DELETE"]
    assert mine.skipped["DELETE /notes/8"] == "only what the scan itself created is deleted"


def test_a_thing_with_several_paths_is_one_thing() -> None:
    """It is deleted once, by any of its paths, and counted once among what stayed; a part of it may be deleted, and says nothing of the whole."""
    transport = Recorder(Response(201, body=b'{"id": 7}'))
    mine = courier(transport, mode="active")
    made = mine.carry(Request("POST", "/notes", body=b"{}", effect="write")).request
    for path in ("/notes/7", "/notes/delete/7"):
        mine.made.own(path, made)
    assert mine.made.left() == [made]
    mine.carry(Request("DELETE", "/notes/7/tags", effect="write"))
    assert mine.made.left() == [made]
    for path in ("/notes/8/tags", "/notes/delete/8", "/notes"):
        with pytest.raises(Skipped, match="itself created"):
            mine.carry(Request("DELETE", path, effect="write"))
    mine.carry(Request("DELETE", "/notes/delete/7", effect="write"))
    assert mine.made.left() == []
    assert {"/notes/7", "/notes/delete/7"} <= mine.made.deleted


def test_what_was_there_before_is_never_the_scans_own() -> None:
    """An answer that repeats a text may be that of a thing which was changed and not made."""
    shown = Response(200, body=b'{"id": 1, "bio": "as it was"}')
    saved = Response(200, body=b'{"id": 1, "bio": "a text of the scan"}')
    mine = courier(Recorder(shown, saved), mode="active")
    mine.carry(Request("GET", "/profile/1"))
    made = mine.carry(Request("POST", "/profile", body=b'{"bio": "a text of the scan"}', effect="write")).request
    mine.made.own("/profile/1", made)
    with pytest.raises(Skipped, match="itself created"):
        mine.carry(Request("DELETE", "/profile/1", effect="write"))
    assert mine.made.left() == []


@pytest.mark.parametrize(
    "path", ["/notes/7/cancel", "/api/approve_user?id=1", "/users/3/suspend", "/cancel/2", "/notes/toggle?id=1"]
)
def test_what_does_something_by_its_name_is_asked_by_an_active_scan_of_its_own_alone(path: str) -> None:
    for mode in ("default", "active"):
        with pytest.raises(Skipped, match=r"the mode is default|itself created alone"):
            courier(Recorder(), mode=mode).carry(Request("GET", path))
        assert courier(Recorder(), mode=mode).carry(Request("OPTIONS", path)).response.succeeded
    mine = courier(Recorder(Response(201, body=b'{"id": 7}')), mode="active")
    mine.made.own("/notes/7", mine.carry(Request("POST", "/notes", effect="write")).request)
    for own in ("/notes/7/cancel", "/notes/approve?note_id=7"):
        assert mine.carry(Request("GET", own)).response.status


def test_whoever_is_in_makes_another_token_and_does_not_log_in() -> None:
    with pytest.raises(Skipped):
        courier(Recorder(), mode="default").carry(Request("POST", "/tokens", effect="login", identity="alice"))
    assert courier(Recorder(), mode="default").carry(Request("POST", "/tokens", effect="login")).response.succeeded


def test_a_part_of_what_only_an_answer_calls_new_is_not_deleted() -> None:
    """A ``Location`` may lead to a list of everybody's."""
    mine = courier(Recorder(Response(201, (("Location", "/notes"),))), mode="active")
    mine.carry(Request("POST", "/", effect="write"))
    with pytest.raises(Skipped, match="itself created"):
        mine.carry(Request("DELETE", "/notes/8", effect="write"))


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/v1/refund", True),
        ("/db-reset", True),
        ("/v1/Payments", True),
        ("/admin/shutdown", False),
        ("/cache_purge", False),
        ("/a/wipe?now=1", False),
    ],
)
def test_a_path_that_could_cost_something_is_only_read(path: str, read: bool) -> None:
    """And where no reading is called so, not even that."""
    transport = Recorder()
    mine = courier(transport, mode="active")
    with pytest.raises(Skipped, match="its path says"):
        mine.carry(Request("POST", path, effect="write"))
    with contextlib.nullcontext() if read else pytest.raises(Skipped):
        mine.carry(Request("GET", path))
    assert [request.method for request in transport.sent] == (["GET"] if read else [])
    assert len(mine.skipped) == (1 if read else 2)


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        ("/reset-password", {"email": "stp0a1b2c3d4e5f@example.com", "new_password": "Aa9!x"}, True),
        ("/reset-password", {"email": "ann@example.com", "new_password": "Aa9!x"}, False),
        ("/reset-password", {"email": "stp0a1b2c3d4e5f' OR 'a'='a", "new_password": "Aa9!x"}, False),
        ("/reset-password", {"user_id": 1, "new_password": "Aa9!x"}, False),
        ("/reset-password", {"email": "stp0a1b2c3d4e5f", "user_id": "1", "new_password": "Aa9!x"}, False),
        ("/reset-password", {"token": "x' OR 1=1", "new_password": "Aa9!x"}, False),
        ("/users/1/reset-password/1", {"email": "stp0a1b2c3d4e5f", "new_password": "Aa9!x"}, False),
        ("/reset-database", {"email": "stp0a1b2c3d4e5f"}, False),
    ],
)
def test_a_password_is_reset_for_accounts_of_the_scan_alone(path: str, body: dict[str, object], sent: bool) -> None:
    transport, request = Recorder(), Request("POST", path, body=json.dumps(body).encode(), effect="write")
    with contextlib.suppress(Skipped):
        courier(transport, mode="active").carry(request)
    assert bool(transport.sent) is sent


def test_words_inside_words_are_no_hazard() -> None:
    transport = Recorder()
    courier(transport, mode="active").carry(Request("POST", "/dropdown/repayable", effect="write"))
    assert len(transport.sent) == 1


@pytest.mark.parametrize("target", ["http://evil.example/", "//evil.example@h", "evil", ""])
def test_a_request_stays_at_its_host(target: str) -> None:
    transport = Recorder()
    mine = courier(transport)
    if target.startswith("//"):
        mine.carry(Request("GET", target))  # a path of two slashes, sent to the one host there is
        assert transport.sent[0].target == target
        return
    with pytest.raises(Skipped, match="named host"):
        mine.carry(Request("GET", target))


def test_the_budget_ends_and_what_takes_back_is_still_sent() -> None:
    transport = Recorder()
    mine = courier(transport, mode="active", max_requests=2)
    mine.carry(Request("GET", "/"))
    mine.carry(Request("GET", "/"))
    with pytest.raises(Skipped, match="--max-requests"):
        mine.carry(Request("GET", "/"))
    mine.carry(Request("POST", "/undo", effect="write"), last=True)
    assert len(transport.sent) == 3


def test_the_pace_is_kept_by_all_threads_together() -> None:
    transport = Recorder()
    mine = courier(transport, rate=50.0)
    began = time.monotonic()
    threads = [threading.Thread(target=mine.carry, args=(Request("GET", f"/{index}"),)) for index in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 10 / 50.0 - 0.001
    assert len(transport.sent) == 11


def test_a_429_is_waited_for_when_short() -> None:
    transport = Recorder(Response(429, (("Retry-After", "0"),)), Response(200))
    mine = courier(transport)
    assert mine.carry(Request("GET", "/a")).response.status == 429
    assert mine.carry(Request("GET", "/a")).response.status == 200


def test_a_429_with_a_long_wait_skips_that_address_and_no_other() -> None:
    transport = Recorder(Response(429, (("Retry-After", "600"),)))
    mine = courier(transport)
    mine.carry(Request("GET", "/a"))
    with pytest.raises(Skipped, match="asked to wait"):
        mine.carry(Request("GET", "/a"))
    mine.carry(Request("GET", "/b"))
    assert [request.target for request in transport.sent] == ["/a", "/b"]
    assert mine.sent == 2


def test_a_host_that_is_busy_everywhere_is_left_alone() -> None:
    transport = Recorder(*[Response(429, (("Retry-After", "600"),))] * 4)
    mine = courier(transport)
    for path in ("/a", "/b", "/c", "/d"):
        mine.carry(Request("GET", path))
    with pytest.raises(Skipped, match="asked to wait"):
        mine.carry(Request("GET", "/e"))


def test_three_doors_with_limits_of_their_own_are_no_busy_host() -> None:
    """A model's doors answer five questions in three hours; the rest of the API goes on."""
    transport = Recorder(*[Response(429, (("Retry-After", "600"),))] * 3, *[Response(200)] * 9)
    mine = courier(transport)
    for path in ("/chat", "/chat/anonymous", "/chat/info", "/login", "/notes", "/users"):
        mine.carry(Request("GET", path))
    with pytest.raises(Skipped, match="asked to wait"):
        mine.carry(Request("GET", "/chat"))
    assert mine.sent == 6


@given(st.text(max_size=20))
def test_any_retry_after_is_a_bounded_number(said: str) -> None:
    assert 0 <= retry_after(Response(429, (("Retry-After", said),))) <= 86400


@given(st.binary(max_size=200))
def test_any_answer_can_be_looked_through_for_ids(body: bytes) -> None:
    assert isinstance(created_paths(Request("POST", "/x"), Response(201, body=body)), set)


@pytest.mark.parametrize(
    ("target", "headers", "body", "paths"),
    [
        ("/notes", (), b'{"id": 9, "owner_id": 3, "owner": {"id": 4}, "next_id": 5}', {"/notes/9"}),
        ("/notes?x=1", (), b'{"note_id": 9, "user_id": 3}', {"/notes/9"}), ("/notes", (), b'{"note": {"id": "a-b"}, "user": {"id": 3}}', {"/notes/a-b"}),
        ("/categories", (), b'{"category_id": 2}', {"/categories/2"}), ("/notes", (), b'{"user": {"id": 3}}', set[str]()), ("/notes", (), b'{"id": true}', set[str]()),
        ("/notes/7/like", (("Location", "/notes/7"),), b"", set[str]()), ("/notes", (("Location", "http://other.example/notes/8"),), b"", {"/notes/8"}),
        ("/notes", (("Location", "http://[bad"),), b"[]", set[str]()),
    ],
)  # fmt: skip
def test_only_the_thing_itself_counts_as_created(target: str, headers: Any, body: bytes, paths: set[str]) -> None:
    """Another's id that stands in the answer would let the scan delete what is not its own."""
    assert created_paths(Request("POST", target, effect="write"), Response(201, headers, body)) == paths


@pytest.mark.parametrize(
    ("status", "sent", "answer", "created"),
    [(201, b"", b'{"id": 1}', True), (200, b'{"text": "stp123456"}', b'{"id": 1, "text": "stp123456"}', False), (200, b'{"q": "stp123456"}', b'{"id": 1}', False),
     (200, b'{"q": "a"}', b'{"id": 1, "name": "a"}', False), (200, b"\xff", b'{"id": 1}', False), (302, b"", b'{"id": 1}', False)],
)  # fmt: skip
def test_a_look_up_creates_nothing(status: int, sent: bytes, answer: bytes, created: bool) -> None:
    transport = Recorder(Response(status, body=answer))
    mine = courier(transport, mode="active")
    mine.carry(Request("POST", "/notes", body=sent, effect="write"))
    assert (mine.refusal(Request("DELETE", "/notes/1", effect="write")) == "") is created


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [("notes/1/transfer", {"to": "ben"}, True), ("notes/1/transfer", {"to": "ben", "amount": 1}, False), ("savings/1/transfer", {"to": "ben"}, False),
     ("notes/2/transfer", {"to": "ben"}, False), ("notes/1/send", {"to": "ben"}, True), ("notes/1/send", {"to": "ben", "amountCents": 1}, False),
     ("wallets/1/send", {"to": "ben"}, False), ("passes/1/fund", {"amount": 1}, False), ("wallets/1/fund", {}, False), ("fund/1", {"title": "x"}, True),
     ("account/deposit/1", {"amount": "10.00"}, False), ("account/deposit/1", {}, False), ("account/invest_stocks/1", {}, False), ("deposit", {"amount": 1}, False),
     ("deposit/1", {"title": "x"}, True)],
)  # fmt: skip
def test_own_things_are_handed_over_but_no_money(path: str, body: dict[str, object], sent: bool) -> None:
    mine = courier(Recorder(*[Response(201, body=b'{"id": 1}')] * 3), mode="active")
    for kind in ("notes", "savings", "wallets"):
        made = mine.carry(Request("POST", f"/{kind}", effect="write")).request
        mine.made.own(f"/{kind}/1", made)
    assert (mine.refusal(Request("POST", f"/{path}", body=json.dumps(body).encode(), effect="write")) == "") is sent


@pytest.mark.parametrize(("second", "created"), [(2, True), (1, False)])
def test_a_200_makes_a_new_thing_where_another_one_names_another(second: int, created: bool) -> None:
    """What is written over at each request was there before, though each answer repeats what was sent."""
    texts = [f"stp12345{number}" for number in (1, 2)]
    numbers = zip((1, second), texts, strict=True)
    answers = [Response(200, body=f'{{"id": {number}, "text": "{text}"}}'.encode()) for number, text in numbers]
    mine = courier(Recorder(*answers), mode="active")
    for text in texts:
        mine.carry(Request("POST", "/notes", body=f'{{"text": "{text}"}}'.encode(), effect="write"))
    assert (mine.refusal(Request("DELETE", "/notes/1", effect="write")) == "") is created


def test_together_all_are_underway_before_one_ends() -> None:
    inside = threading.Barrier(5)

    class Meeting(Recorder):
        def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
            hold()
            inside.wait(5)
            return Response(200, body=request.target.encode())

    requests = [Request("GET", f"/{index}") for index in range(5)]
    exchanges = courier(Meeting()).carry_together(requests)
    assert [exchange.response.text for exchange in exchanges] == ["/0", "/1", "/2", "/3", "/4"]


def test_together_is_refused_as_a_whole() -> None:
    transport = Recorder()
    with pytest.raises(Skipped):
        courier(transport).carry_together([Request("GET", "/"), Request("POST", "/", effect="write")])
    assert transport.sent == []


def test_a_stopped_scan_sends_no_more() -> None:
    transport = Recorder()
    mine = courier(transport)
    mine.stopping.set()
    with pytest.raises(Skipped, match="stopped"):
        mine.carry(Request("GET", "/"))
    assert transport.sent == []


def test_a_thing_that_got_the_id_of_one_that_was_deleted_is_not_taken_for_deleted() -> None:
    """SQLite gives the id of the last row that was deleted to the next one."""
    made = Response(201, (("Content-Type", "application/json"),), b'{"id": 7}')
    transport = Recorder(made, Response(204), made)
    one = courier(transport, mode="active")
    post = Request("POST", "/notes", (), b"{}", "write")
    one.carry(post)
    one.carry(Request("DELETE", "/notes/7", (), b"", "write"))
    assert one.made.deleted == {"/notes/7"}
    one.carry(post)
    assert one.made.deleted == set()
    assert set(one.made.created) == {"/notes/7"}


def test_a_delete_that_was_refused_has_deleted_nothing() -> None:
    one = courier(Recorder(Response(403)), mode="active")
    one.made.own("/notes/7", Request("POST", "/notes"))
    one.carry(Request("DELETE", "/notes/7", (), b"", "write"))
    assert one.made.deleted == set()


def test_what_a_log_in_hands_out_is_masked_under_any_name() -> None:
    """GraphQL gives a token under the name of the deed, and some log-ins under a name that says nothing."""
    log_in = Request("POST", "/enter", (), b'{"name": "stopper-e4c1a09b77d2f3"}', "login")
    plain = Response(
        200,
        (),
        b'{"result": "4f0cc81e7ba94d5cb0d1", "who": "stopper-e4c1a09b77d2f3", "user_id": "9d0cc81e7ba94d5cb0d2"}',
    )
    query = Request("POST", "/graphql", (), b"{}", "write")
    one = courier(Recorder(plain, Response(200, (), b'{"data": {"signIn": "77aacc81e7ba94d5cb0d"}}')), mode="active")
    one.carry(log_in)
    one.carry(query)
    shown = mask("4f0cc81e7ba94d5cb0d1 77aacc81e7ba94d5cb0d stopper-e4c1a09b77d2f3 9d0cc81e7ba94d5cb0d2")
    assert shown == "*** *** stopper-e4c1a09b77d2f3 9d0cc81e7ba94d5cb0d2"


def test_a_429_that_is_said_again_and_again_is_soon_waited_for_no_more() -> None:
    assert [retry_after(Response(429), times) for times in (1, 2, 3, 9)] == [1.0, 20.0, 60.0, 60.0]
