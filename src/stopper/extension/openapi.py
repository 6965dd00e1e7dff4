"""Policies in an OpenAPI 3 document: which credentials each operation takes and which scopes. They come from the guard, never from a hand."""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from flask import Flask
from werkzeug.routing import Rule

from stopper.auth.policy import Policy
from stopper.core.errors import SettingError
from stopper.extension import settings as setting
from stopper.extension.door import Doors, shown_methods
from stopper.extension.guard import Guard, guard_of
from stopper.extension.session_cookie import cookies_for

Document = dict[str, Any]
_ARGUMENT: Final = re.compile(r"<[^<>]*>|\{[^{}]*\}")


def with_security(flask: Flask, document: Mapping[str, Any]) -> Document:
    """A copy of *document* in which every operation that *flask* answers says who may pass.

    Works on what apispec (``spec.to_dict()``), flask-smorest and APIFlask make. An open door says ``security: []``; what the document said
    before of such operations is replaced. Scopes stand in ``x-required-scopes``, and from OpenAPI 3.1 on beside their scheme too. Raises SettingError for Swagger 2.
    """
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        raise SettingError("with_security() takes an OpenAPI 3 document, one whose member openapi begins with 3")
    guard = guard_of(flask)
    made: Document = copy.deepcopy(dict(document))
    policies: dict[tuple[str, str], list[Policy]] = {}
    for rule, verb, declared in _doors(flask, guard.doors):
        policies.setdefault((_shape(rule.rule), verb), []).append(declared)
    base = _base(made)
    used: set[str] = set()
    for path, operations in cast("dict[str, Document]", made.get("paths", {})).items():
        for method, operation in operations.items():
            policy = _only(policies, base, path, method.upper())
            if policy is not None:
                used |= policy.kinds
                operation.update(_said(policy, named=not version.startswith("3.0")))
    if used:
        schemes = made.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes.update({kind: scheme for kind, scheme in _schemes(guard, version).items() if kind in used})
    return made


def _doors(flask: Flask, doors: Doors) -> "list[tuple[Rule, str, Policy]]":
    found = (
        (rule, method, doors.find(rule.endpoint, method).policy)
        for rule in flask.url_map.iter_rules()
        for method in shown_methods(rule)
    )
    return [(rule, method, policy) for rule, method, policy in found if policy is not None]


def _only(policies: Mapping[tuple[str, str], list[Policy]], base: str, path: str, method: str) -> Policy | None:
    found = policies.get((_shape(base + path), method), policies.get((_shape(path), method), []))
    if not all(policy.same_as(found[0]) for policy in found[1:]):
        different = " and ".join(sorted({policy.text for policy in found}))
        raise SettingError(
            f"{method} {path} is several routes with different policies, {different}; give them paths of their own"
        )
    return found[0] if found else None


def _shape(path: str) -> str:
    """*path* with nothing of its arguments but their places: libraries rename them."""
    return _ARGUMENT.sub("{}", path)


def _base(document: Document) -> str:
    servers = cast("list[Document]", document.get("servers") or [{}])
    url: object = servers[0].get("url")
    return url.rstrip("/") if isinstance(url, str) and url.startswith("/") else ""


def _said(policy: Policy, *, named: bool) -> Document:
    scopes = sorted({name for part in policy.requirements for name in part.scopes})
    security = [{kind: scopes if named else [] for kind in sorted(kinds)} for kinds in policy.alternatives]
    return {"security": security, **({"x-required-scopes": scopes} if scopes else {})}


def _schemes(guard: Guard, version: str) -> Mapping[str, Document]:
    settings = guard.settings
    cookie = cookies_for(guard.mode, settings.get(setting.ISSUER)).session
    # OpenAPI 3.0 has no word for mutual TLS.
    tls = {"type": "http", "scheme": "mutual"} if version.startswith("3.0") else {"type": "mutualTLS"}
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "api_key": {"type": "apiKey", "in": "header", "name": settings.get(setting.API_KEY_HEADER)},
        "browser_session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "client_certificate": tls,
    }
