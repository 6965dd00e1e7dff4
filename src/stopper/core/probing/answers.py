"""How each route that can be read answers an honest request, asked once a scan: for rules that read headers and types, which no
change of data touches."""

from stopper.core.exchange import Exchange
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target
from stopper.core.probing.baseline import answered, attempt, candidates
from stopper.core.probing.shared import found_once


def honest_answers(target: Target) -> Steps[list[tuple[RouteRef, Exchange]]]:
    """The answer of each route in reach to nobody, or to the first person where nobody is refused."""
    return (yield from found_once(target, "honest answers", lambda: _honest_answers(target)))


def _honest_answers(target: Target) -> Steps[list[tuple[RouteRef, Exchange]]]:
    found: list[tuple[RouteRef, Exchange]] = []
    for route, method in candidates(target):
        exchange = yield from attempt(answered(target, target.request_for(route, method)))
        if exchange is not None and not exchange.response.error:
            found.append((RouteRef(method, route.path), exchange))
    return found
