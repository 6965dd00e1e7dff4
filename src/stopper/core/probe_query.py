"""Varies the query of a request: one parameter, everything else as it was."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from stopper.core.exchange import Request


def query_names(request: Request) -> tuple[str, ...]:
    """The names in the request's query, each once, in order."""
    return tuple(dict(_pairs(request)))


def with_query(request: Request, name: str, value: str) -> Request:
    """The same request with the parameter *name* set to *value*, whatever it was before."""
    kept = [pair for pair in _pairs(request) if pair[0] != name]
    return replace(request, target=f"{_path(request)}?{urlencode([*kept, (name, value)])}")


def without_query(request: Request, *names: str) -> Request:
    """The same request without these parameters."""
    kept = [pair for pair in _pairs(request) if pair[0] not in names]
    return replace(request, target=f"{_path(request)}?{urlencode(kept)}" if kept else _path(request))


def _path(request: Request) -> str:
    return request.target.partition("?")[0]


def _pairs(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
