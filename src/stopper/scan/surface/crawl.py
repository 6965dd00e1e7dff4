"""Finds routes of a live API that has no document: links in its answers, and names that many APIs use."""

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from stopper.core.app import Route
from stopper.core.exchange import Response
from stopper.core.login_names import LOGIN
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.ids_in_paths import templated
from stopper.scan.merge import template_pattern
from stopper.scan.room import FOR_A_LOG_IN, FOR_ONE, FOR_PROBES
from stopper.scan.surface.allowed_methods import methods_at
from stopper.scan.surface.crawling import FOLDER_MOST, HELD_NAME, Crawl, Crawled, Place, read
from stopper.scan.surface.its_own_nouns import of_its_own_nouns
from stopper.scan.surface.more_words import (
    AT_ROOT,
    FEW,
    MANY,
    SHOWN,
    SOME,
    UNLINKED,
    USUAL,
    at_root,
    below,
    heads_of,
    lists_among,
    of_field,
    of_kinds,
    one_by_uuid,
    one_of,
    unspoken,
    wanted,
)
from stopper.scan.surface.nothing_there import MOVED, Nothing
from stopper.scan.surface.page_routes import TAKES_AWAY
from stopper.scan.surface.parts_below import parts_below
from stopper.scan.surface.rest_of_words import REST_MOST, REST_PART, REST_SECONDS, rest_of
from stopper.scan.surface.usual_things import DOORS, FIRST, HEADS, beginning, beside_versions, things, weaknesses
from stopper.scan.wire.courier import Courier

ASKED_MOST: Final = 120
OF_LISTS_MOST: Final = 8
"""Lists that something led to of which one thing is asked for, where much is known."""
QUERIED_MOST: Final = 8
"""Links with a query that are asked as they stand."""
GUESSED_MOST: Final = 220
"""Paths of one list of names that are asked for, with what they lead to."""
SLOW: Final = 0.3
"""Seconds of a slow answer, and `SLOW_MOST` such answers after which no more of one list of names is tried. What a machine that others keep busy
answers somewhat later is asked for all the same: what is found must not hang on that."""
SLOW_MOST: Final = 8
GUESSING: Final = 60.0
"""Seconds of one list of names, where `SLOW_MOST` does not end it."""
VERSIONS_MOST: Final = 6
"""Times that the versions beside those which are known are asked for."""
GUESSED_LEAST: Final = 340
"""Requests up to which a scan guesses whatever it may ask in all."""
WORDS_PART: Final = 0.33
"""The part of all requests after which no more words are tried."""
PARTS_PART: Final = 0.38
"""The same of what lies below one thing."""
THINGS_PART: Final = 0.37
"""The same of things of lists that were found."""
ALONE_PART: Final = 0.5
"""The same where hardly anything was found: probes ask little there."""
UNSPOKEN: Final = re.compile(
    r"(?i)admin|debug|health|config|metrics|robots|docs|swagger|graphql|status|log-?in|regist|signup|users$"
)
"""Usual names of what pages seldom speak of, and of the doors."""
ENOUGH: Final = 20
EVERYTHING: Final = 0.6
"""The part of guessed names that may be right before the application counts as one that answers everywhere."""


def crawled(
    courier: Courier,
    prefix: str,
    canary: str,
    start: Sequence[str] = USUAL,
    who: Identity | None = None,
    *,
    others: bool = False,
    enters: bool = False,
    led: Sequence[str] = (),
) -> Crawled:
    """What answers at *start* and at the links from there, to *who* or to nobody. Only GET and OPTIONS are sent. ``others`` says that somebody
    known comes later, who is told more where nobody is told anything, and ``enters`` that a log-in must be found for that; something *led* to
    these beside the start."""
    origin = courier.transport.base_url.removesuffix(prefix)
    crawl = _Guessing(courier, prefix, origin, who, start is USUAL, others, enters)
    with contextlib.suppress(Skipped):
        crawl.run(Nothing.ask(courier, prefix, canary, who), (*led, *start))
    return crawl.seen()


_MAKES: Final = frozenset({"new", "create", "add", "search", "upload", "import", "export", "write", "compose"})
"""What stands where an id would, and is none."""


