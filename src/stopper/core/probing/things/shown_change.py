"""A change of one's own thing below its id (``POST /cards/{id}/limit``) answers with the thing as it is: members beside it are written too."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.entitled import taken_up
from stopper.core.probing.accounts.wishes import OF_WORTH, better_than
from stopper.core.probing.baseline import first_failed, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.kinds import Kind, at_number, kinds
from stopper.core.probing.things.objects import plain_members

ROUTES_MOST: Final = 2
ODD: Final = 4241
"""What is wished for beside what a thing is worth: no change adds it by itself."""
_LEAVES: Final = re.compile(
    r"(\w+_)?(amount|sum|cents|price|total|currency|iban|id|ids|uuid|e?_?mails?|users?|user_?names?|people|members?|recipients?|receiver|to)"
)
"""Members by which money moves, or by which a thing reaches somebody else, as members are spelled."""
_CHANGES: Final = ("PUT", "PATCH", "POST")


def asked(target: Target, who: Identity) -> Steps[Verdict | None]:
    """The verdict on the first such route that writes what nobody should set; None where no answer shows such a thing."""
    ways = list(_changing(target))[:ROUTES_MOST]
    return (yield from first_failed(_changed(target, kind, route, method, who) for kind, route, method in ways))


def _changing(target: Target) -> Iterator[tuple[Kind, Route, str]]:
    """The routes that change a thing which somebody makes, and read a body, where the path goes on behind the id;
    none that moves money or hands the thing to somebody."""
    for kind in kinds(target):
        if kind.create_route is None or any(
            map(PASSWORD.search, members(target.request_for(kind.create_route, "POST")))
        ):
            continue  # nobody's account is changed so
        for route in kind.members:
            method = next((one for one in _CHANGES if one in route.methods), None)
            if method is None or route.path.endswith("}") or "{" not in route.path or is_door(route):
                continue
            body = members(target.request_for(route, method))
            if body and not any(_LEAVES.fullmatch(as_parameter(one)) for one in body):
                yield kind, route, method


def _changed(target: Target, kind: Kind, route: Route, method: str, who: Identity) -> Steps[Verdict | None]:
    """A thing that the scan makes is changed twice as a well-meaning client would, then with more, and once more plainly: what the last answer
    shows was kept."""
    thing = yield from made(target, kind, who, who)
    if thing is None or kind.create_route is None:
        return None
    honest = who.on(at_number(target, route, thing.number, method))
    first, plain = (yield from send(honest)), (yield from send(honest))
    body = members(honest)
    told = {*body, *members(target.request_for(kind.create_route, "POST"))}
    wishes = _wishes(first, plain, {as_parameter(one) for one in told})
    if not wishes:
        return None
    eager = yield from send(replace(honest, body=json.dumps({**body, **wishes}).encode()))
    ref = RouteRef(method, route.path)
    if not eager.response.succeeded:
        return passed(f"{ref} refuses members that it does not know")
    after = yield from send(honest)
    if not (taken := taken_up(wishes, plain.response.json(), after.response.json())):
        return passed(f"{ref} keeps to the members that it knows")
    evidence = (
        Evidence("exchange", "control: the honest body is accepted", plain),
        Evidence("exchange", "the same body with members that nobody asked for", eager),
        Evidence("exchange", f"the honest body again: the thing has {', '.join(taken)} as it was sent", after),
    )
    return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", (ref,), evidence)


def _wishes(first: Exchange, plain: Exchange, told: set[str]) -> dict[str, object]:
    """Something better than what both answers show, of members that a caller does not say."""
    if not (first.response.succeeded and plain.response.succeeded):
        return {}
    before, shown = dict(plain_members(first.response.json())), dict(plain_members(plain.response.json()))
    wishes = dict[str, object]()
    for name, value in shown.items():
        if as_parameter(name) in told or before.get(name) != value:
            continue
        wish = better_than(name, value, own=isinstance(value, (int, float)))
        worth = isinstance(wish, (int, float)) and not isinstance(wish, bool) and OF_WORTH.fullmatch(as_parameter(name))
        if wish is not None:
            wishes[name] = wish + ODD if worth and isinstance(wish, (int, float)) else wish
    return wishes
