"""Doors that speak GraphQL: their own description says what can be asked, and one query asks all of it that needs nothing but texts and numbers.

The query stands in the model as a document would tell it, so probes vary its variables like any member of a body. Mutations are never sent.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast
from urllib.parse import quote

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Skipped
from stopper.core.probe_inputs import GRAPHQL
from stopper.scan.honest import HonestRequests, plausible
from stopper.scan.wire.courier import Courier, json_body

DOORS_MOST: Final = 2
FIELDS_MOST: Final = 12
"""Fields of the root, and of each thing, that are asked for."""
_CHANGES: Final = frozenset({
    "delete", "remove", "destroy", "clear", "reset", "purge", "wipe", "erase", "drop", "truncate", "flush", "burn", "expire", "cancel", "revoke",
    "disable", "deactivate", "unsubscribe", "logout", "signout", "create", "insert", "update", "upsert", "set", "add", "send", "save", "register",
    "transfer", "pay", "shutdown", "restart", "reboot", "import", "upload", "seed", "migrate", "run", "exec",
})  # fmt: skip
"""Deeds in the name of a field: some schemas have them among what is only asked."""
_TEXTS: Final = ("String", "ID")
_LITERALS: Final = {"Int": "1", "Float": "1.0", "Boolean": "false"}
_DESCRIBE: Final = (
    "{__schema{queryType{name} types{kind name fields{name args{name defaultValue type{kind name ofType{kind name}}} "
    "type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}}}}"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query with the texts that it takes, and whether a GET may carry it."""

    text: str
    variables: Mapping[str, str]
    plain: str
    """The same without the fields that take texts, so that an address can hold it; empty where none is left."""
    by_get: bool


def with_graphql(app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity]) -> App:
    """*app*, each route that speaks GraphQL and describes itself with the query that asks for all it has."""
    routes: list[Route] = []
    doors: dict[str, Asked | None] = {}
    for route in app.routes:
        if not GRAPHQL.search(route.path) or route.parameters or not route.readers <= {"wire"}:
            routes.append(route)
            continue
        seen = route.path in doors
        if not seen:
            doors[route.path] = _asked(route, courier, honest, people) if len(doors) < DOORS_MOST else None
        if (asked := doors[route.path]) is None:
            routes.append(route)
        elif not seen:  # one route that two methods were told apart of is one door
            routes += _known(route, asked, honest)
    return replace(app, routes=tuple(routes))


def _known(route: Route, asked: Asked, honest: HonestRequests) -> list[Route]:
    made: list[Route] = []
    if asked.by_get and asked.plain:
        honest.queries[route.path] = {"query": asked.plain}
        made.append(replace(route, methods=("GET",), fields=("query",), optional=()))
    texts = {name: {"type": "string", "example": value} for name, value in asked.variables.items()}
    members: dict[str, object] = {"query": {"type": "string", "example": asked.text}}
    if texts:
        members["variables"] = {"type": "object", "properties": texts}
    made.append(replace(route, methods=("POST",), fields=(), optional=(), request_schema={"type": "object", "properties": members}))  # fmt: skip
    return made


def _asked(route: Route, courier: Courier, honest: HonestRequests, people: Sequence[Identity]) -> Asked | None:
    target = honest.prefix + route.path
    ways = (
        Request("GET", f"{target}?query={quote(_DESCRIBE)}", (("Accept", "application/json"),)),
        Request(
            "POST",
            target,
            (("Content-Type", "application/json"), ("Accept", "application/json")),
            json_body({"query": _DESCRIBE}),
            "write",
        ),
    )
    for request in ways:
        try:
            response = courier.carry(request).response
            if response.refused and people:
                response = courier.carry(people[0].on(request)).response
        except Skipped:
            return None
        types = _types(response)
        if types:
            return _query(types, request.method == "GET", honest.canary)
    return None


