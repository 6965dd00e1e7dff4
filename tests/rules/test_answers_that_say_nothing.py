"""A log-in that does not answer in time, or whose server is away, tells nothing about an account."""

from typing import Any

import pytest
from tests.rules.test_log_ins_are_spared import PEOPLE, api, scanned

from stopper.core.exchange import Request, Response
from stopper.scan.wire.http import HttpTransport


@pytest.mark.parametrize("status", [0, 503])
@pytest.mark.parametrize("telling", [False, True])
def test_no_answer_for_a_known_person_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, status: int, telling: bool
) -> None:
    sent = HttpTransport.send

    def send(self: HttpTransport, request: Request, *args: Any, **named: Any) -> Response:
        response = sent(self, request, *args, **named)
        known = any(mail.encode() in request.body for mail in PEOPLE)
        return (
            Response(status, error=None if status else "no whole answer in time")
            if known and response.status == 401
            else response
        )

    monkeypatch.setattr(HttpTransport, "send", send)
    assert scanned(api([], telling=telling), "user-enumeration")["user-enumeration"] == "open"


@pytest.mark.parametrize(("telling", "outcome"), [(False, "pass"), (True, "fail")])
def test_answers_that_come_are_compared(telling: bool, outcome: str) -> None:
    assert scanned(api([], telling=telling), "user-enumeration")["user-enumeration"] == outcome
