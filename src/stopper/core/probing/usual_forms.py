"""Forms that values of a name usually have, for a body that is refused and nobody says why: numbers, then days, then hours, then lists."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from stopper.core.naming import as_parameter
from stopper.core.probing.told_forms import is_a_day

AHEAD: Final = 30
"""Days."""
_MEASURE: Final = re.compile(
    r"(.*_)?(price|cost|fee|amount|balance|salary|wage|budget|total|sum|qty|quantity|stock|count|number|num|year|month|days?|hours?|minutes?|duration|age|rank|rating|stars|score|points?|"
    r"size|weight|height|width|length|distance|mileage|calories|reps|sets|capacity|seats?|guests?|rooms?|floor|limit|threshold|percent(age)?|position|latitude|longitude|lat|lng|"
    r"lon|progress|pages|servings|credits?|gpa|marks?|discount|tax|interest(_rate)?|rate|inventory|units?|copies|goal|target|income|expense|steps|bedrooms|bathrooms|area|"
    r"odometer|experience|grade|pk|id)"
)
"""Members that say how much or which, as parameters are spelled."""
_SPELLED: Final = re.compile(
    r"(.*_)?(phone|mobile|contact|account|card|room|house|street|license|licence|plate|flight|serial|tracking|registration|passport|id)_(number|num|no)"
)
"""Numbers that are no quantities."""
_FLAG: Final = re.compile(
    r"(is|has|can|was)_\w+|done|completed?|active|enabled|available|published|public|private|paid|favou?rite|archived|read|urgent|important"
)
_BORN: Final = re.compile(r"(.*_)?(dob|birth_?da(y|te)|date_of_birth|date_birth|born(_on)?|birthday)")
_DATED: Final = re.compile(r"(.*_)?dates?(_.*)?|(.*_)?(deadline|day)")
_WORDS: Final = re.compile(
    r"(.*_)?(name|title|description|desc|text|content|body|message|note|notes|comment|comments|reason|address|city|country|state|street|summary|details|subject|caption|bio|label|"
    r"question|answer|review|feedback|author|username|email|location|brand|model|make|colou?r|genre|instructions|type|kind|category|status|role|priority|currency|password|phone)"
)
"""Members that are texts, as a rule."""
_MANY: Final = re.compile(
    r"(.*_)?(tags|ingredients|items|products|skills|categories|options|ids|members|participants|images|photos|features|genres|questions|answers|steps|lines|exercises|topics|keywords)|.*_list"
)
_SOMEBODY: Final = re.compile(
    r"(.*_)?(to|from|for|with|user|owner|author|sender|recipient|receiver|assignee|member|friend|customer|client|patient|student|employee|doctor|teacher|driver|beneficiary|payee|"
    r"participant|account|person|login|username)(_(id|uuid|name|email|username|number|no))?"
)
"""Members that say who is meant: a number would be somebody who is there."""
_SUM: Final = re.compile(r"\d{1,9}(\.\d{1,4})?")


def more_likely(said: dict[str, object], canary: str) -> list[dict[str, object]]:
    """*said* in other forms, each beginning with the one before it; without those that change nothing."""
    forms: list[dict[str, object]] = []
    for step in _STEPS:
        last = forms[-1] if forms else said
        changed = {
            name: value if _SOMEBODY.fullmatch(as_parameter(name)) else step(as_parameter(name), value, canary)
            for name, value in last.items()
        }
        if changed != last:
            forms.append(changed)
    return forms


def _measured(name: str, value: object, canary: str) -> object:
    if not isinstance(value, str):
        return value
    if _SUM.fullmatch(value) and not _SPELLED.fullmatch(name):
        return int(float(value)) or 1
    if canary not in value or _SPELLED.fullmatch(name):
        return value
    if _MEASURE.fullmatch(name):
        return 1
    if _BORN.fullmatch(name):
        return "1990-01-01"
    if is_a_day(name) or _DATED.fullmatch(name):
        return (
            f"{datetime.now(UTC) + timedelta(days=AHEAD):%H:%M}"
            if name.endswith("time") and "date" not in name
            else _day()
        )
    return False if _FLAG.fullmatch(name) else value


def _timed(name: str, value: object, _: str) -> object:
    """A day with its hour."""
    dated = isinstance(value, str) and is_a_day(name) and re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d\d:\d\d", value)
    return f"{_day()}T10:00:00" if dated and "T" not in str(value)[10:] else value


def _listed(name: str, value: object, canary: str) -> object:
    return [value] if isinstance(value, str) and canary in value and _MANY.fullmatch(name) else value


def _numbered(name: str, value: object, canary: str) -> object:
    """A number for whatever is no text by its name."""
    return 1 if isinstance(value, str) and canary in value and not _WORDS.fullmatch(name) else value


def _day() -> str:
    return f"{datetime.now(UTC) + timedelta(days=AHEAD):%Y-%m-%d}"


_STEPS: Final[tuple[Callable[[str, object, str], object], ...]] = (_measured, _timed, _listed, _numbered)