def _types(response: Response) -> dict[str, list[Mapping[str, object]]]:
    """Each type's fields, those of the root under an empty name."""
    schema = _inner(response.json(), "data", "__schema")
    named: dict[str, list[Mapping[str, object]]] = {}
    for one in _listed(schema.get("types")):
        named[str(one.get("name"))] = _named(one.get("fields"))
    root = named.get(str(_inner(schema, "queryType").get("name")), [])
    return {**named, "": root} if root else {}


def _query(types: Mapping[str, list[Mapping[str, object]]], by_get: bool, canary: str) -> Asked | None:
    asked: list[str] = []
    plain: list[str] = []
    variables: dict[str, str] = {}
    declared: list[str] = []
    asks = [one for one in types[""] if not _changes(str(one["name"]))]
    for field in asks[:FIELDS_MOST]:
        chosen = _selection(types, field)
        given = list(_arguments(field, canary))
        if chosen is None or any(one is None for one in given):
            continue
        known = [one for one in given if one is not None]
        told = f"({', '.join(one.said for one in known)})" if known else ""
        asked.append(f"{field['name']}{told}{chosen}")
        if not any(one.variable for one in known):
            plain.append(asked[-1])
        for one in known:
            if one.variable:
                variables[one.variable] = one.value
                declared.append(f"${one.variable}: {one.kind}")
    if not asked:
        return None
    head = f"query({', '.join(declared)})" if declared else "query"
    body = " ".join([one for one in asked if not (by_get and one in plain)] or asked)
    return Asked(f"{head} {{ {body} }}", variables, f"{{ {' '.join(plain)} }}" if plain else "", by_get)


def _changes(name: str) -> bool:
    words = as_parameter(name).split("_")
    return not _CHANGES.isdisjoint((*words, name.lower().replace("_", "")))


@dataclass(frozen=True, slots=True)
class _Argument:
    said: str
    variable: str = ""
    kind: str = ""
    value: str = ""


def _arguments(field: Mapping[str, object], canary: str) -> Iterator[_Argument | None]:
    """What the field is given: a variable for each text, a plain value for what else it cannot do without; None where that is nothing simple."""
    for one in _named(field.get("args")):
        kind = _inner(one, "type")
        needed = kind.get("kind") == "NON_NULL"
        name = str((_inner(kind, "ofType") if needed else kind).get("name"))
        if name in _TEXTS:
            variable = f"{field['name']}_{one['name']}"
            value = str(plausible(str(one["name"]), canary)) if needed else ""
            yield _Argument(f"{one['name']}: ${variable}", variable, name + "!" * needed, value)
        elif needed and one.get("defaultValue") is None:
            yield _Argument(f"{one['name']}: {_LITERALS[name]}") if name in _LITERALS else None


def _selection(types: Mapping[str, list[Mapping[str, object]]], field: Mapping[str, object]) -> str | None:
    """The plain fields of what the field gives; nothing for a plain value, None where all inside is made of parts."""
    kind = _bare(_inner(field, "type"))
    if kind.get("kind") in ("SCALAR", "ENUM"):
        return ""
    inner = [
        str(one["name"])
        for one in types.get(str(kind.get("name")), [])
        if _bare(_inner(one, "type")).get("kind") in ("SCALAR", "ENUM") and not _named(one.get("args"))
    ]
    return f" {{ {' '.join(inner[:FIELDS_MOST])} }}" if inner else None


def _bare(kind: Mapping[str, object]) -> Mapping[str, object]:
    while kind.get("kind") in ("NON_NULL", "LIST") and isinstance(kind.get("ofType"), Mapping):
        kind = _inner(kind, "ofType")
    return kind


def _inner(value: object, *names: str) -> Mapping[str, object]:
    for name in names:
        value = cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _named(value: object) -> list[Mapping[str, object]]:
    """Those members of a list that have a name which can stand in a query."""
    return [one for one in _listed(value) if re.fullmatch(r"[A-Za-z_]\w{0,60}", str(one.get("name")))]


def _listed(value: object) -> list[Mapping[str, object]]:
    members = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, object]", one) for one in members if isinstance(one, Mapping)]
