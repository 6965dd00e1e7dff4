"""Walks through a live API: asks what waits, and takes up where an answer leads."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.ids_in_paths import templated
from stopper.core.probing.page_forms import WHAT
from stopper.core.probing.query import query_names
from stopper.core.probing.things.objects import entries
from stopper.scan.merge import template_pattern
from stopper.scan.spec.near import documents_beside, documents_named
from stopper.scan.surface.allowed_methods import allowed_at, methods_at
from stopper.scan.surface.harvest import ids_in
from stopper.scan.surface.more_words import (
    UUID,
    kinds_named,
    title_of,
)
from stopper.scan.surface.named_routes import Named, named_routes, scripts
from stopper.scan.surface.nothing_there import Nothing, as_person, only_slash, plain_get
from stopper.scan.surface.page_links import linked
from stopper.scan.surface.page_routes import TAKES_AWAY, asked_by_forms, form_routes, sent_by_scripts, with_forms
from stopper.scan.surface.script_bodies import Sent
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.deeds_by_get import deed_in

DEPTH: Final = 2
FORMS_MOST: Final = 8
"""Further forms of a page that are sent to one place."""
FOLDER_MOST: Final = 12
"""Paths of one folder that are asked for."""
IDLE_MOST: Final = 2
"""Things of one kind in a row whose pages tell nothing new, after which no more of them are asked for."""
NAMED_IN_FOLDER: Final = 60
"""The same of routes that a text names below the root of an API."""
_API: Final = re.compile(r"(?i)(^|/)(api|rest|v\d{1,2})$")
WORD_LEAST: Final = 3
"""Letters of a word that a page does not say by chance."""
ANY_WORD_MOST: Final = 8
"""Guesses that a folder answers as any word, after which no more of them are asked there."""
LISTED: Final = 10
"""Routes that a text names with their methods, or one answer in JSON: an API that lists so many of them hides few, and no usual names are tried."""
ENDS: Final = re.compile(r"(?i)(^|[/_-])(log[-_]?out|sign[-_]?out|log[-_]?off)([/_-]|$)")
"""What ends a session: such a link is not followed."""
_HELD: Final = re.compile(r"\{\w+\}")
HELD_NAME: Final = re.compile(r"\{(\w+)\}")
_FILE: Final = re.compile(r"(?i)\.(css|js|png|jpe?g|gif|svg|ico|woff2?|ttf|map|webp|mp4|pdf|zip)$")


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl came by: routes that answer, the ids that stood in their links, and places where a document may lie."""

    routes: tuple[Route, ...] = ()
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What is asked next: ``template`` stands for it where a text named it with its parameters."""

    path: str
    depth: int = 0
    template: str = ""
    surmise: bool = True
    """Whether no link or form leads there: a list of names or a text has it."""


@dataclass(slots=True)
class Crawl:
    """What one crawl has come by, and how it goes on."""

    courier: Courier
    prefix: str
    origin: str
    who: Identity | None
    guesses: bool
    others: bool = False
    enters: bool = False
    found: dict[str, Route] = field(default_factory=dict[str, Route])
    forms: dict[str, Route] = field(default_factory=dict[str, Route])
    more_forms: dict[tuple[str, tuple[str, ...]], Route] = field(
        default_factory=dict[tuple[str, tuple[str, ...]], Route]
    )
    """Further forms of a page that are sent to the same place with other fields."""
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
    asked: dict[str, str] = field(default_factory=dict[str, str])
    """The path at which a template was found to answer."""
    shut: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether a folder that refuses every word takes no word as an id, as far as the server says what it takes."""
    taken: dict[str, int] = field(default_factory=dict[str, int])
    """Guesses in a folder that were answered as any word is."""
    listed: dict[str, str] = field(default_factory=dict[str, str])
    """The id of the first thing of a list that was read."""
    idle: dict[str, int] = field(default_factory=dict[str, int])
    """Things of one kind in a row, by their template, whose pages told nothing new."""
    parted: set[str] = field(default_factory=set[str])
    """The things below which was asked."""
    folders: dict[str, Nothing] = field(default_factory=dict[str, Nothing])
    """What is answered to a word that is not there, by the folder in which it is asked for."""
    waiting: list[Place] = field(default_factory=list[Place])

    def lists_many(self) -> bool:
        return max(len(self.spoken), self.named) >= LISTED

    def paths(self) -> list[str]:
        return [path.removeprefix(self.prefix) for path in (*self.found, *self.forms)]

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
        return Crawled((*known, *self.more_forms.values(), *changes), ids, tuple(self.documents))

    def wait(self, paths: Iterable[str]) -> None:
        for path in paths:
            if self.prefix + path not in self.known:
                self.known.add(self.prefix + path)
                self.waiting.append(Place(self.prefix + path))

    def ask(self, nothing: Nothing, place: Place) -> None:
        """Ask *place*, unless things of its kind tell nothing new any more."""
        kind, numbers = templated(place.path)
        if place.template or place.surmise or not numbers:
            self._ask(nothing, place)
        elif self.idle.get(kind, 0) < IDLE_MOST:
            known, before = kind in self.asked, self._told()
            self._ask(nothing, place)
            self.idle[kind] = self.idle.get(kind, 0) + 1 if known and self._told() == before else 0

    def _told(self) -> int:
        """How much is known of what there is."""
        return len(self.found) + len(self.forms) + len(self.more_forms) + len(self.led)

    def _ask(self, nothing: Nothing, place: Place) -> None:
        path = place.path
        if self.who is not None and ENDS.search(path):
            return
        if place.surmise and not place.template and (self._is_known_otherwise(path) or self._takes_all_of(path)):
            return
        response = read(self.courier, path, self.who)
        if response is not None and only_slash(path, response) and path + "/" not in self.known:
            self.documents.update(dict.fromkeys(documents_beside(path)))
            self.known.add(path + "/")
            self.waiting.insert(0, replace(place, path=path + "/", template=place.template and place.template + "/"))
            return
        if response is None or (not nothing.differs(path, response) and not self._is_named(place, nothing, response)):
            if response is not None and place.template and "/1" in path:
                self.ask(nothing, replace(place, path=_HELD.sub(UUID, place.template)))
            return
        if place.surmise and not place.template and self._is_any_word(nothing, path, response):
            folder = path.rpartition("/")[0]
            if response.refused and folder not in self.shut:
                self.shut[folder] = not allowed_at(self.courier, path, self.who)
            if response.refused and self.shut[folder]:
                return  # a guard of the whole folder says nothing of what is in it
            self.taken[folder] = self.taken.get(folder, 0) + 1
            place = replace(place, template=f"{folder}/{{id}}")
        if not place.surmise and not place.template and self._repeats_any_word(nothing, path, response):
            folder, _, word = path.rpartition("/")
            self.asked.setdefault(f"{folder}/{{id}}", path)
            self.ids.setdefault(f"{folder}/{{id}}", {"id": word})
            place = replace(place, template=f"{folder}/{{id}}")
        template, numbers = _named_parameters(place.template) if place.template else templated(path)
        if template not in self.found:
            kind = "uuid" if place.template and UUID in path else "string"
            self.found[template] = Route(template, methods_at(self.courier, path, response, self.who), parameters=tuple((name, kind) for name in numbers), readers=frozenset({"wire"}))  # fmt: skip
            self.ids.setdefault(template, numbers if not place.template else {})
            self.asked[template] = path
            if not place.depth and template not in self.led:
                self.guessed[template] = None
        self.documents.update(dict.fromkeys((*documents_named(response, path), *documents_beside(path))))
        if response.status >= 500:
            return  # what an error leads to, as the page of a debugger, is none of the application's
        self.take_forms(response, path)
        if place.depth < DEPTH:
            self.follow(response, path, place.depth)

    def _is_named(self, place: Place, nothing: Nothing, response: Response) -> bool:
        """Whether something names a route that takes a parameter, in its path or its query, though no thing has the id that was asked for; of an
        API that refuses every path all that it leads to."""
        if nothing.plain.refused and response.refused and place.depth and not place.surmise:
            return True
        named = place.template or (place.depth and place.path in self.queries)
        return bool(named) and bool(allowed_at(self.courier, place.path, self.who))

    def _is_known_otherwise(self, path: str) -> bool:
        """Whether a guess only puts a word where a route that something led to has a parameter, and ends as that route does."""
        own = templated(path)[0]
        known = [one for one in (*self.forms, *self.led) if "}/" in one and one != own]
        return any(template_pattern(one, {}).fullmatch(path) for one in known)

    def _takes_all_of(self, path: str) -> bool:
        """Whether a folder has answered so many guesses as it answers every word that one more says nothing."""
        return self.taken.get(path.rpartition("/")[0], 0) >= ANY_WORD_MOST

    def _is_any_word(self, nothing: Nothing, path: str, response: Response) -> bool:
        """Whether the answer to a guess is given to every word in its folder: ``/user/<name>`` answers to ``/user/login`` too."""
        folder = path.rpartition("/")[0]
        if folder in ("", self.prefix):
            return False
        if self.courier.refusal(as_person(self.who, plain_get(f"{folder}/{nothing.word}"))):
            return False  # a deed, of which only what it takes was asked
        if folder not in self.folders:
            self.folders[folder] = Nothing.ask(self.courier, folder, nothing.word.partition("-")[0], self.who)
        any_word = self.folders[folder]
        broken = min(response.status, any_word.plain.status) >= 500
        return broken or not any_word.differs(path, response)

    def _repeats_any_word(self, nothing: Nothing, path: str, response: Response) -> bool:
        """Whether a page that a link leads to says the last word of its address, and would say any other in its place: ``/hello/Guest``."""
        word = path.rpartition("/")[2]
        if not response.succeeded or len(word) < WORD_LEAST or word not in response.text or templated(path)[1]:
            return False
        return self._is_any_word(nothing, path, response)

    def take_forms(self, response: Response, path: str) -> None:
        for form in form_routes(response, self.origin, path):
            place, numbers = templated(self._with_slash(form.path))
            parameters = tuple((name, "string") for name in numbers)
            known, form = self.forms.get(place), replace(form, path=place, parameters=parameters)
            if known is not None and (not {*form.fields} <= {*known.fields} or _said_by(form) != _said_by(known)):
                more = sum(where == place for where, _ in self.more_forms)
                self.more_forms.update({(place, (*form.fields, *_said_by(form))): form} if more < FORMS_MOST else {})
            self.forms.setdefault(place, form)
            self.ids.setdefault(place, numbers)

    def _with_slash(self, path: str) -> str:
        """Where a form is sent that the server sends on to the same path with a slash, which a browser does with all that is in it."""
        if path.endswith("/") or templated(path)[0] in {*self.found, *self.forms}:
            return path
        with suppress(Skipped):
            said = self.courier.carry(replace(as_person(self.who, plain_get(path)), method="OPTIONS")).response
            return path + "/" if only_slash(path, said) else path
        return path

    def follow(self, response: Response, path: str, depth: int) -> None:
        if path == self.prefix + "/":
            self.title = title_of(response)
        if response.succeeded and isinstance(response.json(), (list, dict)) and entries(response.json()):
            self.listed.update([(path, own) for own in ids_in(response, "id")][:1])
        self.kinds.update(dict.fromkeys(kinds_named(path, response.json()) if response.succeeded else ()))
        for link, query in linked(response, self.origin, path):
            if query and not TAKES_AWAY.search(query):
                self.samples.setdefault(link, query)
            self._lead(Place(link, depth + 1, surmise=False), query_names(Request("GET", f"{link}?{query}")))
        for link, names in asked_by_forms(response, self.origin, path):
            self._lead(Place(link, depth + 1, surmise=False), names)
        told = list(self._named(response, path))
        if response.content_type.endswith("json") and any("{" in one.path for one in told):
            self.named = max(self.named, len({one.path for one in told}))
        for named in told:
            place = Place(_HELD.sub(_sample, named.path), depth + 1, named.path * ("{" in named.path))
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
                code = read(self.courier, script, self.who)
                if code is not None and code.succeeded:
                    yield from named_routes(code)

    def _lead(self, place: Place, names: Sequence[str]) -> None:
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
    return UUID if re.search(r"(?i)uuid|guid", held.group(0)) else "1"


