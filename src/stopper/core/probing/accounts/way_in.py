"""In which coding a log-in takes an account, where that has to be tried."""

from dataclasses import replace

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.keys.random_words import token_hex
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.login import asks_basic, lets_in, login_requests, understood
from stopper.core.probing.baseline import same

_BASIC = 2
"""The place of Basic among the ways in."""


def way_in(target: Target, route: Route) -> Steps[tuple[int, Response] | None]:
    """The coding in which the route understands an account and refuses one that cannot exist, and that refusal."""
    unread: tuple[int, Response] | None = None
    for number, request in enumerate(login_requests(target, route, f"nobody-{target.canary}", token_hex(8))):
        answer = (yield from send(request)).response
        if lets_in(answer) or answer.status == 429:
            return None
        if not understood(answer) or (number != _BASIC and asks_basic(answer)):
            continue
        if number or (yield from _reads_json(target, route, request, answer)):
            return number, answer
        unread = number, answer
    return unread


def _reads_json(target: Target, route: Route, request: Request, refusal: Response) -> Steps[bool]:
    """Whether the body was read, as far as that shows: where nobody knows the members of the log-in, half a body that is refused like a whole
    one says that neither was."""
    if target.request_for(route, "POST").body not in (b"", b"{}"):
        return True
    half = yield from send(replace(request, body=request.body[: len(request.body) // 2]))
    return not same(half.response, refusal)
