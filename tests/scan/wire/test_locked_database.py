"""A database that a failed request holds is freed by a body of many objects, and what has waited for it is asked once more."""

from dataclasses import replace

import pytest

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.locked_database import LockedDatabase
from stopper.scan.wire.transport import Transport

LOGIN = Route("/login", ("POST",))
NAME = Request("POST", "/register", (), b'{"username": "ann"}', "write")
NOTE = Request("POST", "/notes", (), b'{"text": "a"}', "write")


class Held(Transport):
    """A name that is taken leaves the database locked until a log-in has read many objects."""

    surface = "http"
    base_url = "http://127.0.0.1:1"

    def __init__(self, *, frees: bool = True) -> None:
        self.asked: list[tuple[str, int]] = []
        self.locked, self.names, self.frees = False, 0, frees

    def send(self, request: Request, timeout: float, before_last: object = None) -> Response:
        self.asked.append((request.target, len(request.body)))
        if request.target == "/login":
            self.locked = self.locked and not (self.frees and len(request.body) > 5_000)
            return Response(401, seconds=0.01)
        if request.method == "POST" and self.locked:
            return Response(500, seconds=5.0)
        if request.target == "/register":
            self.names += 1
            self.locked = self.names > 1
            return Response(409 if self.locked else 201, seconds=0.01)
        return Response(201, seconds=0.01)

    def close(self) -> None:
        """There is nothing to close."""


def scan_of(transport: Held, *routes: Route) -> Courier:
    courier = Courier(transport, mode="active")
    courier.held.know(routes, "stp1")
    return courier


def test_what_waited_for_the_lock_is_asked_again_once_it_is_free_and_no_change_waits_later() -> None:
    transport = Held()
    courier = scan_of(transport, LOGIN)
    assert [courier.carry(NAME).response.status for _ in range(2)] == [201, 409]
    assert courier.carry(NOTE).response.status == 201
    assert [where for where, _ in transport.asked] == ["/register", "/register", "/notes", "/login", "/notes"]
    assert courier.carry(NAME).response.status == 409  # which is followed by a body of many objects from now on
    before = len(transport.asked)
    assert courier.carry(NOTE).response.status == 201
    assert len(transport.asked) == before + 1
    assert courier.sent == len(transport.asked)


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (Response(302, (("Location", "/register"),)), True),
        (Response(302, (("Location", "/login"),)), False),
        (Response(200, (("Content-Type", "text/html"),), b'<input name="p" type="password">'), True),
        (Response(200, (("Content-Type", "text/html"),), b"<p>Thank you</p>"), False),
    ],
)
def test_a_form_that_comes_back_may_hold_the_lock_too(answer: Response, asked: bool) -> None:
    held, form = LockedDatabase(), (("Content-Type", "application/x-www-form-urlencoded"),)
    held.know((LOGIN,), "stp1")
    sent = Request("POST", "/register", form, b"username=ann&password=x", "write")
    assert held.may_be_held(sent, answer) is None  # no lock was seen so far
    held.held(NOTE, Response(500, seconds=5.0))
    assert (held.may_be_held(sent, answer) is not None) is asked
    assert held.may_be_held(replace(sent, effect="login"), answer) is None


def test_a_target_that_stays_slow_is_not_asked_twice_for_ever() -> None:
    transport = Held(frees=False)
    courier = scan_of(transport, LOGIN)
    for _ in range(2):
        courier.carry(NAME)
    for _ in range(10):
        assert courier.carry(NOTE).response.status == 500
    assert sum(where == "/login" for where, _ in transport.asked) == 4


def test_nothing_is_done_where_nobody_logs_in() -> None:
    transport = Held()
    courier = scan_of(transport, Route("/notes", ("POST",)))
    for _ in range(2):
        courier.carry(NAME)
    assert courier.carry(NOTE).response.status == 500
    assert len(transport.asked) == 3
