"""Things that say themselves whose they are: an account, an order or an invoice names its owner, and somebody else is shown it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, PERSON, ROLE
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.own_values import BELONGS, SELF, own_numbers
from stopper.core.probing.baseline import alike, attempt, is_door, same_but_for_the_caller
from stopper.core.probing.things.changes import owners_in
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.objects import entries, inner_object, plain_members
from stopper.core.probing.things.teams import same_team
from stopper.core.probing.things.told_on_pages import others_on_pages
from stopper.core.rule import Severity

_PERSONAL: Final = re.compile(
    r"(?i)(^|[/_-])(accounts?|bank-?accounts?|payments?|cards?|transactions?|invoices?|statements?|wallets?|payslips?|salar(y|ies)|prescriptions?|receipts?|"
    r"loans?|orders?|purchases?|transfers?|messages?|inbox|medical-?records?|addresses|withdrawals?|deposits?|refunds?|subscriptions?|payouts?|earnings)$"
)
"""What one person has and nobody publishes, as the last word of a path."""
_RECORDS: Final = re.compile(
    r"(?i)\}/(grades?|notifications?|bookings?|reservations?|appointments?|claims?|devices?|sessions?|api-?keys?|drafts?|contracts?)$"
)
"""What lies below the id of a person and is of nobody else, where it names that person."""
_PRIVATE: Final = re.compile(
    r"(?i)(.*_)?(amounts?|total|balance|iban|bic|account_(number|no)|card_(number|no|last4?)|last4|pan|address|salary|net|gross|diagnosis|dosage|medication|"
    r"recipient(_id)?|receiver(_id)?|to_user(_id)?|to_id)(_(cents|usd|eur|gbp))?"
)
"""Members that tell of money, health, where somebody lives, or to whom something is said."""
_TRADE: Final = re.compile(
    r"(?i)(^|[/_-])(invoices?|orders?|payments?|purchases?|refunds?|subscriptions?|transfers?|receipts?|deposits?|withdrawals?)$"
)
"""What a company looks at together: a list of these is told where it says more than sums."""
_BUYS: Final = re.compile(r"(user|customer|owner|client|buyer|patient|member)(_?(id|uuid|name|email))?")
"""Who has a thing; who has entered it for a company is called otherwise."""
_ID: Final = re.compile(r"\d{1,18}|(?i:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})|\S+@\S+")
"""How accounts are named in things: a customer of a company's own is a text."""
_OF_A_PERSON: Final = re.compile(r"(?i)(.*_)?(iban|card_(number|no|last4?)|last4|pan)")
_NOBODYS: Final = re.compile(
    r"(?i)(^|[/_-])(public|feed|recent|latest|popular|top|search|types?|categories|templates?|shared)([/_-]|$)"
)
_HIGH: Final = re.compile(r"(?i)admin|staff|super|manager|owner|moderator|operator|support")
_NUMBERS: Final = (
    "customer_id",
    "customer_no",
    "customer_number",
    "client_id",
    "member_id",
    "patient_id",
    "employee_id",
    "student_id",
)
"""What else a person may be called by in things."""
_ALL_PEOPLE: Final = re.compile(
    r"(?i)(^|[/_-])(customers|clients|users|members|employees|patients|students|people|persons)$"
)
_CALLED: Final = re.compile(
    r"(user|customer|client|member|patient|employee|student|person|account)?_?(id|no|number|uuid|email|name)|e_?mail|username|login|handle"
)
"""Members of an entry of such a list that say who it is."""
_OF_PEOPLE: Final = re.compile(
    r"(?i)(.*_)?(balance|salary|net_worth|income|iban|ssn|social_security(_number)?|card_(number|no|last4?)|(daily|credit|transfer|withdrawal)_limit|credit_score|"
    r"password(_hash)?|api_key|token|secret|diagnosis|medication|passport(_number|_no)?|national_id|tax_id)"
)
"""What no list of people says of each to all."""
LISTS_MOST: Final = 6
ROUTES_MOST: Final = 4
NUMBERS: Final = 4
"""Numbers from one on that are tried where nothing tells an id."""


