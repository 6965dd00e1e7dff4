"""What a scan may send: by its mode, by what a path says, and by whom it is about."""

import re
from typing import Final
from urllib.parse import parse_qsl

from stopper.core.exchange import Effect, Request
from stopper.core.probe import Mode
from stopper.core.probing.participles import with_deeds
from stopper.core.probing.rebuild_names import REBUILDS
from stopper.scan.wire.deeds_by_get import words_of
from stopper.scan.wire.deletions import OVERRIDES, WHY, deletes, deletes_of_others
from stopper.scan.wire.foreign_deeds import why_no_reading
from stopper.scan.wire.given_people import GivenPeople
from stopper.scan.wire.hazards import BREAKS, HAZARDS, OF_OWN
from stopper.scan.wire.money_paths import is_about_money, sends_money
from stopper.scan.wire.own_resets import OwnLinks, resets_an_own_password
from stopper.scan.wire.standing import Standing
from stopper.scan.wire.things_made import ThingsMade, path_of
from stopper.scan.wire.told_deeds import as_paths
from stopper.scan.wire.transport import READ_METHODS

_ALLOWED: Final[dict[Mode, frozenset[Effect]]] = {
    "passive": frozenset({"read"}),
    "default": frozenset({"read", "login"}),
    "active": frozenset({"read", "login", "write"}),
}
_KEPT: Final = re.compile(r"(?i)(^|[/_-])(tokens|sessions|api[-_]?keys?)/?$")
"""Collections: who is in already makes another thing there, and logs in nowhere."""


class Allowed:
    """One per courier: its mode, and what it has made and whom it knows by now."""

    def __init__(
        self, mode: Mode, why_no_writes: str, made: ThingsMade, given: GivenPeople, links: OwnLinks, standing: Standing
    ) -> None:
        self._mode: Mode = mode
        self._why_no_writes = why_no_writes
        self._made, self._given, self._links, self._standing = made, given, links, standing

    def refusal(self, request: Request) -> str:
        """Why *request* may not be sent, or an empty text. What its body says is to be done is judged as if the path said it."""
        said = () if request.method in READ_METHODS else as_paths(request)
        return next((why for one in (request, *said) if (why := self._refusal(one))), "")

    def _refusal(self, request: Request) -> str:
        if not request.target.startswith("/") and request.target != "*":
            return "a request goes to the named host only"
        effect = effect_of(request)
        if self._mode == "passive" and request.method not in READ_METHODS:
            return "a passive scan sends GET, HEAD and OPTIONS only"
        if effect not in _ALLOWED[self._mode]:
            return f"it would {'write' if effect == 'write' else 'log in'}, and the mode is {self._mode}"
        if effect == "write" and self._why_no_writes:
            return self._why_no_writes
        if rebuilt := REBUILDS.search(path_of(request.target)):
            return f"its path says {rebuilt.group(0).strip('/')!r}, which would take away what the scan stands on"
        if ended := self._given.refusal(request):
            return ended
        enters = effect == "login"
        takes = (enters or self._mode == "active") and request.method != "OPTIONS" and deletes(request)
        taken = takes and ((enters and self._mode != "active") or deletes_of_others(request, self._made))
        if request.method in READ_METHODS:
            if broken := BREAKS & words_of(path_of(request.target)):
                return f"its path says {min(broken)!r}"
            return WHY if taken else why_no_reading(request, self._made, self._mode)
        words = with_deeds(words_of(path_of(request.target)))
        hazard = HAZARDS & words
        if hazard == frozenset({"reset"}) and (request.target in self._links or resets_an_own_password(request, words)):
            return ""
        if hazard and not (
            hazard <= OF_OWN and not is_about_money(request, words) and self._made.is_own(request.target)
        ):
            return f"its path says {min(hazard)!r}"
        if taken:
            return WHY
        if why := self._standing.refusal(request):
            return why
        if word := sends_money(request, words, self._made.is_own(request.target)):
            return f"it says {word!r}, and it is about money"
        if request.method == "DELETE" and effect == "write" and not self._made.is_own(request.target):
            return WHY
        return ""


def only_reads(request: Request) -> bool:
    """Whether *request* changes nothing."""
    return request.method in READ_METHODS and effect_of(request) == "read"


def effect_of(request: Request) -> Effect:
    """What *request* may change. A method that is not for reading counts as writing unless it logs in."""
    if request.method in READ_METHODS or request.method in ("TRACE", "TRACK"):
        return request.effect if _methods_instead(request) <= {*READ_METHODS} else "write"
    if request.identity is not None and _KEPT.search(path_of(request.target)):
        return "write"
    return "login" if request.effect == "login" else "write"


def _methods_instead(request: Request) -> set[str]:
    """The methods that a header, or ``_method`` in the query, says in place of the request's own."""
    pairs = parse_qsl(request.target.partition("?")[2])
    told = [value for name, value in pairs if name.lower() == "_method"]
    return {one.strip().upper() for one in (*told, *(v for name, v in request.headers if name.lower() in OVERRIDES))}
