"""Varies the query of a request: one parameter, everything else as it was."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from stopper.core.exchange import Request

SAMPLE: Final = "stopper"
"""What stands in a parameter of which nothing is known."""
WANTING: Final = frozenset({400, 422, 500})
"""Answers of a view that misses a parameter."""


def query_names(request: Request) -> tuple[str, ...]:
    """The names in the request's query, each once, in order."""
    return tuple(dict(_pairs(request)))


def with_query(request: Request, name: str, value: str) -> Request:
    """The same request with the parameter *name* set to *value*, whatever it was before."""
    kept = [pair for pair in _pairs(request) if pair[0] != name]
    return replace(request, target=f"{_path(request)}?{urlencode([*kept, (name, value)])}")


def with_the_rest(request: Request, names: Iterable[str]) -> Request:
    """The same request with a word for each of *names* that its query lacks."""
    kept = dict(_pairs(request))
    return replace(request, target=f"{_path(request)}?{urlencode({**dict.fromkeys(names, SAMPLE), **kept})}")


def without_query(request: Request, *names: str) -> Request:
    """The same request without these parameters."""
    kept = [pair for pair in _pairs(request) if pair[0] not in names]
    return replace(request, target=f"{_path(request)}?{urlencode(kept)}" if kept else _path(request))


def _path(request: Request) -> str:
    return request.target.partition("?")[0]


def _pairs(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