@dataclass(slots=True)
class _Guessing(Crawl):
    """A crawl that asks for usual names where an API shows little of itself."""

    def run(self, nothing: Nothing, start: Sequence[str]) -> None:
        """Ask what waits, and what answers lead to."""
        self.wait(start)
        for _ in range(ASKED_MOST):
            if not self.waiting:
                break
            place = self.waiting.pop(0)
            if place.depth or not place.surmise or not self._is_idle(place.path):
                self.ask(nothing, place)
        self._with_queries(nothing)
        if not self.guesses or self.lists_many() or self._takes_everything(len(start)):
            return
        if self.others and nothing.plain.refused:
            self._guess(nothing, DOORS if self.enters and not any(map(LOGIN.search, self.paths())) else ())
            return
        few = len(self.found) + len(self.forms) - len(self.guessed) < FEW and len(self.found) < MANY
        led = [path.removeprefix(self.prefix) for path in self.found if path not in self.guessed]
        lists = wanted(led, [path.removeprefix(self.prefix) for path in self.guessed]) if few else ()
        self._guess(nothing, UNLINKED if self.forms and not few else (), THINGS_PART)
        for words in lists[:-1]:  # where the API begins
            self._guess(nothing, words)
        self._guess(nothing, of_field(self.title, self.paths()))
        few = few and len(self.found) < SOME
        self._look_for_its_beginning(nothing, HEADS if few else ())
        headed = bool(heads_of(self.paths()))
        self._guess(nothing, below(self.paths()) if few else (), THINGS_PART)  # where something is more may be
        self._guess(nothing, lists[-1] if lists and few and not headed else ())
        self._ask_beside_versions(nothing)
        few = few and len(self.found) < MANY
        begun = self.paths()
        self._guess(nothing, weaknesses(begun), ALONE_PART)
        self._guess(nothing, of_its_own_nouns(begun) if few else (), PARTS_PART)
        self._guess(nothing, below(begun), THINGS_PART)
        self._guess(nothing, things(begun)[: len(FIRST)] if few and len(self.found) < SOME else ())
        if few:
            self._ask_for_things(nothing)  # what is there tells more than further names do
        self._guess(nothing, unspoken(self.paths()), PARTS_PART)
        self._guess(nothing, below(begun, few=few), THINGS_PART)
        self._guess(nothing, of_kinds(kind.removeprefix(self.prefix) for kind in self.kinds), THINGS_PART)
        self._guess(nothing, things(begun) if few and len(self.found) <= FEW else ())
        if few:
            self._ask_for_things(nothing, ALONE_PART)  # of the lists that were found since
        else:
            self._guess(nothing, one_of(led)[:OF_LISTS_MOST], PARTS_PART)
        if lists and few and headed and len(self.found) < SOME:
            # Where nothing of what is tried at the root first was there, and much elsewhere, nothing else will be.
            rooted = at_root(self.paths()) or len(self.found) <= FEW
            self._guess(nothing, lists[-1] if rooted else (), ALONE_PART if len(self.found) < FEW else WORDS_PART)
            self._guess(nothing, weaknesses(self.paths()), ALONE_PART)
        if not nothing.plain.refused and nothing.plain.status not in MOVED:  # else most lies behind a log-in
            self._guess(nothing, rest_of(self.paths()), REST_PART, REST_SECONDS)

    def _ask_beside_versions(self, nothing: Nothing) -> None:
        """Ask in the versions before and behind those that are known, as long as that finds something."""
        for _ in range(VERSIONS_MOST):
            before = len(self.found)
            self._guess(nothing, beside_versions(self.paths()), THINGS_PART)
            if len(self.found) == before:
                return

    def _look_for_its_beginning(self, nothing: Nothing, heads: Sequence[str]) -> None:
        """Ask for usual things below *heads*, until one of them answers; not where several names at the root have."""
        for head in heads:
            if not heads_of(self.paths()) and len(at_root(self.paths())) < AT_ROOT:
                self._guess(nothing, beginning(head))

    def _ask_for_things(self, nothing: Nothing, part: float = PARTS_PART) -> None:
        """Ask for one thing of each list, and for what lies below it, once for each."""
        for path, own in self.listed.items():
            self.waiting.append(Place(f"{path.rstrip('/')}/{own}", template=f"{path.rstrip('/')}/{{id}}"))
        self._guess(nothing, one_of(self.paths()), part)
        self._guess(nothing, one_by_uuid(self.paths()), part)
        if not self._may_guess(part):
            return
        there = {template: path for template, path in self.asked.items() if template in self.found}
        for path in [one.rstrip("/") for one in lists_among(self.found) if f"{one.rstrip('/')}/{{id}}" not in there]:
            there[f"{path}/{{id}}"] = (
                f"{path}/{self.listed.get(path, '1')}"  # a thing may be reached by its parts alone
            )
        there = {template: path for template, path in there.items() if template not in self.parted}
        self.parted.update(there)
        most = self._may_ask(part) - self.courier.sent
        for template, methods in parts_below(self.courier, there, self.found, nothing.word, self.who, most):
            names = tuple((name, "string") for name in HELD_NAME.findall(template))
            self.found[template] = Route(template, methods, parameters=names, readers=frozenset({"wire"}))
            self.ids.setdefault(template, dict(self.ids.get(template.rpartition("/")[0], {})))
            self.guessed[template] = None

    def _may_guess(self, part: float) -> bool:
        return self.courier.sent < self._may_ask(part)

    def _may_ask(self, part: float) -> int:
        """Requests up to which is guessed: a *part* of all, or what the probes of so few routes will leave; the last names get that alone."""
        most = self.courier.max_requests
        left = most - FOR_PROBES - FOR_ONE * (len(self.found) + len(self.forms))
        behind = FOR_A_LOG_IN * any(map(LOGIN.search, self.paths()))
        if part == REST_PART:
            return min(left - behind, int(most * REST_MOST))
        left -= behind * (len(self.found) > FEW)  # else probes ask little
        return int(max(most * part, GUESSED_LEAST, left))

    def _is_idle(self, path: str) -> bool:
        """Whether a usual name says little more where so much is known: what pages do not speak of is asked for all the same."""
        led = templated(path)[0] in self.led or path.strip("/") == self.prefix.strip("/")
        return (len(self.led) >= SHOWN and not led and not UNSPOKEN.search(path)) or self._lists_its_routes(path)

    def _lists_its_routes(self, path: str) -> bool:
        """Whether the API has told so many of its routes, each with its method, that *path* would stand among them: a guess that is no start."""
        listed = templated(path)[0] in self.led or path.strip("/") == self.prefix.strip("/")
        return self.lists_many() and not listed

    def _with_queries(self, nothing: Nothing) -> None:
        """Ask the links that have a query as they stand: a page of one thing often leads further than the page of none."""
        for path, query in list(self.samples.items())[:QUERIED_MOST]:
            if self.who is not None and TAKES_AWAY.search(path):
                continue
            response = read(self.courier, f"{path}?{query}", self.who)
            if response is not None and response.succeeded:
                self._needs(path, query, response, nothing)
                self.take_forms(response, path)
                self.follow(response, path, 1)
        for _ in range(FOLDER_MOST):
            if self.waiting:
                self.ask(nothing, self.waiting.pop(0))
        self.waiting.clear()

    def _needs(self, path: str, query: str, response: Response, nothing: Nothing) -> None:
        """A page that is not there without its query (``/profile?id=1``) is a route that reads what the link says."""
        template, numbers = templated(path)
        said = dict(parse_qsl(query))
        if not said or not nothing.differs(f"{path}?{query}", response):
            return
        bare = read(self.courier, path, self.who) if template in self.found else None
        if bare is not None and bare.status < 400:
            return
        methods = methods_at(self.courier, path, response, self.who)
        names = tuple((name, "string") for name in numbers)
        self.found[template] = Route(
            template, methods, parameters=names, fields=tuple(said), examples=said, readers=frozenset({"wire"})
        )
        self.ids.setdefault(template, numbers)

    def _guess(
        self, nothing: Nothing, words: Sequence[str], part: float = WORDS_PART, seconds: float = GUESSING
    ) -> None:
        """Ask for *words*, unless many answers are slow; what an answer leads to is asked beside them."""
        until = time.monotonic() + seconds
        if not self._may_guess(part):
            self.waiting.clear()
            return
        slow, before = 0, len(self.guessed)
        self.wait(words)
        for number in range(GUESSED_MOST):
            if not self.waiting or slow >= SLOW_MOST or time.monotonic() > until or not self._may_guess(part):
                break
            began = time.monotonic()
            self.ask(nothing, self.waiting.pop(0))
            slow += time.monotonic() - began > SLOW  # one door that hangs says nothing of the others
            if number > ENOUGH and len(self.guessed) - before > number * EVERYTHING:
                self._takes_everything(1)
                break
        self.waiting.clear()

    def _takes_everything(self, asked: int) -> bool:
        """Whether so many guesses were right that the application answers everywhere; they are forgotten then."""
        if len(self.guessed) <= asked * EVERYTHING:
            return False
        for path in self.guessed:
            if path != self.prefix + "/":
                self.found.pop(path, None)
        return True


def beside(described: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """Those of *seen* that no route of the document is: pages stand beside an API, and what a document leaves out."""
    known = [(template_pattern(route.path.rstrip("/"), dict(route.parameters)), route) for route in described]
    return tuple(one for one in seen if not any(_is_known_as(one, pattern, route) for pattern, route in known))


def _is_known_as(seen: Route, pattern: re.Pattern[str], route: Route) -> bool:
    """Whether *route* is what was seen: ``/posts/new`` stands beside ``/posts/{id}``, which a link to a number has shown, and so does what takes
    other methods, or a form that is sent to its own page, where nobody else was told that the page takes one."""
    path = seen.path.rstrip("/")
    if not pattern.fullmatch(path):
        return False
    if seen.takes_form and route.readers <= {"wire"} and path == route.path.rstrip("/") and "POST" not in route.methods:
        return False
    other = {*seen.methods} - {*route.methods, "HEAD", "OPTIONS"}
    told = route.readers <= {"wire"} and (path.rpartition("/")[2] in _MAKES or other)
    return not (told and route.path.rstrip("/").endswith("}"))
