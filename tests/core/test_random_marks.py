"""The random texts by which a scan knows again what it stored: one of them is never taken for another with the time moved on."""

from stopper.core.exchange import Request
from stopper.core.probing.baseline import steady
from stopper.core.probing.things.objects import marked
from stopper.scan.target import new_canary


def test_what_is_compared_without_its_times_keeps_its_marks() -> None:
    """One canary in thirty was a number of ten digits for more than half of its length, and a change of another's text was not seen."""
    for _ in range(2000):
        canary = new_canary()
        request, marks = marked(Request("POST", "/notes", body=b'{"title": "", "text": ""}'), canary)
        assert len(marks) == 2
        assert steady(request.body.decode()) == request.body.decode()
