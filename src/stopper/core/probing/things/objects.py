"""Objects in answers: their ids, the lists they stand in, and random texts by which one's own object is known again."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from stopper.core.exchange import Request
from stopper.core.keys.random_words import random_mark

_ID_NAMES: Final = ("id", "uuid", "_id", "slug", "key", "number", "uid", "serial", "code", "reference", "ref", "sku")
_STATUSES: Final = range(100, 600)
"""Numbers of HTTP for how a request went (RFC 9110, section 15)."""
_OWN_ID: Final = re.compile(r"[a-z]+_?(id|Id|uuid|number|Number|no|code|Code|serial)|id_[a-z]+|id[A-Z][a-z]+")
"""What the first member of a thing is called where it is the thing's own id: ``booking_id``, ``accountNumber``, ``id_booking``."""
_ONLY_ID: Final = re.compile(
    r"(?!(?:user|owner|author|customer|account|created_by|parent)_?(?:id|Id)|id_?(?:user|owner|author|customer|account|parent)|id(?:User|Owner|Author|Customer|Account|Parent))"
    r"(?:[a-z]+(?:_id|Id|_uuid)|id_[a-z]+|id[A-Z][a-z]+)"
)
_ID: Final = re.compile(r"[\w.@:+-]{1,128}")
_FIXED: Final = re.compile(r"(?i)mail|passw|pwd|url|uri|date|time|phone|role|type|status|lang|currency|country")
"""Fields in which a random text would be refused."""
_SHAPED: Final = re.compile(
    r"\d{4}-\d\d-\d\d([T ].{1,30})?|\d{1,2}:\d\d(:\d\d)?Z?|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|\+?[\d][\d ()./-]{0,24}|[^@\s]{1,64}@[^@\s]{1,64}|https?://\S{0,300}"
)
"""Values of a form of their own, as a document shows them: another text is no date and no number to call."""
_REFERS: Final = re.compile(r"_(id|uuid)$|[a-z](Id|Uuid)$")
"""Fields that name another thing."""
_HIDES: Final = re.compile(r"(?i)^(is_?)?(private|secret|hidden|personal)$")
"""What says that a thing is for nobody else."""
_USUAL: Final = ("text", "title", "name", "content", "body", "description", "message", "note")
"""What most things have, for a route of which no reader knows the fields."""


def entries(value: object) -> list[dict[str, object]]:
    """The objects of a list: the list itself, or the first list inside an object."""
    if isinstance(value, dict):
        nothing: list[dict[str, object]] = []
        members = cast("dict[str, object]", value).values()
        return next((found for item in members if (found := entries(item))), nothing)
    if not isinstance(value, list):
        return []
    return [cast("dict[str, object]", item) for item in cast("list[object]", value)[:50] if isinstance(item, dict)]


def ids(value: object, parameter: str) -> Iterator[str]:
    """The id of an object, under the parameter's name first; one level of wrapping is looked through."""
    if not isinstance(value, dict):
        return
    members = cast("dict[str, object]", value)
    for name in (parameter, *_ID_NAMES, *own_id_names(members)):
        if (found := as_id(members.get(name))) is not None and not _is_a_status(name, members[name]):
            yield found
            return
    for inner in members.values():
        if isinstance(inner, dict):
            yield from ids(cast("object", inner), parameter)
            return


def _is_a_status(name: str, value: object) -> bool:
    """Whether it is how the server answered, of an envelope about the thing: ``{"code": 201, "data": {"id": 7}}``."""
    return name == "code" and isinstance(value, int) and value in _STATUSES


def own_id_names(members: Mapping[str, object]) -> list[str]:
    """The name of the first member, where things that have no plain id begin with their own; else of the only one that is an id by its name:
    members may stand in the order of the alphabet."""
    first = [name for name in list(members)[:1] if _OWN_ID.fullmatch(name)]
    others = [name for name in members if _ONLY_ID.fullmatch(name)]
    return first or (others if len(others) == 1 and not any(name in members for name in _ID_NAMES[:3]) else [])


def as_id(value: object) -> str | None:
    """The value as it stands in a path, when it can be an id."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value) if _ID.fullmatch(str(value)) else None


def texts(entry: dict[str, object]) -> int:
    """How many values of an entry say anything beside its id."""
    return sum(
        isinstance(value, (str, float)) and bool(value) for name, value in entry.items() if name not in _ID_NAMES
    )


def is_free_text(value: object) -> bool:
    """Whether another text would do in the place of *value*: no number, no date, no address, no sum as a text."""
    return isinstance(value, str) and _SHAPED.fullmatch(value) is None


def marked(request: Request, canary: str) -> tuple[Request, dict[str, str]]:
    """The request with a random text in every field that takes any text, and the texts by field."""
    try:
        body: object = json.loads(request.body)
    except ValueError:
        return request, {}
    if not isinstance(body, dict):
        return request, {}
    members = dict(cast("dict[str, object]", body)) or dict.fromkeys(_USUAL, "")
    stem = canary + random_mark(3)
    free = [
        name
        for name, value in members.items()
        if is_free_text(value) and not _FIXED.search(name) and not _REFERS.search(name)
    ]
    own = [name for name in free if canary in str(members[name])]  # what else stands there may be one of few words
    plain = f"text {canary}"
    free = own or free or [name for name, value in members.items() if value == plain and not _REFERS.search(name)]
    marks = {name: f"{stem}x{number}" for number, name in enumerate(free)}
    mails = {
        name: f"{stem}@example.com" for name, value in members.items() if value == f"{canary}@example.com"
    }  # two things seldom share one
    hidden = {name: True for name, value in members.items() if value is False and _HIDES.search(name)}
    text = json.dumps({**members, **mails, **hidden, **marks}).encode()
    return Request(request.method, request.target, request.headers, text, request.effect, request.identity), marks


def inner_object(whole: object) -> dict[str, object]:
    """The object itself, or the one that it wraps; none where the value is no object."""
    if not isinstance(whole, dict):
        return {}
    said = cast("dict[str, object]", whole)
    inner = [cast("dict[str, object]", value) for value in said.values() if isinstance(value, dict)]
    return inner[0] if len(said) <= 3 and len(inner) == 1 else said


def one_thing(whole: object) -> object:
    """What an answer about one thing says, where that stands in a list of one: ``{"recipe": [{…}]}``, as rows are given that were fetched."""
    given = whole
    said = list(cast("dict[str, object]", given).values()) if isinstance(given, dict) else [whole]
    lists = [cast("list[object]", one) for one in said if isinstance(one, list)]
    alone = len(lists) == 1 and len(said) <= 3 and not any(isinstance(one, dict) for one in said)
    inner = lists[0][0] if alone and len(lists[0]) == 1 else whole
    return cast("object", inner) if isinstance(inner, dict) else whole


def plain_members(value: object, depth: int = 4) -> list[tuple[str, object]]:
    """The members of objects in objects and lists that are plain values, by name."""
    found: list[tuple[str, object]] = []
    if isinstance(value, dict) and depth:
        for name, item in cast("dict[str, object]", value).items():
            inside = plain_members(item, depth - 1)
            found += inside if inside or type(item) in (dict, list) else [(name, item)]
    if isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:5]:
            found += plain_members(item, depth - 1)
    return found


_MASK: Final = re.compile(r"[*•]{3,}|[xX]{4,}")


def is_masked(value: object) -> bool:
    """``**** 1234``: to write that back would take the place of what it stands for."""
    return isinstance(value, str) and _MASK.search(value) is not None
