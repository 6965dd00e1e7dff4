"""Things that no route reads and nothing makes, as they stand among others (``GET /owner-pets/2`` beside ``PATCH /pets/{id}``): somebody else, or
nobody, sends to one of Alice's what is shown of it, and is let in."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.baseline import same
from stopper.core.probing.inputs import members
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.known import Known
from stopper.core.probing.things.objects import ids, is_masked
from stopper.core.probing.things.read_below import unknown

DEPTH: Final = 5


def entry_sent_back(
    target: Target, route: Route, method: str, one: Known, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """The verdict on one change of what *one* names; a thing that is not there must not be changed either."""
    seen = yield from send(alice.on(replace(one.seen.request, identity=None)))
    shown = next(_with_id(seen.response.json(), one.text, route.parameters[0][0], DEPTH), None)
    if shown is None or not seen.response.succeeded:
        return None
    honest = at_number(target, route, one.text, method)
    wanted = [name for name in members(honest) if name in shown and not PASSWORD.search(name)]
    body = {name: shown[name] for name in wanted if isinstance(shown[name], (str, int, float, bool))}
    whole = len(body) == len(members(honest))
    if not body or any(map(is_masked, body.values())) or (method == "PUT" and not whole):
        return None  # what takes the place of the whole would lose a part of it
    sent = replace(honest, body=json.dumps(body).encode())
    elsewhere = replace(at_number(target, route, unknown(one.text), method), body=sent.body)
    nobodys = yield from send(alice.on(elsewhere))
    if nobodys.response.succeeded:
        return None
    anonymous = yield from send(sent)
    tried = anonymous if anonymous.response.succeeded else (yield from send(bob.on(sent)))
    ref = RouteRef(method, route.path)
    if not tried.response.succeeded:
        return passed(f"{ref} refuses bob")
    return (yield from _told(ref, (seen, nobodys, anonymous, tried), alice))


def _told(
    ref: RouteRef, parts: tuple[Exchange, Exchange, Exchange, Exchange], alice: Identity
) -> Steps[Verdict | None]:
    seen, nobodys, anonymous, tried = parts
    after = yield from send(alice.on(replace(seen.request, identity=None)))
    is_open = tried is anonymous
    if not same(after.response, seen.response) or not (is_open or anonymous.response.refused):
        return None
    control = (
        () if is_open else (Evidence("exchange", "control: without a credential the change is refused", anonymous),)
    )
    evidence = (
        Evidence("exchange", "control: alice is shown what is hers", seen),
        Evidence("exchange", "control: under an id that nobody has nothing is changed", nobodys),
        *control,
        Evidence(
            "exchange", f"{'nobody' if is_open else 'bob'} sends what stands there already, and it is accepted", tried
        ),
    )
    if is_open:
        return failed(f"{ref} lets anybody change what belongs to a user, without a credential", (ref,), evidence)
    return failed(f"{ref} lets one user change what belongs to another", (ref,), evidence)


def _with_id(value: object, number: str, parameter: str, depth: int) -> Iterator[dict[str, object]]:
    """The objects in objects and lists that have this id."""
    inner: list[object] = []
    if isinstance(value, dict) and depth:
        said = cast("dict[str, object]", value)
        own = {name: item for name, item in said.items() if not isinstance(item, (dict, list))}
        yield from [said] if next(ids(own, parameter), None) == number else []
        inner = list(said.values())
    elif isinstance(value, list) and depth:
        inner = cast("list[object]", value)
    for item in inner:
        yield from _with_id(item, number, parameter, depth - 1)
