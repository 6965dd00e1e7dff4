"""What a refusal says of the form of a value: a day that is still to come, a date, an address."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.naming import as_parameter
from stopper.core.probing.inputs import members

TEXT_MOST: Final = 2000
AHEAD: Final = 30
"""Days."""
_LATER: Final = re.compile(
    r"(?i)\bfrom now\b|\b(be|lie|is not|isn't|choose|select) (in the|a) future\b|\bfuture (date|time|day)|\b(after|later than) (today|now|the current)|"
    r"\b(not|cannot|can't|n't|never|is) (be |lie )?(in the past|a past|before (today|now|the current)|earlier than (today|now))|\bpast (date|day|time)s?\b|"
    r"\balready passed\b"
)
"""How a refusal says that a day must be still to come."""
_NOT_LATER: Final = re.compile(r"(?i)\b(not|cannot|can't|n't|never) (be |lie )?(in the |a )?future")
_DATE: Final = re.compile(
    r"(?i)yyyy-mm-dd|%Y-%m-%d|\biso ?-?8601|\b(valid|invalid|bad|wrong|malformed) (iso )?(date|datetime|timestamp)\b|\b(date|datetime) format|"
    r"isoformat|time data|valid date"
)
"""How one says that it is no date."""
_URL: Final = re.compile(r"(?i)\b(valid|invalid|bad|malformed) (url|uri|link)\b")
_WHEN: Final = re.compile(
    r"(.*_)?(date|datetime|time|timestamp|day|at|on|deadline|due|starts?|begins?|ends?|until|check_?in|check_?out|expires?|slot|when)(_(date|time|at|on))?"
)
_BORN: Final = re.compile(r"(.*_)?(birth.*|dob|born|hired?.*|since)(_.*)?")
_ENDS: Final = re.compile(r"(.*_)?(ends?|until|to|finish|returns?|check_?out|expires?)(_.*)?")
_BEFORE_IT: Final = re.compile(r"(apply|application|registration|sign_?up|booking|sales?|enrol\w*)_.*")
"""What ends before the thing itself begins."""
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?)?")


def in_the_form_told(request: Request, refused: Exchange) -> Request:
    """*request* with days to come, dates and addresses where the refusal says that such are wanted."""
    said, text = members(request), refused.response.text[:TEXT_MOST]
    later = _LATER.search(text) is not None and _NOT_LATER.search(text) is None
    dated = _DATE.search(text) is not None
    changed: dict[str, object] = {}
    for name, value in said.items():
        spelled = as_parameter(name)
        if (later or dated) and is_a_day(spelled):
            day = _day(spelled, value, text)
            changed |= {name: day} if day is not None else {}
        elif isinstance(value, str) and spelled.endswith(("url", "uri", "link", "website")) and _URL.search(text):
            changed[name] = "https://example.com/"
    return replace(request, body=json.dumps({**said, **changed}).encode()) if changed else request


def is_a_day(name: str) -> bool:
    """Whether a member, as parameters are spelled, says when something is that may still be to come."""
    return _WHEN.fullmatch(name) is not None and not _BORN.fullmatch(name)


def _day(name: str, value: object, text: str) -> object:
    """A day to come as the value is written: seconds, or a date with or without a time."""
    ends = _ENDS.fullmatch(name) is not None and not _BEFORE_IT.fullmatch(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if not isinstance(value, str):
        return int(time.time()) + AHEAD * 86400 + (7200 if ends else 0)
    day = datetime.now(UTC).replace(hour=10, minute=0, second=0) + timedelta(days=AHEAD, hours=2 if ends else 0)
    form = _ISO.fullmatch(value)
    timed = form.group(1) is not None if form is not None else re.search(r"(?i)hh:mm|%H:%M|datetime", text) is not None
    if form is None and name.endswith("time") and not name.endswith(("datetime", "date_time")):
        return f"{day:%H:%M}"
    if not timed:
        return f"{day + timedelta(days=1 if ends else 0):%Y-%m-%d}"
    between, seconds, zone = (form.group(1), form.group(2), form.group(3) or "") if form is not None else ("", "", "")
    between = between or ("T" if "T%H" in text or "THH" in text.upper() or "iso" in text.lower() else " ")
    written = f"{day:%Y-%m-%d}{between}{day:%H:%M}"
    return (
        f"{written}:00{zone}"
        if seconds or (form is None and "ss" in text.lower()) or "%S" in text
        else f"{written}{zone}"
    )
