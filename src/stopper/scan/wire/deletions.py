"""Requests that delete by what they say and not by their method: ``POST /users/7/delete``, ``GET /remove_note?id=7``, a header that overrides
the method. They are held to the promise that DELETE is held to: a scan deletes what it made itself."""

import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import parse_qsl, unquote

from stopper.core.exchange import Request
from stopper.core.naming import as_parameter
from stopper.core.probing.participles import with_deeds
from stopper.scan.wire.body_members import members_in
from stopper.scan.wire.deeds_by_get import joined_deed, words_of
from stopper.scan.wire.things_made import ThingsMade, is_an_id
from stopper.scan.wire.transport import READ_METHODS

DELETES: Final = frozenset({
    "delete", "remove", "del", "destroy", "erase", "trash", "discard", "deletion", "removal", "clear", "purge", "wipe", "empty", "flush", "expunge",
    "shred", "prune", "void",
})  # fmt: skip
"""Words of a path that take a thing away wherever they stand."""
OVERRIDES: Final = frozenset({"x-http-method-override", "x-method-override", "x-http-method", "x-method"})
"""Headers that say another method than the request's own."""
_WHAT: Final = frozenset(
    {"_method", "method", "action", "do", "op", "operation", "cmd", "command", "task", "event", "type"}
)
"""Members of a query or a body that say what is to be done."""
_WHOM: Final = re.compile(r"(?i)(?:.*[_-])?(?:e?-?mail|user|user_?name|login|member|account)")
"""Members that name somebody."""
_OF_ONESELF: Final = frozenset({"me", "my", "self", "account", "profile", "myself"})
"""Words by which a path means whoever asks; people who were given are looked after elsewhere."""
_ID: Final = re.compile(r"(?i)\d+|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
INVENTED: Final = re.compile(r"stp[0-9a-f]{8,}")
"""How texts begin that a scan makes up: nothing that was there before is called so."""
WHY: Final = "only what the scan itself created is deleted"


def deletes(request: Request) -> bool:
    """Whether *request* says, in its path, its query or a header, that something is to be deleted."""
    if any(name.lower() in OVERRIDES and value.strip().upper() == "DELETE" for name, value in request.headers):
        return True
    path, _, query = request.target.partition("?")
    parts = unquote(path).split("/")
    done = (
        set[str]() if request.method in READ_METHODS else with_deeds(words_of(parts[-1]))
    )  # to read what is deleted takes nothing away
    if any(map(_says_so, parts)) or not DELETES.isdisjoint(done):
        return True
    pairs = (*parse_qsl(query), *_members(request))
    return any(name.lower() in _WHAT and isinstance(value, str) and _says_so(value) for name, value in pairs)


def _says_so(text: str) -> bool:
    words = words_of(text)
    return not DELETES.isdisjoint(words) or any(joined_deed(word) in DELETES for word in words)


def deletes_of_others(request: Request, made: ThingsMade) -> bool:
    """Whether *request* deletes something of which it is not known that the scan made it. Without any word of what is meant it is all that
    there is, except where the path means whoever asks."""
    path = unquote(request.target.partition("?")[0])
    meant = list(_meant(request, path))
    if not meant:
        of_oneself = request.identity is not None and not _OF_ONESELF.isdisjoint(words_of(path))
        return not of_oneself and not made.is_own(request.target)
    own = {(_one(word), key) for kind, key in made.ids() for word in words_of(kind)}
    return not all(
        INVENTED.match(key) or (in_address and made.is_own(request.target)) or any((kind, key) in own for kind in kinds)
        for kinds, key, in_address in meant
    )


def _meant(request: Request, path: str) -> Iterator[tuple[set[str], str, bool]]:
    """What the request says is meant: the words of its kind, its id, and whether the address says it. Without any id a name may stand where
    one could, and whoever a path that means oneself names is somebody else."""
    segments = [one for one in path.split("/") if one]
    every = _named_by(path)
    found = False
    for place, one in enumerate(segments):
        if _ID.fullmatch(one):
            found = True
            yield (_named_by(segments[place - 1]) if place else set[str]()) or every, one, True
    for name, value in parse_qsl(request.target.partition("?")[2], keep_blank_values=True):
        if is_an_id(name) or _WHOM.fullmatch(name):
            found = True
            yield _kinds(name) or every, value, True
    for name, said in _members(request):
        if is_an_id(name) or _WHOM.fullmatch(name):
            found = True
            yield _kinds(name) or every, str(said), False
    for place, one in enumerate(() if found else segments):  # /users/ann/delete, /users/delete/ann
        if _says_so(one):
            for named in segments[place + 1 : place + 2] or (segments[place - 1 : place] if place > 1 else ()):
                yield every, named, True


def _named_by(text: str) -> set[str]:
    """The words of a part of a path, as words of one thing, without what is done to it."""
    return {_one(word.removeprefix(joined_deed(word))) for word in words_of(text)} - DELETES


def _kinds(name: str) -> set[str]:
    """The kind that the name of an id tells: ``note`` of ``noteIds`` and ``note_id``; none of ``id``."""
    return {_one(word) for word in words_of(as_parameter(name))} - {
        "id",
        "uuid",
        "key",
        "slug",
        "number",
        "no",
        "pk",
        "all",
        "name",
    }


def _members(request: Request) -> Iterator[tuple[str, object]]:
    for name, value in members_in(request, 1):
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            yield name, one


def _one(kind: str) -> str:
    """A word of several things as the word of one."""
    return f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
