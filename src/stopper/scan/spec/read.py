"""Reads an OpenAPI 3.0 or 3.1 or Swagger 2 document, JSON or YAML, or a Postman collection, into routes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, cast
from urllib.parse import urlsplit

import yaml

from stopper.core.app import Reply, Route, SecurityScheme, Spec
from stopper.core.errors import UsageError
from stopper.scan.plain_yaml import load_yaml
from stopper.scan.spec.body_example import shown_body, with_example
from stopper.scan.spec.postman import is_collection, read_collection
from stopper.scan.spec.postman_variables import is_example
from stopper.scan.spec.refs import Document

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
READS: Final = frozenset({"get", "head", "options"})
TEXT_CAP: Final = 20 * 1024 * 1024
_KINDS: Final = {"integer": "int", "number": "float", "string": "string"}


def read_spec(text: str, origin: str) -> tuple[Spec, tuple[Route, ...]]:
    """What the document says. ``origin`` is where it came from, for messages. Raises UsageError, one line, when it is no such document.

    Servers of the document give a path prefix and nothing else: a document never turns a scan to another host.
    """
    root = _parsed(text, origin)
    if is_collection(root):
        return read_collection(root, origin)
    document = Document(root)
    _check(document, origin)
    schemes = dict(_schemes(document))
    info = document.mapping(document.root.get("info"))
    spec = Spec(
        title=str(info.get("title") or ""),
        version=str(document.root.get("openapi") or document.root.get("swagger")),
        origin=origin,
        schemes=schemes,
        servers=tuple(_servers(document)),
        document=document.written_out(),
        prefix=prefix_of(tuple(_servers(document))),
    )
    return spec, tuple(_routes(document, prefix_of(spec.servers)))


def _parsed(text: str, origin: str) -> Mapping[str, object]:
    if len(text) > TEXT_CAP:
        raise UsageError(f"{origin} is larger than 20 MiB; that is no OpenAPI document")
    try:
        found: object = json.loads(text)
    except ValueError:
        found = _yaml(text, origin)
    except RecursionError:
        raise UsageError(f"{origin} is nested too deeply for an OpenAPI document") from None
    if not isinstance(found, dict):
        raise UsageError(f"{origin} is no OpenAPI document: an object with 'openapi' or 'swagger' is expected")
    return cast("Mapping[str, object]", found)


def _yaml(text: str, origin: str) -> object:
    try:
        return load_yaml(text)
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        last = max(1, len(text.splitlines()))  # where a text ends too early, libyaml counts a line more
        where = f" at line {min(mark.line + 1, last)}" if mark is not None else ""
        raise UsageError(f"{origin} is neither JSON nor YAML{where}; give an OpenAPI document") from None
    except (ValueError, RecursionError, TypeError):
        raise UsageError(f"{origin} cannot be read as YAML; give an OpenAPI document") from None


def _check(document: Document, origin: str) -> None:
    said = document.root.get("openapi"), document.root.get("swagger")
    modern = isinstance(said[0], str) and re.match(r"3\.[01]\b", said[0])
    if not modern and str(said[1]) != "2.0":
        shown = said[0] if said[0] is not None else said[1]
        raise UsageError(f"{origin} says version {str(shown)[:20]!r}; OpenAPI 3.0 or 3.1 or Swagger 2.0 is read")
    if not isinstance(document.root.get("paths", {} if modern else None), dict):
        raise UsageError(f"{origin} has no 'paths' that could be read")


def _servers(document: Document) -> Iterator[str]:
    base = document.root.get("basePath")
    if isinstance(base, str):
        yield base
    servers = document.root.get("servers")
    for server in cast("list[object]", servers) if isinstance(servers, list) else ():
        url = document.mapping(server).get("url")
        if isinstance(url, str):
            yield _filled(url, document.mapping(document.mapping(server).get("variables")), document)


def _filled(url: str, variables: Mapping[str, object], document: Document) -> str:
    """The address with its variables at their defaults (OpenAPI 3.1, 4.8.6)."""
    for name, said in variables.items():
        default = document.mapping(said).get("default")
        if isinstance(default, str):
            url = url.replace(f"{{{name}}}", default)
    return url


def prefix_of(servers: tuple[str, ...]) -> str:
    """The path that stands before every path of the document: that of its first server."""
    if not servers:
        return ""
    try:
        path = urlsplit(servers[0]).path.rstrip("/")
    except ValueError:
        return ""
    return "" if "{" in path else ("/" + path.lstrip("/") if path else "")


def _schemes(document: Document) -> Iterator[tuple[str, SecurityScheme]]:
    modern = document.mapping(document.mapping(document.root.get("components")).get("securitySchemes"))
    for name, node in (modern or document.mapping(document.root.get("securityDefinitions"))).items():
        said = document.mapping(node)
        kind = str(said.get("type") or "")
        if kind == "http":
            kind = f"http {said.get('scheme') or ''}".strip().lower()
        yield name, SecurityScheme(name, kind, str(said.get("in") or ""), str(said.get("name") or ""))


def _routes(document: Document, prefix: str) -> Iterator[Route]:
    """One route for the methods of a path that ask for the same security; reading and writing ones stay apart, those that write different bodies too,
    and a DELETE whose query says what is meant."""
    everywhere = document.root.get("security")
    for path, node in document.mapping(document.root.get("paths")).items():
        if not path.startswith("/"):
            continue
        item = document.mapping(node)
        groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for method in METHODS:
            if isinstance(item.get(method), Mapping):
                operation = document.mapping(item[method])
                told = method == "delete" and any(
                    one.get("in") == "query" for one in _parameters(document, item, operation)
                )
                kind = "delete" if told else "read" if method in READS else f"write {_said(document, item, method)}"
                key = (_security(operation.get("security", everywhere)), kind)
                groups.setdefault(key, []).append(method)
        for (security, _), methods in groups.items():
            scopes = {
                method.upper(): scopes_of(document.mapping(item[method]).get("security", everywhere))
                for method in methods
            }
            route = _route(document, prefix + path, item, methods, security)
            yield replace(route, spec_scopes={method: found for method, found in scopes.items() if found})


def _said(document: Document, item: Mapping[str, object], method: str) -> str:
    """The names of the members of the body that the method takes; empty where it takes none."""
    operation = document.mapping(item[method])
    body = _body(document, operation, _parameters(document, item, operation)) or {}
    return " ".join(sorted(document.mapping(body.get("properties"))))


def _route(
    document: Document, path: str, item: Mapping[str, object], methods: list[str], security: tuple[str, ...]
) -> Route:
    kinds: dict[str, str] = {}
    examples: dict[str, str] = {}
    names: list[str] = []
    optional: list[str] = []
    schema: Mapping[str, object] | None = None
    form = False
    for method in methods:
        operation = document.mapping(item.get(method))
        form = form or _only_form(document, operation, _parameters(document, item, operation))
        for parameter in _parameters(document, item, operation):
            name, where = str(parameter.get("name") or ""), parameter.get("in")
            if where in ("path", "query") and (shown := _example(document, parameter)):
                examples.setdefault(name, shown)
            if where == "path":
                kinds[name] = _kind(document, parameter)
            elif where == "query":
                (names if parameter.get("required") is True else optional).append(name)
        schema = schema or _body(document, operation, _parameters(document, item, operation))
    named = re.findall(r"\{([^{}]+)\}", path)
    return Route(
        path=path,
        methods=tuple(method.upper() for method in methods),
        parameters=tuple((name, kinds.get(name, "string")) for name in named),
        readers=frozenset({"spec"}),
        fields=tuple(dict.fromkeys(names)) if set(methods) <= READS or methods == ["delete"] else (),
        optional=tuple(dict.fromkeys(optional)) if set(methods) <= READS or methods == ["delete"] else (),
        request_schema=schema,
        examples=examples,
        takes_form=form,
        spec_security=security,
        spec_says={method.upper(): text for method in methods if (text := _words(document.mapping(item.get(method))))},
        spec_replies={
            method.upper(): said
            for method in methods
            if (said := _replies(document, document.mapping(item.get(method))))
        },
    )


WORDS: Final = 400
"""Characters of what a document says of an operation that are kept."""


def _words(operation: Mapping[str, object]) -> str:
    """What a document says of an operation in words."""
    told = [operation.get(name) for name in ("summary", "description")]
    return " ".join(" ".join(one.split()) for one in told if isinstance(one, str))[:WORDS]


def _replies(document: Document, operation: Mapping[str, object]) -> dict[str, Reply]:
    responses = operation.get("responses")
    if not isinstance(responses, Mapping):
        return {}
    found: dict[str, Reply] = {}
    for status, node in cast("Mapping[object, object]", responses).items():
        said = document.mapping(node)
        content = document.mapping(said.get("content"))
        kind = next((one for one in content if "json" in one), None)
        schema = document.mapping(content[kind]).get("schema") if kind is not None else said.get("schema")
        headers = tuple(name.lower() for name in document.mapping(said.get("headers")))
        found[str(status)] = Reply(headers, document.expanded(schema) if schema is not None else None)
    return found


def _parameters(document: Document, *holders: Mapping[str, object]) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for holder in holders:
        said = holder.get("parameters")
        found.extend(document.mapping(one) for one in (cast("list[object]", said) if isinstance(said, list) else ()))
    return found


def _kind(document: Document, parameter: Mapping[str, object]) -> str:
    schema = document.mapping(parameter.get("schema")) or parameter
    if schema.get("format") == "uuid":
        return "uuid"
    return _KINDS.get(str(schema.get("type")), "string")


def _example(document: Document, parameter: Mapping[str, object]) -> str:
    """The value that a document shows for a parameter; empty where it shows none, or what looks like a credential."""
    schema = document.mapping(parameter.get("schema"))
    several = document.mapping(parameter.get("examples"))
    first = document.mapping(next(iter(several.values()), None))
    known = (parameter.get("example"), parameter.get("x-example"), first.get("value"), schema.get("example"))
    shown = next((one for one in (*known, parameter.get("default"), schema.get("default")) if one is not None), None)
    if not isinstance(shown, (str, int)) or isinstance(shown, bool):
        return ""
    return str(shown) if is_example(str(parameter.get("name") or ""), str(shown)) else ""


def _body(
    document: Document, operation: Mapping[str, object], parameters: list[Mapping[str, object]]
) -> Mapping[str, object] | None:
    content = document.mapping(document.mapping(operation.get("requestBody")).get("content"))
    for kind in sorted(content, key=lambda kind: "json" not in kind):
        media = document.mapping(content[kind])
        schema, shown = media.get("schema"), shown_body(document, media)
        if schema is not None or shown:
            return with_example(in_one(document.expanded(schema or {"type": "object"})), shown)
    for parameter in parameters:
        if parameter.get("in") == "body":
            return with_example(in_one(document.expanded(parameter.get("schema"))), {})
    form = {str(one.get("name")): document.expanded(one) for one in parameters if one.get("in") == "formData"}
    return {"type": "object", "properties": form} if form else None


def in_one(schema: Mapping[str, object]) -> Mapping[str, object]:
    """The schema of an object that is put together (``allOf``) as one: who asks for the members of a body finds all of them."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    every = [
        in_one(cast("Mapping[str, object]", one)) for one in cast("list[object]", parts) if isinstance(one, Mapping)
    ]
    every.append({name: value for name, value in schema.items() if name != "allOf"})
    known = [one.get("properties") for one in every]
    members = {
        name: value
        for one in known
        if isinstance(one, Mapping)
        for name, value in cast("Mapping[str, object]", one).items()
    }
    wanted = [
        name
        for one in every
        for name in cast("list[object]", one.get("required") or [])
        if isinstance(one.get("required"), list)
    ]
    if not members:
        return schema
    whole = {name: value for one in every for name, value in one.items()}
    return {**whole, "type": "object", "properties": members, **({"required": wanted} if wanted else {})}