def _named_parameters(template: str) -> tuple[str, dict[str, str]]:
    return template, dict.fromkeys(HELD_NAME.findall(template), "1")


def _room(template: str, led: Collection[str], named: bool) -> bool:
    """Whether few links of one folder were taken so far: a page of each language or each tag says nothing new. What a text names below
    the root of an API are routes, each another one."""
    folder = template.rstrip("/").rpartition("/")[0]
    most = NAMED_IN_FOLDER if named and _API.search(folder) else FOLDER_MOST
    return not folder or sum(one.rstrip("/").rpartition("/")[0] == folder for one in led) <= most


def _said_by(form: Route) -> tuple[str, ...]:
    """What a form says is to be done: ``action=search`` beside ``action=export``; the things that stand in a list have one form each that says the same."""
    return tuple(value for name, value in form.examples.items() if WHAT.fullmatch(name))


def read(courier: Courier, path: str, who: Identity | None = None) -> Response | None:
    """The answer at *path*; None where it is too dangerous to read, as a route that empties the database. That ends no crawl. Where the path
    is a deed, what it takes is asked instead, which does nothing there."""
    request = as_person(who, plain_get(path))
    if courier.mode == "active" and deed_in(path) and courier.refusal(request):
        said = courier.carry(replace(request, method="OPTIONS")).response
        allow = said.header("Allow") or ""
        if "GET" in allow:
            with suppress(Skipped):
                courier.carry(request)  # names it among what was left out
        return Response(405, (("Allow", allow),)) if allow else said if said.refused else None
    try:
        return courier.carry(request).response
    except Skipped:
        if courier.refusal(request) or courier.slow.hanging(request):
            return None
        raise
