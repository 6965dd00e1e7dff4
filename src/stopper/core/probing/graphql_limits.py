"""How much one question to a door of GraphQL may ask for: queries inside queries, and many in one list."""

import json
from collections.abc import Iterator, Mapping
from typing import Final, cast

from stopper.core.exchange import Request
from stopper.core.finding import Evidence
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import GRAPHQL

DEEP: Final = 14
"""Levels of things inside things; clients of an API need four or five."""
MANY: Final = 20
"""Queries in one list."""
_PLAIN: Final = "{__typename}"


def without_limits(target: Target) -> Steps[tuple[str, str, list[Evidence]] | None]:
    """The door that answers whatever is asked of it at once, what it answers, and the exchanges; None where there is none."""
    for door in _doors(target):
        told, evidence = list[str](), list[Evidence]()
        small = yield from attempt(send(_asked(door, {"query": _PLAIN})))
        if small is None or not _answered(small.response.json()):
            continue
        many = yield from attempt(send(_asked(door, [{"query": _PLAIN}] * MANY)))
        said = many.response.json() if many is not None else None
        if many is not None and isinstance(said, list) and sum(map(_answered, cast("list[object]", said))) >= MANY:
            told.append(f"{MANY} queries in one request")
            evidence.append(Evidence("exchange", f"a list of {MANY} queries is answered in one request", many))
        schema = yield from attempt(send(Request("GET", f"{door}/__schema", (("Accept", "application/json"),))))
        text = deep_query(schema.response.json(), DEEP) if schema is not None else ""
        deep = (yield from attempt(send(_asked(door, {"query": text})))) if text else None
        if deep is not None and _answered(deep.response.json()):
            told.append(f"a query {DEEP} levels deep")
            evidence.append(Evidence("exchange", f"things inside things are answered {DEEP} levels deep", deep))
        if told:
            return (
                door,
                " and ".join(told),
                [Evidence("exchange", "control: a small query is answered", small), *evidence],
            )
    return None


def _doors(target: Target) -> list[str]:
    """Doors whose fields are known."""
    above = [route.path.rpartition("/")[0] for route in target.app.routes if not route.parameters]
    return [one for one in dict.fromkeys(above) if GRAPHQL.search(one)]


def _asked(door: str, body: object) -> Request:
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    return Request("POST", door, headers, json.dumps(body).encode(), "write")


def _answered(said: object) -> bool:
    answer = _mapping(said)
    return bool(answer.get("data")) and not answer.get("errors")


def deep_query(schema: object, deep: int) -> str:
    """A query of things that hold each other (``notes{author{notes{…}}}``), so many levels *deep*; an empty text where none do. It is left out when
    it is carried out (GraphQL 3.13.1), so that a server which takes it works out nothing."""
    types = {str(one.get("name")): one for one in _listed(_mapping(schema).get("types"))}
    root = types.get(str(_mapping(_mapping(schema).get("queryType")).get("name")), {})
    for field, kind in _parts(root):
        for way in _rounds(types, kind):
            names = [way[place % len(way)] for place in range(deep)]
            return (
                "{__typename "
                + field
                + " @skip(if: true)"
                + "".join(f"{{{name}" for name in names)
                + "{__typename}"
                + "}" * (deep + 1)
            )
    return ""


def _rounds(types: Mapping[str, Mapping[str, object]], start: str) -> Iterator[list[str]]:
    """The fields by which a thing comes to one of its own kind, by one other at most."""
    for first, kind in _parts(types.get(start, {})):
        if kind == start:
            yield [first]
        yield from ([first, second] for second, back in _parts(types.get(kind, {})) if back == start)


def _parts(one: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The fields of a kind that hold things and need nothing, with the kinds of those."""
    for field in _listed(one.get("fields")):
        kind, needs = (
            _mapping(field.get("type")),
            [_mapping(given.get("type")).get("kind") for given in _listed(field.get("args"))],
        )
        while kind.get("ofType"):
            kind = _mapping(kind.get("ofType"))
        if kind.get("kind") == "OBJECT" and "NON_NULL" not in needs:
            yield str(field.get("name")), str(kind.get("name"))


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _listed(value: object) -> list[Mapping[str, object]]:
    return [_mapping(one) for one in cast("list[object]", value)] if isinstance(value, list) else []
