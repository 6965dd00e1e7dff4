"""Reads a Postman collection (v2.0, v2.1) into routes. Its credentials stay in it: no value of an auth block, a header, a secret variable or
a sensitive field is taken over, so none can be sent or shown."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import Route, SecurityScheme, Spec
from stopper.core.errors import UsageError
from stopper.core.redactor import is_sensitive_name
from stopper.scan.merge import shape
from stopper.scan.spec.postman_body import body_schema
from stopper.scan.spec.postman_path import path_of
from stopper.scan.spec.postman_secrets import secrets_of
from stopper.scan.spec.postman_variables import Variables, entries, list_of, mapping_of

ITEMS_MOST: Final = 10_000
"""Requests and folders that are read; a collection with more has lost its way."""
_SHOWS: Final = re.compile(r"(?i)(^|[-_])(auth\w*|token|api-?key|apikey|access-?key|session(-?id)?)$")
"""Headers in which a credential stands."""
_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"})
WORDS: Final = 400
"""Characters of what a collection says of a request that are kept."""
_WORD: Final = re.compile(r"[(\[]?[A-Za-z][a-z'-]{0,18}[)\],.:;]{0,2}|[:-]")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class _Call:
    """One request of the collection with what its folders hand down."""

    request: object
    auth: object
    variables: Variables
    name: str = ""


def is_collection(root: Mapping[str, object]) -> bool:
    """Whether a parsed file is a collection, also one as Postman's own interface wraps it."""
    inner = _unwrapped(root)
    return "openapi" not in inner and "swagger" not in inner and (_says_so(inner) or _is_old(inner))


def read_collection(root: Mapping[str, object], origin: str) -> tuple[Spec, tuple[Route, ...]]:
    """What the collection says. Raises UsageError, one line, for the format before version 2.

    A host in it is never asked: only the paths are taken. What its author sends is no statement of what the API demands, so
    no route is said to be public or closed; the kinds of its credentials are kept, with folders' ones handed down.
    """
    inner = _unwrapped(root)
    if _is_old(inner):
        raise UsageError(f"{origin} is a Postman collection of version 1; export it as v2.1")
    calls = list(_calls(inner))
    spec = Spec(
        title=str(mapping_of(inner.get("info")).get("name") or ""),
        version="Postman collection",
        origin=origin,
        schemes={scheme.name: scheme for call in calls if (scheme := _scheme(call)) is not None},
    )
    return spec, _routes(calls)


def _unwrapped(root: Mapping[str, object]) -> Mapping[str, object]:
    inner = mapping_of(root.get("collection"))
    return inner if "item" in inner or "info" in inner else root


def _says_so(inner: Mapping[str, object]) -> bool:
    return isinstance(inner.get("item"), list) and isinstance(inner.get("info"), Mapping)


def _is_old(inner: Mapping[str, object]) -> bool:
    return isinstance(inner.get("requests"), list) and isinstance(inner.get("order"), list)


def _calls(inner: Mapping[str, object]) -> Iterator[_Call]:
    """Every request in the order of the collection; a folder hands its auth and variables down."""
    waiting = [(inner, cast("object", None), Variables(secrets=secrets_of(inner)))]
    for _ in range(ITEMS_MOST):
        if not waiting:
            return
        node, inherited, variables = waiting.pop()
        variables = variables.with_more(node.get("variable"))
        auth = node.get("auth") or inherited
        if (request := node.get("request")) is not None:
            yield _Call(request, mapping_of(request).get("auth") or auth, variables, str(node.get("name") or ""))
        children = [mapping_of(one) for one in list_of(node.get("item"))]
        waiting.extend((child, auth, variables) for child in reversed(children))


def _routes(calls: list[_Call]) -> tuple[Route, ...]:
    """One route for each method of each path; the first request of several tells what is sent."""
    spelled: dict[str, str] = {}
    found: dict[tuple[str, str], Route] = {}
    for call in calls:
        route = _route(call)
        if route is None:
            continue
        path = spelled.setdefault(shape(route.path), route.path)
        if path == route.path:
            found.setdefault((path, route.methods[0]), route)
        else:
            names = [name for name, _ in route.parameters]
            kept = next(one for one in found.values() if one.path == path)
            same = replace(route, path=path, parameters=kept.parameters if names else ())
            found.setdefault((path, route.methods[0]), same)
    return tuple(found.values())


def _route(call: _Call) -> Route | None:
    request = mapping_of(call.request)
    url = request.get("url") if request else call.request
    method = str(request.get("method") or "GET").upper()
    path = path_of(url, call.variables)
    if method not in _METHODS or path is None:
        return None
    return Route(
        path=path.template,
        methods=(method,),
        parameters=path.parameters,
        readers=frozenset({"spec"}),
        examples=path.examples,
        spec_says={method: _plain_words(call.name, request.get("description"))},
        fields=tuple(name for name in path.query if not is_sensitive_name(name)) if method in _READS else (),
        request_schema=None if method in _READS else body_schema(request.get("body"), call.variables),
    )


def _plain_words(*told: object) -> str:
    """What a request is called and described by, as far as that are words: neither an address nor a credential is one."""
    said = " ".join(one for one in told if isinstance(one, str))[: 4 * WORDS]
    return " ".join(word for word in said.split() if _WORD.fullmatch(word))[:WORDS]


def _scheme(call: _Call) -> SecurityScheme | None:
    """The kind of credential that a request shows, without the credential."""
    auth = mapping_of(call.auth)
    kind = str(auth.get("type") or "").lower()
    if kind in ("", "noauth"):
        return _by_hand(call)
    if kind in ("bearer", "jwt"):
        return SecurityScheme("bearer", "http bearer")
    if kind in ("basic", "digest"):
        return SecurityScheme(kind, f"http {kind}")
    if kind == "oauth2":
        return SecurityScheme("oauth2", "oauth2")
    if kind != "apikey":
        return None
    said = {name: str(value) for name, value in entries(auth.get("apikey"))}
    name = call.variables.filled(said.get("key", ""))
    where = "query" if said.get("in") == "query" else "header"
    return SecurityScheme(f"apikey {name}", "apiKey", where, name) if _is_sound(name) else None


def _is_sound(name: str) -> bool:
    return bool(name) and len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _by_hand(call: _Call) -> SecurityScheme | None:
    """The header in which a request shows a credential that nothing but its name speaks of; its value is not looked at."""
    for header in list_of(mapping_of(call.request).get("header")):
        name = str(mapping_of(header).get("key") or "").strip()
        if name.lower() != "authorization" and _SHOWS.search(name) and _is_sound(name):
            return SecurityScheme(f"apikey {name}", "apiKey", "header", name)
    return None
