"""An account of the scan's own, and what somebody else sends to change it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.keys.random_words import random_mark
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity
from stopper.core.probing.accounts.account_body import RIGHTS
from stopper.core.probing.accounts.own_values import says_whose
from stopper.core.probing.inputs import members
from stopper.core.probing.things.objects import inner_object

FIXED: Final = re.compile(r"(?i)(^|_)(id|uuid|key|number|date|time|at|url|token)$|created|updated|passw|pwd|hash")
"""Members that a change does not name."""


_LOGS_IN: Final = re.compile(r"user_?name|e_?mail(_address)?|login(_name)?|handle|nick_?name")
"""Members by which somebody logs in, as parameters are spelled."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom the scan has registered: the ids by which the account may be named, and where the person sees it."""

    person: Identity
    made: Exchange
    numbers: tuple[str, ...]
    view: Request
    seen: Exchange

    @property
    def shown(self) -> dict[str, object]:
        """What the person is shown of the own account."""
        return inner_object(self.seen.response.json())


def bodies(honest: Request, hers: Account) -> Iterator[dict[str, object]]:
    """The members that the route is known to read, then those of her account that are shown, each with something new."""
    stem = f"stp{random_mark(4)}"
    known = {name: hers.shown[name] if _enters_by(name, hers) else value for name, value in members(honest).items()}
    first = {name: _new(name, value, stem, hers) for name, value in known.items() if not PASSWORD.search(name)}
    if first and first != known:
        yield first
    shown = {name: value for name, value in hers.shown.items() if not FIXED.search(name) and name not in known}
    second = {name: _new(name, value, stem, hers) for name, value in shown.items() if isinstance(value, (str, bool))}
    second = {name: value for name, value in second.items() if value != shown[name]}
    if second:
        yield {**first, **second}


def _enters_by(name: str, hers: Account) -> bool:
    """Whether that member of her account is what she logs in by."""
    value = hers.shown.get(name)
    if value is not None and _only_called(name, value, hers):
        return False
    by_name = re.fullmatch(r"user_?name|login|handle|nick_?name", as_parameter(name)) is not None
    return value is not None and (value == hers.person.subject or (by_name and value == hers.person.name))


def _only_called(name: str, value: object, hers: Account) -> bool:
    """Whether a member that says the text by which she logs in is no more than what she is called: the account says that text as a log-in too."""
    logs_in = [one for one, said in hers.shown.items() if said == value and _LOGS_IN.fullmatch(as_parameter(one))]
    return bool(logs_in) and not _LOGS_IN.fullmatch(as_parameter(name)) and not FIXED.search(name) and value != ""


def another_right(has: object, said_as_text: bool) -> object:
    """Another right than somebody has: a higher one, or an ordinary one again."""
    if said_as_text:
        return "user" if has == "admin" else "admin"
    return not has


def _new(name: str, value: object, stem: str, hers: Account) -> object:
    """Something new of the same type; the name by which she logs in and the id stay."""
    if not isinstance(value, (str, int, float, type(None))):
        return value
    if (value in hers.numbers or value == hers.person.subject) and not _only_called(name, value, hers):
        return value
    if RIGHTS.search(name):
        return another_right(hers.shown.get(name), isinstance(value, str))
    if isinstance(value, str) and not FIXED.search(name) and not says_whose(name):
        return f"{stem}@example.com" if "mail" in name.lower() else f"{stem} {len(name)}"
    return value
