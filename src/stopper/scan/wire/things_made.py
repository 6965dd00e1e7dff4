"""What a request has made, by the answer, and what an answer shows to be there: what counts as made may be deleted later."""

import json
import re
import threading
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import parse_qsl, quote, urlsplit

from stopper.core.exchange import Request, Response
from stopper.scan.wire.transport import READ_METHODS

_MAKES: Final = re.compile(r"(?<=.)/(create|new|add)$")
"""Ends the path of a route that makes things: they are found beside it, not below."""

_IS_AN_ID: Final = re.compile(r"(?i)(^|_)(id|ids|uuid|key|slug|number|no|pk|all|name)$|Ids?$")
"""Names of a query by which something is meant."""


class ThingsMade:
    """What requests of a scan have made, and nothing that was there before. One per courier, shared by all threads."""

    def __init__(self) -> None:
        self.created: dict[str, Request] = {}
        """Paths of things that requests of this scan created, with the request that did."""
        self.deleted: set[str] = set()
        """Those of them that were deleted since. A server may give their ids to what is made next."""
        self._lock = threading.Lock()
        self._there: dict[str, int] = {}
        """Paths of things that were read, with the number of the request that first showed each: what was there before a request was sent
        is nothing that it made."""
        self._number = 0
        self._sent: dict[Request, int] = {}
        """Requests that may have made something, with the number of the answer before which each was sent, the last one."""
        self._ways: dict[str, set[str]] = {}
        """All paths of a thing that has several, by each of them."""
        self._shown: set[str] = set()
        """Paths of things whose reading shows that this scan made them."""

        self._unsure: dict[str, str] = {}
        """Paths of what was answered without a 201, by the path that was asked: it may be what was there, and only changed."""
        self._given: dict[str, set[str]] = {}
        """The different things that such answers of one path named."""

    def mark(self) -> int:
        """The number of the newest answer: what was shown until then was there before what is sent now."""
        with self._lock:
            return self._number

    def learn(self, request: Request, response: Response, since: int) -> None:
        """Take notice of one answer to what was sent at the mark *since*."""
        path = path_of(request.target)
        with self._lock:
            self._number += 1
            if request.method == "GET" and response.succeeded:
                for shown in shown_paths(request, response):
                    self._there.setdefault(shown, self._number)
            elif request.method not in READ_METHODS:
                self._sent[request] = since
            if request.method == "DELETE" and response.succeeded:
                for gone in (path, *_named(request.target)):
                    ways = self._ways.get(gone, {gone})
                    for way in ways:
                        self._there.pop(way, None)
                    self.deleted |= ways
            if creates(request, response):
                for new in created_paths(request, response):
                    if not self._was_there(new, request):
                        self._keep(new, request)
                    if response.status != 201:
                        self._unsure[new] = path
                        self._given.setdefault(path, set()).add(new)

    def own(self, path: str, made: Request) -> None:
        """Remember that *made* has made the thing at *path*, one thing and no other: it may be deleted, and is when the scan ends."""
        with self._lock:
            if self._was_there(path, made):
                return
            self._keep(path, made)
            self._shown.add(path)
            if path_of(made.target) in self._given:
                self._unsure[path] = path_of(made.target)
            ways = {one for one, by in self.created.items() if by is made}
            self._ways.update(dict.fromkeys(ways, ways))

    def left(self) -> list[Request]:
        """The requests that made what nobody has deleted, one for each thing."""
        things = {
            frozenset(self._ways.get(path, {path})): by for path, by in self.created.items() if path not in self.deleted
        }
        return list(things.values())

    def gone(self) -> list[Request]:
        """The requests that made what was deleted since."""
        return [by for path, by in list(self.created.items()) if path in self.deleted]

    def to_delete(self) -> int:
        """How many things of the scan are still there of kinds of which it has deleted one: those requests are kept for the end."""
        kinds = {path.rpartition("/")[0] for path in self.deleted}
        return sum(path not in self.deleted and path.rpartition("/")[0] in kinds for path in list(self.created))

    def is_own(self, target: str) -> bool:
        """Whether the scan made what lies there, that of which it is a part (``/notes/5/tags``), or all that the query names by an id
        (``/notes?id=5``)."""
        path, _, query = target.partition("?")
        above = path.rpartition("/")[0]
        if (path in self.created and self._is_new(path)) or (above in self._shown and self._is_new(above)):
            return True
        named = _named(target) if query else []
        return bool(named) and all(
            one in self.created and one not in self.deleted and self._is_new(one) for one in named
        )

    def ids(self) -> list[tuple[str, str]]:
        """The collection, by the last part of its path, and the id of each thing that the scan made and that is still there."""
        there = [path for path in list(self.created) if path not in self.deleted and self._is_new(path)]
        return [(above.rpartition("/")[2], key) for above, _, key in (path.rpartition("/") for path in there)]

    def _is_new(self, path: str) -> bool:
        """Whether what lies there is a new thing for sure: an answer without a 201 says so only where another one named another thing."""
        asked = self._unsure.get(path)
        return asked is None or len(self._given[asked]) > 1

    def _was_there(self, path: str, made: Request) -> bool:
        return self._there.get(path, self._number + 1) <= self._sent.get(made, 0)

    def _keep(self, path: str, made: Request) -> None:
        if path in self.deleted or path not in self.created:
            self.created[path] = made
        self.deleted.discard(path)


