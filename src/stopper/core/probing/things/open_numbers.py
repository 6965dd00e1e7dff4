"""What anybody reads by a number, on pages and in queries: under each number something private of another person."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.guards.public_routes import declared_public
from stopper.core.naming import as_parameter
from stopper.core.owner_names import PERSON, PRIVATE
from stopper.core.personal import addresses_in
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.own_values import says_whose
from stopper.core.probing.baseline import attempt, is_door, steady
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things.kinds import at_number
from stopper.core.probing.things.open_writes import Open

PLACES_MOST: Final = 6
NUMBERS: Final = ("1", "2", "3", "1001", "1002", "101", "102")
"""By what things are counted: from one on, and from a round number on."""
NOBODYS: Final = "99999999"
_ID: Final = re.compile(r"(id|no|number|num|nr|account_?(no|number)?|[a-z_]+_?id)")
_SURELY: Final = re.compile(
    r"(?i)\b(balance|iban|salar(y|ies)|ssn|social security|credit ?card|card ?number|cvv|diagnos[ei]s|medical|medication|passw(or)?d|api[ _]?key|secret|date of birth|dob|credit limit|account ?number|national id)\b|[$€£]\s?\d"
)
"""Words that stand beside a name only where it is nobody else's business."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")
_WORD: Final = re.compile(r"[\w@.+-]*\w")


@dataclass(frozen=True, slots=True)
class _Place:
    """A route that is asked by a number, and how."""

    route: Route
    by: Callable[[str], Request]
    whose: bool
    """Whether the number says whose it is."""


def read_by_anybody(target: Target) -> Steps[list[Open]]:
    """The routes that show nobody in particular the private things of different people, each under another number."""
    found: list[Open] = []
    for place in list(_places(target))[:PLACES_MOST]:
        shown = yield from attempt(_shown(place))
        found += [shown] if shown is not None else []
    return found


def _places(target: Target) -> Iterator[_Place]:
    """Those by the path and those by the query, of people and of what is theirs."""
    for route in target.app.routes:
        if "GET" not in route.methods or is_door(route) or declared_public(target.app, route):
            continue
        bare = re.sub(r"\{[^{}]*\}", "", route.path)
        theirs = PRIVATE.search(bare) is not None or PERSON.search(bare) is not None
        if len(route.parameters) == 1 and route.path.rstrip("/").endswith("}"):
            name = as_parameter(route.parameters[0][0])
            if (theirs or says_whose(name)) and _ID.fullmatch(name):
                yield _Place(route, _at(target, route), says_whose(name) or PERSON.search(bare) is not None)
        elif not route.parameters:
            honest = target.request_for(route, "GET")
            for name in dict.fromkeys((*query_names(honest), *route.names)):
                if (theirs or says_whose(name)) and _ID.fullmatch(as_parameter(name)):
                    yield _Place(route, _asked(honest, name), says_whose(name) or PERSON.search(bare) is not None)


def _at(target: Target, route: Route) -> Callable[[str], Request]:
    return lambda number: at_number(target, route, number)


def _asked(honest: Request, name: str) -> Callable[[str], Request]:
    return lambda number: with_query(honest, name, number)


def _shown(place: _Place) -> Steps[Open | None]:
    """Two numbers under which something private stands, of each another's; nobody's number shows neither."""
    seen: list[Exchange] = []
    for number in NUMBERS:
        answer = yield from send(place.by(number))
        if answer.response.refused or answer.response.sends_on:
            return None
        seen += [answer] if answer.response.succeeded and answer.response.text else []
        if len(seen) == 2:
            break
    if len(seen) < 2:
        return None
    nobodys = yield from send(place.by(NOBODYS))
    words, others, none = (_words(one) for one in (*seen, nobodys))
    first, second = words - others - none, others - words - none
    if not first or not second or not _is_private(place, (seen[0], seen[1], nobodys)):
        return None
    return Open(RouteRef("GET", place.route.path), seen[0], other=seen[1])


def _is_private(place: _Place, answers: tuple[Exchange, Exchange, Exchange]) -> bool:
    """What both say and nobody's does not is private by its words, or is by what each of two people is reached."""
    texts = [_said(each) for each in answers]
    both, none = _private(texts[0]) & _private(texts[1]), _private(texts[2])
    if any(place.whose or word.isalpha() for word in both - none):
        return True
    first, second, others = map(addresses_in, texts)
    return place.whose and bool(first - second - others) and bool(second - first - others)


def _private(text: str) -> set[str]:
    """The private words of a text, letters alone; an amount of money is its sign."""
    return {re.sub(r"[\s\d]", "", found.group().lower()) for found in _SURELY.finditer(text)}


def _said(exchange: Exchange) -> str:
    """What an answer says, its tags aside; members of JSON are spelled as words."""
    return _TAG.sub(" ", exchange.response.text).replace("_", " ")


def _words(exchange: Exchange) -> set[str]:
    return {word for word in _WORD.findall(steady(_said(exchange))) if "~" not in word}
