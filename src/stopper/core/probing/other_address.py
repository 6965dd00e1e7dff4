"""Whether a limit that was reached is gone for whoever writes another address into a header: then it limits nobody who wants to go on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, send
from stopper.core.probing.baseline import attempt

_TURNS_AWAY: Final = frozenset({403, 423, 429, 503})
_SAYS: Final = ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
"""Headers in which proxies say whose request they hand on."""
_ADDRESSES: Final = ("203.0.113.41", "203.0.113.97")
"""Of the range for documentation (RFC 5737 §3): nobody's."""


def goes_on_from_elsewhere(
    more: Callable[[], Request], differs: Callable[[Exchange, Exchange], bool], first: Exchange, limited: Exchange
) -> Steps[tuple[str, list[Evidence]]]:
    """The header that ends the limit, and the exchanges; ``("", [])`` where none does. *more* makes the next request of the kind that was
    limited, *first* is how the first one was answered."""
    status = limited.response.status
    if status not in _TURNS_AWAY or status == first.response.status:
        return "", []
    once = yield from attempt(send(_from(more(), _SAYS, _ADDRESSES[0])))
    if once is None or differs(once, first):
        return "", []  # asked once: whoever is turned away over and over is told to stay away
    still = yield from attempt(send(more()))
    if still is None or not differs(still, first):
        return "", []  # the limit was over by itself
    for names in (_SAYS[:1], _SAYS):
        again = yield from attempt(send(_from(more(), names, _ADDRESSES[1])))
        if again is not None and not differs(again, first):
            return names[0] if len(names) == 1 else "a header that names the client's address", [
                Evidence("exchange", "control: what is limited is turned away", limited),
                Evidence("exchange", "with another address in headers it is answered as at first", once),
                Evidence("exchange", "control: without that it is still turned away", still),
                Evidence("exchange", "with one more address it is answered again", again),
            ]
    return "", []


def _from(request: Request, names: tuple[str, ...], address: str) -> Request:
    return replace(request, headers=(*request.headers, *((name, address) for name in names)))
