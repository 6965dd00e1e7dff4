"""The OpenAPI 3.1 document of the mounted endpoints, made from the list that mounted them."""

import re
from collections.abc import Mapping
from typing import Final

from stopper.auth.policy import Policy
from stopper.extension.binding import MAX_PROOF
from stopper.service.body import MAX_ITEM, Field
from stopper.service.endpoint import Endpoint

_SCHEMES: Final[Mapping[str, tuple[str, dict[str, str]]]] = {
    "bearer": ("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
    "api_key": ("apiKey", {"type": "apiKey", "in": "header", "name": "X-API-Key"}),
}
_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request cannot be read, or a field is wrong.",
    "401": "No credential, or one that does not hold.",
    "403": "The credential does not allow this.",
    "404": "There is nothing of that id, or it is somebody else's.",
    "413": "The body is too long.",
    "415": "The body is not of the kind that this endpoint reads.",
    "429": "Too many attempts; Retry-After says when to come back.",
    "503": "A store does not answer; nothing was done.",
}


def document(
    endpoints: tuple[Endpoint, ...], schemas: Mapping[str, object], *, title: str, version: str, url: str
) -> dict[str, object]:
    """The document. *url* is where clients reach the service."""
    paths: dict[str, dict[str, object]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    kinds = {kind for endpoint in endpoints for kind in endpoint.guard.kinds}
    used = {endpoint.answers for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "securitySchemes": {name: scheme for kind, (name, scheme) in _SCHEMES.items() if kind in kinds},
            "schemas": {**{name: schemas[name] for name in sorted(used) if name}, "Problem": _PROBLEM},
            "responses": {
                f"Refused{status}": {
                    "description": text,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, text in _REFUSALS.items()
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, object]:
    good: dict[str, object] = {"description": "Done."}
    if endpoint.answers:
        schema = {"$ref": f"#/components/schemas/{endpoint.answers}"}
        good["content"] = {"application/json": {"schema": schema}}
    refused = {status: {"$ref": f"#/components/responses/Refused{status}"} for status in _refusals(endpoint)}
    operation: dict[str, object] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "security": _security(endpoint.guard),
        "responses": {str(endpoint.success): good, **refused},
    }
    parts: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    if endpoint.binds:
        parts.append(_PROOF)
    if parts:
        operation["parameters"] = parts
    if endpoint.fields:
        kind = "application/x-www-form-urlencoded" if endpoint.form else "application/json"
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": _body(endpoint)}}}
    return operation


_PROOF: Final[dict[str, object]] = {
    "name": "DPoP",
    "in": "header",
    "description": "A DPoP proof (RFC 9449): the tokens are bound to its key.",
    "schema": {"type": "string", "maxLength": MAX_PROOF},
}


def _refusals(endpoint: Endpoint) -> list[str]:
    found = {"400"}
    if not endpoint.guard.is_public or endpoint.name in ("login", "refresh"):
        found.add("401")
    if not endpoint.guard.is_public:
        found.add("403")
    if "{" in endpoint.path:
        found.add("404")
    if endpoint.fields is not None:
        found |= {"413", "415"}
    if endpoint.throttled:
        found.add("429")
    if endpoint.stored:
        found.add("503")
    return sorted(found)


def _security(policy: Policy) -> list[dict[str, list[str]]]:
    return [{_SCHEMES[kind][0]: [] for kind in sorted(kinds) if kind in _SCHEMES} for kinds in policy.alternatives]


def _body(endpoint: Endpoint) -> dict[str, object]:
    fields = endpoint.fields or ()
    return {
        "type": "object",
        # An OAuth endpoint passes over what it does not know (RFC 6749 §3.2).
        "additionalProperties": endpoint.form,
        "required": [field.name for field in fields if field.required],
        "properties": {field.name: _property(field) for field in fields},
    }


def _property(field: Field) -> dict[str, object]:
    found: dict[str, object] = {"type": "string", "maxLength": field.longest}
    if field.kind == "number":
        found = {"type": "integer", "minimum": 1, "maximum": field.longest}
    elif field.kind == "texts":
        found = {
            "type": "array",
            "maxItems": field.longest,
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_ITEM},
        }
    if field.format:
        found["format"] = field.format
    if field.doc:
        found["description"] = field.doc
    return found


_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"field": {"type": "string"}, "message": {"type": "string"}}},
        },
    },
}
