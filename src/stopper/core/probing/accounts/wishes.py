"""What somebody would like to be better about an account or a thing, and should not set: worth, grade, and what says that one may more."""

import re
from typing import Final

from stopper.core.naming import as_parameter

OF_WORTH: Final = re.compile(
    r"(\w+_)?(balance|wallet|credits?|points|(daily|credit|transfer|withdrawal|account)_limit|quota|discount(_percent)?|score|loyalty\w*)(_[a-z]{2,5})?|"
    r"(balance|amount)_(due|owed)|(monthly|daily|free|remaining)_(tokens|requests|calls|minutes|storage)|(tokens|requests|storage)_(limit|quota|left)|max_(tokens|projects|users|storage|uploads)"
)
"""Numbers that nobody sets for himself, as members are spelled: what an account is worth, and how far it may go."""
_GRADE: Final = re.compile(
    r"(\w+_)?(plan|tier|membership|subscription|(account|user|member)_(type|kind|level)|kind|segment)"
)
_BETTER: Final = "premium"
"""What a grade is wished to be."""
_CHEAP: Final = frozenset({"free", "basic", "starter", "trial", "bronze"})
"""Grades above which others are sold: also of a project or a company."""
_FLAG: Final = re.compile(
    r"(is_)?(\w+_)?(admin|administrator|staff|superuser|moderator|verified|approved|premium|vip|pro|paid|manager|librarian|teacher|instructor|doctor|"
    r"nurse|vet|pharmacist|employee|operator|editor|reviewer|organi[sz]er|coach|seller|driver|hr|agent|vendor|merchant|supervisor|director|cashier|clerk|curator|root)"
)
"""What nobody says of himself, as members are spelled."""


def better_than(name: str, value: object, *, own: bool) -> object:
    """Something better than the value that a thing is shown to have, where nobody should set it; of an account of one's *own* also what it is worth.
    None where that is not known."""
    said = as_parameter(name)
    if isinstance(value, (bool, int)) and not value and _FLAG.fullmatch(said):
        return True if value is False else 1
    if own and isinstance(value, (int, float)) and not isinstance(value, bool) and OF_WORTH.fullmatch(said):
        return value + 1
    if isinstance(value, str) and value.lower() in _CHEAP and _GRADE.fullmatch(said):
        return _BETTER
    return _BETTER if own and isinstance(value, str) and value != _BETTER and _GRADE.fullmatch(said) else None