def path_of(target: str) -> str:
    """The path of a target, without its query."""
    return target.partition("?")[0]


def is_an_id(name: str) -> bool:
    """Whether a query says by that name what is meant."""
    return _IS_AN_ID.search(name) is not None


def _named(target: str) -> list[str]:
    """The paths of what a query names by its id, as the things of the collection that is asked."""
    path, _, query = target.partition("?")
    said = [value for name, value in parse_qsl(query, keep_blank_values=True) if is_an_id(name)]
    return [f"{path.rstrip('/')}/{quote(value, safe='')}" for value in said]


def created_paths(request: Request, response: Response) -> set[str]:
    """Where the thing that *request* created can be found: its Location, or the collection's path with the answer's own id.

    Ids of other things in the answer (``owner_id``, a nested user) must never count: what counts may be deleted later.
    """
    collection = _MAKES.sub("", path_of(request.target).rstrip("/"))
    found: set[str] = set()
    location = _location_path(response.header("Location") or "")
    if location.startswith(collection + "/"):
        found.add(location)
    answer = response.json()
    if isinstance(answer, dict):
        own = _own_id(cast("dict[str, object]", answer), _singular(collection))
        if own is not None:
            found.add(f"{collection}/{own}")
    return found


def shown_paths(request: Request, response: Response) -> set[str]:
    """The path that was read, and those of the things that the answer shows, by their ids below it."""
    path = path_of(request.target).rstrip("/")
    answer = response.json()
    inside: list[object] = [answer]
    for value in (answer, *(cast("dict[str, object]", answer).values() if isinstance(answer, dict) else ())):
        inside += cast("list[object]", value)[:500] if isinstance(value, list) else []
    objects = [cast("dict[str, object]", one) for one in inside if isinstance(one, dict)]
    return {path, *(f"{path}/{own}" for one in objects if (own := _own_id(one, _singular(path))) is not None)}


def _own_id(answer: Mapping[str, object], singular: str) -> str | None:
    """The id of the thing itself, or of the one that the answer wraps."""
    for name in ("id", "uuid", "_id", f"{singular}_id", "slug"):
        value = answer.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)
    for name in ("data", "result", "item", singular):
        inner = answer.get(name)
        if isinstance(inner, dict) and (own := _own_id(cast("dict[str, object]", inner), "")) is not None:
            return own
    return None


def _singular(path: str) -> str:
    last = path.rpartition("/")[2].lower().replace("-", "_")
    return f"{last[:-3]}y" if last.endswith("ies") else last.removesuffix("s")


def _location_path(location: str) -> str:
    try:
        return urlsplit(location).path
    except ValueError:
        return ""


def creates(request: Request, response: Response) -> bool:
    """Whether the answer says that something new is there: 201, or a 200 that repeats a text of the request. A 200 alone may be a
    look-up of what was there before."""
    if request.method != "POST" or response.status not in (200, 201):
        return False
    if response.status == 201:
        return True
    try:
        sent: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    texts = cast("dict[str, object]", sent).values() if isinstance(sent, dict) else ()
    return any(isinstance(text, str) and len(text) >= 8 and text in response.text for text in texts)
