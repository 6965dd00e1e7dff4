"""Finds routes of a live API that has no document: links in its answers, and names that many APIs use."""

import contextlib
import re
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.ids_in_paths import templated
from stopper.core.probe import Identity, Skipped
from stopper.core.probe_query import query_names
from stopper.scan.allowed_methods import allowed_at, methods_at
from stopper.scan.merge import template_pattern
from stopper.scan.more_words import (
    FEW,
    MANY,
    SOME,
    UNLINKED,
    USUAL,
    below,
    kinds_named,
    of_field,
    of_kinds,
    one_of,
    title_of,
    wanted,
)
from stopper.scan.named_routes import Named, named_routes, scripts
from stopper.scan.nothing_there import Nothing, as_person, only_slash, plain_get
from stopper.scan.page_links import linked
from stopper.scan.page_routes import TAKES_AWAY, asked_by_forms, form_routes, sent_by_scripts, with_forms
from stopper.scan.script_bodies import Sent
from stopper.scan.spec.near import documents_beside, documents_named
from stopper.scan.wire.courier import Courier

ASKED_MOST: Final = 120
OF_LISTS_MOST: Final = 8
"""Lists that something led to of which one thing is asked for, where much is known."""
QUERIED_MOST: Final = 8
"""Links with a query that are asked as they stand."""
GUESSED_MOST: Final = 220
"""Paths of one list of names that are asked for, with what they lead to."""
GUESS_SECONDS: Final = 1.5
"""How long one list of names is tried."""
ONE_SECONDS: Final = 0.3
ENOUGH: Final = 20
EVERYTHING: Final = 0.6
"""The part of guessed names that may be right before the application counts as one that answers everywhere."""
DEPTH: Final = 2
FOLDER_MOST: Final = 12
"""Paths of one folder that are asked for."""
NAMED_IN_FOLDER: Final = 60
"""The same of routes that a text names below the root of an API."""
_API: Final = re.compile(r"(?i)(^|/)(api|rest|v\d{1,2})$")
LISTED: Final = 10
"""Routes that a text names with their methods, or one answer in JSON: an API that lists so many of them hides few, and no usual names are tried."""
ENDS: Final = re.compile(r"(?i)(^|[/_-])(log[-_]?out|sign[-_]?out|log[-_]?off)([/_-]|$)")
"""What ends a session: such a link is not followed."""
_HELD: Final = re.compile(r"\{\w+\}")
_UUID: Final = str(uuid.UUID(int=1))
_HELD_NAME: Final = re.compile(r"\{(\w+)\}")
_FILE: Final = re.compile(r"(?i)\.(css|js|png|jpe?g|gif|svg|ico|woff2?|ttf|map|webp|mp4|pdf|zip)$")


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl came by: routes that answer, the ids that stood in their links, and places where a document may lie."""

    routes: tuple[Route, ...] = ()
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    documents: tuple[str, ...] = ()


def crawled(
    courier: Courier,
    prefix: str,
    canary: str,
    start: Sequence[str] = USUAL,
    who: Identity | None = None,
    *,
    others: bool = False,
) -> Crawled:
    """What answers at *start* and at the links from there, to *who* or to nobody. Only GET and OPTIONS are sent. ``others`` says that somebody
    known comes later, who is told more where nobody is told anything."""
    crawl = _Crawl(courier, prefix, courier.transport.base_url.removesuffix(prefix), who, start is USUAL, others)
    with contextlib.suppress(Skipped):
        crawl.run(Nothing.ask(courier, prefix, canary, who), start)
    return crawl.seen()


@dataclass(frozen=True, slots=True)
class _Place:
    """What is asked next: ``template`` stands for it where a text named it with its parameters."""

    path: str
    depth: int = 0
    template: str = ""
    surmise: bool = True
    """Whether no link or form leads there: a list of names or a text has it."""


@dataclass(slots=True)
class _Crawl:
    courier: Courier
    prefix: str
    origin: str
    who: Identity | None
    guesses: bool
    others: bool = False
    found: dict[str, Route] = field(default_factory=dict[str, Route])
    forms: dict[str, Route] = field(default_factory=dict[str, Route])
    ids: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    documents: dict[str, None] = field(default_factory=dict[str, None])
    queries: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])
    bodies: dict[tuple[str, str], Sent] = field(default_factory=dict[tuple[str, str], Sent])
    """What scripts send to a template of a route, by the method."""
    spoken: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The methods that texts say with a template: a guard that refuses everybody first hides what the server takes."""
    kinds: dict[str, None] = field(default_factory=dict[str, None])
    """Where things lie that answers speak of by their ids."""
    guessed: dict[str, None] = field(default_factory=dict[str, None])
    """Templates of routes that nothing led to."""
    samples: dict[str, str] = field(default_factory=dict[str, str])
    """The query of a link to a path."""
    led: set[str] = field(default_factory=set[str])
    """Templates of routes that something led to."""
    known: set[str] = field(default_factory=set[str])
    named: int = 0
    """Routes that one answer in JSON names, some with their parameters, where it names most."""
    title: str = ""
    """What the API calls itself at its start."""
    folders: dict[str, Nothing] = field(default_factory=dict[str, Nothing])
    """What is answered to a word that is not there, by the folder in which it is asked for."""
    waiting: list[_Place] = field(default_factory=list[_Place])

    def run(self, nothing: Nothing, start: Sequence[str]) -> None:
        """Ask what waits, and what answers lead to."""
        self._wait(start)
        for _ in range(ASKED_MOST):
            if not self.waiting:
                break
            place = self.waiting.pop(0)
            if place.depth or not place.surmise or not self._lists_its_routes(place.path):
                self._ask(nothing, place)
        self._with_queries(nothing)
        if (
            not self.guesses
            or self._lists_many()
            or self._takes_everything(len(start))
            or (self.others and nothing.plain.refused)
        ):
            return
        few = len(self.found) + len(self.forms) - len(self.guessed) < FEW and len(self.found) < MANY
        led = [path.removeprefix(self.prefix) for path in self.found if path not in self.guessed]
        lists = wanted(led, [path.removeprefix(self.prefix) for path in self.guessed]) if few else ()
        self._guess(nothing, UNLINKED if self.forms and not few else ())
        for words in lists[:-1]:  # where the API begins
            self._guess(nothing, words)
        self._guess(nothing, of_field(self.title, self._paths()))
        few = few and len(self.found) < SOME
        for words in lists[-1:] if few else ():
            self._guess(nothing, words)
        few = few and len(self.found) < MANY
        self._guess(nothing, below(self._paths(), few=few))
        self._guess(nothing, one_of(self._paths()) if few else one_of(led)[:OF_LISTS_MOST])
        self._guess(nothing, of_kinds(kind.removeprefix(self.prefix) for kind in self.kinds))

    def _lists_many(self) -> bool:
        return max(len(self.spoken), self.named) >= LISTED

    def _lists_its_routes(self, path: str) -> bool:
        """Whether the API has told so many of its routes, each with its method, that *path* would stand among them: a guess that is no start."""
        listed = templated(path)[0] in self.led or path.strip("/") == self.prefix.strip("/")
        return self._lists_many() and not listed

    def _paths(self) -> list[str]:
        return [path.removeprefix(self.prefix) for path in (*self.found, *self.forms)]

    def _with_queries(self, nothing: Nothing) -> None:
        """Ask the links that have a query as they stand: a page of one thing often leads further than the page of none."""
        for path, query in list(self.samples.items())[:QUERIED_MOST]:
            if self.who is not None and TAKES_AWAY.search(path):
                continue
            response = _read(self.courier, f"{path}?{query}", self.who)
            if response is not None and response.succeeded:
                self._take_forms(response, path)
                self._follow(response, path, 1)
        for _ in range(FOLDER_MOST):
            if self.waiting:
                self._ask(nothing, self.waiting.pop(0))
        self.waiting.clear()

    def seen(self) -> Crawled:
        """What the crawl came by."""
        routes = [
            replace(route, optional=tuple(self.queries[path])) if path in self.queries and route.methods else route
            for path, route in self.found.items()
        ]
        routes = [
            replace(one, methods=tuple(sorted({*one.methods, *self.spoken.get(one.path, ())}))) if one.methods else one
            for one in routes
        ]
        sent = sent_by_scripts({route.path: route for route in routes}, self.bodies)
        forms = {**{one.path: one for one in sent if "POST" in one.methods}, **self.forms}
        changes = [one for one in sent if "POST" not in one.methods]
        told = {(one.path, method) for one in changes for method in one.methods}
        routes = [
            replace(one, methods=tuple(method for method in one.methods if (one.path, method) not in told))
            for one in routes
        ]
        ids = {path: numbers for path, numbers in self.ids.items() if numbers}
        known = with_forms({route.path: route for route in routes}, forms)
        return Crawled((*known, *changes), ids, tuple(self.documents))

    def _wait(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self.prefix + path not in self.known:
                self.known.add(self.prefix + path)
                self.waiting.append(_Place(self.prefix + path))

    def _guess(self, nothing: Nothing, words: Sequence[str]) -> None:
        """Ask for *words*, as long as it goes quickly; what an answer leads to is asked beside them."""
        left, before = GUESS_SECONDS, len(self.guessed)
        self._wait(words)
        for number in range(GUESSED_MOST):
            if not self.waiting or left <= 0:
                break
            began = time.monotonic()
            self._ask(nothing, self.waiting.pop(0))
            left -= min(time.monotonic() - began, ONE_SECONDS)  # one door that hangs says nothing of the others
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

    def _ask(self, nothing: Nothing, place: _Place) -> None:
        path = place.path
        if self.who is not None and ENDS.search(path):
            return
        if place.surmise and not place.template and self._is_known_otherwise(path):
            return
        response = _read(self.courier, path, self.who)
        if response is not None and only_slash(path, response) and path + "/" not in self.known:
            self.documents.update(dict.fromkeys(documents_beside(path)))
            self.known.add(path + "/")
            self.waiting.insert(0, replace(place, path=path + "/", template=place.template and place.template + "/"))
            return
        if response is None or (not nothing.differs(path, response) and not self._is_named(place)):
            if response is not None and place.template and "/1" in path:
                self._ask(nothing, replace(place, path=_HELD.sub(_UUID, place.template)))
            return
        if place.surmise and not place.template and self._is_any_word(nothing, path, response):
            if response.refused:
                return  # a guard of the whole folder says nothing of what is in it
            place = replace(place, template=path.rpartition("/")[0] + "/{id}")
        template, numbers = _named_parameters(place.template) if place.template else templated(path)
        if template not in self.found:
            kind = "uuid" if place.template and _UUID in path else "string"
            self.found[template] = Route(template, methods_at(self.courier, path, response, self.who), parameters=tuple((name, kind) for name in numbers), readers=frozenset({"wire"}))  # fmt: skip
            self.ids.setdefault(template, numbers if not place.template else {})
            if not place.depth and template not in self.led:
                self.guessed[template] = None
        self.documents.update(dict.fromkeys((*documents_named(response, path), *documents_beside(path))))
        if response.status >= 500:
            return  # what an error leads to, as the page of a debugger, is none of the application's
        self._take_forms(response, path)
        if place.depth < DEPTH:
            self._follow(response, path, place.depth)

    def _is_named(self, place: _Place) -> bool:
        """Whether something names a route that takes a parameter, in its path or its query, though no thing has the id that was asked for."""
        named = place.template or (place.depth and place.path in self.queries)
        return bool(named) and bool(allowed_at(self.courier, place.path, self.who))

    def _is_known_otherwise(self, path: str) -> bool:
        """Whether a guess only puts a word where a route that something led to has a parameter, and ends as that route does."""
        own = templated(path)[0]
        known = [one for one in (*self.forms, *self.led) if "}/" in one and one != own]
        return any(template_pattern(one, {}).fullmatch(path) for one in known)

    def _is_any_word(self, nothing: Nothing, path: str, response: Response) -> bool:
        """Whether the answer to a guess is given to every word in its folder: ``/user/<name>`` answers to ``/user/login`` too."""
        folder = path.rpartition("/")[0]
        if folder in ("", self.prefix):
            return False
        if folder not in self.folders:
            self.folders[folder] = Nothing.ask(self.courier, folder, nothing.word.partition("-")[0], self.who)
        any_word = self.folders[folder]
        broken = min(response.status, any_word.plain.status) >= 500
        return broken or not any_word.differs(path, response)

    def _take_forms(self, response: Response, path: str) -> None:
        for form in form_routes(response, self.origin, path):
            place, numbers = templated(form.path)
            parameters = tuple((name, "string") for name in numbers)
            self.forms.setdefault(place, replace(form, path=place, parameters=parameters))
            self.ids.setdefault(place, numbers)

    def _follow(self, response: Response, path: str, depth: int) -> None:
        if path == self.prefix + "/":
            self.title = title_of(response)
        self.kinds.update(dict.fromkeys(kinds_named(path, response.json()) if response.succeeded else ()))
        for link, query in linked(response, self.origin, path):
            if query and not TAKES_AWAY.search(query):
                self.samples.setdefault(link, query)
            self._lead(_Place(link, depth + 1, surmise=False), query_names(Request("GET", f"{link}?{query}")))
        for link, names in asked_by_forms(response, self.origin, path):
            self._lead(_Place(link, depth + 1, surmise=False), names)
        told = list(self._named(response, path))
        if response.content_type.endswith("json") and any("{" in one.path for one in told):
            self.named = max(self.named, len({one.path for one in told}))
        for named in told:
            place = _Place(_HELD.sub(_sample, named.path), depth + 1, named.path * ("{" in named.path))
            self._lead(place, named.query)
            if named.method:
                self.spoken.setdefault(place.template or templated(place.path)[0], set()).add(named.method)
            if named.sent.names:
                method = named.sent.method or named.method or "POST"
                self.bodies.setdefault((place.template or templated(place.path)[0], method), named.sent)

    def _named(self, response: Response, path: str) -> Iterator[Named]:
        yield from named_routes(response)
        for script in scripts(response, self.origin, path):
            if script not in self.known:
                self.known.add(script)
                code = _read(self.courier, script, self.who)
                if code is not None and code.succeeded:
                    yield from named_routes(code)

    def _lead(self, place: _Place, names: Sequence[str]) -> None:
        link = place.path
        if self.who is not None and TAKES_AWAY.search(link) and not ENDS.search(link):
            return
        template = place.template or templated(link)[0]
        self.led.add(template)
        self.guessed.pop(template, None)
        if names:
            self.queries.setdefault(template, {}).update(dict.fromkeys(names))
        if ENDS.search(link):
            self.found.setdefault(link, Route(link, (), readers=frozenset({"wire"})))  # known, and never asked
        elif link not in self.known and not _FILE.search(link) and _room(template, self.led, place.surmise):
            self.known.add(link)
            self.waiting.insert(0, place)


def _sample(held: re.Match[str]) -> str:
    """What is asked for in the place of a parameter that a text names."""
    return _UUID if re.search(r"(?i)uuid|guid", held.group(0)) else "1"


def _named_parameters(template: str) -> tuple[str, dict[str, str]]:
    return template, dict.fromkeys(_HELD_NAME.findall(template), "1")


def _room(template: str, led: Collection[str], named: bool) -> bool:
    """Whether few links of one folder were taken so far: a page of each language or each tag says nothing new. What a text names below
    the root of an API are routes, each another one."""
    folder = template.rstrip("/").rpartition("/")[0]
    most = NAMED_IN_FOLDER if named and _API.search(folder) else FOLDER_MOST
    return not folder or sum(one.rstrip("/").rpartition("/")[0] == folder for one in led) <= most


def beside(described: Sequence[Route], seen: Sequence[Route]) -> tuple[Route, ...]:
    """Those of *seen* that no route of the document is: pages stand beside an API, and what a document leaves out."""
    known = [template_pattern(route.path.rstrip("/"), dict(route.parameters)) for route in described]
    return tuple(route for route in seen if not any(one.fullmatch(route.path.rstrip("/")) for one in known))


def _read(courier: Courier, path: str, who: Identity | None = None) -> Response | None:
    """The answer at *path*; None where it is too dangerous to read, as a route that empties the database. That ends no crawl."""
    try:
        return courier.carry(as_person(who, plain_get(path))).response
    except Skipped:
        if courier.refusal(as_person(who, plain_get(path))):
            return None
        raise
