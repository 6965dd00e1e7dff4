"""An account is changed or ended by somebody else: two people whom the scan registers, and every route that takes the id of a person."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, own, passed, send
from stopper.core.probing.accounts.account import FIXED, Account, another_right, bodies
from stopper.core.probing.accounts.account_body import RIGHTS
from stopper.core.probing.accounts.own_links import leads_to_one_alone, number_in_links
from stopper.core.probing.accounts.own_values import SELF, own_numbers, parameter_of, says_whose, told_about
from stopper.core.probing.accounts.people import number_in_lists
from stopper.core.probing.accounts.registration import Enrolled, logged_in, newcomer
from stopper.core.probing.baseline import attempt, is_door, steady
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.inputs import members
from stopper.core.probing.page_forms import hrefs
from stopper.core.probing.query import with_query
from stopper.core.probing.shared import found_once
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import at_number, route_at
from stopper.core.probing.things.objects import ids, inner_object

ROUTES_MOST: Final = 6
_GUESSED: Final = (("username", "user"), ("user_id", "id"))
"""What may say whose account is meant, where nobody knows what a route reads beside the rest."""
NUMBERS_MOST: Final = 2
_NOUN: Final = re.compile(r"(?i)^(users?|accounts?|members?|people|persons?|profiles?|customers?|clients?|employees?|patients?|students?|authors?|readers?|borrowers?|donors?|drivers?|riders?|guests?|me|self)$")  # fmt: skip
_SURELY: Final = re.compile(r"(?i)^(users?|people|persons?)$")
"""Nouns under which the number of an account surely is that of the account."""
_ABOUT: Final = re.compile(
    r"(?i)^(updates?|edit|change|modify|save|set|profile|data|details?|info|settings|email|phone|address|bio|roles?|promote|admin|make|permissions?|privileges?|rights|"
    r"status|activate|deactivate|suspend|ban|block|balance|credits?|delete|remove|destroy|grant|elevate|upgrade|demote|verify|approve|unlock|lock|enable|disable|level|tier|plan|limit|points|"
    r"to|as|by|superuser|moderator|staff|manager)$"
)
"""What a path may say beside the person where the account itself is meant."""
_GIVES_RIGHTS: Final = re.compile(
    r"(?i)(^|/)(((update|change|set|assign|grant|give|edit)[_-]?)(user[_-]?)?(roles?|rights?|permissions?|privileges?|admin)|promote([_-]?user)?|make[_-]?admin)/?$"
)
"""Paths of what gives somebody a role, whosever id stands in the body."""
_ENDS: Final = re.compile(r"(?i)^(delete|remove|destroy|deactivate|suspend|ban|block|disable|lock)$")


def asked(target: Target) -> Steps[list[Verdict]]:
    """The verdicts on the routes that change or end the account of the person whom they name; mode active only."""
    found: list[Verdict] = []
    routes = list(_routes(target))[:ROUTES_MOST] if target.mode == "active" else []
    if not routes:
        return found
    hers, his = (yield from account(target, "first")), (yield from account(target, "second"))
    for route, method in routes:
        if hers is None or his is None:
            break
        verdict = yield from attempt(_changed(target, route, method, hers, his.person))
        found += [verdict] if verdict is not None else []
        if verdict is not None and verdict.outcome == "fail":
            hers = yield from _seen_again(hers)
    return found


def _routes(target: Target) -> Iterator[tuple[Route, str]]:
    """Each route with a method: those that change first, then those that end it, and what deletes it at last."""
    pairs = [
        (route, method)
        for route in (*target.app.routes, *_by_body(target))
        if is_of_an_account(route)
        for method in ("PUT", "PATCH", "POST", "DELETE")
        if method in route.methods
    ]
    yield from sorted(pairs, key=lambda pair: (_ends(*pair), pair[1] == "DELETE"))


def changing_routes(target: Target) -> Iterator[tuple[Route, str]]:
    """Those of them that change an account by one id, and end none; what a body says by a guess alone is left out."""
    for route, method in _routes(target):
        if not _ends(route, method) and len(route.parameters) == 1:
            yield route, method


def _by_body(target: Target) -> Iterator[Route]:
    """``POST /account`` with ``{"user_id": 5, …}``: whose account is meant stands in the body."""
    for route in target.app.routes:
        for method in ("PUT", "PATCH", "POST"):
            if method in route.methods and not route.parameters and not is_door(route):
                names = members(target.request_for(route, method))
                name = next((one for one in names if says_whose(one)), None)
                if name is not None:
                    yield replace(route, methods=(method,), parameters=((name, "body"),))
                elif OWN_ACCOUNT.search(route.path) or _GIVES_RIGHTS.search(route.path):
                    for guesses in _GUESSED:
                        yield replace(route, methods=(method,), parameters=tuple((one, "body") for one in guesses))


def _ends(route: Route, method: str) -> bool:
    return method == "DELETE" or any(map(_ENDS.match, _words(route)))


def _words(route: Route) -> list[str]:
    return [word for word in re.split(r"[/_.]+", as_parameter(re.sub(r"\{[^{}]*\}", "", route.path))) if word]


def is_of_an_account(route: Route) -> bool:
    """One id, of a person, and nothing beside it that is not about the account itself."""
    one = len(route.parameters) == 1 or stands_elsewhere(route)
    if not one or is_door(route) or PASSWORD.search(route.path):
        return False
    words = _words(route)
    first = next((place for place, word in enumerate(words) if _NOUN.match(word)), None)
    if first is None:
        about = bool(words) and all(_ABOUT.match(word) for word in words[-2:])
        return stands_elsewhere(route) and (about or OWN_ACCOUNT.search(route.path) is not None)
    return all(_NOUN.match(word) or _ABOUT.match(word) for word in words[first:])


def is_the_own_account(route: Route) -> bool:
    """Where a person changes the own account: at a path without an id, or under the own one."""
    if PASSWORD.search(route.path):
        return False
    return is_of_an_account(route) if route.parameters else bool(OWN_ACCOUNT.search(route.path))


def account(target: Target, which: str) -> Steps[Account | None]:
    """Somebody whom the scan has registered for all its probes; None where the API takes nobody or shows nobody the own account."""
    return (yield from found_once(target, f"an account of the scan's own, the {which}", lambda: _made(target, which)))


def _made(target: Target, which: str) -> Steps[Account | None]:
    new = yield from newcomer(target, which)
    if new is None:
        return None
    numbers = yield from _numbers(target, new)
    links = dict[str, str]() if numbers else (yield from _on_the_first_page(new))
    numbers = (
        numbers or tuple(links.values())[:1] or (yield from _linked(target, new)) or (yield from _listed(target, new))
    )
    names = [one for one in (new.person.subject, new.person.name) if one]
    pages = [Request("GET", link, (("Accept", "text/html"),)) for link in links]
    for view in (*_views(target, (*numbers, *names)), *pages[:2]):
        seen = yield from attempt(send(new.person.on(view)))
        if seen is not None and seen.response.succeeded and any(name in seen.response.text for name in names):
            return Account(new.person, new.made, (*numbers, *dict.fromkeys(names)), view, seen)
    return None


def _numbers(target: Target, new: Enrolled) -> Steps[tuple[str, ...]]:
    """The ids of the account, those first that are surely its own."""
    told = yield from own_numbers(target, new.person)
    told.pop("id", None)  # of the account or of the token
    said = next(ids(new.made.response.json(), "user_id"), None) if new.made.response.succeeded else None
    entered = told_about(new.entered.response).get("user_id")
    known = [number for where, number in told.items() if where.startswith("/")]
    names = (new.person.subject, new.person.name)  # tried besides
    numbers = dict.fromkeys(one for one in (*known, said, entered, *told.values()) if one and one not in names)
    return tuple(numbers)[:NUMBERS_MOST]


def _on_the_first_page(new: Enrolled) -> Steps[dict[str, str]]:
    """The links by which the page behind the log-in leads to the own account (``/account?user_id=5``), each with the id; a page of many
    people says nothing."""
    where = urlsplit(new.entered.response.header("Location") or "/").path or "/"
    page = yield from attempt(send(new.person.on(Request("GET", where, (("Accept", "text/html"),)))))
    said = hrefs(page.response.text) if page is not None and page.response.succeeded else []
    found = {
        text: value
        for text in said
        for name, value in parse_qsl(text.partition("?")[2])
        if text.startswith("/") and says_whose(name) and ID.fullmatch(value)
    }
    return found if len(set(found.values())) == 1 else {}


def _linked(target: Target, new: Enrolled) -> Steps[tuple[str, ...]]:
    """The id by which the pages of somebody new lead to the own account."""
    where = urlsplit(new.entered.response.header("Location") or "/").path or "/"
    alone = [
        one.path for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ]
    routes = [one for one in target.app.routes if is_of_an_account(one) and "{" in one.path]
    number = (yield from number_in_links(target, new.person, (where, *alone), routes)) if new.person.cookies else None
    return (number,) if number is not None else ()


def _listed(target: Target, new: Enrolled) -> Steps[tuple[str, ...]]:
    """The id of somebody new that a list of people tells, if need be to an administrator alone."""
    takes = next((one for one in target.app.routes if is_of_an_account(one) and "{" in one.path), None)
    number = (yield from number_in_lists(target, new.person, parameter_of(takes))) if takes is not None else None
    return (number,) if number is not None else ()


def _views(target: Target, numbers: tuple[str, ...]) -> Iterator[Request]:
    """Where a person may see the own account: at a path without an id, else under the id."""
    alone = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)]
    yield from (target.request_for(route, "GET") for route in alone[:2])
    for route in target.app.routes:
        if (
            "GET" in route.methods
            and len(route.parameters) == 1
            and route.path.endswith("}")
            and is_of_an_account(route)
        ):
            yield from (at_number(target, route, number) for number in numbers if fits(route, number))
        elif "GET" in route.methods and not route.parameters and not is_door(route):
            names = [name for name in route.names if says_whose(name)]
            honest = target.request_for(route, "GET")
            yield from (with_query(honest, name, number) for name in names[:1] for number in numbers)


def _seen_again(one: Account) -> Steps[Account | None]:
    seen = yield from send(one.person.on(one.view))
    return replace(one, seen=seen) if seen.response.succeeded and not _is_gone(one, seen) else None


# -- changes ---------------------------------------------------------------------------------------------------------------------


def _changed(target: Target, route: Route, method: str, hers: Account, his: Identity) -> Steps[Verdict | None]:
    """Somebody else sends the change of her account; that it worked shows in what she is shown, and in nothing else."""
    ends = _ends(route, method)
    name = parameter_of(route)
    told = (yield from own_numbers(target, hers.person, name)).get(name)  # called so by what she is shown of herself
    if told is not None and (yield from _is_shared(target, name, told, his)):
        return None
    numbers = [told] if told is not None else [one for one in hers.numbers if fits(route, one)]
    for number in numbers[:NUMBERS_MOST]:
        if told is None and not (yield from is_hers(target, route, number, hers, ends)):
            continue
        if "{" in route.path:  # else it is everybody's, and the body says whose
            yield from own(_of_the_account(target, route, number), hers.made.request)
        if hers.view.target.rpartition("/")[2] == number:
            yield from own(hers.view.target, hers.made.request)
        hers = hers if ends else (yield from _seen_there(target, route, number, hers))
        honest = _as_hers(at_number(target, route, number, method), hers, number)
        sent = list(bodies(honest, hers)) if method != "DELETE" else []
        if len(route.parameters) > 1 and _GIVES_RIGHTS.search(route.path):
            sent = [{"role": another_right(hers.shown.get("role"), True)}]
        elif (
            len(route.parameters) > 1
        ):  # a guess: who is not read by it changes himself, and other probes count on what he may do
            sent = [{name: value for name, value in body.items() if not RIGHTS.search(name)} for body in sent[:1]]
        for body in sent or [{}]:
            request = replace(honest, body=json.dumps({**_guessed(route, honest), **body}).encode() if body else b"")
            verdict = yield from _tried(target, route, request, hers, his, body, ends)
            if verdict is None or verdict.outcome == "fail":
                return verdict
    return passed(f"{method} {route.path} leaves the account of another as it is")


def _of_the_account(target: Target, route: Route, number: str) -> str:
    """The path of her account, of which a route may change a part: ``/users/5`` of ``/users/5/role``."""
    return at_number(target, replace(route, path=re.sub(r"\}.*", "}", route.path)), number).target.partition("?")[0]


def _seen_there(target: Target, route: Route, number: str, hers: Account) -> Steps[Account]:
    """Her account as she reads it at the path that is changed, where one may: that shows more of it than another path does."""
    reads = route_at(target, route.path, "GET") if not stands_elsewhere(route) else None
    if reads is None:
        return hers
    view = at_number(target, reads, number)
    seen = yield from send(hers.person.on(view))
    shown = seen.response.succeeded and bool(inner_object(seen.response.json()))
    return replace(hers, view=view, seen=seen) if shown else hers


def _as_hers(honest: Request, hers: Account, number: str) -> Request:
    """*honest* with her number as her account spells it: a text, or a number."""
    said = members(honest)
    if not number.isdigit() or int(number) not in said.values() or number not in hers.shown.values():
        return honest
    spelled = {name: number if value == int(number) else value for name, value in said.items()}
    return replace(honest, body=json.dumps(spelled).encode())


def _guessed(route: Route, honest: Request) -> dict[str, object]:
    """The members of a guess, which say whose account is meant."""
    names = {name for name, _ in route.parameters} if len(route.parameters) > 1 else set[str]()
    return {name: value for name, value in members(honest).items() if name in names}


def _is_shared(target: Target, name: str, number: str, his: Identity) -> Steps[bool]:
    """Whether somebody else is shown the same number of himself: the account of a company, say, which was there before."""
    for other in (his, *target.identities):
        if (yield from own_numbers(target, other, name)).get(name) == number:
            return True
    return False


def _tried(
    target: Target, route: Route, request: Request, hers: Account, his: Identity, body: dict[str, object], ends: bool
) -> Steps[Verdict | None]:
    """A pass where it changed nothing; None where it asks nobody who is there."""
    ref = RouteRef(request.method, route.path)
    if ends:
        yield from own(request.target.partition("?")[0], hers.made.request)
    anonymous = yield from send(request)
    if anonymous.response.went_through:
        by_nobody = yield from _by_nobody(target, ref, anonymous, hers, body, ends)
        if by_nobody is not None or anonymous.response.succeeded:
            return by_nobody
    # Under no name: he is the scan's own, so nobody whom other probes need is logged out by it.
    tried = yield from send(replace(his.on(request), identity=None))
    refused = passed(f"{ref} refuses who is not meant")
    if not tried.response.went_through:
        return refused
    after = yield from _looks_again(target, hers, ends)
    gone = _is_gone(hers, after)
    if not (gone and ends) and not (after.response.succeeded and _took(hers.seen, after, {} if ends else body)):
        return refused
    did = "ends" if gone else "changes"
    evidence = (
        Evidence("exchange", "control: alice, whom the scan registered, sees her account", hers.seen),
        Evidence("exchange", "control: without a credential it is refused", anonymous),
        Evidence("exchange", f"bob, whom the scan registered too, {did} it", tried),
        Evidence("exchange", "alice looks again", after),
    )
    return failed(f"{ref} lets one user {did.removesuffix('s')} the account of another", (ref,), evidence)


def _looks_again(target: Target, hers: Account, ends: bool) -> Steps[Exchange]:
    """What she is shown of her account now; where that may have been ended, after another log-in: a credential ends for many reasons."""
    after = yield from send(hers.person.on(hers.view))
    again = (yield from logged_in(target, hers.person)) if ends and _is_gone(hers, after) else None
    return (yield from send(again.on(hers.view))) if again is not None else after


def _by_nobody(
    target: Target, ref: RouteRef, anonymous: Exchange, hers: Account, body: dict[str, object], ends: bool
) -> Steps[Verdict | None]:
    """A change of her account that asks nobody who is there; None where it changed nothing."""
    after = yield from _looks_again(target, hers, ends)
    gone = ends and _is_gone(hers, after)
    if not gone and not (after.response.succeeded and _took(hers.seen, after, body)):
        return None
    evidence = (
        Evidence("exchange", "control: alice, whom the scan registered, sees her account", hers.seen),
        Evidence("exchange", "without a credential it is changed", anonymous),
        Evidence("exchange", "alice looks again", after),
    )
    return failed(f"{ref} lets anybody change the account of a user, without a credential", (ref,), evidence)


def _is_gone(hers: Account, after: Exchange) -> bool:
    """Whether her account is shown to her no longer: it is not there, or a page that named her is one of nobody."""
    if after.response.refused or after.response.status in (404, 410):
        return True
    names = [one for one in (hers.person.subject, hers.person.name) if one and one in hers.seen.response.text]
    page = after.response.succeeded and after.response.json() is None
    return page and bool(names) and not any(one in after.response.text for one in names)


def _took(before: Exchange, after: Exchange, body: dict[str, object]) -> bool:
    """Whether her account now says what he sent, which it did not before."""
    was, now = inner_object(before.response.json()), inner_object(after.response.json())
    if not now:  # a page
        new = [value for value in body.values() if isinstance(value, str) and len(value) > len("admin")]
        return any(one in after.response.text and one not in before.response.text for one in new)
    taken = [name for name, value in now.items() if was.get(name) != value and not FIXED.search(name)]
    sent = {str(value).lower() for value in body.values()}
    told = (not body and bool(taken)) or any(str(now[name]).lower() in sent or RIGHTS.search(name) for name in taken)
    return told and steady(before.response.text) != steady(after.response.text)


# -- whose it is -----------------------------------------------------------------------------------------------------------------


def fits(route: Route, number: str) -> bool:
    """A number is asked for by a number."""
    name, kind = route.parameters[0]
    if "int" in kind or (name, kind) == ("user_id", "body"):
        return number.isdigit() or (kind == "body" and "-" in number)
    return not ((name, kind) == ("username", "body") and number.isdigit())


def is_hers(target: Target, route: Route, number: str, hers: Account, ends: bool) -> Steps[bool]:
    """Whether that id surely names her account there: nobody else's is touched. A number that counts may be somebody else's under another noun."""
    if not number.isdigit():
        return True
    if stands_elsewhere(route):
        return not ends and says_whose(route.parameters[0][0])
    if leads_to_one_alone(hers.seen, route, at_number(target, route, number).target):
        return True
    reads = route_at(target, re.sub(r"\}.*", "}", route.path), "GET")
    if reads is not None:
        seen = yield from send(hers.person.on(at_number(target, reads, number)))
        names = [one for one in (hers.person.subject, hers.person.name) if one]
        if seen.response.succeeded:
            return any(name in seen.response.text for name in names)
    return any(map(_SURELY.match, _words(route))) and hers.numbers[0] == number
