"""What anybody reads by a number in the address, and what belongs to one person after the other: orders, invoices, messages."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Response
from stopper.core.guards.public_routes import declared_public
from stopper.core.naming import as_parameter
from stopper.core.personal import addresses_in
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.own_values import says_whose
from stopper.core.probing.baseline import attempt
from stopper.core.probing.things.below_people import as_below
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.objects import entries, inner_object
from stopper.core.probing.things.open_numbers import read_by_anybody
from stopper.core.probing.things.open_writes import Open

ROUTES_MOST: Final = 6
NUMBERS_MOST: Final = 3
"""Numbers from the first one on that are asked for, and from 1 on."""
_OF_SOMEBODY: Final = (
    r"orders?|purchases?|invoices?|bills?|payments?|transactions?|transfers?|statements?|accounts?|cards?|wallets?|loans?|messages?|inbox|mails?|documents?|"
    r"api[_-]?keys?|keys?|tokens?|prescriptions?|records?|medical[_-]?records?|appointments?|bookings?|reservations?|payslips?|salar(y|ies)|contracts?|claims?|receipts?|"
    r"tickets?|refunds?|subscriptions?|addresses"
)
_THEIRS: Final = re.compile(rf"(?i)(^|/)(my[_-]?)?({_OF_SOMEBODY})/\{{[^{{}}]+\}}/?$")
"""Things of which each belongs to somebody, by their number."""
_BELOW_SOMEBODY: Final = re.compile(rf"(?i)/\{{([^{{}}]+)\}}/(my[_-]?)?({_OF_SOMEBODY}|basket|cart|balance)/?$")
"""The same below a person's number: ``/users/{user_id}/orders``."""
_ALSO: Final = re.compile(r"(sender|recipient|receiver|buyer|payer|holder|from_user|to_user)(_?(id|name|email))?")


def of_different_people(target: Target) -> Steps[list[Open]]:
    """The routes that show nobody in particular the things of different people, each under the next number."""
    found: list[Open] = []
    for route in [one for one in target.app.routes if _is_one(target, one)][:ROUTES_MOST]:
        shown = yield from attempt(_shown(target, route))
        found += [shown] if shown is not None else []
    told = {one.ref for one in found}
    return [*found, *(one for one in (yield from read_by_anybody(target)) if one.ref not in told)]


def shows_the_same_people(one: Exchange, other: Exchange) -> bool:
    """Whether two pages show people by the same addresses: who is known sees more links on them."""
    pages = all(each.response.content_type == "text/html" for each in (one, other))
    return pages and bool(addresses_in(one.response.text) & addresses_in(other.response.text))


def _is_one(target: Target, route: Route) -> bool:
    single = len(route.parameters) == 1 and "GET" in route.methods
    theirs = _THEIRS.search(route.path) is not None or (
        _by_owner(route) and _BELOW_SOMEBODY.search(as_below(route.path))
    )
    return single and bool(theirs) and not declared_public(target.app, route)


def _shown(target: Target, route: Route) -> Steps[Open | None]:
    honest = target.request_for(route, "GET").target.partition("?")[0]
    before, _, rest = route.path.partition("{")
    number = honest.removesuffix(rest.partition("}")[2]).rpartition("/")[2]
    if not number.isdigit() or before.rstrip("/") not in honest:
        return None
    owners: dict[str, Open] = {}
    first = int(number)
    for one in dict.fromkeys((*range(first, first + NUMBERS_MOST), *range(1, 1 + NUMBERS_MOST))):
        seen = yield from send(at_number(target, route, str(one)))
        whose = [*_owners(seen.response), *([str(one)] if _by_owner(route) and _is_something(seen.response) else [])]
        owners.update({name: Open(RouteRef("GET", route.path), seen) for name in whose[:1]})
        if len(owners) > 1:
            shown, other = owners.values()
            if shown.anonymous.response.body == other.anonymous.response.body:
                return None
            return replace(shown, other=other.anonymous)
    return None


def _by_owner(route: Route) -> bool:
    """Whether the number in the address is that of a person: ``/orders/{user_id}``, ``/owner-orders/{id}``."""
    return len(route.parameters) == 1 and (says_whose(route.parameters[0][0]) or as_below(route.path) != route.path)


def _is_something(response: Response) -> bool:
    """Whether an answer lists anything, be it texts alone."""
    if not response.succeeded:
        return False
    said: object = response.json()
    lists = [*cast("dict[str, object]", said).values()] if isinstance(said, dict) else [said]
    return any(isinstance(one, list) and len(cast("list[object]", one)) > 0 for one in lists) or bool(
        entries(response.json())
    )


def _owners(response: Response) -> Iterator[str]:
    """Whom the one thing of an answer belongs to, as it says itself."""
    thing = inner_object(response.json()) if response.succeeded else {}
    for name, value in thing.items():
        said = as_parameter(name)
        if (says_whose(name) or _ALSO.fullmatch(said)) and isinstance(value, (str, int)) and value not in ("", 0):
            yield str(value)
