"""What is somebody's because it stands under that person's own id, or under that of the company it belongs to: another asks there."""

import json
import re
import uuid
from dataclasses import replace
from typing import Final, cast
from urllib.parse import unquote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import PERSON
from stopper.core.personal import addresses_in, people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.own_values import (
    BELONGS,
    NAMES_SOMEBODY,
    own_numbers,
    parameter_of,
    says_what_is_owned,
    says_whose,
)
from stopper.core.probing.accounts.people import by_cookie, number_in_lists
from stopper.core.probing.baseline import is_door, same
from stopper.core.probing.things import one_thing as things
from stopper.core.probing.things.below_people import as_below
from stopper.core.probing.things.held_in_profiles import holds_her_things
from stopper.core.probing.things.kinds import at_number, entry_of, route_at
from stopper.core.probing.things.objects import plain_members
from stopper.core.probing.things.own_things import own_things
from stopper.core.probing.things.told_owner import no_list_says
from stopper.core.redactor import is_sensitive_name

_ENDS: Final = re.compile(
    r"(?i)log-?out|sign-?out|revoke|deactivate|delete|remove|reset|verify|confirm|activate|unsubscribe"
)
_NOBODY_ELSES: Final = re.compile(
    r"(?i)\}/(.*[/_-])?(settings|preferences|notifications?|orders?|invoices?|billing|payments?|payment-?(methods?|details)|bank-?details|transactions?|statements?|messages|inbox|wallets?|carts?|baskets?|"
    r"addresses|prescriptions?|(medical-?|health-?)?records?|payslips?|salar(y|ies)|documents?|files?|drafts?|tickets?|bookings?|reservations?|appointments?|"
    r"subscriptions?|api-?keys?|keys|sessions?|devices?|tokens?|secrets?|credentials?|balance|loans?|claims?|notes?|todos?|expenses?|budgets?|certificates?|grades?|results?|transcripts?|history|"
    r"enrol?lments?|purchases?|contacts?|logins?|pets?|children|vehicles|benefits?|payouts?|earnings|reports?|usage|analytics|measure(ment)?s?|vitals|medications?|diagnos[ei]s|allergies|private\w*)/?$"
)
"""What lies below the id of a person or a company and is for nobody else, as the last word of a path."""
_SURELY_HERS: Final = re.compile(
    r"(?i)\}/(.*[/_-])?(orders?|invoices?|payments?|payment-?(methods?|details)|bank-?details|transactions?|statements?|inbox|messages|wallets?|carts?|baskets?|addresses|"
    r"prescriptions?|(medical-?|health-?)records?|payslips?|salar(y|ies)|bookings?|reservations?|appointments?|api-?keys?|loans?|expenses?|purchases?|pets?|children|vehicles)/?$"
)
"""Those of them that nobody publishes."""
_OF_ONE: Final = re.compile(r"(\w+_)?(address(_line\d?)?|fines?|debts?|income|medication|allergies|emergency_contact)")
"""What no profile says, as members are spelled."""
_TOLD_TO_ALL: Final = re.compile(
    r"(public_|user_?)?_?id|uuid|slug|handle|(user|display|full|first|last|nick)?_?name|login|bio|about|description|headline|title|location|website|links?|(\w+_)?(avatar|image|picture|photo|icon|url)|"
    r"(created|joined|registered|updated|member|last_(seen|login|active))_?(at|on|since)?|joined|since|(\w+_)?count|followers|following|posts|badges?|roles?|status|type|"
    r"is_\w+|active|online|verified|success|message|error|ok"
)
"""Members of what people show of themselves to all, as members are spelled."""
NAMING: Final = 5
"""Letters of a name by which somebody is looked up; a shorter one stands in an address by chance."""


def is_of_a_person(route: Route) -> bool:
    """A route with one parameter that is somebody's id, or that of a company, by its name or by the part of the path before it."""
    if "GET" not in route.methods or len(route.parameters) != 1 or _ENDS.search(route.path):
        return False
    name = parameter_of(route)
    named = bool(
        PERSON.search(name) or BELONGS.fullmatch(name) or NAMES_SOMEBODY.fullmatch(name)
    )  # ``/users_token/{user_id}`` lets nobody in or out
    return named or (not is_door(route) and bool(PERSON.search(route.path.partition("{")[0])))


