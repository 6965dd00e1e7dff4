"""Doors that speak GraphQL: their own description says what can be asked and changed, and each field of it becomes a route.

What reads stands as a GET, what makes as a POST of its collection, what changes and deletes as a PUT and a DELETE of one thing, so that all
that a scan knows of routes holds for it; :mod:`stopper.scan.wire.graphql_calls` puts each request into a query and each answer back.
"""

import contextlib
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast
from urllib.parse import quote

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.naming import as_parameter
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.inputs import GRAPHQL
from stopper.scan.surface.graphql_names import Placing, Spot
from stopper.scan.surface.graphql_schema import DESCRIBE, DESCRIBE_ONE, Field, Given, Kind, Schema, schema_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.graphql_calls import GraphqlTransport, Operation, base

DOORS_MOST: Final = 2
PLACES: Final = ("/graphql", "/api/graphql", "/gql", "/api/v1/graphql", "/v1/graphql", "/api", "/query", "/")
"""Where APIs have a door as a rule."""
_SPEAKS: Final = re.compile(r"(?i)graph(i?ql)|must provide query|no query")
"""What the answer to a GET says of a door that is called otherwise."""
KINDS_MOST: Final = 60
"""Kinds of things that are asked for one by one where a door is slow."""
FIELDS_MOST: Final = 60
"""Fields of one door that become routes."""
GIVEN_MOST: Final = 12
"""Things that one field is given by its query."""
_TOKENS: Final = ("token", "access_token", "auth_token", "jwt", "jwt_token", "id_token")
"""Arguments by which a caller says who it is."""
_MEANT: Final = (
    "verify",
    "refresh",
    "reset",
    "confirm",
    "activate",
    "revoke",
    "logout",
    "accept",
    "validate",
    "exchange",
)
"""Fields that a token is what they are about."""
_READ_BY_NUMBER: Final = (
    "limit",
    "first",
    "page",
    "size",
    "per_page",
    "page_size",
    "last",
    "count",
    "offset",
    "skip",
    "take",
)
_SAMPLES: Final[Mapping[str, str]] = {"Int": "1", "Float": "1.0", "Boolean": "false"}


def with_graphql(app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity] = ()) -> App:
    """*app*, with a route for each field of the doors that speak GraphQL and describe themselves, to nobody or to the first of *people*."""
    routes: list[Route] = []
    who, known = next(iter(people), None), courier.graphql.schemas
    for route in app.routes:
        door = honest.prefix + route.path
        routes.append(route)
        if not (_is_door(route) or door in courier.graphql.told) or door in known or len(known) >= DOORS_MOST:
            continue
        schema = _described(door, courier, who)
        if schema is None or schema in known.values():  # a page to type queries into takes those of its neighbour
            continue
        known[door] = schema
        found = list(_fields(route.path, door, schema))
        courier.graphql.operations += [operation for operation, _ in found]
        routes = [one for one in routes if one is not route]
        routes += [*_bare(route, honest), *(one for _, one in found)]
    return replace(app, routes=_once(routes))


def found_door(courier: Courier, prefix: str) -> tuple[Route, ...]:
    """The door at one of the usual places that describes itself, where there is one."""
    for place in PLACES:
        if _described(prefix + place, courier, None) is not None:
            return (Route(prefix + place, ("GET", "POST"), readers=frozenset({"wire"})),)
    return ()


_OF_A_QUERY: Final = frozenset({"query", "variables", "operationName", "extensions"})


def _is_door(route: Route) -> bool:
    """Whether the path says so, and nothing is known of what is read there but a query: a document has no more of it than that."""
    named = {*route.names, *route.body_names}
    if not GRAPHQL.search(route.path) or route.parameters or not route.readers <= {"wire", "spec"}:
        return False
    return named <= _OF_A_QUERY and (bool(named) or not route.request_schema)


def _once(routes: Sequence[Route]) -> tuple[Route, ...]:
    """One route that two methods were told apart of is one door."""
    return tuple({(one.path, one.methods, one.fields, *one.examples.values()): one for one in routes}.values())


