"""A form of the own account takes more than it has fields for: what the pages say afterwards shows it."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.owner_names import ADMIN_PATH
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, failed, passed, send
from stopper.core.probing.accounts.account import Account
from stopper.core.probing.accounts.wishes import OF_WORTH
from stopper.core.probing.inputs import members
from stopper.core.probing.page_forms import hrefs

_RIGHTS: Final[dict[str, object]] = {"is_admin": 1, "admin": 1, "role": "admin", "is_staff": 1}
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")
_SAID: Final = re.compile(r"([A-Za-z][A-Za-z_ ]{2,30}?)\s*[:=]?\s*[$€£]?\s*(\d{1,9})(?![\d.]*\d{4})")
"""A number that a page says, with what it is one of."""
_WORD: Final = re.compile(r"[a-z]{3,20}")
_HIGH: Final = frozenset({"admin", "administrator", "superuser", "staff", "moderator"})
"""What pages call somebody of a higher role."""
PAGE_MOST: Final = 50_000
WORDS_MOST: Final = 4


def taken_on_a_page(honest: Request, route: Route, known: Account) -> Steps[Verdict | None]:
    """The verdict on a form of the account of somebody whom the scan has registered; None where no page shows that account."""
    before = yield from send(known.person.on(known.view))
    if before.response.content_type != "text/html" or not before.response.succeeded:
        return None
    ref, number = RouteRef(honest.method, route.path), str(100_000 + secrets.randbelow(800_000))
    fields = {name: value for name, value in members(honest).items() if not PASSWORD.search(name)}
    worth = [one for one in _worth_on(before) if one not in fields]
    for wishes in (dict.fromkeys(worth, number), {name: said for name, said in _RIGHTS.items() if name not in fields}):
        request = replace(honest, body=json.dumps({**fields, **wishes}).encode())
        if not wishes:
            continue
        changed = yield from send(replace(known.person.on(request), identity=None))
        if not changed.response.went_through:
            continue
        after = yield from send(known.person.on(known.view))
        shown = number if number in after.response.text else _new_link(before, after)
        if after.response.succeeded and shown:
            names = ", ".join(wishes)
            evidence = (
                Evidence("exchange", "control: the page of an account that the scan registered", before),
                Evidence("exchange", "its form is sent with members that it has no fields for", changed),
                Evidence("exchange", f"now the page says {shown}", after),
            )
            return failed(f"{ref} writes one of {names}, which no caller should set", [ref], evidence)
    return passed(f"{ref} keeps to the fields of its form")


def told_of_both(first: Exchange, second: Exchange, wishes: Mapping[str, object]) -> tuple[object, object]:
    """What two accounts are shown of themselves: as JSON, else by the words of their pages, where only the second one's speaks of a higher role."""
    if first.response.content_type != "text/html" or first.response.status != second.response.status:
        return first.response.json(), second.response.json()
    before, after = (
        set(_WORD.findall(_TAG.sub(" ", one.response.text[:PAGE_MOST]).lower())) for one in (first, second)
    )
    higher = bool((after - before) & _HIGH)
    return {}, {name: wish for name, wish in wishes.items() if higher and name in _RIGHTS}


def _worth_on(page: Exchange) -> list[str]:
    """The words of a page beside a number that nobody sets for himself."""
    text = _TAG.sub(" ", page.response.text[:PAGE_MOST])
    found = (re.sub(r"\s+", "_", word.strip().lower()) for word, _ in _SAID.findall(text))
    names = (name for said in found for name in (said, said.rpartition("_")[2]) if OF_WORTH.fullmatch(name))
    return list(dict.fromkeys(names))[:WORDS_MOST]


def _new_link(before: Exchange, after: Exchange) -> str:
    """An address for administrators to which the page leads only now."""
    new = set(hrefs(after.response.text)) - set(hrefs(before.response.text))
    return next((one for one in sorted(new) if ADMIN_PATH.search(one)), "")


def may_tell_of(who: Identity, listed: Exchange | None) -> bool:
    """Whether what *who* was answered may tell each caller of the own account: what says nothing of *who* says nothing of others."""
    if listed is None or not listed.response.succeeded:
        return True
    return who.subject is None or _letters(who.subject.partition("@")[0]) in _letters(listed.response.text)


def _letters(text: str) -> str:
    """A name as it is known without its signs: a mail address is spelled ``ann-7@…`` where the name is ``ann7``."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())
