"""Carries every request of a scan: decides by mode and path whether it may be sent, keeps the budget and the pace."""

import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from stopper.core.answers.database_errors import is_told
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Mode, Skipped
from stopper.core.probing.errors_seen import KEPT, may_show_too_much
from stopper.core.tls import TlsSeen
from stopper.scan.wire.allowed import Allowed, only_reads
from stopper.scan.wire.as_it_was import AsItWas
from stopper.scan.wire.blind_deeds import BlindDeeds
from stopper.scan.wire.busy_doors import BusyDoors
from stopper.scan.wire.credential_watch import CredentialWatch
from stopper.scan.wire.first_visit import FirstVisit, given_to
from stopper.scan.wire.foreign_deeds import PeopleKnown, not_to_be_restored, reaches
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.given_people import GivenPeople
from stopper.scan.wire.graphql_calls import GraphqlTransport
from stopper.scan.wire.handed_out import keep_what_is_handed_out
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.load_seen import LoadSeen
from stopper.scan.wire.locked_database import LockedDatabase
from stopper.scan.wire.own_page import OwnPage
from stopper.scan.wire.own_resets import OwnLinks
from stopper.scan.wire.page_tokens import handed_to_nameless, visit_of
from stopper.scan.wire.reach_log import ReachLog
from stopper.scan.wire.shared import SharedAnswers
from stopper.scan.wire.slow_doors import SlowDoors
from stopper.scan.wire.spared_accounts import spared
from stopper.scan.wire.standing import WHY, Standing
from stopper.scan.wire.things_made import ThingsMade, path_of
from stopper.scan.wire.time_limit import TimeLimit
from stopper.scan.wire.transport import Transport

REFUSALS: Final = frozenset({400, 401, 403, 404, 405, 406, 413, 415, 422})
"""Answers after which everything is as it was."""
USED_UP: Final = "the budget of"
"""How the reason begins why a request is not sent that the budget does not allow."""
WAIT_MOST: Final = 5.0
"""Seconds of Retry-After that are waited for; a longer wait skips that address instead."""


