"""Requests that delete by what they say and not by their method: ``POST /users/7/delete``, ``GET /remove_note?id=7``, a header that overrides
the method. They are held to the promise that DELETE is held to: a scan deletes what it made itself."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import parse_qsl, unquote

from stopper.core.exchange import Request
from stopper.scan.wire.deeds_by_get import words_of
from stopper.scan.wire.things_made import ThingsMade, is_an_id

DELETES: Final = frozenset({"delete", "remove", "del", "destroy", "erase", "trash", "discard", "deletion", "removal"})
"""Words of a path that take a thing away wherever they stand."""
_OVERRIDES: Final = frozenset({"x-http-method-override", "x-method-override", "x-http-method"})
_OF_ONESELF: Final = frozenset({"me", "my", "self", "account", "profile", "myself"})
"""Words by which a path means whoever asks; people who were given are looked after elsewhere."""
_ID: Final = re.compile(r"(?i)\d+|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_INVENTED: Final = re.compile(r"stp[0-9a-f]{8,}")
"""How texts begin that a scan makes up: nothing that was there before is called so."""
WHY: Final = "only what the scan itself created is deleted"


def deletes(request: Request) -> bool:
    """Whether *request* says, in its path, its query or a header, that something is to be deleted."""
    if any(name.lower() in _OVERRIDES and value.upper() == "DELETE" for name, value in request.headers):
        return True
    path, _, query = request.target.partition("?")
    if any(name == "_method" and value.upper() == "DELETE" for name, value in parse_qsl(query)):
        return True
    return any(not DELETES.isdisjoint(words_of(one)) for one in unquote(path).split("/"))


def deletes_of_others(request: Request, made: ThingsMade) -> bool:
    """Whether *request* deletes something of which it is not known that the scan made it. Without any word of what is meant it is all that
    there is, except where the path means whoever asks."""
    if made.is_own(request.target):
        return False
    path = unquote(request.target.partition("?")[0])
    meant = _ids_in(request, path)
    if not meant:
        return request.identity is None or _OF_ONESELF.isdisjoint(words_of(path))
    kinds = {_one(word) for word in words_of(path)}
    own = {(_one(word), key) for kind, key in made.ids() for word in words_of(kind)}
    return not all(_INVENTED.match(key) or any((kind, key) in own for kind in kinds) for key in meant)


def _ids_in(request: Request, path: str) -> list[str]:
    """Every id by which the request says what is meant: of its address, else of its body, else a name that stands where an id could."""
    segments = [one for one in path.split("/") if one]
    query = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
    if found := [*filter(_ID.fullmatch, segments), *(value for name, value in query if is_an_id(name))]:
        return found
    if found := [str(value) for name, value in _members(request) if is_an_id(name)]:
        return found
    for place, one in enumerate(segments):  # /users/ann/delete, /users/delete/ann
        if not DELETES.isdisjoint(words_of(one)):
            found += segments[place + 1 : place + 2] or (segments[place - 1 : place] if place > 1 else ())
    return found


def _members(request: Request) -> Iterator[tuple[str, object]]:
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        yield from parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return
    for name, value in cast("dict[str, object]", body).items() if isinstance(body, dict) else ():
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            yield name, one


def _one(kind: str) -> str:
    """A word of several things as the word of one."""
    return f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