def asked(target: Target, route: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """Under Alice's own id stands something personal; Bob gets the same, and something else under his own id."""
    name = parameter_of(route)
    hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
    pairs = {(number, his[kind]) for kind, number in hers.items() if his.get(kind) not in (None, number)}
    for kind, number in hers.items():
        if (number, his.get(kind)) in pairs:
            pairs.remove((number, his[kind]))  # once, however many tell it
            found = yield from _under(target, route, (alice, number), (bob, his[kind]))
            if found:
                return found[0]
    if BELONGS.fullmatch(name):
        return None
    noun = route.path.partition("/{")[0].rpartition("/")[2]
    things_of = (yield from own_things(target, alice, noun)), (yield from own_things(target, bob, noun))
    if things_of[0] and things_of[1] and things_of[0][0] not in things_of[1]:
        found = yield from _under(target, route, (alice, things_of[0][0]), (bob, things_of[1][0]))
        if found:
            return found[0]
    listed = (yield from number_in_lists(target, alice, name)), (yield from number_in_lists(target, bob, name))
    if listed[0] is None or listed[1] is None or listed[0] == listed[1]:
        return None
    found = yield from _under(target, route, (alice, listed[0]), (bob, listed[1]))
    return found[0] if found else None


def _under(
    target: Target, route: Route, hers: tuple[Identity, str], his: tuple[Identity, str]
) -> Steps[list[Verdict | None]]:
    """What one pair of ids comes to; nothing where under Alice's stands nothing personal."""
    (alice, number), (bob, other) = hers, his
    read = at_number(target, route, number)
    own = yield from send(alice.on(read))
    browsers = by_cookie(target, alice), by_cookie(target, bob)
    if own.response.refused and browsers[0] is not None and browsers[1] is not None:
        alice, bob = browsers[0], browsers[1]
        own = yield from send(alice.on(read))
    if not own.response.succeeded:
        return []
    if not _is_personal(route, own, alice) and not (yield from holds_her_things(target, own, alice, bob)):
        return []
    under_his = yield from send(bob.on(at_number(target, route, other)))
    alone = same(own.response, under_his.response) and not (
        yield from _says_whose(target, route, (own, number), (under_his, other))
    )
    listed = not no_list_says(own.response.json()) and (yield from _in_a_list(target, route, alice, bob, number))
    if alone or listed:
        return [None]
    before = (Evidence("exchange", "control: under bob's own id stands something else", under_his),)
    verdict = yield from things.same_content(RouteRef("GET", route.path), read, alice, bob, before)
    if own.response.json() is None and (verdict is None or verdict.outcome != "fail"):
        verdict = (yield from _her_address(route, read, own, under_his, bob)) or verdict
    return [verdict or (yield from _to_nobody(route, read, own, under_his))]


def _to_nobody(route: Route, read: Request, own: Exchange, under_his: Exchange) -> Steps[Verdict | None]:
    """What no list of people says to all, or what is surely nobody else's by its path, is shown to whoever knows her id, without a credential."""
    if not no_list_says(own.response.json()) and not _SURELY_HERS.search(as_below(route.path)):
        return None
    anonymous = yield from send(read)
    if not anonymous.response.succeeded or not same(anonymous.response, own.response):
        return None
    ref = RouteRef("GET", route.path)
    evidence = (
        Evidence("exchange", "control: alice reads what is hers", own),
        Evidence("exchange", "control: under bob's own id stands something else", under_his),
        Evidence("exchange", "without a credential the same is shown", anonymous),
    )
    return failed(
        f"{ref} shows what belongs to one user to anybody who knows its id, without a credential", (ref,), evidence
    )


def _her_address(
    route: Route, read: Request, own: Exchange, under_his: Exchange, bob: Identity
) -> Steps[Verdict | None]:
    """A page greets whoever asks by name, so no two people see the same one: Bob's view of Alice's shows her address, which his own page and
    nobody's lack."""
    hers = addresses_in(own.response.text) - addresses_in(under_his.response.text)
    anonymous, foreign = (yield from send(read)), (yield from send(bob.on(read)))
    if not foreign.response.succeeded or not hers & addresses_in(foreign.response.text) - addresses_in(
        anonymous.response.text
    ):
        return None
    ref = RouteRef("GET", route.path)
    evidence = (
        Evidence("exchange", "control: alice sees her address there", own),
        Evidence("exchange", "control: bob's own page has another", under_his),
        Evidence("exchange", "bob asks for hers and sees her address", foreign),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)


def _says_whose(target: Target, route: Route, hers: tuple[Exchange, str], his: tuple[Exchange, str]) -> Steps[bool]:
    """Whether two answers that differ in nothing else say whose each is, and somebody whom nobody knows gets none: two new accounts with
    nothing on them look alike."""
    (own, number), (under_his, other) = hers, his
    if not (_names(own, number) and _names(under_his, other)) or _names(own, other) or _names(under_his, number):
        return False
    nobody = (
        str(uuid.UUID(int=7))
        if len(number) == len(str(uuid.UUID(int=0)))
        else "99999999"
        if number.isdigit()
        else target.canary
    )
    unknown = yield from send(replace(own.request, target=at_number(target, route, nobody).target))
    return not unknown.response.succeeded


def _names(shown: Exchange, number: str) -> bool:
    return any(
        str(value) == number
        for name, value in plain_members(shown.response.json())
        if says_whose(name) or as_parameter(name) == "id"
    )


def _is_personal(route: Route, own: Exchange, alice: Identity) -> bool:
    """The answer holds data of a person or a secret, says what somebody owns, is by its path for nobody else, or names Alice beside more than
    people show of themselves to all."""
    whole = _beside(own.response.json(), unquote(own.request.target))
    if says_what_is_owned(whole) or any(True for _ in people_in(whole)) or _NOBODY_ELSES.search(as_below(route.path)):
        return True
    said = plain_members(whole)
    if any(_OF_ONE.fullmatch(as_parameter(name)) and value not in (None, "") for name, value in said):
        return True
    if any(is_sensitive_name(name) and isinstance(value, str) and value for name, value in said):
        return True
    said_text = own.response.text if whole is None else json.dumps(whole)
    if alice.subject is None or alice.subject.lower() not in said_text.lower():
        return False
    mails = addresses_in(said_text)
    if mails if whole is None else any(alice.subject.lower() in one for one in mails):
        return True
    more = [
        name for name, value in said if value not in (None, "", 0) and not _TOLD_TO_ALL.fullmatch(as_parameter(name))
    ]
    return not route.path.endswith("}") and (whole is None or bool(more))  # a profile, which people show to all


def _beside(value: object, asked: str, depth: int = 4) -> object:
    """*value* without what was asked for by name: a look-up by an IBAN or an address says that again, and gives nothing away by it."""
    given = value
    said = cast("dict[str, object]", given) if isinstance(given, dict) and depth else None
    if said is None:
        return value
    left = {
        name: item
        for name, item in said.items()
        if not (isinstance(item, str) and len(item) >= NAMING and item in asked)
    }
    return {name: _beside(item, asked, depth - 1) for name, item in left.items()}


def _in_a_list(target: Target, route: Route, alice: Identity, bob: Identity, number: str) -> Steps[bool]:
    """Bob's own list of people names Alice or has her id: the application is a directory, and shows her on purpose."""
    base = route.path.partition("/{")[0]
    listing = route_at(target, base, "GET") or route_at(target, base.rpartition("/")[0], "GET")
    if listing is None or _NOBODY_ELSES.search(as_below(route.path)):
        return False
    shown = yield from send(bob.on(target.request_for(listing, "GET")))
    named = bool(alice.subject) and str(alice.subject).lower() in shown.response.text.lower()
    return shown.response.succeeded and (named or entry_of(shown, route.parameters[0][0], number) is not None)
