"""Kinds of things that an API keeps: where they are made, where they are listed, and the routes that reach one of them by its id."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.naming import as_parameter
from stopper.core.owner_names import PERSON, WHOSE_ID
from stopper.core.probe import Target
from stopper.core.probing.things.id_elsewhere import (
    DEEDS,
    forms_of_a_noun,
    stands_elsewhere,
    with_id,
    with_id_elsewhere,
)
from stopper.core.probing.things.objects import as_id, entries, ids, one_thing

_MAKES: Final = ("create", "new", "add")
_LISTS: Final = ("list", "all", "mine", "my", "me", "index", "recent", "latest", "newest", "feed", "timeline", "public")
_DELETES: Final = re.compile(r"(?i)/(delete|remove|destroy)/")
"""What may stand between a collection and the id of what is deleted."""
_DEEDS: Final = DEEDS | {"find", "modify", "mark", "publish", "single", "one", "specific"}
"""What a path may say before the name of the thing."""
_VERSION: Final = re.compile(r"(?i)[_-]?v\d{1,2}$")
"""What the newer of two routes to one thing ends with."""
_DONE: Final = frozenset({
    "delete", "remove", "destroy", "complete", "finish", "cancel", "close", "archive", "toggle", "share", "publish", "mark", "approve", "reject", "restore",
})  # fmt: skip
"""What is done to a thing that is there."""
_SAID: Final = re.compile(r"(?i)\bid\W{0,4}(\d{1,18}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24})\b")
"""How a sentence names an id: ``Added note "x" with id 5``."""
_OF_A_NOUN: Final = re.compile(r"(\w{3,})_(id|uuid|pk)")
_SHOWS: Final = {"get", "list", "view", "show", "fetch", "read", "find"}
"""What a path says before the word that all of them are shown."""
LEAST: Final = 4
"""Letters that a deed and what comes of it share."""
SENTENCE: Final = 300
"""Bytes of an answer that is read as one sentence."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Things of one kind: the collection's path, the routes that list and make them, and the routes that take the id of one."""

    base: str
    list_route: Route | None
    create_route: Route | None
    members: tuple[Route, ...]
    private: bool = False
    """Whether all that lies there is one person's, so that who else is shown the list shares nothing."""

    @property
    def parameter(self) -> str:
        """The name of the id by the route that reads one of them, else by the first that takes it and not that of a person."""
        thing = self.thing
        if thing is not None and not stands_elsewhere(thing):
            return thing.parameters[0][0]
        others = [one for one in self.members if _is_of_another_kind(one, self._changed)]
        changed = [one for one in self._changed if not stands_elsewhere(one)]
        own = (one for one in (*changed, *self.members) if one not in others and not _is_whose(self.base, one))
        return next(own, self.members[0]).parameters[0][0]

    @property
    def _changed(self) -> list[Route]:
        return [one for one in self.members if {"PUT", "PATCH", "DELETE"} & set(one.methods)]

    @property
    def thing(self) -> Route | None:
        """The route that reads one of them: by its path, else by its query."""
        reads = [one for one in self.members if "GET" in one.methods]
        ids = {as_parameter(one.parameters[0][0]) for one in self.members if not _is_whose(self.base, one)}
        reads = [one for one in reads if not (ids and _is_whose(self.base, one))]
        reads = [one for one in reads if not _is_of_another_kind(one, self._changed)]
        changed = {one.parameters[0][0] for one in self._changed}
        named = [one for one in reads if one.parameters[0][0] in changed]
        reads = named if len(changed) == 1 and named and not stands_elsewhere(named[0]) else reads
        by_path = [one for one in reads if one.path.rstrip("/").endswith("}")]
        return next(iter((*by_path, *(one for one in reads if stands_elsewhere(one)))), None)


def _is_whose(base: str, route: Route) -> bool:
    """Whether the id in a path is that of the person who has such things, and none of the thing: ``/permissions/{user_id}``."""
    name = as_parameter(route.parameters[0][0])
    return WHOSE_ID.fullmatch(name) is not None and not PERSON.search(base.rpartition("/")[2])


