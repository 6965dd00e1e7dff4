"""What the body of a change says: names with their values, in JSON or in a form."""

import json
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import parse_qsl

from stopper.core.exchange import Request

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