def asked(target: Target, alice: Identity, bob: Identity, told: set[str]) -> Steps[list[Verdict]]:
    """The verdicts on such things; routes of which *told* says that they let others in are not asked again."""
    found: list[Verdict] = []
    lists, things, below = list(_lists(target)), list(_things(target, told)), list(_below_a_person(target))
    if not (lists or things or below):
        return found
    hers, his = (yield from _called(target, alice)), (yield from _called(target, bob))
    if not hers or not his or hers & his or (yield from _is_high(target, alice, bob)):
        return found
    together = yield from same_team(target, alice, bob)
    lists = [] if together else lists
    for route in lists[:LISTS_MOST]:
        verdict = yield from attempt(_of_everybody(target, route, (alice, hers), (bob, his), apart=together is False))
        found += [verdict] if verdict is not None else []
    wrong = {ref.path.rstrip("/"): one.severity for one in found for ref in one.routes}
    for route in things[:ROUTES_MOST]:
        beside = [one for one in lists if one.path.rstrip("/") in _beside(route)]
        shared = next((one for one in beside if one.path.rstrip("/") not in wrong), None)
        if shared is not None and (yield from _shows_others(target, shared, bob, his)):
            continue  # who is shown the list may open what it shows
        verdict = yield from attempt(_by_number(target, route, (alice, hers), (bob, his)))
        verdict = verdict or (yield from attempt(others_on_pages(target, route, alice)))
        weighs = next((wrong[one.path.rstrip("/")] for one in beside if one.path.rstrip("/") in wrong), None)
        found += [replace(verdict, severity=weighs or verdict.severity)] if verdict is not None else []
    for route, half in below[:ROUTES_MOST]:
        verdict = yield from attempt(_in_her_name(target, route, half, (alice, hers), (bob, his)))
        found += [verdict] if verdict is not None else []
    return found


def _beside(route: Route) -> tuple[str, str]:
    """Where things of that kind are listed."""
    before = route.path.partition("/{")[0]
    return before, f"{before}s"


def _shows_others(target: Target, route: Route, bob: Identity, his: set[str]) -> Steps[bool]:
    seen = yield from send(bob.on(target.request_for(route, "GET")))
    return any(whose and not whose & his for whose in map(_whose, entries(seen.response.json())))


Somebody = tuple[Identity, set[str]]
"""A person with what it is called by."""


def _lists(target: Target) -> Iterator[Route]:
    for route in target.app.routes:
        if "GET" in route.methods and not route.parameters and not is_door(route) and not SELF.search(route.path):
            path = route.path.rstrip("/")
            listed = _PERSONAL.search(path) or _ALL_PEOPLE.search(path)
            if listed and not ADMIN_PATH.search(path) and not _NOBODYS.search(path):
                yield route


def _things(target: Target, told: set[str]) -> Iterator[Route]:
    for route in target.app.routes:
        if (
            "GET" in route.methods
            and len(route.parameters) == 1
            and route.path.endswith("}")
            and route.path not in told
        ):
            before = route.path.partition("/{")[0]
            if _PERSONAL.search(before) and not ADMIN_PATH.search(before) and not _NOBODYS.search(before):
                yield route


def _below_a_person(target: Target) -> Iterator[tuple[Route, Route]]:
    """``/orgs/{org_id}/users/{user_id}/messages``: with it, the same where only the id of the person is open."""
    for route in target.app.routes:
        path = route.path.rstrip("/")
        if (
            "GET" not in route.methods
            or not 1 <= len(route.parameters) <= 2
            or not (_PERSONAL.search(path) or _RECORDS.search(path))
        ):
            continue
        person = next((pair for pair in route.parameters if PERSON.search(pair[0])), None)
        if person is not None and not ADMIN_PATH.search(route.path):
            filled = target.request_for(route, "GET").target.partition("?")[0].split("/")
            said = route.path.split("/")
            parts = [one if one == f"{{{person[0]}}}" or "{" not in one else filled[at] for at, one in enumerate(said)]
            if len(filled) == len(said):
                yield route, replace(route, path="/".join(parts), parameters=(person,))


def _called(target: Target, person: Identity) -> Steps[set[str]]:
    """The ids and the name of a person, as a thing may say them."""
    found = set((yield from own_numbers(target, person, "user_id")).values())
    for name in _NUMBERS:
        told = yield from own_numbers(target, person, name)
        found |= {told[name]} if name in told else set[str]()
    return found | ({person.subject} if person.subject is not None else set[str]())


def _is_high(target: Target, *people: Identity) -> Steps[bool]:
    """Whether one of them is told of itself that it may see what is others'."""
    for route in [
        one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ][:2]:
        for person in people:
            seen = yield from attempt(send(person.on(target.request_for(route, "GET"))))
            said = inner_object(seen.response.json()) if seen is not None and seen.response.succeeded else {}
            rights = [value for name, value in said.items() if ROLE.search(name)]
            if any(value is True or _HIGH.search(_plain(value)) for value in rights):
                return True
    return False


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_private(value: object, what: re.Pattern[str] = _PRIVATE) -> bool:
    """Whether an object, or one in it, says what nobody publishes, and that it is nobody's in common."""
    said = [as_parameter(name) for name, _ in plain_members(value)]
    return any(map(what.fullmatch, said)) and not any(map(BELONGS.fullmatch, said))


def no_list_says(value: object) -> bool:
    """Whether an answer about somebody says what no list of people says to all."""
    return _is_private(value, _OF_PEOPLE)


