"""What a server works out about a thing that is made, as its price, and where such a thing is seen again when no path reads it alone."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.own_values import SELF
from stopper.core.probing.things.kinds import entry_of, new_id, route_at

_PRICE: Final = re.compile(r"(\w+_)?(price|total|amount|cost|fee|subtotal|charge)(_(cents|usd|eur|gbp|chf))?")


def cheaper(made: dict[str, object], body: dict[str, object]) -> dict[str, object]:
    """What the server said that a thing costs, which nobody had sent, as another price."""
    return {
        name: value + 1
        for name, value in made.items()
        if isinstance(value, (int, float))
        and not isinstance(value, bool)
        and value > 0
        and name not in body
        and _PRICE.fullmatch(as_parameter(name))
    }


def seen_in_list(
    target: Target, create: Route, made: Exchange, who: Identity
) -> Steps[tuple[Exchange, dict[str, object]] | None]:
    """The entry of what was made in the list at the same path, or at the one above (``/cart`` of ``/cart/items``)."""
    number = new_id(made, "id")
    path = create.path.rstrip("/")
    listed = route_at(target, path, "GET") or route_at(target, path.rpartition("/")[0], "GET")
    if number is None or create.parameters or listed is None or listed.parameters:
        return None
    seen = yield from send(who.on(target.request_for(listed, "GET")))
    entry = entry_of(seen, "id", number) if seen.response.succeeded else None
    return (seen, entry) if entry is not None else None


def view_elsewhere(target: Target, route: Route) -> Request | None:
    """Where somebody sees the own account that is changed at a path which nobody reads: ``/me`` beside ``/users/update``."""
    if route.parameters or not OWN_ACCOUNT.search(route.path) or route_at(target, route.path, "GET") is not None:
        return None
    alone = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)]
    return target.request_for(alone[0], "GET") if alone else None
