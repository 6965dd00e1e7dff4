"""Whether a limit that was reached is gone for whoever writes another address into a header: then it limits nobody who wants to go on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.loopback import is_loopback

_TURNS_AWAY: Final = frozenset({403, 423, 429, 503})
_SAYS: Final = ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
"""Headers in which proxies say whose request they hand on."""
_SAYS_NOTHING: Final = ("X-Forwarded-Proto", "http")
"""What a proxy says besides, and no address."""
_ADDRESSES: Final = ("203.0.113.41", "203.0.113.97")
"""Of the range for documentation (RFC 5737 §3): nobody's."""
_HERE: Final = "127.0.0.1"
"""What a proxy on the same machine says of a scan on the loopback."""


def goes_on_from_elsewhere(
    target: Target,
    more: Callable[[], Request],
    differs: Callable[[Exchange, Exchange], bool],
    first: Exchange,
    limited: Exchange,
) -> Steps[tuple[str, list[Evidence]]]:
    """The header that ends the limit, and the exchanges; ``("", [])`` where none does. *more* makes the next request of the kind that was
    limited, *first* is how the first one was answered."""
    status = limited.response.status
    if status not in _TURNS_AWAY or status == first.response.status:
        return "", []
    return (yield from counted_by_header(target, more, lambda one: differs(one, first), limited))


def counted_by_header(
    target: Target, more: Callable[[], Request], turned_away: Callable[[Exchange], bool], limited: Exchange
) -> Steps[tuple[str, list[Evidence]]]:
    """The same where what is *turned_away* is known by the answer alone."""
    behind = f", {_HERE}" if is_loopback(target.base_url) else ""
    once = yield from attempt(send(_from(more(), _SAYS, _ADDRESSES[0], behind)))
    if once is None or turned_away(once):
        return "", []  # asked once: whoever is turned away over and over is told to stay away
    still = yield from attempt(send(more().with_headers(_SAYS_NOTHING)))
    if still is None or not turned_away(still):
        return "", []  # the limit was over by itself
    for names in (_SAYS[:1], _SAYS):
        again = yield from attempt(send(_from(more(), names, _ADDRESSES[1], behind)))
        if again is not None and not turned_away(again):
            return names[0] if len(names) == 1 else "a header that names the client's address", [
                Evidence("exchange", "control: what is limited is turned away", limited),
                Evidence("exchange", "with another address in headers it is answered", once),
                Evidence("exchange", "control: without that it is still turned away", still),
                Evidence("exchange", "with one more address it is answered again", again),
            ]
    return "", []


def _from(request: Request, names: tuple[str, ...], address: str, behind: str) -> Request:
    """*request* with *address* in headers; in the list that proxies write what the last of them would say stands *behind* it, so that whoever
    counts by the entry of the own proxy alone counts as before."""
    said = tuple((name, address + behind * (name == _SAYS[0])) for name in names)
    return replace(request, headers=(*request.headers, *said))
