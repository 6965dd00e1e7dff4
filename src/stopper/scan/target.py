"""Makes the Target that the probes of one scan share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.keys.random_words import random_mark
from stopper.core.probe import Depth, Identity, Mode, Skipped, Target
from stopper.core.probing.accounts.login import ENTERED, REGISTERED
from stopper.core.probing.accounts.own_values import told_about
from stopper.core.probing.accounts.unknown_people import GIVEN
from stopper.scan.people.identities import Scene, gather
from stopper.scan.people.renewal import Renewals
from stopper.scan.room import is_little
from stopper.scan.surface.crawl import beside, crawled
from stopper.scan.surface.crawling import Crawled
from stopper.scan.surface.graphql import with_graphql
from stopper.scan.surface.guessed_inputs import ROUTES_MOST, guess_registrations, guessed_inputs
from stopper.scan.surface.harvest import harvested
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.missing_fields import learn_doors, learn_fields
from stopper.scan.surface.nothing_there import Nothing
from stopper.scan.surface.other_versions import with_other_versions
from stopper.scan.surface.page_routes import with_forms_of, with_pages_of
from stopper.scan.surface.usual_ids import called_otherwise
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.tokens.own_words import own_words
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.deeds_by_get import says_a_deed
from stopper.scan.wire.form_doors import FormDoors


@dataclass(frozen=True, slots=True)
class Prepared:
    """A Target, the honest requests behind it, who keeps its people logged in, and a line for each who could not be proven."""

    target: Target
    honest: HonestRequests
    renewals: Renewals
    notes: tuple[str, ...] = ()


PAGE_MOST: Final = 100_000
"""Characters of the start page in which words are looked for."""
DONE_MOST: Final = 6
"""Routes by which something is done to a thing that are asked for their inputs."""
BESIDE_A_SCHEMA: Final = 4
"""Pages that are asked for inputs beside a door of GraphQL, which tells its own."""
BESIDE_MANY: Final = 5
"""Those that are asked for inputs where the budget is small and `MANY_TELL` routes tell theirs."""
MANY_TELL: Final = 12
BEHIND_MOST: Final = 30
"""Routes that are taken up from the pages of somebody who is logged in."""

_NAMES: Final = ("username", "user_name", "user", "login", "email")
"""What a part of a path or a query is called that says by name whom is asked about."""


def _behind_the_log_in(scene: Scene, people: Sequence[Identity]) -> Crawled:
    """What the first person who is kept by cookie is led to from the start page, and from where the log-in sent them on; where nobody
    else is told what is there, what anybody with a credential finds. Nothing for an application whose routes are known, or where only
    reading with what was given is allowed."""
    model, courier = scene.app, scene.courier
    who = next((one for one in people if one.cookies), None)
    if courier.mode == "passive" or model.readers - {"spec", "wire"}:
        return Crawled()
    prefix = urlsplit(courier.transport.base_url).path.rstrip("/")
    shut = next((one for one in people if one.headers), None) if "spec" not in model.readers else None
    if shut is not None and _tells_nobody(courier, prefix, scene.canary):
        return crawled(courier, prefix, scene.canary, who=shut, led=_led_to(scene, shut, prefix))
    if who is None:
        return Crawled()
    return crawled(courier, prefix, scene.canary, tuple(dict.fromkeys(("/", *_led_to(scene, who, prefix)))), who)


def _led_to(scene: Scene, who: Identity, prefix: str) -> tuple[str, ...]:
    """Where the log-in of *who* has led, below the API's own prefix."""
    entry = scene.entries.get(who.name)
    led = urlsplit(entry[1].response.header("Location") or "").path if entry is not None else ""
    return (led.removeprefix(prefix),) if led.startswith(f"{prefix}/") else ()