def _whose(entry: object) -> set[str]:
    return {
        str(value) for _, value in owners_in(entry) if isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def _who(entry: object) -> set[str]:
    """What an entry of a list of people says of who it is."""
    said = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    known = [value for name, value in said.items() if _CALLED.fullmatch(as_parameter(name))]
    return {str(one) for one in known if isinstance(one, (str, int)) and not isinstance(one, bool)}


def _of_everybody(target: Target, route: Route, hers: Somebody, his: Somebody, *, apart: bool) -> Steps[Verdict | None]:
    """A list of personal things that shows both people what is one's and what is the other's. Of what a company may look at together it weighs
    less, where nobody knows that they are *apart*."""
    (alice, her_names), (bob, his_names) = hers, his
    request = target.request_for(route, "GET")
    of_people, weighs = _ALL_PEOPLE.search(route.path.rstrip("/")) is not None, cast("Severity | None", None)
    what, whose_of = (_OF_PEOPLE, _who) if of_people else (_PRIVATE, _whose)
    seen, own = (yield from send(bob.on(request))), (yield from send(alice.on(request)))
    shown = [(one, whose_of(one)) for one in entries(seen.response.json())] if seen.response.succeeded else []
    others = [one for one, whose in shown if whose and not whose & his_names and _is_private(one, what)]
    if not own.response.succeeded or not any(whose & her_names for _, whose in shown) or not others:
        return None
    known = [whose_of(one) for one in entries(own.response.json())]
    if not any(whose and not whose & her_names for whose in known):
        return None
    if (
        _TRADE.search(route.path.rstrip("/"))
        and not apart
        and not any(_is_private(one, _OF_A_PERSON) for one in others)
    ):
        said = [(as_parameter(name), str(value)) for one, _ in shown for name, value in owners_in(one)]
        hers_by = [name for name, value in said if _BUYS.fullmatch(name) and value in her_names]
        if not any(all(_ID.fullmatch(value) for one, value in said if one == name) for name in hers_by):
            return None
        weighs = "medium"
    anonymous = yield from send(request)
    if alike(anonymous.response, seen.response):
        return None
    ref = RouteRef("GET", route.path)
    evidence = (
        Evidence("exchange", "control: without a credential the list is not shown", anonymous),
        Evidence("exchange", "alice sees things that name others as their owners", own),
        Evidence("exchange", "bob sees those that name alice", seen),
    )
    return failed(f"{ref} shows one user what others have, by what it says of their owners", (ref,), evidence, weighs)


def _by_number(target: Target, route: Route, hers: Somebody, his: Somebody) -> Steps[Verdict | None]:
    """A personal thing that names Alice and not Bob, which Bob reads by its number as Alice does."""
    (alice, her_names), (bob, his_names) = hers, his
    first = target.request_for(route, "GET").target.partition("?")[0].rpartition("/")[2]
    numbers = dict.fromkeys((first, *(str(number) for number in range(1, NUMBERS + 1)))) if first.isdigit() else [first]
    for number in numbers:
        read = at_number(target, route, number)
        seen = yield from send(bob.on(read))
        if seen.response.refused:
            return None
        whose = _whose(seen.response.json()) if seen.response.succeeded else set[str]()
        if whose & her_names and not whose & his_names and _is_private(seen.response.json()):
            return (yield from _read_by_both(RouteRef("GET", route.path), seen, alice))
    return None


def _in_her_name(target: Target, route: Route, half: Route, hers: Somebody, his: Somebody) -> Steps[Verdict | None]:
    """Personal things under Alice's own id that name her and not Bob, which Bob reads under the same id."""
    (alice, her_names), (bob, his_names) = hers, his
    for number in sorted(her_names):
        own = yield from send(alice.on(at_number(target, half, number)))
        whose = (
            set[str]().union(*[_whose(one) for one in entries(own.response.json())])
            if own.response.succeeded
            else set[str]()
        )
        if number in whose and not whose & his_names:
            seen = yield from send(bob.on(own.request))
            if not same_but_for_the_caller(seen.response, own.response):
                return None
            return (yield from _read_by_both(RouteRef("GET", route.path), seen, alice))
    return None


def _read_by_both(ref: RouteRef, seen: Exchange, alice: Identity) -> Steps[Verdict | None]:
    plain = replace(
        seen.request, headers=tuple(pair for pair in seen.request.headers if pair[0].lower() == "accept"), identity=None
    )
    own, anonymous = (yield from send(alice.on(plain))), (yield from send(plain))
    if not same_but_for_the_caller(own.response, seen.response) or alike(anonymous.response, seen.response):
        return None
    evidence = (
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", "control: alice reads what names her as its owner", own),
        Evidence("exchange", "bob reads it under the same id and gets the same", seen),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)
