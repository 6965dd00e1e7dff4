"""Whether the roles that an API lists are those of its people, and whether somebody surely has not the highest of them."""

import re
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.things.kinds import route_at
from stopper.core.probing.things.objects import plain_members

ASKED_MOST: Final = 4
_NAME: Final = re.compile(r"(name|role|role_name|title|slug|code|permission|key)")
_HIGHEST: Final = re.compile(
    r"(?i)(role_)?(super[_ -]?)?(admin(istrator)?|superuser|root)s?([_.: -].{0,40})?|(manage|edit|delete|create)[_.: -](users?|roles?)"
)


def refused_as_administrator(target: Target, low: Identity) -> Steps[Exchange | None]:
    """The 403 by which an administrator's page turns *low* away; None where none does."""
    routes = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    for route in [one for one in routes if ADMIN_PATH.search(one.path)][:ASKED_MOST]:
        seen = yield from attempt(send(low.on(target.request_for(route, "GET"))))
        if seen is not None and seen.response.status == 403:
            return seen
    return None


def lists_administrators(target: Target, route: Route, low: Identity) -> Steps[bool]:
    """Whether the list beside *route* names a role of administrators: a film has roles too, and a job."""
    listed = route_at(target, route.path.partition("/{")[0], "GET")
    seen = (yield from attempt(send(low.on(target.request_for(listed, "GET"))))) if listed is not None else None
    told = plain_members(seen.response.json()) if seen is not None and seen.response.succeeded else []
    return any(
        _NAME.fullmatch(as_parameter(name)) and isinstance(said, str) and _HIGHEST.fullmatch(said)
        for name, said in told
    )