def _is_of_another_kind(read: Route, changed: list[Route]) -> bool:
    """Whether what reads by an id names it as a thing of another kind than all that *changed* one does: ``/grades/of/{course_id}`` beside
    ``/grades/update/{grade_id}``."""
    name = as_parameter(read.parameters[0][0])
    others = [as_parameter(one.parameters[0][0]) for one in changed]
    nouns = [one[1] for one in map(_OF_A_NOUN.fullmatch, (name, *others)) if one is not None]
    if name in others or not others or len(nouns) <= len(others):
        return False
    ends = [one.rpartition("_")[2].removesuffix("s") for one in nouns]
    return ends[0] not in ends[1:] and not any(one.startswith(nouns[0][:LEAST]) for one in nouns[1:])


@dataclass(frozen=True, slots=True)
class Thing:
    """What a person made: its id, the exchange that made it, whether others see it in their list, whether their list lacks it, and
    the random texts in it."""

    number: str
    made: Exchange
    shared: bool
    private: bool
    texts: tuple[str, ...] = ()


def kinds(target: Target) -> Iterator[Kind]:
    """Every kind of thing that is listed or made somewhere and reached by its id: at ``/notes/{id}``, ``/notes/{id}/share``,
    ``/notes/share/{id}``, ``/update_note/{id}``, or by an id that stands in the query or the body."""
    members: dict[str, list[Route]] = {}
    for route in target.app.routes:
        if len(route.parameters) == 1 and route.path.count("{") == 1:
            base = collection_of(target, route)
            if _known(target, base):
                members.setdefault(base.rstrip("/"), []).append(route)
    made = [one.path.rstrip("/") for one in target.app.routes if "POST" in one.methods and not one.parameters]
    for base in dict.fromkeys((*members, *made)):
        create, listed = route_at(target, base, "POST") or made_beside(target, base), listed_at(target, base)
        others = with_id_elsewhere(target, base) if create is not None or base in members else ()
        makes = create.path if create is not None else ""
        others = tuple(one for one in others if (one.path, one.methods) != (makes, ("POST",)))
        if base in members or (base and others and listed is not None):
            if listed is None and create is not None:
                listed = route_at(target, create.path, "GET")
            yield Kind(base, listed, create, (*members.get(base, ()), *others))


def collection_of(target: Target, route: Route) -> str:
    """The path of the collection to which the one id of the route belongs."""
    base = route.path.partition("/{")[0]
    before, _, last = base.rpartition("/")
    if _known(target, base):
        return base
    stem = _VERSION.sub("", last)
    noun = _after_a_deed(stem)
    # ``/notes``, ``/note`` and ``/get_notes`` of ``/get_note_v2/{id}``, else ``/notes`` of ``/note/{id}`` and the other way round
    words = (_many(noun), noun, _many(stem)) if noun else (_many(stem), *forms_of_a_noun(stem))
    named = next((path for word in words if _known(target, path := f"{before}/{word}")), "")
    if named or "/" not in base.lstrip("/"):
        return named or base
    around = before.rpartition("/")[0]  # ``/grades`` of ``/grades/grade/update/{id}``
    return around if not _known(target, before) and _made_in(target, around) is not None else before


