"""A cookie that nothing signs: one that the scan writes by hand, for somebody who does not exist, opens what it opened for its owner."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.people import by_cookie
from stopper.core.probing.baseline import alike, candidates, same
from stopper.core.probing.plain_cookies import Plain, jar_of, plain_parts
from stopper.core.secret import Secret

ROUTES_MOST: Final = 5
"""Pages at which a cookie is tried."""
TELLING: Final = 3
"""Letters of a name that does not stand in a page by chance."""


def written_cookie(target: Target) -> Steps[tuple[RouteRef, str, list[Evidence]] | None]:
    """The first route that believes such a cookie, and the cookie's name."""
    for one in target.identities:
        person = one if one.cookies else by_cookie(target, one)
        if person is None or not person.subject or len(person.subject) < TELLING:
            continue
        for name, plain in _that_name(person):
            tried = 0
            for route, method in candidates(target):
                if route.parameters or tried >= ROUTES_MOST:
                    continue
                own, nobody = yield from _both(target, route, method, person)
                if not own.response.succeeded or same(own.response, nobody.response):
                    continue
                tried += 1
                found = yield from _believed(person, name, plain, own, nobody, f"nobody-{target.canary}")
                if found is not None:
                    return RouteRef(method, route.path), name, found
    return None


def _that_name(person: Identity) -> Iterator[tuple[str, Plain]]:
    """The cookies of *person* that say in plain who that is."""
    called = str(person.subject).lower()
    for name, value in jar_of(person).items():
        for plain in plain_parts(value):
            if plain.said.lower() in (called, called.partition("@")[0]):
                yield name, plain


def _both(target: Target, route: Route, method: str, person: Identity) -> Steps[tuple[Exchange, Exchange]]:
    request = target.request_for(route, method)
    own = yield from send(person.on(request))
    return own, (yield from send(request))


def _believed(
    person: Identity, name: str, plain: Plain, own: Exchange, nobody: Exchange, other: str
) -> Steps[list[Evidence] | None]:
    """Whether a cookie for *other* is let in as its owner was, and one that says nothing is not."""
    written = yield from send(_with(person, name, plain.with_other(other)).on(nobody.request))
    broken = yield from send(_with(person, name, f"x{other}").on(nobody.request))
    said = written.response
    if (
        not said.succeeded
        or not alike(said, own.response)
        or same(said, nobody.response)
        or same(said, broken.response)
    ):
        return None
    if broken.response.succeeded and not same(broken.response, nobody.response):
        return None  # another cookie opens it
    greets = other in said.text and str(person.subject) in own.response.text
    if nobody.response.succeeded and not greets and not same(said, own.response):
        return None  # some say no with 200: then it must be what the owner of a cookie is told, word for word
    return [
        Evidence("exchange", "control: without the cookie the answer is another one", nobody),
        Evidence("exchange", "control: a cookie of letters without sense is not let in", broken),
        Evidence("exchange", "control: with the cookie that the server gave", own),
        Evidence("exchange", "with one that was written by hand for somebody who does not exist", written),
    ]


def _with(person: Identity, name: str, value: str) -> Identity:
    """Nobody by name, with the cookies of *person* and another value of one of them."""
    written = "; ".join(f"{one}={said}" for one, said in {**jar_of(person), name: value}.items())
    headers = tuple((one, said) for one, said in person.headers if one.lower() != "cookie")
    return replace(person, name="stranger", headers=(*headers, ("Cookie", Secret(written))))
