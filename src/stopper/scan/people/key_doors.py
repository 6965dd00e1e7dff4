"""Somebody who is known by a key alone: an API without a registration hands one out to whoever makes a tenant, a client or the key itself."""

import contextlib
import re
from itertools import islice
from typing import Final

from stopper.core.app import Route
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.accounts.account_body import account_body
from stopper.scan.people.doors import REGISTER, json_of
from stopper.scan.people.logging_in import change, holder
from stopper.scan.people.scene import Scene
from stopper.scan.surface.missing_fields import learn_one

ROUTES_MOST: Final = 3
"""Places where a key may be handed out that are tried."""
_HANDS_OUT: Final = re.compile(
    r"(?i)(^|[/_-])(tenants?|clients?|consumers?|app(lication)?s?|developers?|orgs?|organi[sz]ations?|compan(y|ies)|merchants?|partners?|subscribers?|"
    r"(api|access)[/_-]?keys?|keys?(/(new|create|generate|issue|request))?|(issue|generate|request|create|new|get)[-_]?(api[-_]?)?(key|token)|"
    r"onboard(ing)?|credentials)/?$"
)
_ENDS: Final = re.compile(r"(?i)rotate|revoke|delete|verify|validate|check")


def with_key(scene: Scene, name: str) -> Identity | None:
    """A new test person by the key that the API hands out, or None where it hands out none. Mode active only."""
    if scene.courier.mode != "active":
        return None
    for route in islice(_doors(scene), ROUTES_MOST):
        with contextlib.suppress(Skipped):
            learn_one(route, scene.courier, scene.honest)
        user, mail = f"{name}{scene.canary}", f"{name}-{scene.canary}@example.com"
        known = scene.honest.body(route) or {"name": user, "email": mail}
        body = account_body(known, mail=mail, user=user, password=f"Aa9!{scene.canary}{name}").whole
        exchange = change(scene, json_of(scene.honest.prefix + scene.honest.path(route), body, "write"))
        if exchange is None or not exchange.response.succeeded:
            continue
        if (person := holder(scene, Identity(name, ()), exchange, route)) is not None:
            scene.useless.pop(name, None)
            scene.registrations[name] = (route, exchange)
            return person
        scene.useless.pop(name, None)
    return None


def _doors(scene: Scene) -> list[Route]:
    found = [
        route
        for route in scene.app.routes
        if "POST" in route.methods
        and not route.parameters
        and _HANDS_OUT.search(route.path)
        and not _ENDS.search(route.path)
        and not REGISTER.search(route.path)
        and not route.takes_form
    ]
    return sorted(found, key=lambda route: (len(route.path), route.path))