def _many(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def _after_a_deed(segment: str) -> str:
    """``note`` of ``update_note``, ``delete-note`` and ``getNote``; nothing where no deed is named first."""
    deed, _, noun = as_parameter(segment).partition("_")
    return noun if deed in _DEEDS else ""


def _known(target: Target, base: str) -> bool:
    made = route_at(target, base, "POST") or made_beside(target, base)
    return bool(base.strip("/")) and (made or route_at(target, base, "GET")) is not None


def made_beside(target: Target, beside: str) -> Route | None:
    """Where things of this kind are made, when that has a path of its own: ``/notes/create`` beside ``/notes/{id}``, ``/note/new``
    beside ``/notes/{id}``, ``/create_note`` beside ``/note/{id}``."""
    before, _, thing = beside.rpartition("/")
    one = thing.removesuffix("s")
    words = [f"{beside}/{word}" for word in _MAKES]
    words += [f"{before}/{one}/{word}" for word in _MAKES]
    words += [f"{before}/{word}{join}{name}" for name in (one, thing) for word in _MAKES for join in "_-"]
    found = next((route for path in words if thing and (route := route_at(target, path, "POST")) is not None), None)
    if found or not thing:
        return found
    below = _made_below(target, before, thing) or _made_of_another(target, thing) or _made_by_a_deed(target, thing)
    return below or _made_in(target, beside)


def _made_in(target: Target, base: str) -> Route | None:
    """Where things are made at a path below the base that only says so: ``/grades/add-new`` and ``/grades/create_grade`` beside ``/grades/update/{id}``."""
    place = re.compile(rf"{re.escape(base)}/({'|'.join(_MAKES)})[_-]?\w+/?", re.IGNORECASE)
    made = [
        one for one in target.app.routes if "POST" in one.methods and not one.parameters and place.fullmatch(one.path)
    ]
    return made[0] if len(made) == 1 and base.strip("/") else None


def _listed_in(target: Target, base: str) -> Route | None:
    """Where they are listed in the same manner: ``/grades/get-all`` and ``/grades/all-grades``."""
    for route in target.app.routes:
        around, _, last = route.path.rstrip("/").rpartition("/")
        words = as_parameter(last).split("_")
        before = set(words[: words.index("all")]) if "all" in words else {""}
        plain = "GET" in route.methods and not route.parameters and around == base and bool(base.strip("/"))
        if plain and before <= _SHOWS:
            return route
    return None


def _made_below(target: Target, before: str, thing: str) -> Route | None:
    """Where such things are made below one other thing, by its id: ``/patients/7/visits`` beside ``/visits/{id}``."""
    place = re.compile(rf"{re.escape(before)}/[^/{{}}]+/[^/{{}}]*\d[^/{{}}]*/{re.escape(thing)}/?")
    made = (one for one in target.app.routes if "POST" in one.methods and not one.parameters)
    return next((one for one in made if place.fullmatch(one.path)), None)


def _made_of_another(target: Target, thing: str) -> Route | None:
    """Where such things are made of a thing of another kind, whose id an honest request fills in: ``/products/{id}/reviews`` beside
    ``/products/reviews/{id}`` or ``/reviews/{id}``."""
    place = re.compile(rf".*/\{{[^{{}}]+\}}/{re.escape(thing)}/?")
    made = [one for one in target.app.routes if "POST" in one.methods and len(one.parameters) == 1]
    return next((one for one in made if thing.endswith("s") and place.fullmatch(one.path)), None)


def _made_by_a_deed(target: Target, thing: str) -> Route | None:
    """Where such things come of what is done: ``/courses/{id}/enroll`` beside ``/enrollments/{id}``, ``/rooms/{id}/book`` beside ``/bookings/{id}``."""
    noun = as_parameter(thing)
    for route in target.app.routes if noun.endswith("s") else ():
        deed = as_parameter(route.path.rstrip("/").rpartition("/")[2])
        shared = next(
            (place for place, pair in enumerate(zip(deed, noun, strict=False)) if pair[0] != pair[1]), len(deed)
        )
        below_a_thing = len(route.parameters) == 1 and route.path.count("{") == 1 and "POST" in route.methods
        if below_a_thing and "{" not in deed and not deed.endswith("s") and shared >= max(LEAST, len(deed) - 2):
            return route
    return None


def listed_at(target: Target, base: str) -> Route | None:
    """Where things of this kind are listed: at the collection, or at a word below it (``/note/notes`` beside ``/note/{id}``, ``/notes/mine``)."""
    thing = base.rpartition("/")[2]
    words = (*_LISTS, f"{thing}s", thing, f"my-{thing}", f"my_{thing}")
    before = base.rpartition("/")[0]
    noun = _after_a_deed(thing) or thing
    many = [
        f"{before}/{word}{join}{name}"
        for name in (noun, _many(noun))
        for word in ("get", "list", "my", "all", "get_all")
        for join in "_-"
    ]
    paths = (base, *(f"{base}/{word}" for word in words), *many)
    found = next((route for path in paths if (route := route_at(target, path, "GET")) is not None), None)
    return found or (_listed_in(target, base) if _made_in(target, base) is not None else None)


def makes_things(route: Route) -> bool:
    """Whether a POST makes a thing by its path, which ends with the name of many: at ``/notes/archive`` something is done to one that is there."""
    last = as_parameter(route.path.rstrip("/").rpartition("/")[2])
    words = set(last.split("_"))
    return "POST" in route.methods and not route.parameters and last.endswith("s") and not words & _DEEDS


def does_something(route: Route) -> bool:
    """Whether a path without an id ends with what is done to a thing that the body names."""
    words = set(as_parameter(route.path.rstrip("/").rpartition("/")[2]).split("_"))
    return not route.parameters and bool(words & _DONE)


def takes_its_id(kind: Kind, route: Route) -> bool:
    """Whether the id in the route's path is surely that of such a thing. ``/notes/comments/{id}`` lies below ``/notes`` too, and the id there
    is that of a comment: whoever deletes by it deletes what somebody else wrote."""
    before, _, behind = route.path.partition("{")
    if stands_elsewhere(route):
        return route.path.rstrip("/") == kind.base
    read = kind.thing or next((one for one in kind.members if one.path.startswith(f"{kind.base}/{{")), None)
    reads = read.path.partition("{")[0] if read is not None else "?"
    if before == reads or (before.startswith(reads) and _DELETES.fullmatch("/" + before.removeprefix(reads))):
        return True
    noun = _after_a_deed(before.rstrip("/").rpartition("/")[2])
    if noun and noun.removesuffix("s") == as_parameter(kind.base.rpartition("/")[2]).removesuffix("s"):
        return True
    thing = re.escape(kind.base.rpartition("/")[2].removesuffix("s"))
    named = re.fullmatch(rf"(?i){thing}s?(_?(id|uuid|number|no|key|slug))?", behind.partition("}")[0])
    return named is not None or _DELETES.fullmatch(before.removeprefix(kind.base)) is not None


def route_at(target: Target, path: str, method: str) -> Route | None:
    """The route of that path which takes the method; a slash at the end aside."""
    wanted = path.rstrip("/")
    return next((one for one in target.app.routes if one.path.rstrip("/") == wanted and method in one.methods), None)


def at_number(target: Target, route: Route, number: str, method: str = "GET") -> Request:
    """The honest request with *number* in the place of the route's one parameter."""
    honest = target.request_for(route, method)
    if stands_elsewhere(route):
        return with_id(route, honest, number)
    path = re.sub(r"\{[^{}]+\}", lambda _: quote(number, safe=""), route.path)
    before, query = route.path.partition("{")[0], honest.target.partition("?")[2]
    prefix = honest.target.partition(before)[0] if before in honest.target else ""
    address = f"{prefix}{path}?{query}" if query else f"{prefix}{path}"
    return Request(method, address, honest.headers, honest.body, honest.effect)


def new_id(made: Exchange, parameter: str) -> str | None:
    """The id of what was created: in the answer's body, at the end of its Location, or in the sentence that it consists of."""
    found = next(ids(one_thing(made.response.json()), parameter), None)
    found = found or as_id((made.response.header("Location") or "").rstrip("/").rpartition("/")[2])
    said = _SAID.search(made.response.text) if len(made.response.body) < SENTENCE and not found else None
    return said.group(1) if said is not None else found


def entry_of(listed: Exchange, parameter: str, number: str) -> dict[str, object] | None:
    """The entry of a list that has this id."""
    return next((one for one in entries(listed.response.json()) if number in ids(one, parameter)), None)


def entry_with(listed: Exchange, texts: Iterator[str]) -> dict[str, object] | None:
    """The entry of a list that holds one of these texts."""
    wanted = tuple(texts)
    return next(
        (one for one in entries(listed.response.json()) if any(text in json.dumps(one) for text in wanted)), None
    )