class Courier:
    """One per scan, shared by all its threads."""

    def __init__(
        self, transport: Transport, *, mode: Mode = "default", max_requests: int = 1000, rate: float = 0.0, timeout: float = 5.0,
        time_limit: float | None = None, why_no_writes: str = "",
    ) -> None:  # fmt: skip
        """``timeout`` is for one request and ``time_limit`` for all, in seconds. ``why_no_writes`` is set when writing is off
        although the mode would allow it."""
        self.transport = transport
        self.graphql = GraphqlTransport(transport, by_get=mode == "passive", count=self._more)
        """The same, by which a field of GraphQL is a route; it knows none until a door has described itself."""
        self.mode: Mode = mode
        self.sent = 0
        self.changes = 0
        """Those that were more than readings."""
        self.asked: set[tuple[str, str]] = set()
        """Method and raw path of every request that was answered."""
        self.heard: set[tuple[str, str]] = set()
        """Those of them that got an answer which says something of the route: no 429 and no error of the server."""
        self.lost: dict[tuple[str, str], str] = {}
        """Method and raw path of requests that got no whole answer, with what went wrong."""
        self.made = ThingsMade()
        """What this scan has made: nothing else is deleted."""
        self.skipped: dict[str, str] = {}
        """What was not sent, with the reason."""
        self.exhausted = False
        """Whether a request was held back because the budget was used up."""
        self.max_requests, self._timeout, self._rate = max_requests, timeout, rate
        self.kept_back = 0
        """Requests of the budget that are not given out yet."""
        self.time = TimeLimit(time_limit)
        self._lock = threading.Lock()
        self._next = 0.0
        self._busy = BusyDoors()
        self.stopping = threading.Event()
        self.credentials = CredentialWatch()
        """Which credentials of the scan's people are over."""
        self._shared = SharedAnswers()
        self.page = OwnPage(transport.base_url)
        """How the target's own pages send a change."""
        self.visit = FirstVisit()
        """The cookies of a first visit, where the target answers nobody without them."""
        self.forms = FormDoors()
        """Which routes take forms instead of JSON; set once they are known."""
        self.load = LoadSeen(paced=rate > 0)
        """How much was asked, and whether any answer spoke of a limit."""
        self.slow = SlowDoors("deep")
        """Which doors take so long that probes ask them seldom; set once the depth is known."""
        self.held = LockedDatabase()
        """Whether the target's database stays locked behind requests that fail."""
        self.people: dict[str, str | None] = {}
        """Names of the scan's people, whose accounts stay as they are, with what each logs in by where that is known."""
        self.given = GivenPeople()
        """Those who were given to it, whose credentials stay good."""
        self.known = PeopleKnown(self.given.names)
        """Their ids, and by what those whom it registered log in."""
        self.was = AsItWas()
        self.standing = Standing(self.made, self.known, self.given)
        self.blind = BlindDeeds()
        self.errors: list[Exchange] = []
        """Errors of the server that were met, the first ones."""
        self.shown: list[Exchange] = []
        """Readings that may show what nobody should see."""
        self.limited: list[Exchange] = []
        """Requests that a limit has turned away."""
        self.unlike: dict[str, list[str]] = {}
        self.links = OwnLinks()
        """Links to resets of the scan's own accounts."""
        self._allowed = Allowed(self.mode, why_no_writes, self.made, self.given, self.links, self.standing)
        self.unanswered: dict[int, Request] = {}
        """Changes that were sent and of whose answers nothing is known yet: they stay here where the run is ended meanwhile."""
        self.reach = ReachLog(self.page.origin)
        """Who got what."""

    def carry(self, request: Request, *, last: bool = False) -> Exchange:
        """Send *request*. Raises Skipped when mode, path or budget forbid it, or where nobody who reads there gets an answer. ``last`` requests
        take back and ignore the budget."""
        if not last and only_reads(request) and (reason := self.slow.hanging(request)):
            self._skip(request, reason)
        self._admit(request, last)
        if last:
            request = self.credentials.fresh(request)
        else:
            self._pace(request)
            request = self._read_before(request)
        request, since = self._as_page(request), self.made.mark()
        sent = self._visitor(request).dressed(request)
        with self._telling([request]) as answers:
            response = self._sent(sent, last)
            answers.append(response)
        self._learn(request, response, since)
        self._known([sent])
        self._shared.learn(Exchange(request, response))
        return Exchange(sent, response)

    def _visitor(self, request: Request) -> FirstVisit:
        """The first visit under which *request* is sent: one of its own where it may let somebody in."""
        asked = self.visit.asked
        if asked is not None and self.visit.is_to_be_ones_own(request):
            with suppress(Skipped):
                self._admit(asked, last=True)
                visit = given_to(self.graphql.send(asked, self._time_for_one(last=False)))
                return visit if visit.cookies.reveal() else self.visit
        return self.visit

    def end(self) -> None:
        """Ask nothing more. What takes back has a few seconds left."""
        self.stopping.set()
        self.time.end()

    def _sent(self, request: Request, last: bool) -> Response:
        """What *request* is answered, which is sent once more where it has waited for a database that another request held."""
        with self._going_out([request]):
            seconds = self._time_for_one(last)
        response = self.graphql.send(request, seconds)
        if (ease := self.held.held(request, response)) is not None and self._eased(ease):
            with self._lock:
                self.sent += 1
            response = self.graphql.send(request, self._time_for_one(last))
            self.held.again(request, response)
        if (ease := self.held.may_be_held(request, response)) is not None:
            self._eased(ease)
        return response

    @contextmanager
    def _going_out(self, requests: Sequence[Request]) -> Generator[None]:
        """*requests* are sent, unless Skipped is raised meanwhile."""
        self.unanswered.update({id(one): one for one in requests if not only_reads(one)})
        try:
            yield
        except Skipped:
            self._known(requests)
            raise

    def _known(self, requests: Sequence[Request]) -> None:
        for one in requests:
            self.unanswered.pop(id(one), None)

    def _eased(self, ease: Request) -> bool:
        """Free the target's database, where the budget allows it."""
        with suppress(Skipped):
            self._admit(ease, last=False)
            return self.graphql.send(ease, self._time_for_one(last=False)).status > 0
        return False

    def _read_before(self, request: Request) -> Request:
        """Keep what *request* is about to change. Raises Skipped where that could not be given back to somebody who was given."""
        self.was.before(request, self.made.is_own, self._read_first)
        if why := self.was.refusal(request):
            self._skip(request, why)
        self.blind.before(request, self.made)
        given = request.identity in self.given.names and not self.made.is_own(request.target)
        if given:
            self.was.keep_by_oneself(request, self.known.shown_to(request.identity))
        request = self.standing.as_it_is(request, self.was.shown(request)) or self._skip(request, WHY)
        if not given:
            of_another = reaches(request) if self.standing.is_of_another(request) else []
            if of_another and not self.was.keeps(request, of_another):
                self._skip(
                    request, f"somebody who was there could be reached otherwise afterwards ({', '.join(of_another)})"
                )
            return request
        called = self.people.get(request.identity or "")
        if reason := not_to_be_restored(spared(request, self.people, called), called, self.was.keeps):
            self._skip(request, reason)
        return request

    def _read_first(self, request: Request) -> Response | None:
        """What is at *request*, beyond the budget; None where it may not be asked."""
        try:
            self._admit(request, last=True)
            return self.graphql.send(self.visit.dressed(request), self._time_for_one(last=False))
        except Skipped:
            return None

    def put_back(self, takes: Callable[[str], Collection[str]] = lambda _: ()) -> None:
        """Put back what was there before this scan changed it; what cannot be is in ``unlike`` afterwards, with its members. ``takes`` knows the
        methods of a path."""
        self.unlike |= self.blind.told()
        with suppress(Skipped):
            self.was.put_back(lambda request: self.carry(request, last=True), self.unlike, takes)

    def _as_page(self, request: Request) -> Request:
        """*request* as the target's own page sends it; the page is asked first where its token was used up by a log-in."""
        request = self.known.of_nobody_else(request, self.made.is_own)
        request = self.forms.dressed(spared(request, self.people, self.people.get(request.identity or "")))
        page = self.page.missing(request)
        if page is not None and (visit := visit_of(self.carry(page))) is not None:
            self.page.visited(page, visit)
        for page in self.page.beside(request):
            if not self.refusal(page) and not self.page.holds(request):
                self.carry(page)
        return self.page.dressed(request)

    def carry_for(self, asker: str, request: Request, *, bounded: bool = False, old: bool = False) -> Exchange:
        """Send *request* for the probe *asker*, or give it what another probe has just read. A ``bounded`` one is turned away from a door
        that has cost too much time already. Raises Skipped."""
        if only_reads(request) and not self.refusal(request):
            return self._shared.read(asker, request, self.carry, old=old)
        if reason := self.slow.hanging(request) or (self.slow.refusal(request) if bounded else ""):
            self._skip(request, reason)
        exchange = self.carry(request)
        if bounded:
            self.slow.spent(request, exchange.response)
        return exchange

    @contextmanager
    def _telling(self, requests: Sequence[Request]) -> Generator[list[Response]]:
        """Shared answers are forgotten when something was written. What is refused for sure has written nothing; an answer that is
        missing tells nothing."""
        answers = list[Response]()
        if all(only_reads(request) for request in requests):
            yield answers
            return
        self._shared.writing()
        try:
            yield answers
        finally:
            if len(answers) < len(requests) or not all(answer.status in REFUSALS for answer in answers):
                self._shared.forget()

    def carry_together(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send *requests* so that their last bytes leave at the same moment."""
        for request in requests:
            self._admit(request, last=False)
        requests = [self._read_before(request) for request in requests]
        requests, since = [self._as_page(request) for request in requests], self.made.mark()
        sent = [self._visitor(request).dressed(request) for request in requests]
        barrier = threading.Barrier(len(requests))
        answers: list[Response] = [Response(0, error="not sent")] * len(requests)

        with self._going_out(sent):
            timeout = self._time_for_one(last=False)

        def one(index: int, request: Request) -> None:
            answers[index] = self.graphql.send(request, timeout, lambda: _meet(barrier, timeout))

        threads = [threading.Thread(target=one, args=pair, daemon=True) for pair in enumerate(sent)]
        with self._telling(requests) as told:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            told.extend(answers)
        for request, response in zip(requests, answers, strict=True):
            self._learn(request, response, since)
        self._known(sent)
        return [Exchange(*pair) for pair in zip(requests, answers, strict=True)]

    def look_at_tls(self) -> TlsSeen:
        """What the target's TLS takes and shows. Each connection of it counts as a request. Raises Skipped where there is no TLS."""
        if not isinstance(self.transport, HttpTransport) or self.transport.surface != "https":
            raise Skipped("there is no TLS to look at")

        def before() -> None:
            connection = Request("GET", "/")
            self._admit(connection, last=False)
            self._pace(connection)

        return self.transport.look_at_tls(self._time_for_one(last=False), before)

    def _admit(self, request: Request, last: bool) -> None:
        if reason := self.refusal(request):
            self._skip(request, reason)
        with self._lock:
            if self.time.used_up:
                self.stopping.set()
            if not last and self.stopping.is_set():
                raise Skipped(self._why_stopped())
            if not last and self.sent >= self.max_requests - max(
                self.kept_back, self.made.to_delete() + self.was.to_put_back()
            ):
                self.exhausted = True
                raise Skipped(f"{USED_UP} {self.max_requests} requests is used up; raise it with --max-requests")
            self.sent += 1
            self.changes += not only_reads(request)

    def refusal(self, request: Request) -> str:
        """Why *request* may not be sent, or an empty text."""
        return self._allowed.refusal(request)

    def _more(self, number: int) -> None:
        with self._lock:
            self.sent += number

    def _skip(self, request: Request, reason: str) -> NoReturn:
        with self._lock:
            if request.method not in ("TRACE", "TRACK"):  # a question about the method, which nobody reads a report for
                self.skipped.setdefault(f"{request.method} {path_of(request.target)}", reason)
        raise Skipped(f"{request.method} {path_of(request.target)} was not sent: {reason}")

    def _pace(self, request: Request) -> None:
        key, now = (request.method, path_of(request.target)), time.monotonic()
        forwarded = request.header("X-Forwarded-For") or request.header("X-Forwarded-Proto")
        until = now if forwarded else self._busy.until(key, now)  # whether that has to wait as well is what is asked
        with self._lock:
            if until - now > WAIT_MOST:
                self.sent -= 1
                raise Skipped(f"the server asked to wait {until - now:.0f} s before the next {request.method} {key[1]}")
            start = max(now, until, self._next)
            if self._rate > 0:
                self._next = start + 1.0 / self._rate
        if start > now and (self.stopping.wait(self.time.left(start - now)) or self.time.used_up):
            raise Skipped(self._why_stopped())

    def _why_stopped(self) -> str:
        return f"the scan was stopped: {self.time}" if self.time.used_up else "the scan was stopped"

    def _time_for_one(self, last: bool) -> float:
        """Seconds for one request. Raises Skipped when the run has none left."""
        seconds = self.time.left(self._timeout, last=last)
        if seconds <= 0:
            raise Skipped(self._why_stopped())
        return seconds

    def _learn(self, request: Request, response: Response, since: int) -> None:
        key = (request.method, path_of(request.target))
        self.reach.learn(request, response, self.credentials.headers_of(request.identity))
        self.credentials.learn(request, response)
        keep_what_is_handed_out(request, response)
        self.page.used(request, response)
        if given := handed_to_nameless(Exchange(request, response)):
            self.page.hold(request, given)
        self.load.learn(request, response)
        self.slow.learn(request, response)
        self.made.learn(request, response, since)
        self.was.learn(request, response, self._read_first)
        self.links.learn(request, response)
        self.blind.learn(request, response)
        self.given.learn(request)
        self.known.learn(request, response, self.credentials.headers_of(request.identity))
        with self._lock:
            if not response.status:
                self.lost.setdefault(key, response.error or "no answer")
            if response.status:
                self.asked.add(key)
                sent = f"{request.target}{request.body.decode(errors='replace')}"
                most = KEPT if response.status >= 500 else 2 * KEPT
                if (response.status >= 500 or is_told(sent, response.text)) and len(self.errors) < most:
                    self.errors.append(Exchange(request, response))
                if response.status < 500 and response.status != 429:
                    self.heard.add(key)
                elif response.status == 429 and len(self.limited) < KEPT:
                    self.limited.append(Exchange(request, response))
                if len(self.shown) < KEPT and may_show_too_much(Exchange(request, response)):
                    self.shown.append(Exchange(request, response))
        self._busy.learn(key, response)


def _meet(barrier: threading.Barrier, timeout: float) -> None:
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout)
