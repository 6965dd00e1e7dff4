"""Fields of GraphQL as routes: what is sent to one goes to its door as a query, and the answer comes back as a route would give it.

So probes, safety and the undoing of changes know nothing of GraphQL: ``DELETE /graphql/notes/5`` is ``mutation { deleteNote(id: 5) … }``.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.rule import Surface
from stopper.scan.merge import template_pattern
from stopper.scan.surface.graphql_schema import Kind, Schema
from stopper.scan.wire.graphql_answers import as_answered
from stopper.scan.wire.transport import Hold, Transport, at_once

LARGEST: Final = 131_072
"""Bytes of a body that is put into a query; a larger one goes to the door as it is."""
DROPPED_MOST: Final = 3
"""Fields of one thing that are left out because they alone are refused."""
FORM: Final = "application/x-www-form-urlencoded"
_BEARER: Final = re.compile(r"(?i)^\s*(?:bearer|jwt|token)\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Operation:
    """One field of a schema, at its method and path. ``members`` says where each thing that it is given goes among its variables."""

    door: str
    name: str
    method: str
    path: str
    kind: Kind
    changes: bool = False
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    given: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    """The arguments by their names."""
    inner: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    """The kind of each member."""
    preset: frozenset[str] = frozenset()
    """Arguments that need nothing because they have a value of their own."""
    token: str = ""
    """The argument that holds the caller's token; it is read from the Authorization header."""
    selection: str = ""

    @property
    def shown(self) -> str:
        """What a report calls it."""
        return f"{self.door}#{self.name}"


@dataclass(slots=True)
class GraphqlTransport:
    """Sends what is meant for a field as a query of its door, and all else as it is."""

    plain: Transport
    by_get: bool = False
    """Whether only reading is allowed, so that queries go by GET."""
    count: Callable[[int], None] = lambda _: None
    """Told of each request more than the one that was asked for, and of one that was not sent."""
    operations: list[Operation] = field(default_factory=list[Operation])
    schemas: dict[str, Schema] = field(default_factory=dict[str, Schema])
    """What each door says of itself, by its path."""
    told: dict[str, Schema] = field(default_factory=dict[str, Schema])
    """What doors say of themselves whose fields may be no routes yet."""
    asked: set[str] = field(default_factory=set[str])
    """Doors that were asked what they are, with who asked."""
    others: list[str] = field(default_factory=list[str])
    """Usual places of such doors at which something else answers."""
    _without: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def surface(self) -> Surface:
        """That of the transport below."""
        return self.plain.surface

    @property
    def base_url(self) -> str:
        """That of the transport below."""
        return self.plain.base_url

    def close(self) -> None:
        """Close the transport below."""
        self.plain.close()

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        """The answer to *request*, told as a route would tell it where it is meant for a field."""
        found = self.meant(request)
        if found is None:
            return self.plain.send(request, timeout, hold)
        operation, ids = found
        if operation.method != request.method:
            if request.method in ("OPTIONS", "TRACE", "TRACK"):
                return self.plain.send(replace(request, target=operation.door), timeout, hold)
            self.count(-1)
            return _NOT_ALLOWED
        answer = _UNFIT
        for _ in range(DROPPED_MOST):
            asked = self._asked(operation, ids, request)
            if asked is None:
                self.count(-1)
                return _UNFIT
            response = self.plain.send(asked, timeout, hold)
            told = as_answered(operation.name, operation.path, operation.changes, response)
            told = replace(told, response=replace(told.response, wire=Exchange(asked, response)))
            answer = told.response
            known = not told.refused_below or not self._leave_out(operation, told.refused_below)
            if known or operation.changes:  # what changes something is not sent again for what else it would show
                break
            self.count(1)
        return answer

    def meant(self, request: Request) -> tuple[Operation, dict[str, str]] | None:
        """The field that a request is meant for, with what its path names."""
        path = request.target.partition("?")[0]
        if not any(path.startswith(f"{base(door)}/") for door in self.schemas):
            return None
        other: tuple[Operation, dict[str, str]] | None = None
        for operation in self.operations:
            found = _shape(operation.path).fullmatch(path)
            if found is None:
                continue
            if operation.method == request.method:
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
            other = (operation, {})
        return other

    def _leave_out(self, operation: Operation, path: str) -> bool:
        with self._lock:
            known = self._without.get(operation.path, frozenset())
            self._without[operation.path] = known | {path}
            return path not in known

    def _selection(self, operation: Operation) -> str:
        without = self._without.get(operation.path)
        if not without:
            return operation.selection
        return self.schemas[operation.door].chosen(operation.kind, without=without) or operation.selection

    def _asked(self, operation: Operation, ids: Mapping[str, str], request: Request) -> Request | None:
        """*request* as it goes to the door; None where every server must refuse it, because a number is none or what is needed is missing."""
        _, _, query = request.target.partition("?")
        body = _members(request)
        if request.method != "GET" and request.body and body is None:
            return replace(request, method="POST", target=operation.door + (f"?{query}" if query else ""))
        said = parse_qsl(query, keep_blank_values=True)
        mine = [*said, *ids.items()] if request.method in ("GET", "DELETE") else list(ids.items())
        values: dict[str, object] = {
            **(body or {}),
            **{name: value for name, value in mine if name in operation.members},
        }
        if operation.token:
            shown = [value for name, value in request.headers if name.lower() == "authorization"]
            if len(shown) > 1:
                return None  # an argument cannot be given twice
            values[operation.token] = _bearer(shown)
            if self.by_get and not operation.changes and values[operation.token]:
                return None  # nobody's token goes into an address
        variables = _variables(operation, values)
        if not all(
            _fits(variables.get(name), kind) for name, kind in operation.given.items() if name not in operation.preset
        ):
            return None
        rest = [
            (name, value)
            for name, value in said
            if name not in operation.members or request.method not in ("GET", "DELETE")
        ]
        text = _text(operation, variables, self._selection(operation))
        headers = request.headers_without_body
        sent = {"query": text, "variables": variables} if variables else {"query": text}
        if self.by_get and not operation.changes:
            pairs = [*_pairs(sent), *rest]
            return replace(request, method="GET", target=_with(operation.door, pairs, quote), headers=headers, body=b"")
        kind = _kind(request)
        text_sent = urlencode(_pairs(sent)).encode() if kind == FORM else json.dumps(sent).encode()
        padding = request.body[: len(request.body) - len(request.body.lstrip(b" "))]
        whole = (*headers, ("Content-Type", kind))
        return replace(
            request,
            method="POST",
            target=_with(operation.door, rest, quote_plus),
            headers=whole,
            body=padding + text_sent,
        )


