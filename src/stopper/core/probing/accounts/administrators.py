"""Pages for administrators that show people to whoever comes: their path says for whom they are, where no other route of the application asks."""

import re
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.personal import addresses_in, people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.login import asks_again
from stopper.core.probing.baseline import attempt, candidates, same
from stopper.core.probing.nowhere import nowhere

FEW: Final = 2
"""Addresses in JSON from which it is a list of people: a sample has an administrator and one other."""
MANY: Final = 3
"""Addresses from which on a page is a list of people, and no word of whom to write to."""
_PATH: Final = re.compile(r"(?i)(^|/)(admin|administrators?|administration)(/|$)")


def shown_to_all(target: Target) -> Steps[tuple[list[RouteRef], list[Evidence]]]:
    """The routes below ``admin`` that give nobody in particular a list of people, with the proof."""
    pages = [(route, method) for route, method in candidates(target) if _PATH.search(route.path)]
    control = (yield from attempt(send(nowhere(target)))) if pages else None
    if control is None:
        return [], []
    places: list[RouteRef] = []
    evidence = [Evidence("exchange", "control: a path that is not there", control)]
    for route, method in pages:
        answer = yield from attempt(send(target.request_for(route, method)))
        if answer is not None and _lists_people(answer) and not same(answer.response, control.response):
            places.append(RouteRef(method, route.path))
            evidence.append(Evidence("exchange", f"{route.path} lists people to nobody in particular", answer))
    return places, evidence


def _lists_people(answer: Exchange) -> bool:
    response = answer.response
    if not response.succeeded or asks_again(response):
        return False
    said = response.json()
    addresses = len(addresses_in(response.text))
    return addresses >= (FEW if said is not None else MANY) or len(list(people_in(said))) >= MANY
