"""Asks every route as every identity and shows who got in."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from flask import Flask

from stopper.core.exchange import Response
from stopper.core.secret import Secret

Outcome = Literal["in", "refused", "missing", "failed"]
Identity = None | str | Secret | Mapping[str, str] | Callable[[Any], object]
"""Nobody; a bearer token; headers; or a function that logs a fresh test client in."""

_PART: Final = re.compile(r"<(?:([A-Za-z_]\w*)(?:\(([^)]*)\))?:)?([A-Za-z_]\w*)>")
_SAMPLES: Final = {"int": "1", "float": "1.5", "uuid": "00000000-0000-4000-8000-000000000000", "path": "x/y"}
_SHOWN: Final[dict[Outcome, str]] = {"in": "", "refused": "-", "missing": "-", "failed": "!"}
_LEFT_OUT: Final = frozenset({"HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Cell:
    """What one identity got from one route. ``status`` is 0 where the application let an exception through.

    ``in``: it got past the door, whatever the answer. ``refused``: 401, 403, 407 or sent to a log-in page. ``missing``: 404.
    ``failed``: past the door into a fault.
    """

    identity: str
    route: str
    status: int
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Whether the door let it through."""
        return self.outcome in ("in", "failed")


class AccessMatrix:
    """The answers, by route (``GET /notes/<int:id>``) and identity."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self.cells: Final = tuple(cells)
        self.identities: Final = tuple(dict.fromkeys(cell.identity for cell in self.cells))
        self.routes: Final = tuple(dict.fromkeys(cell.route for cell in self.cells))

    def who(self, route: str) -> frozenset[str]:
        """Who got past the door of *route*: ``assert matrix.who("DELETE /notes/<int:id>") == {"admin"}``."""
        self._know(route)
        return frozenset(cell.identity for cell in self.cells if cell.route == route and cell.passed)

    def status(self, identity: str, route: str) -> int:
        """The HTTP status that *identity* got."""
        self._know(route)
        found = [cell.status for cell in self.cells if cell.route == route and cell.identity == identity]
        assert found, f"nobody is called {identity!r}; the identities are {', '.join(self.identities)}"
        return found[0]

    def reach(self, identity: str) -> frozenset[str]:
        """The routes whose door let *identity* through."""
        assert identity in self.identities, (
            f"nobody is called {identity!r}; the identities are {', '.join(self.identities)}"
        )
        return frozenset(cell.route for cell in self.cells if cell.identity == identity and cell.passed)

    def assert_closed_to(self, identity: str, *, but: Collection[str] = ()) -> None:
        """Every route refuses *identity*, those in *but* left out. A name in *but* that is no route is an error."""
        for route in but:
            self._know(route)
        passed = sorted(self.reach(identity) - set(but))
        assert not passed, (
            f"{identity} got past {_listed(passed, lambda route: str(self.status(identity, route)))}\n{self}"
        )

    def assert_same(self, one: str, other: str, *, but: Collection[str] = ()) -> None:
        """Two identities reach the same routes."""
        different = sorted((self.reach(one) ^ self.reach(other)) - set(but))
        assert not different, f"{one} and {other} differ at {_listed(different, str)}\n{self}"

    def _know(self, route: str) -> None:
        assert route in self.routes, f"there is no route {route!r}; the routes are {', '.join(self.routes)}"

    def __str__(self) -> str:
        by_place = {(cell.route, cell.identity): cell for cell in self.cells}
        rows = [("", *self.identities)]
        for route in self.routes:
            cells = [by_place[route, name] for name in self.identities]
            rows.append((route, *(f"{cell.status or 'raised'}{_SHOWN[cell.outcome]}" for cell in cells)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)

    __repr__ = __str__


class MakesMatrix(Protocol):
    """:func:`make_access_matrix`, for type hints of the fixture."""

    def __call__(
        self,
        app: Flask,
        identities: Mapping[str, Identity],
        *,
        routes: Collection[str] | None = None,
        methods: Collection[str] | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> AccessMatrix: ...


def make_access_matrix(
    app: Flask,
    identities: Mapping[str, Identity],
    *,
    routes: Collection[str] | None = None,
    methods: Collection[str] | None = None,
    arguments: Mapping[str, object] | None = None,
) -> AccessMatrix:
    """Ask *app* over WSGI. Writing routes are asked too: give it an application whose data may be spoiled.

    *routes*: only these (``GET /notes``). *methods*: only these. *arguments*: values for the variable parts of URLs, by name;
    otherwise 1, x or what the converter takes.
    """
    asked = [one for one in every_route(app) if _wanted(one[0], one[1], routes, methods)]
    unknown = set(routes or ()) - {f"{method} {rule}" for method, rule in asked}
    assert not unknown, f"there is no route {', '.join(sorted(unknown))}"
    return AccessMatrix(
        _ask(app, name, identity, method, rule, arguments or {})
        for name, identity in identities.items()
        for method, rule in asked
    )


def every_route(app: Flask) -> Iterator[tuple[str, str]]:
    """The methods and URL rules of *app* without HEAD, OPTIONS and static files, by rule and method."""
    found = {
        (str(rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.rpartition(".")[2] != "static"
        for method in (rule.methods or ())
        if method not in _LEFT_OUT
    }
    return ((method, rule) for rule, method in sorted(found))


def _wanted(method: str, rule: str, routes: Collection[str] | None, methods: Collection[str] | None) -> bool:
    return (routes is None or f"{method} {rule}" in routes) and (methods is None or method in methods)


def _ask(app: Flask, name: str, identity: Identity, method: str, rule: str, arguments: Mapping[str, object]) -> Cell:
    # A client of its own for each question: an answer that ends the session must not spoil the next one.
    client = app.test_client()
    headers: dict[str, str] = {}
    if callable(identity):
        identity(client)
    elif isinstance(identity, (str, Secret)):
        token = identity.reveal() if isinstance(identity, Secret) else identity
        headers["Authorization"] = f"Bearer {token}"
    elif identity is not None:
        headers.update(identity)
    try:
        answer = client.open(url_of(rule, arguments), method=method, headers=headers)
    except Exception:  # noqa: BLE001 - with TESTING an application lets its own exceptions through
        return Cell(name, f"{method} {rule}", 0, "failed")
    return Cell(
        name, f"{method} {rule}", answer.status_code, _outcome(Response(answer.status_code, tuple(answer.headers)))
    )


def url_of(rule: str, arguments: Mapping[str, object]) -> str:
    """A URL for *rule*, its variable parts filled."""

    def fill(part: re.Match[str]) -> str:
        kind, options, name = part[1] or "string", part[2] or "", part[3]
        if name in arguments:
            return str(arguments[name])
        if kind == "any":
            return options.split(",")[0].strip(" '\"")
        return _SAMPLES.get(kind, "x")

    return _PART.sub(fill, rule)


def _outcome(response: Response) -> Outcome:
    if response.refused:
        return "refused"
    if response.status == 404:
        return "missing"
    return "failed" if response.status >= 500 else "in"


def _listed(routes: Iterable[str], more: Callable[[str], str]) -> str:
    return ", ".join(route if more is str else f"{route} ({more(route)})" for route in routes)
