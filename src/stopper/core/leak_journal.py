"""What a leak sensor knows and has seen. Its hooks hand texts over here; who caused what is decided here, once a place."""

import contextlib
import threading
from collections.abc import Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from stopper.core.leak import CodePlace, Leak, Sink
from stopper.core.leak_frames import OwnCode, place_of_view
from stopper.core.leak_learning import Learned
from stopper.core.leak_rules import may_pass, may_travel
from stopper.core.watchlist import Watched, Watchlist

BORDER: Final = __file__.replace("leak_journal", "leak_exchange")
"""The file of the WSGI wrapper: frames outside of it belong to the server or to a test's client."""
MOST: Final = 10_000
"""Leaks that are told apart; a process that runs for months must not grow."""
MADE: Final = 2_000
"""Tokens whose maker is remembered."""


@dataclass(slots=True, eq=False)
class Exchange:
    """One request that is being answered. The route is looked up when a leak is found, not before."""

    owner: "LeakJournal"
    app: Any
    environ: dict[str, Any]
    method: str
    shown: set[str] = field(default_factory=set[str])
    """The secrets that the client showed in this request."""
    _found: tuple[str, CodePlace | None] | None = None

    @property
    def route(self) -> str:
        """``POST /notes/<int:id>``: the rule, not the URL, which may hold a token."""
        return self._look_up()[0]

    @property
    def view(self) -> CodePlace | None:
        """Where the view stands."""
        return self._look_up()[1]

    def _look_up(self) -> tuple[str, CodePlace | None]:
        if self._found is None:
            try:
                rule, _ = self.app.url_map.bind_to_environ(self.environ).match(return_rule=True)
                view = self.app.view_functions.get(rule.endpoint)
                self._found = f"{self.method} {rule.rule}", place_of_view(view, self.method)
            except Exception:  # noqa: BLE001 - routing raises for URLs without a route, and converters are the application's own
                self._found = f"{self.method} (no route)", None
        return self._found


current: Final[ContextVar[Exchange | None]] = ContextVar("stopper_leak_exchange", default=None)


class LeakJournal:
    """The state of one sensor. *report* is called once a leak, on the thread that leaked."""

    def __init__(self, report: Callable[[Leak], None]) -> None:
        self.watchlist: Final = Watchlist()
        self.own: Final = OwnCode()
        self.own_hosts: Final[set[str]] = set()
        self.running = False
        self._report = report
        self._lock = threading.Lock()
        self._leaks: dict[tuple[str, Sink, str, int], Leak] = {}
        self._busy = threading.local()
        self._homes: dict[str, str] = {}
        self._made_by: dict[int, str] = {}

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """Each leak once, in the order in which they were seen."""
        return tuple(self._leaks.values())

    @contextlib.contextmanager
    def looking(self) -> Generator[bool]:
        """Yields whether to look now. What is looked at may log itself: that is not looked at again. Errors of looking end here."""
        if not self.running or getattr(self._busy, "now", False):
            yield False
            return
        self._busy.now = True
        try:
            yield True
        except Exception:  # noqa: BLE001 - a sensor never breaks what it watches: foreign reprs, streams and headers raise anything
            pass
        finally:
            self._busy.now = False

    def look(self, text: str, sink: Sink, detail: str = "", place: CodePlace | None = None) -> None:
        """Tell every secret in *text*. *place* stands where no frame of the application is running."""
        with self.looking() as now:
            if now:
                self.search(text, sink, detail, place)

    def search(self, text: str, sink: Sink, detail: str = "", place: CodePlace | None = None) -> None:
        """:meth:`look` for those who are looking already."""
        for secret in self.watchlist.find(text):
            if not may_pass(secret, sink, issues=False, private=False):
                self.tell(secret, sink, detail, place)

    def search_outbound(self, text: str, sink: Sink, host: str) -> None:
        """Tell every secret in *text* that may not go to *host*."""
        for secret in self.watchlist.find(text):
            if not may_travel(secret, sink, host, self._homes):
                self.tell(secret, sink, f"host {host[:100]}")

    def tell(self, secret: Watched, sink: Sink, detail: str = "", place: CodePlace | None = None) -> None:
        """Write a leak down, once for each secret, sink and place."""
        exchange = current.get()
        at = self.own.nearest(BORDER) or place or (exchange.view if exchange is not None else None) or CodePlace()
        self.tell_at(secret, sink, at, detail)

    def tell_at(self, secret: Watched, sink: Sink, at: CodePlace, detail: str = "") -> None:
        """Write a leak down at a place that is known."""
        exchange = current.get()
        leak = Leak(secret.label, secret.kind, sink, at, exchange.route if exchange is not None else "", detail)
        key = (leak.secret, sink, at.path, at.line)
        with self._lock:
            if key in self._leaks or len(self._leaks) >= MOST:
                return
            self._leaks[key] = leak
        self._report(leak)

    def learn(self, learned: Learned, *, stays: bool = False, where: str = "") -> Watched | None:
        """Watch a secret that was recognised; *where* completes its label."""
        label = f"{learned.label} of {where}" if where else learned.label
        return self.watchlist.add(learned.value, label, learned.kind, stays=stays)

    def note_maker(self, value: str, route: str) -> None:
        """Remember that *route* hands this token out; by its hash, so that it is kept no longer than the watchlist keeps it."""
        if len(self._made_by) > MADE:
            self._made_by.clear()
        self._made_by.setdefault(hash(value), route)

    def is_made_by(self, value: str, route: str) -> bool:
        """Whether *route* made this token."""
        return self._made_by.get(hash(value)) == route
