"""What is needed to become somebody: one object that log-ins and registrations of a scan share."""

from dataclasses import dataclass, field

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.scan.people.credential import shut_doors
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier


@dataclass(frozen=True, slots=True)
class Scene:
    """What is needed to become somebody: the model, the way to send, honest requests, and the run's random text."""

    app: App
    courier: Courier
    honest: HonestRequests
    canary: str
    useless: dict[str, str] = field(default_factory=dict[str, str])
    """Who got a credential that opened nothing, and from where."""
    recipes: dict[str, tuple[Route, Request]] = field(default_factory=dict[str, tuple[Route, Request]])
    """The log-in that each person came in by."""
    forms: dict[str, int] = field(default_factory=dict[str, int])
    """The form of an account that a log-in took, by its path: the next person is sent in that one first."""
    entries: dict[str, tuple[Route, Exchange]] = field(default_factory=dict[str, tuple[Route, Exchange]])
    """The log-in of each person whose answer handed out a credential: probes read it and need not log in again."""
    registrations: dict[str, tuple[Route, Exchange]] = field(default_factory=dict[str, tuple[Route, Exchange]])
    """The registration of each person that was taken."""
    asks_basic: set[str] = field(default_factory=set[str])
    """Paths of log-ins that asked for Basic authentication."""
    picky: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])
    """Registrations that were turned away for the signs in them: the route's path, and which of the ways it was."""
    bounded: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])
    """Registrations that were turned away for the length of their passwords: the route's path, and which of the ways it was."""
    said: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """By whose subject: what an account was called in the registration that took it, where that is no usual name."""
    tells_nothing: set[str] = field(default_factory=set[str])
    """Paths of registrations whose refusals have led nowhere."""
    tried: dict[str, int] = field(default_factory=dict[str, int])
    """How many log-ins a route has turned away that has let nobody in, by its path."""
    limited: set[str] = field(default_factory=set[str])
    """Paths of log-ins and registrations that ask to come later: they are left alone, for each further try is a wait."""
    refusing: set[str] = field(default_factory=set[str])
    """Paths of log-ins that have refused somebody, so that a success says who is known."""
    own: set[str] = field(default_factory=set[str])
    """By what the scan's own test people log in: only their passwords are sent to routes that may be none of a log-in."""
    odd: dict[str, int] = field(default_factory=dict[str, int])
    """How often a text that is not called a token was tried as one, by the path that gave it."""
    _shut: list[tuple[Exchange, ...]] = field(default_factory=list[tuple[Exchange, ...]])

    def shut(self) -> tuple[Exchange, ...]:
        """Reads that refuse nobody, asked for once."""
        if not self._shut:
            self._shut.append(shut_doors(self.app, self.courier, self.honest))
        return self._shut[0]
