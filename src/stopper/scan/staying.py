"""What a scan leaves behind in a target: people whom it has registered, things that it has made, and what it could not put back."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, unquote

from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.owner_names import PERSON
from stopper.core.probe import Skipped
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.things.objects import inner_object
from stopper.scan.report import Skip
from stopper.scan.wire.as_it_was import UNREAD
from stopper.scan.wire.blind_deeds import UNSHOWN
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.foreign_deeds import Account, makes_an_account
from stopper.scan.wire.things_made import path_of

ACCOUNTS_MOST: Final = 60
"""Accounts that are looked up to be deleted."""
REFUSED_MOST: Final = 3
"""Accounts that nobody of the scan is shown, after which no more are looked up."""
NAMED: Final = 4
"""Names of accounts that one line shows."""
_MARK: Final = "stp"
"""What the names of all accounts hold that a scan makes up."""


def find_accounts(app: App, courier: Courier) -> None:
    """Where an API deletes people by an id or a name, look up those whom this scan has registered: what is shown there bears their names, so it
    is theirs and may be deleted when the scan ends."""
    routes = [one for one in app.routes if "DELETE" in one.methods and _is_of_one_person(app, one)]
    refused = 0
    for account in courier.known.accounts[:ACCOUNTS_MOST] if routes else ():
        if refused >= REFUSED_MOST:
            break
        paths = list(_paths(routes, account))
        with contextlib.suppress(Skipped):
            path = next((one for one in paths if _is_shown(courier, one, account)), None)
            refused = 0 if path else refused + bool(paths)
            if path:
                courier.made.own(path, account.made)


def _is_of_one_person(app: App, route: Route) -> bool:
    if len(route.parameters) != 1 or not route.path.endswith("}"):
        return False
    reads = any(one.path == route.path and "GET" in one.methods for one in app.routes)
    return reads and PERSON.search(route.path.rpartition("/")[0].rpartition("/")[2]) is not None


def _paths(routes: Sequence[Route], account: Account) -> Iterator[str]:
    for route in routes:
        _, kind = route.parameters[0]
        keys = account.ids if kind == "int" else (*account.ids, *account.names)
        for key in keys:
            if kind != "int" or ID.fullmatch(key):
                yield f"{route.path.rpartition('/')[0]}/{quote(key, safe='@')}"


def _is_shown(courier: Courier, path: str, account: Account) -> bool:
    """Whether somebody of the scan is shown the account there, by a name that nobody else has."""
    for name in (None, *sorted(courier.people)):
        headers = courier.credentials.headers_of(name) if name is not None else ()
        if headers is not None:
            asked = Request("GET", path, (*headers, ("Accept", "application/json")), identity=name)
            seen = courier.carry(asked, last=True).response
            said = {str(value) for value in inner_object(seen.json()).values() if isinstance(value, (str, int))}
            if seen.succeeded and not said.isdisjoint(account.names) and unquote(path.rpartition("/")[2]) in said:
                return True
    return False


# -- what is told ----------------------------------------------------------------------------------------------------------------


def test_people(courier: Courier) -> Iterable[Skip]:
    """The people whom this scan has registered and who are still there: also those of them who never came in."""
    if names := _names(courier):
        them = _few(names)
        yield Skip("test people", f"this scan registered {them}; delete what you do not want to keep")


def left_behind(courier: Courier) -> Iterable[Skip]:
    """What this scan made or changed and could not take back, by the request that did it."""
    for request, number in sorted(_things(courier).items()):
        things = "1 thing" if number == 1 else f"{number} things"
        yield Skip(request, f"{things} that this scan made stayed there: it found no way to delete what this makes")
    for request, number in sorted(courier.blind.led_on().items()):
        times = "once" if number == 1 else f"{number} times"
        yield Skip(
            request,
            f"it led to another page {times}: what it made may have stayed there, as no answer says where that is",
        )
    for path, number in sorted(courier.blind.failed.found.items()):
        things = "1 thing" if number == 1 else f"{number} things"
        yield Skip(f"POST {path}", f"the server failed, and {things} with texts of this scan stayed at GET {path}")
    for changed, members in sorted(courier.unlike.items()):
        said = ", ".join(members)
        known = members != [UNREAD] and not said.startswith(UNSHOWN)
        was = "was changed and could not be put back" if known else "may have been changed by it and was not put back"
        yield Skip(changed, f"what was there before {was}: {said}")


def stays(courier: Courier, where: str) -> str:
    """The same of a run that was ended from outside, in one line; an empty text where nothing was written."""
    names, things = _names(courier), _things(courier)
    said = [_few(names)] if names else []
    said += [f"{number} of {request}" for request, number in sorted(things.items())]
    said += [f"what {request} may have made" for request in sorted(courier.blind.led_on())]
    said += [f"what {changed} changed ({', '.join(members)})" for changed, members in sorted(courier.unlike.items())]
    unheard = dict.fromkeys(f"{one.method} {path_of(one.target)}" for one in list(courier.unanswered.values()))
    said += [f"what {one} may have done, which had no answer yet" for one in unheard]
    if said:
        return f"at {where} stays: {'; '.join(said)}"
    return f"nothing of this scan stays at {where}" if courier.mode == "active" else ""


def _things(courier: Courier) -> Counter[str]:
    return Counter(
        f"{request.method} {request.target.partition('?')[0]}"
        for request in courier.made.left()
        if request.effect == "write" and not makes_an_account(request)
    )


def _names(courier: Courier) -> list[str]:
    """What each account is called that is still there."""
    there, gone = ({id(request) for request in some} for some in (courier.made.left(), courier.made.gone()))
    found = list[str]()
    counted = set[int]()

    def is_there(one: Account) -> bool:
        return id(one.made) in there or not (one.ids or id(one.made) in gone)

    for called in filter(None, courier.known.registered):
        same = [one for one in courier.known.accounts if not {*called}.isdisjoint((*one.names, one.called))]
        counted |= {id(one.made) for one in same}
        if not same or any(map(is_there, same)):
            found.append(called[0])
    others = (one for one in courier.known.accounts if id(one.made) not in counted)
    return [*found, *dict.fromkeys(one.called for one in others if is_there(one))]


def _few(names: Sequence[str]) -> str:
    """Some of *names*, and how many there are."""
    if len(names) <= NAMED:
        return " and ".join(names)
    marked = f", whose names hold {_MARK!r}" if all(_MARK in one for one in names) else ""
    return f"{len(names)} accounts{marked}: {', '.join([*dict.fromkeys(names)][:NAMED])} and others"
