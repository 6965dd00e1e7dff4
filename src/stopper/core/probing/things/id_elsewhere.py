"""Routes that take the id of a thing outside their path: ``GET /message?id=5``, ``POST /notes/delete`` with ``{"note_id": 5}``.

Such a route is spoken of as one with a parameter that stands in the ``query`` or the ``body`` and not in the path.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.naming import as_parameter
from stopper.core.probe import Target
from stopper.core.probing.baseline import is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query

ELSEWHERE: Final = ("query", "body")
"""Where the id may stand: the kinds of such parameters."""
_PLAIN: Final = frozenset({"id", "_id", "uuid", "number", "key", "slug", "ids", "uuids"})
_KINDS: Final = frozenset({"id", "uuid", "number", "no", "key", "code", "serial", "slug", "ref", "ids", "uuids"})
_CHANGES: Final = ("POST", "PUT", "PATCH")
_SEEKS: Final = re.compile(r"(?i)(^|[/_-])(search|query|find|look-?up|filter|export|report)s?/?$")
"""Ends the path of a POST that asks for something."""
_ES: Final = ("sses", "xes", "ches", "shes")
"""How the names of many of a thing end that is called without the last two letters."""
DEEDS: Final = frozenset({
    "get", "show", "view", "read", "fetch", "edit", "update", "change", "save", "delete", "remove", "destroy", "complete", "finish", "cancel", "close",
    "archive", "toggle", "share",
})  # fmt: skip
"""What a path says of the thing beside its name, by whichever spelling."""
_VERBS: Final = DEEDS | {"open", "details", "done"}
"""What a path says beside the thing where nobody knows what the route reads."""


def with_id_elsewhere(target: Target, base: str) -> tuple[Route, ...]:
    """The routes that take the id of a thing of the collection at *base* in their query or their body."""
    return tuple(_found(target, base))


def _found(target: Target, base: str) -> Iterator[Route]:
    around, _, noun = base.rstrip("/").rpartition("/")
    things = forms_of_a_noun(noun)
    for route in target.app.routes:
        if route.parameters or is_door(route):
            continue
        words = set(_words_around(route.path.removeprefix(around), things))
        named = bool(words & things)
        seeks = bool(_SEEKS.search(route.path))
        for method in route.methods:
            where, names = _names(target, route, method)
            its = [one for one in names if _is_its_id(one, things, named, method == "GET" or seeks)][:1]
            guessed = method == "POST" or (method != "DELETE" and words & _VERBS)
            if not names and named and where and words - things <= _VERBS and guessed:
                its = ["id", *sorted(f"{thing}_id" for thing in things)]
            if its:
                yield replace(route, methods=(method,), parameters=tuple((one, where) for one in its))


def beside_the_thing(kind_base: str, path: str) -> str:
    """What the path of such a route says beside the name of the thing: ``/delete`` of ``/notes/delete`` and of ``/note/delete``."""
    around, _, noun = kind_base.rstrip("/").rpartition("/")
    things = forms_of_a_noun(noun)
    return "".join(f"/{word}" for word in _words_around(path.removeprefix(around), things) if word not in things)


def _words(path: str) -> list[str]:
    return [word for word in re.split(r"[/_.-]+", path.lower()) if word]


def _words_around(path: str, things: set[str]) -> list[str]:
    """The words of a path, of which a part that is the thing's own name is one: ``leave_application``."""
    parts = [as_parameter(part) for part in path.split("/")]
    return [word for part in parts for word in ([part] if part in things else _words(part))]


def _names(target: Target, route: Route, method: str) -> tuple[str, tuple[str, ...]]:
    """Where a request of that method says which thing it means, and what it says there by name."""
    if method == "GET":
        return "query", tuple(dict.fromkeys((*query_names(target.request_for(route, method)), *route.names)))
    if method == "DELETE":
        return "query", tuple(dict.fromkeys((*route.names, *route.body_names)))
    if method not in _CHANGES:
        return "", ()
    return "body", tuple(members(target.request_for(route, method)))


def _is_its_id(name: str, things: set[str], named: bool, asked: bool) -> bool:
    """Whether a member of that name is the id of such a thing, or many of them; what is *asked* for in a query may be called as one is
    (``/attachments?ticket=5``)."""
    said = as_parameter(name)
    thing, _, kind = said.rpartition("_")
    if thing in things and kind in _KINDS:
        return True
    return (named and (said in _PLAIN or said in things)) or (asked and said == min(things, key=len, default=""))


def forms_of_a_noun(noun: str) -> set[str]:
    """What one thing of a collection and many of them are called."""
    word = as_parameter(noun)
    one = f"{word[:-3]}y" if word.endswith("ies") else word[:-2] if word.endswith(_ES) else word.removesuffix("s")
    return {word, one} - {""}


def stands_elsewhere(route: Route) -> bool:
    """Whether the id stands in the query or the body."""
    return bool(route.parameters) and all(kind in ELSEWHERE for _, kind in route.parameters)


def with_id(route: Route, request: Request, number: str) -> Request:
    """*request* with *number* where such a route takes it; as it is for a route that takes it in its path."""
    if not stands_elsewhere(route):
        return request
    body = members(request)
    for name, where in route.parameters:
        if where == "query":
            request = with_query(request, name, number)
        else:
            counted = number.isascii() and number.isdigit() and not isinstance(body.get(name), str)
            one: object = int(number) if counted else number
            body[name] = [one] if isinstance(body.get(name), list) or as_parameter(name).endswith("ids") else one
    return replace(request, body=json.dumps(body).encode()) if route.parameters[0][1] == "body" else request