def _with_methods_of(known: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """*known* routes that a crawl found, with the methods that somebody who is logged in is told of, and with what links to them say there in
    their query: what nobody was led to is known by its name alone."""
    asked = {one.path: one for one in seen if one.names and not one.takes_form and "GET" in one.methods}
    known = [
        replace(
            one, fields=asked[one.path].fields, optional=asked[one.path].optional, examples=asked[one.path].examples
        )
        if one.path in asked and not one.names and one.readers == frozenset({"wire"}) and "GET" in one.methods
        else one
        for one in known
    ]
    told: dict[str, tuple[str, ...]] = {}
    taken = {
        (one.path, method) for one in known for method in one.methods
    }  # by a route of the path that may know what it reads
    for route in [one for one in seen if not one.takes_form]:
        new = [method for method in route.methods if (route.path, method) not in taken]
        told[route.path] = (*told.get(route.path, ()), *new)
    return tuple(
        replace(route, methods=tuple(sorted({*route.methods, *told[route.path]})))
        if route.path in told and route.readers == frozenset({"wire"}) and "GET" in route.methods
        else route
        for route in known
    )


def _with_inputs(model: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity]) -> App:
    """*model* with the inputs that errors and answers tell. What is done to a thing is tried when the scan may have made one: a body that is
    only tried may do it."""
    done = [
        route for route in model.routes if route.parameters and ("POST" in route.methods or says_a_deed(route.path))
    ]
    first = replace(model, routes=tuple(route for route in model.routes if route not in done))
    learn_fields(first, courier, honest, people)
    first = with_graphql(first, courier, honest, people)
    tell = sum(bool(route.names or route.request_schema) for route in model.routes)
    most = BESIDE_MANY if tell >= MANY_TELL and is_little(courier, model.routes) else ROUTES_MOST
    most = BESIDE_A_SCHEMA if courier.graphql.schemas else most
    first = guessed_inputs(first, courier, honest, people, most)
    courier.forms = FormDoors.of((*first.routes, *done))
    whole = replace(first, routes=(*first.routes, *done))
    honest.harvest.update(harvested(whole, courier, honest, people))
    honest.harvest.update(called_otherwise(whole, courier, honest))
    things = replace(model, routes=tuple(done))
    learn_fields(things, courier, honest, people, DONE_MOST)
    return replace(first, routes=(*first.routes, *guessed_inputs(things, courier, honest, people, DONE_MOST).routes))


def _tells_nobody(courier: Courier, prefix: str, canary: str) -> bool:
    """Whether a path that is not there is refused as one that is: then only who is known can be told what is there."""
    try:
        return Nothing.ask(courier, prefix, canary).plain.refused
    except Skipped:
        return False


def _words(model: App, courier: Courier, people: Sequence[Identity]) -> tuple[str, ...]:
    """Words by which the API calls itself, where somebody has a credential that one of them may have signed; its start page is asked."""
    if not people:
        return ()
    tokens = [one.token.reveal() for one in people if one.token is not None]
    said = [value for token in tokens for value in TokenForge().claims(token).values()]
    where = urlsplit(courier.transport.base_url)
    try:
        page = courier.carry(Request("GET", f"{where.path}/", (("Accept", "text/html"),))).response.text[:PAGE_MOST]
    except Skipped:
        page = ""
    return own_words(model, where.netloc, page, said)


def new_canary() -> str:
    """A random text of one run that no application holds by itself."""
    return "stp" + random_mark(5)


def prepare(
    model: App,
    courier: Courier,
    given: Sequence[Identity],
    mode: Mode,
    depth: Depth,
    *,
    canary: str = "",
    known_ids: dict[str, dict[str, str]] | None = None,
) -> Prepared:
    """Gather people and harvest ids, once for all probes."""
    canary = canary or new_canary()
    courier.given.take_up(given)
    honest = HonestRequests(canary=canary, harvest=dict(known_ids or {}))
    model = with_graphql(model, courier, honest)
    courier.held.know(model.routes, canary)
    model = learn_doors(model, courier, honest)
    courier.held.know(model.routes, canary)
    scene = Scene(model, courier, honest, canary)
    guess_registrations(model, courier, honest)
    people, notes = gather(scene, given)
    courier.people.update({one.name: one.subject for one in people})
    for _, entered in (*scene.entries.values(), *scene.registrations.values()):
        courier.known.told(entered.response)
    for name, (_, entered) in scene.entries.items():
        if name not in courier.given.names:
            courier.known.registers(entered.response, by_id=False)
    forge = TokenForge(_words(model, courier, people))
    if people and people[0].name in scene.entries:
        honest.own.update(told_about(scene.entries[people[0].name][1].response))
        subject = people[0].subject or ""
        named = () if not subject or any(map(honest.own.get, _NAMES)) else _NAMES
        honest.own.update({name: subject for name in named if ("@" in subject) == ("mail" in name)})
    behind = _behind_the_log_in(scene, people)
    known = _with_methods_of(with_forms_of(model.routes, behind.routes), behind.routes)
    known = with_pages_of(known, behind.routes) if "spec" in model.readers else known
    model = replace(model, routes=(*known, *beside(known, behind.routes)[:BEHIND_MOST]))
    for path, numbers in behind.ids.items():
        honest.harvest.setdefault(path, dict(numbers))
    if behind.routes:
        scene = replace(scene, app=model, _shut=[])  # now it is known what refuses nobody
    renewals = Renewals(scene, people, forge.claims)
    model = _with_inputs(model, courier, honest, people)
    courier.forms = FormDoors.of(model.routes)
    model = with_other_versions(model, courier, honest, people)
    surface, url = courier.transport.surface, courier.transport.base_url
    target = Target(model, surface, url, mode, depth, forge, honest, people, canary)
    target.notes[GIVEN] = tuple(one for one in given if one.subject and one.password)
    target.notes.update({ENTERED + name: entry for name, entry in scene.entries.items()})
    target.notes.update({REGISTERED + name: entry for name, entry in scene.registrations.items()})
    return Prepared(target, honest, renewals, notes)