def _described(door: str, courier: Courier, who: Identity | None) -> Schema | None:
    """What the door says of itself, by GET, and by POST where that is there and says nothing."""
    graphql, key = courier.graphql, f"{door} {who.name if who is not None else ''}"
    if key in graphql.asked:
        return graphql.told.get(door)
    graphql.asked.add(key)
    text = f"query {{ __schema {{ {DESCRIBE} }} }}"
    by_get = Request("GET", f"{door}?query={quote(text)}", (("Accept", "application/json"),))
    answer = _answer(courier, by_get, who)
    if answer is None or answer.status == 404 or not (answer.status or GRAPHQL.search(door)):
        return None  # a door that was too slow once is asked once more
    said = answer.json()
    data = cast("dict[str, object]", said).get("data") if isinstance(said, dict) else None
    schema = schema_in(cast("dict[str, object]", data).get("__schema")) if isinstance(data, dict) else None
    if not answer.status:
        schema = _piecemeal(door, courier, who)
    elif schema is None and not graphql.by_get and (GRAPHQL.search(door) or _SPEAKS.search(answer.text)):
        schema = _by_post(door, courier, who)
    if schema is not None:
        graphql.told[door] = schema
        graphql.operations.append(_asks(door))
    elif answer.succeeded and who is None:
        graphql.others.append(door)
    return schema


def _by_post(door: str, courier: Courier, who: Identity | None) -> Schema | None:
    with _told(courier.graphql, door, _asks(door)):
        return schema_in(_said(courier, f"{base(door)}/__schema", who))


def _piecemeal(door: str, courier: Courier, who: Identity | None) -> Schema | None:
    """The description of a door that takes too long for all of it: which kinds there are, then one after the other."""
    outline = replace(_asks(door), selection=" { queryType{name} mutationType{name} types{kind name} }")
    text, kind = Kind("String", "String!", leaf=True, needed=True), Kind("__Type", "__Type", leaf=False)
    way = f"{base(door)}/__type/{{name}}"
    each = Operation(
        door,
        "__type",
        "GET",
        way,
        kind,
        False,
        {"name": ("name",)},
        {"name": text},
        {"name": text},
        selection=f" {{ {DESCRIBE_ONE} }}",
    )
    with _told(courier.graphql, door, outline, each):
        known = _said(courier, f"{base(door)}/__schema", who)
        types = cast("list[dict[str, object]]", known.get("types") or [])
        names = [str(one.get("name")) for one in types if one.get("kind") != "SCALAR"]
        own = [name for name in names if not name.startswith("__")][:KINDS_MOST]
        return schema_in({**known, "types": [_said(courier, way.replace("{name}", name), who) for name in own]})


@contextlib.contextmanager
def _told(graphql: GraphqlTransport, door: str, *asks: Operation) -> Generator[None]:
    """While the fields of a door are these and no others."""
    graphql.operations += asks
    graphql.schemas[door] = _NOTHING
    try:
        yield
    finally:
        graphql.operations = [one for one in graphql.operations if one not in asks]
        del graphql.schemas[door]


def _said(courier: Courier, path: str, who: Identity | None) -> dict[str, object]:
    answer = _answer(courier, Request("GET", path, (("Accept", "application/json"),)), who)
    said = answer.json() if answer is not None else None
    return cast("dict[str, object]", said) if isinstance(said, dict) else {}


def _answer(courier: Courier, request: Request, who: Identity | None) -> Response | None:
    with contextlib.suppress(Skipped):
        return courier.carry(who.on(request) if who is not None else request).response
    return None


def _asks(door: str) -> Operation:
    """What asks a door for its own description."""
    kind = Kind("__Schema", "__Schema", leaf=False)
    return Operation(door, "__schema", "GET", f"{base(door)}/__schema", kind, selection=f" {{ {DESCRIBE} }}")


_NOTHING: Final = Schema((), (), {}, {}, {}, {})


def _bare(route: Route, honest: HonestRequests) -> Iterator[Route]:
    """The door itself, as an address holds a query."""
    honest.queries[route.path] = {"query": "{__typename}"}
    yield replace(route, methods=("GET",), fields=("query",), optional=())


