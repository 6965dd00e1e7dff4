"""What the text of an exception in a refusal says of the body: ``could not convert string to float: 'text'``, ``NOT NULL constraint failed: trips.days``."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Final

from stopper.core.exchange import Response
from stopper.core.probing.told_values import complaints

TEXT_MOST: Final = 4000
AHEAD: Final = 30
"""Days."""
_NUMBER: Final = re.compile(
    r"(?i)invalid literal for int|convert string to float|ConversionSyntax|InvalidOperation|not a valid (integer|number|float|decimal)|invalid input syntax for (type )?(integer|numeric|double|bigint)|"
    r"incorrect (integer|decimal|double) value"
)
_FORMAT: Final = re.compile(r"does not match format ['\"]([^'\"]{2,40})['\"]")
_DATE: Final = re.compile(
    r"(?i)invalid isoformat|incorrect date(time)? value|invalid input syntax for (type )?(date|timestamp)|unknown string format"
)
_POSSIBLE: Final = re.compile(r"(?i)possible values:\s*([A-Za-z][\w -]{0,40})")
_NULL: Final = re.compile(
    r"(?i)(?:NOT NULL constraint failed:\s*\w+\.|null value in column \"|column '|field ')(\w{1,40})(?:\"|'| |$)"
)
_NULL_SAYS: Final = re.compile(
    r"(?i)not null constraint|null value in column|cannot be null|doesn't have a default value"
)
_STRANGE: Final = re.compile(
    r"unexpected keyword argument ['\"](\w{1,40})['\"]|['\"](\w{1,40})['\"] is an invalid keyword argument|\(['\"](\w{1,40})['\"] was unexpected\)"
)
_NOT_TAKEN: Final = re.compile(
    r"(?i)unknown field|extra (inputs|fields) (are )?not permitted|unexpected (field|key|property)"
)


def by_the_value(body: Mapping[str, object], response: Response) -> dict[str, object]:
    """Other values for members of *body* whose value an exception quotes."""
    text = unescape(response.text[:TEXT_MOST])
    if (possible := _POSSIBLE.search(text)) is not None:
        wanted: object = possible.group(1).strip()
    elif (form := _FORMAT.search(text)) is not None:
        wanted = (datetime.now(UTC) + timedelta(days=AHEAD)).strftime(form.group(1))
    elif _DATE.search(text):
        wanted = f"{datetime.now(UTC) + timedelta(days=AHEAD):%Y-%m-%d}"
    elif _NUMBER.search(text):
        wanted = 1
    else:
        return {}
    return {name: wanted for name, value in body.items() if isinstance(value, str) and value and value in text}


def columns_missing(response: Response) -> Iterator[str]:
    """The columns that a statement wants and was not given."""
    text = unescape(response.text[:TEXT_MOST])
    if _NULL_SAYS.search(text):
        yield from _NULL.findall(text)


def not_taken(body: Mapping[str, object], response: Response) -> set[str]:
    """The members of *body* that a refusal does not know."""
    found = {name for name, said in complaints(response) if _NOT_TAKEN.search(said)}
    found |= {name for one in _STRANGE.findall(unescape(response.text[:TEXT_MOST])) for name in one if name}
    return found & set(body)
