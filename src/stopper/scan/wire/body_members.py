"""What the body of a change says: names with their values, in JSON or in a form."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast
from urllib.parse import parse_qsl, urlencode

from stopper.core.exchange import Request
from stopper.core.probing.things.objects import inner_object
from stopper.scan.wire.form_doors import FORM

_FIRST: Final = 20
"""Members of one list that are looked at."""


def members_in(request: Request, depth: int = 5) -> Iterator[tuple[str, object]]:
    """Every name with its value in the body, in objects of it too, at most *depth* deep, and in a form."""
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        yield from parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return
    yield from _inside(body, depth)


def _inside(value: object, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and depth:
        for name, item in cast("dict[str, object]", value).items():
            yield name, item
            yield from _inside(item, depth - 1)
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:_FIRST]:
            yield from _inside(item, depth - 1)


def members_of(request: Request) -> dict[str, object]:
    """The members of the body, or of the one object that it wraps; the fields of a form."""
    try:
        return inner_object(json.loads(request.body))
    except (ValueError, RecursionError):
        form = (request.header("Content-Type") or "").startswith(FORM)
        return dict(parse_qsl(request.body.decode("utf-8", "replace"))) if form else {}


def with_members(request: Request, members: dict[str, object]) -> Request:
    """*request* with these members, wrapped as its own were."""
    try:
        said: object = json.loads(request.body)
    except (ValueError, RecursionError):
        said = {}
    if (request.header("Content-Type") or "").startswith(FORM):
        text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
        return replace(request, body=urlencode(text).encode())
    body: object = members
    if isinstance(said, dict):
        whole = cast("dict[str, object]", said)
        body = next(({name: members} for name, value in whole.items() if value == inner_object(whole)), members)
    return replace(request, body=json.dumps(body).encode())