def _only_form(document: Document, operation: Mapping[str, object], parameters: list[Mapping[str, object]]) -> bool:
    """Whether the body is a form and there is no way to send it as JSON."""
    content = document.mapping(document.mapping(operation.get("requestBody")).get("content"))
    if content:
        return all("form" in kind for kind in content)
    places = [parameter.get("in") for parameter in parameters]
    return "formData" in places and "body" not in places


def _security(said: object) -> tuple[str, ...]:
    """The names of the schemes that a request must satisfy. An empty alternative makes it optional, so nothing is demanded."""
    if not isinstance(said, list):
        return ()
    names: list[str] = []
    for alternative in cast("list[object]", said):
        if not isinstance(alternative, dict) or not alternative:
            return ()
        names.extend(str(name) for name in cast("dict[object, object]", alternative))
    return tuple(dict.fromkeys(names))


def scopes_of(said: object) -> tuple[str, ...]:
    """The scopes that a request must have whichever alternative it fulfils."""
    every: list[dict[str, None]] = []
    for alternative in cast("list[object]", said) if isinstance(said, list) else []:
        lists = list(cast("dict[object, object]", alternative).values()) if isinstance(alternative, dict) else []
        every.append(
            {str(scope): None for one in lists if isinstance(one, list) for scope in cast("list[object]", one)}
        )
    return tuple(scope for scope in (every[0] if every else {}) if all(scope in one for one in every))
