"""Who the scan can be: given, logged in with given accounts, registered as test people, or minted with the application's key."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stopper.core.login_names import LOGIN, PASSWORD
from stopper.core.probe import Identity
from stopper.scan.people.credential import proven
from stopper.scan.people.doors import doors
from stopper.scan.people.key_doors import with_key
from stopper.scan.people.logging_in import change, holder, log_in, with_token
from stopper.scan.people.mint import minted
from stopper.scan.people.registering import register
from stopper.scan.people.scene import Scene
from stopper.scan.people.statement_account import CAME, statement_account
from stopper.scan.people.usual_account import TOLD, usual_account

__all__ = ["Scene", "gather"]

PEOPLE: Final = ("alice", "bob")


def gather(scene: Scene, given: Sequence[Identity]) -> tuple[tuple[Identity, ...], tuple[str, ...]]:
    """Everybody the scan can be, and a line for each who could not be proven. Given ones come first and keep their names."""
    found: list[Identity] = []
    notes: list[str] = []
    for identity in given:
        ready = with_token(scene, identity) if identity.headers else log_in(scene, identity)
        if ready is not None:
            found.append(ready)
        elif identity.name not in scene.useless:
            notes.append(_why_not(scene, identity))
        if identity.headers and proven(scene.shut(), scene.courier, [identity.headers]).state == "nothing":
            scene.useless[identity.name] = "the command line"
    wanted = [name for name in PEOPLE if name not in {identity.name for identity in found}]
    for name in wanted[: max(0, 2 - len(found))]:
        person = register(scene, name) or with_key(scene, name)
        if person is not None:
            found.append(person)
    if not found and not given and (usual := usual_account(scene)) is not None:
        person = log_in(scene, usual)
        if person is not None:
            found.append(person)
            notes.append(TOLD)
    if not found and not given and (person := statement_account(scene)) is not None:
        found.append(person)
        notes.append(CAME)
    if not found and not given and (person := _whoever(scene)) is not None:
        found.append(person)
    notes.extend(_opened_nothing(scene, name, source) for name, source in scene.useless.items())
    found.extend(minted(scene.app, scene.courier, scene.honest, [one.name for one in found]))
    return tuple(found), tuple(notes)


def _whoever(scene: Scene) -> Identity | None:
    """Somebody by a door that hands out a token without asking for a password; None where none does."""
    if scene.courier.mode == "passive":
        return None
    for route in doors(scene.app, LOGIN):
        names = scene.honest.body(route)
        if not names or any(PASSWORD.search(name) for name in names):
            continue
        exchange = change(scene, replace(scene.honest(route, "POST"), effect="login"))
        person = holder(scene, Identity(PEOPLE[0], ()), exchange, route) if exchange is not None else None
        if person is not None and person.token is not None:
            return person
    return None


def _why_not(scene: Scene, person: Identity) -> str:
    if scene.courier.mode == "passive":
        return f"{person.name} was not logged in: a passive scan sends no log-in"
    if person.subject is None or person.password is None:
        return f"{person.name} could not log in: a user name and a password are needed"
    if next(doors(scene.app, LOGIN), None) is None:
        return f"{person.name} could not log in: no route looks like a log-in"
    return f"{person.name} could not log in: no login route took the account"


def _opened_nothing(scene: Scene, name: str, source: str) -> str:
    doors_tried = [door.request for door in scene.shut() if door.response.refused]
    shut = [f"{request.method} {request.target.partition('?')[0]}" for request in doors_tried]
    return (
        f"{name}'s credential from {source} opened none of the routes that refuse nobody ({', '.join(shut)}): "
        f"what only {name} may see was not tested"
    )