def _fields(path: str, door: str, schema: Schema) -> Iterator[tuple[Operation, Route]]:
    placing, prefix = Placing(base(path), schema), door.removesuffix(path)
    for field in placing.lists_first(schema.queries)[:FIELDS_MOST]:
        if (
            schema.chosen(field.kind) is not None
            and _fillable(schema, field)
            and (spot := placing.query(field)) is not None
        ):
            yield _operation(prefix, door, schema, field, spot, changes=False)
    for field in schema.mutations[:FIELDS_MOST]:
        if schema.chosen(field.kind) is not None and _fillable(schema, field):
            spot = placing.mutation(field, [one for one, _ in _apart(schema, field)])
            yield _operation(prefix, door, schema, field, spot, changes=True)


def _fillable(schema: Schema, field: Field) -> bool:
    return all(schema.json_schema(one) is not None for one in field.given if one.needed)


def _apart(schema: Schema, field: Field) -> list[tuple[Given, tuple[str, ...]]]:
    """What a field is given with where each stands among its variables: a lone input is taken apart, as clients think of it."""
    inputs = [one for one in field.given if one.kind.name in schema.inputs and not one.kind.listed]
    lone = inputs[0] if len(inputs) == 1 else None
    others: list[tuple[Given, tuple[str, ...]]] = [(one, (one.name,)) for one in field.given if one is not lone]
    if lone is None:
        return others
    names = {one.name for one, _ in others}
    inner = schema.members(lone.kind.name)
    return [*others, *((one, (lone.name, one.name)) for one in inner if one.name not in names)]


def _operation(
    prefix: str, door: str, schema: Schema, field: Field, spot: Spot, *, changes: bool
) -> tuple[Operation, Route]:
    kinds = {one.name: one.kind.name for one in field.given}
    filled = {
        one.name: made
        for one, place in _apart(schema, field)
        if (made := schema.json_schema(one, (kinds[place[0]],) if len(place) > 1 else ())) is not None
    }
    apart = [(one, place) for one, place in _apart(schema, field) if one.name in filled]
    token = _token(field)
    apart = [(one, place) for one, place in apart if place != (token,)]
    operation = Operation(
        door, field.name, spot.method, prefix + spot.path, field.kind, changes,
        {**{one.name: place for one, place in apart}, **({token: (token,)} if token else {})},
        {one.name: one.kind for one in field.given},
        {**{one.name: one.kind for one, _ in apart}, **({token: Kind("String", "String", leaf=True)} if token else {})},
        frozenset(one.name for one in field.given if one.default is not None),
        token,
        schema.chosen(field.kind) or "",
    )  # fmt: skip
    given = [one for one, _ in apart if spot.by is None or one.name != spot.by.name]
    return operation, _route(schema, spot, given, filled)


def _token(field: Field) -> str:
    """The argument that takes the token of whoever asks."""
    if set(as_parameter(field.name).split("_")) & set(_MEANT):
        return ""
    return next(
        (one.name for one in field.given if one.kind.name == "String" and as_parameter(one.name) in _TOKENS), ""
    )


def _route(schema: Schema, spot: Spot, given: Sequence[Given], filled: Mapping[str, dict[str, object]]) -> Route:
    by = ((spot.by.name, "int" if spot.by.kind.name == "Int" else "string"),) if spot.by is not None else ()
    made = Route(spot.path, (spot.method,), parameters=by, readers=frozenset({"spec", "wire"}), reads_no_query=True)
    if spot.method in ("POST", "PUT"):
        return replace(
            made,
            request_schema={
                "type": "object",
                "properties": {one.name: filled[one.name] for one in given},
                "required": [one.name for one in given if one.needed],
            },
        )
    needed = tuple(one.name for one in given if one.needed)
    texts_first = sorted(given, key=lambda one: (one.kind.name != "String", one.kind.name != "ID"))
    optional = tuple(one.name for one in texts_first if not one.needed and _is_told_apart(one))
    samples = {one.name: text for one in given if (text := _sample(schema, one))}
    return replace(made, fields=needed, optional=optional[:GIVEN_MOST], examples=samples, reads_no_query=not given)


def _is_told_apart(one: Given) -> bool:
    """Whether something may come of giving it: a text, an id, a number of things."""
    name = as_parameter(one.name)
    return one.kind.leaf and (one.kind.name in ("String", "ID") or name in _READ_BY_NUMBER or name.endswith("id"))


def _sample(schema: Schema, one: Given) -> str:
    """What is given where nothing better is known: a number or a word of those that it may be."""
    words = schema.enums.get(one.kind.name)
    return words[0] if words else _SAMPLES.get(one.kind.name, "")
