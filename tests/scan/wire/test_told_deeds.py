"""What the body of a change says is to be done is judged as if the path said it."""

from urllib.parse import urlencode

import pytest
from tests.scan.wire.test_courier import Recorder, courier

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def said(path: str, **members: str) -> Request:
    return Request("POST", path, FORM, urlencode(members).encode(), "write", identity="ann")


@pytest.mark.parametrize(
    ("path", "members", "sent"),
    [
        ("/bank", {"action": "deposit", "amount": "3"}, False), ("/bank", {"action": "show", "amount": "3"}, True), ("/bank", {"op": "transfer"}, False),
        ("/settings", {"action": "close"}, False), ("/settings", {"action": "theme", "theme": "dark"}, True), ("/settings", {"do": "Delete account"}, False),
        ("/tools", {"cmd": "reboot"}, False), ("/tools", {"cmd": "; reboot #"}, True), ("/tools", {"text": "reboot"}, True),
        ("/people", {"action": "promote", "username": "ben"}, False), ("/people", {"action": "find", "username": "ben"}, True),
    ],
)  # fmt: skip
def test_a_deed_in_a_body_is_one(path: str, members: dict[str, str], sent: bool) -> None:
    mine = courier(Recorder(), mode="active")
    mine.given.take_up([Identity("ann", ())])
    assert (mine.refusal(said(path, **members)) == "") is sent


def test_settings_of_the_target_that_a_body_names_are_told() -> None:
    mine = courier(Recorder(*[Response(302, (("Location", "/admin"),))] * 3), mode="active")
    mine.carry(said("/admin", do="signups", value="x"))
    mine.put_back()
    assert "POST /admin" in mine.unlike
