"""Days to come, dates and addresses where a refusal says that such are wanted."""

import json
import time
from datetime import UTC, date, datetime

import pytest

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probing.told_forms import in_the_form_told


def told(said: dict[str, object], refusal: str) -> dict[str, object]:
    sent = Request("POST", "/events", body=json.dumps(said).encode())
    found: dict[str, object] = json.loads(
        in_the_form_told(sent, Exchange(sent, Response(400, (), refusal.encode()))).body
    )
    return found


@pytest.mark.parametrize(
    "refusal",
    [
        '{"errors": {"start_date": ["Event date must be at least 3 hours from now."]}}',
        "Date must be in the future",
        "start_date cannot be in the past",
        "You cannot book a past date",
    ],
)
def test_a_day_that_is_still_to_come(refusal: str) -> None:
    found = told({"start_date": 1, "end_date": 1, "apply_end_date": 1, "title": "t", "birth_date": 1}, refusal)
    before, start, end = (int(str(found[name])) for name in ("apply_end_date", "start_date", "end_date"))
    assert time.time() < before <= start < end
    assert (found["title"], found["birth_date"]) == ("t", 1)
    as_text = told({"date": "2026-01-01", "starts_at": "2026-01-01T00:00:00Z"}, refusal)
    assert date.fromisoformat(str(as_text["date"])) > datetime.now(UTC).date()
    assert datetime.fromisoformat(str(as_text["starts_at"])) > datetime.now(UTC)


@pytest.mark.parametrize(
    "refusal", ["Date of birth cannot be in the future", "Not found", "amount must be positive", ""]
)
def test_nothing_else_is_taken_for_that(refusal: str) -> None:
    said: dict[str, object] = {"date": "2026-01-01", "at": 1, "homepage_url": "text"}
    assert told(said, refusal) == said


@pytest.mark.parametrize(
    ("refusal", "form"),
    [
        ("Invalid date format. Use YYYY-MM-DD", "%Y-%m-%d"),
        ("time data 'text' does not match format '%Y-%m-%d %H:%M'", "%Y-%m-%d %H:%M"),
        ("Invalid isoformat string, want YYYY-MM-DDTHH:MM:SS", "%Y-%m-%dT%H:%M:%S"),
    ],
)
def test_a_date_of_the_form_that_is_told(refusal: str, form: str) -> None:
    found = told({"appointment_date": "text canary", "reason": "text canary"}, refusal)
    datetime.strptime(str(found["appointment_date"]), form)  # noqa: DTZ007
    assert found["reason"] == "text canary"


def test_an_address_where_one_is_wanted() -> None:
    found = told({"url": "text", "name": "text"}, '{"url": ["Not a valid URL."]}')
    assert found == {"url": "https://example.com/", "name": "text"}
