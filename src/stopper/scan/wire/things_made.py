"""What a request has made, by the answer, and what an answer shows to be there: what counts as made may be deleted later."""

import json
import re
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import urlsplit

from stopper.core.exchange import Request, Response

_MAKES: Final = re.compile(r"(?<=.)/(create|new|add)$")
"""Ends the path of a route that makes things: they are found beside it, not below."""


def path_of(target: str) -> str:
    """The path of a target, without its query."""
    return target.partition("?")[0]


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
