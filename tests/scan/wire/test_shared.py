"""Probes share what was read, and nobody is given what was there before somebody wrote."""

import threading

import pytest

from stopper.core.exchange import Request, Response
from stopper.scan.wire.courier import Courier


class Counting:
    """A target that counts what it is asked, and answers with the count."""

    base_url = "http://localhost"

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked = 0

    def send(self, request: Request, timeout: float, ready: object = None) -> Response:
        self.asked += 1
        return Response(self.status, (), str(self.asked).encode())


READ = Request("GET", "/notes", (("Authorization", "Bearer a"),), identity="alice")


def _courier(status: int = 200) -> tuple[Courier, Counting]:
    target = Counting(status)
    return Courier(target, mode="active"), target  # type: ignore[arg-type]


def test_what_one_probe_read_another_is_given_and_each_sees_it_anew_the_second_time() -> None:
    courier, target = _courier()
    bodies = [courier.carry_for(asker, READ).response.body for asker in ("a", "b", "a", "b", "c")]
    assert bodies[:2] == [b"1", b"1"]
    assert bodies[2] != bodies[0], "who asks twice wants to see it twice"
    assert bodies[3] != bodies[1]
    assert target.asked < 5


@pytest.mark.parametrize(
    "between",
    [
        Request("POST", "/notes", effect="write"),
        Request("POST", "/login", effect="login"),
        Request("GET", "/logout", effect="login"),
        Request("PATCH", "/notes", effect="read"),
    ],
)
def test_after_a_writing_everybody_reads_anew(between: Request) -> None:
    courier, _ = _courier()
    courier.carry_for("a", READ)
    courier.carry_for("b", between)
    assert courier.carry_for("b", READ).response.body == b"3"
    courier.carry_together([between])
    assert courier.carry_for("c", READ).response.body == b"5"


@pytest.mark.parametrize(
    ("status", "kept"),
    [(400, True), (403, True), (422, True), (409, False), (201, False), (302, False), (500, False), (0, False)],
)
def test_a_writing_that_was_refused_for_sure_changed_nothing(status: int, kept: bool) -> None:
    courier, target = _courier()
    courier.carry_for("a", READ)
    target.status = status
    courier.carry_for("b", Request("POST", "/notes", effect="write"))
    target.status = 200
    assert (courier.carry_for("b", READ).response.body == b"1") is kept


def test_what_was_read_while_somebody_wrote_is_nobody_elses() -> None:
    """The reading began before the writing and ended in the middle of it: it may show half."""
    courier, _ = _courier()

    class Slow(Counting):
        def send(self, request: Request, timeout: float, ready: object = None) -> Response:
            if request == READ and not self.asked:
                self.asked += 1
                courier.carry(Request("POST", "/notes", effect="write"))
            self.status = 403 if request.method == "POST" else 200
            return super().send(request, timeout, ready)

    courier.graphql.plain = slow = Slow()  # type: ignore[assignment]
    courier.carry_for("a", READ)
    before = slow.asked
    courier.carry_for("b", READ)
    assert slow.asked == before + 1


@pytest.mark.parametrize(
    "other",
    [
        Request("GET", "/notes"),
        Request("HEAD", "/notes", READ.headers, identity="alice"),
        Request("GET", "/notes", (("authorization", "Bearer a"),), identity="alice"),
        Request("GET", "/notes?", READ.headers, identity="alice"),
        Request("GET", "/notes", READ.headers, b"x", identity="alice"),
    ],
)
def test_only_the_very_same_request_is_the_same(other: Request) -> None:
    courier, _ = _courier()
    courier.carry_for("a", READ)
    assert courier.carry_for("b", other).response.body == b"2"


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_a_failure_is_nobodys_answer(status: int) -> None:
    courier, _ = _courier(status)
    courier.carry_for("a", READ)
    assert courier.carry_for("b", READ).response.body == b"2"


def test_what_may_not_be_sent_is_refused_also_where_it_is_known() -> None:
    courier, target = _courier()
    courier.carry_for("a", READ)
    assert courier.sent == 1
    assert courier.carry_for("b", READ).request == READ
    assert (courier.sent, target.asked) == (1, 1), "what is shared costs no request"


class Slow(Counting):
    """While the first request is under way somebody else comes with the same one."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(status)
        self.courier = Courier(self, mode="active")  # type: ignore[arg-type]
        self.asked_twice = threading.Event()
        self.other = threading.Thread(target=self._come, daemon=True)
        self.given: list[bytes] = []

    def _come(self) -> None:
        self.given.append(self.courier.carry_for("b", READ).response.body)

    def send(self, request: Request, timeout: float, ready: object = None) -> Response:
        self.asked += 1
        number = self.asked
        if number > 1:
            self.asked_twice.set()
        else:
            self.other.start()
            self.asked_twice.wait(0.2)
        return Response(self.status, (), str(number).encode())


@pytest.mark.parametrize(("status", "asked"), [(200, 1), (503, 2)])
def test_who_comes_while_another_asks_the_same_is_given_that_answer(status: int, asked: int) -> None:
    target = Slow(status)
    first = target.courier.carry_for("a", READ)
    target.other.join(5)
    assert (first.response.body, target.given, target.asked) == (b"1", [str(asked).encode()], asked)