def _pairs(sent: Mapping[str, object]) -> list[tuple[str, str]]:
    """A query as a form or an address holds it."""
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in sent.items()]


def _with(door: str, pairs: list[tuple[str, str]], way: Callable[..., str]) -> str:
    return f"{door}?{urlencode(pairs, quote_via=way)}" if pairs else door


_UNFIT: Final = Response(
    400,
    (("Content-Type", "application/json"),),
    b'{"errors":[{"message":"a variable is none of its type"}]}',
)
_NOT_ALLOWED: Final = Response(
    405, (("Content-Type", "application/json"),), b'{"errors":[{"message":"Method not allowed"}]}'
)


def base(door: str) -> str:
    """Below what the fields of a door stand as routes; one that is the root itself has no place of its own."""
    return door.rstrip("/") or "/graphql"


def _shape(path: str) -> re.Pattern[str]:
    known = _SHAPES.get(path)
    if known is None:
        names = re.findall(r"\{([^{}]+)\}", path)
        pattern = template_pattern(path, {}).pattern
        for name in names:
            pattern = pattern.replace("[^/]+", f"(?P<{name}>[^/]*)", 1)
        known = _SHAPES[path] = re.compile(pattern + "/?")
    return known


_SHAPES: Final[dict[str, re.Pattern[str]]] = {}


def _members(request: Request) -> dict[str, object] | None:
    """The members of the body, none where it is no object; None where nobody can read it, or it is too large to be looked at."""
    text = request.body.lstrip(b" ")
    if not text:
        return {}
    if len(text) > LARGEST:
        return None
    if _kind(request) == FORM:
        return dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _kind(request: Request) -> str:
    return (request.header("Content-Type") or "application/json").partition(";")[0].strip().lower()


def _bearer(shown: list[str]) -> str:
    """The token that the caller shows; an empty text where none is shown."""
    found = _BEARER.match(shown[0]) if shown else None
    return found.group(1) if found else ""


def _variables(operation: Operation, values: Mapping[str, object]) -> dict[str, object]:
    """*values* as the variables of the field; what it does not know is left out, as a server leaves out what it does not read."""
    made: dict[str, object] = {}
    for name, value in values.items():
        place = operation.members.get(name)
        if place is None:
            if name in operation.given and isinstance(value, dict):
                _at(made, (name,)).update(cast("dict[str, object]", value))
            continue
        _at(made, place[:-1])[place[-1]] = _as_kind(value, operation.inner[name])
    return made


def _at(made: dict[str, object], path: tuple[str, ...]) -> dict[str, object]:
    for one in path:
        made = cast("dict[str, object]", made.setdefault(one, {}))
    return made


def _as_kind(value: object, kind: Kind) -> object:
    """*value* as a client of that schema writes it; what cannot be one stays, and the server refuses it."""
    if kind.listed and isinstance(value, str):
        return [_as_kind(value, replace(kind, listed=False))]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    text = str(value)
    if kind.name == "Int" and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if kind.name == "Float" and re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", text):
        return float(text)
    if kind.name == "Boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text if kind.name in ("String", "ID") else value


def _fits(value: object, kind: Kind) -> bool:
    """Whether a variable may be what its kind is (GraphQL §3.5); of inputs and lists the server judges."""
    if value is None:
        return not kind.needed
    if kind.listed:
        return True
    if kind.name == "Int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.name == "Float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, bool) if kind.name == "Boolean" else True


def _text(operation: Operation, variables: Mapping[str, object], selection: str) -> str:
    known = list(_declared(operation, variables))
    head = "mutation" if operation.changes else "query"
    told = f"({', '.join(f'${name}: {kind.said}' for name, kind in known)})" if known else ""
    given = f"({', '.join(f'{name}: ${name}' for name, _ in known)})" if known else ""
    return f"{head}{told} {{ {operation.name}{given}{selection} }}"


def _declared(operation: Operation, variables: Mapping[str, object]) -> Iterator[tuple[str, Kind]]:
    return ((name, kind) for name, kind in operation.given.items() if name in variables)
