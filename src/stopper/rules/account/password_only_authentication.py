"""A password that was guessed, phished or leaked elsewhere is enough to administer the application or to move money."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, cast

from stopper.core.account_names import LOGS_IN, checks_password_hash, is_password_name, said_name
from stopper.core.app import App, Route
from stopper.core.fact import Decorator, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.core.values import text_of, walk

_ADMIN: Final = re.compile(r"(?i)(^|[/_-])(admin|administration|back-?office|superuser|staff)([/_-]|$)")
_MONEY: Final = re.compile(
    r"(?i)(^|[/_-])(transfers?|payments?|payouts?|withdraw(als?)?|refunds?|wire|checkout|charges?)([/_-]|$)"
)
_READ_HERE: Final = frozenset({"source", "running"})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SECOND: Final = re.compile(
    r"(?i)(?<![a-z])[th]?otp(?![a-z])|pyotp|totp|(?<![a-z])mfa|2fa|two_?-?factor|second_?-?factor|multi_?-?factor|webauthn|passkey|fido|yubi|one_?-?time_?(code|password)|step_?-?up|duo_(client|web|universal)"
)
_ELSEWHERE: Final = (
    "authlib.integrations.flask_client", "flask_dance", "flask_oidc", "flask_saml2", "onelogin", "msal",
    "flask_pyoidc", "flask_security", "flask_appbuilder", "flask_cas", "flask_simpleldap", "flask_ldap3_login",
)  # fmt: skip
"""Where these are imported, somebody else logs people in, or a second factor comes with them."""


def detect(app: App) -> Iterator[Hit]:
    """A log-in by password, routes that administer or move money, and no word of a second factor; one finding an application."""
    # A document alone says nothing of a second factor that stands in front, or is asked for in a step of its own.
    routes = [one for one in app.routes if not _READ_HERE.isdisjoint(one.readers)]
    matters = next((one for one in routes if _matters(one)), None)
    logins = [one for one in routes if "POST" in one.methods and not one.parameters and _logs_in(one)]
    facts = source_of(app)
    if matters is None and (logins or facts.imports("flask_httpauth")):
        matters = _for_administrators(facts, routes)
    if matters is None or (not logins and not facts.imports("flask_httpauth")):
        return
    if _is_guarded(app, facts) or facts.imports(*_ELSEWHERE) or _has_second(app, facts):
        return
    index = index_of(facts)
    for route in sorted(logins, key=lambda one: (len(one.path), one.path)):
        if _by_password(facts, index, route):
            yield _hit(facts, route, matters)
            return
    for function in facts.functions() if facts.imports("flask_httpauth") else ():
        by_basic = any(one.name.endswith(".verify_password") for one in function.decorators)
        if by_basic and any(checks_password_hash(call) for call in facts.calls_in(function.name)):
            yield Hit(
                f"a password alone lets in with each request, and {matters.path} needs no second factor", function.span
            )
            return


def _matters(route: Route) -> bool:
    return bool(_ADMIN.search(route.path)) or (
        bool(_MONEY.search(route.path)) and not _WRITES.isdisjoint(route.methods)
    )


_ROLE: Final = re.compile(r"(?i)(?:user_?)?roles?|(?:access_?)?level|group")
_FOR_ADMINS: Final = re.compile(r"(?i)^_?(?:(?:require|only)_?admins?|(?:is_)?admins?_?(?:required|only|access))$")
_HIGH: Final = frozenset({"admin", "administrator", "superuser", "superadmin", "root"})


def _for_administrators(facts: SourceFacts, routes: list[Route]) -> Route | None:
    """A route that changes something and asks whether the caller is an administrator: ``if get_jwt()["role"] != "admin": abort(403)``."""
    for one in facts.comparisons("==", "!=", "in", "not in"):
        for held, wanted in ((one.left, one.right), (one.right, one.left)):
            if not _HIGH.isdisjoint(text_of(part) or "" for part in walk(wanted, 2)) and _ROLE.fullmatch(
                said_name(held)
            ):
                reached = {(ref.method, ref.path) for ref in facts.routes_reaching(one.function)}
                found = (
                    route
                    for route in routes
                    if any((method, route.path) in reached for method in _WRITES & set(route.methods))
                )
                if (first := next(found, None)) is not None:
                    return first
    paths = {
        route.path
        for route in facts.routes
        if not _WRITES.isdisjoint(route.methods) and any(map(_asks_for_one, (*route.decorators, *_above(facts, route))))
    }
    return next((one for one in routes if one.path in paths and not _WRITES.isdisjoint(one.methods)), None)


def _above(facts: SourceFacts, route: SourceRoute) -> Sequence[Decorator]:
    """What stands before the functions of a view class."""
    names = [f"{route.view}.{method.lower()}" for method in route.methods if method in _WRITES]
    return [one for name in names if (own := facts.function(name)) is not None for one in own.decorators]


def _asks_for_one(decorator: Decorator) -> bool:
    """``@admin_required``, ``@roles_required("admin")``, ``@auth.login_required(role="admin")``"""
    if _FOR_ADMINS.search(decorator.name.rpartition(".")[2]):
        return True
    call = decorator.call
    given = (*call.args, *(value for _, value in call.keywords)) if call is not None else ()
    asks = "required" in decorator.name or "role" in decorator.name
    return asks and any(not _HIGH.isdisjoint({text_of(part) or ""}) for value in given for part in walk(value, 2))


def _logs_in(route: Route) -> bool:
    return bool(LOGS_IN.search(route.path) or LOGS_IN.search(route.view.rpartition(".")[2]))


def _is_guarded(app: App, facts: SourceFacts) -> bool:
    """Stopper is used, its samples and its faces of other libraries aside: where it is, its guard says who needs a second factor. The running application shows its
    policies, wherever it is imported from."""
    policies = (guard for route in app.routes for access in route.access.values() for guard in access.guards)
    return any(guard.kind == "policy" for guard in policies) or any(
        one == "stopper" or (one.startswith("stopper.") and not one.startswith(("stopper.demo", "stopper.compat")))
        for one in facts.imported
    )


def _has_second(app: App, facts: SourceFacts) -> bool:
    names = chain(
        (f"{one.path} {one.view} {one.endpoint} {' '.join(one.fields)}" for one in app.routes),
        app.config,
        facts.imported,
        (one.name for one in facts.functions()),
        (one.key for one in facts.readings()),
        (one.key for one in facts.config_writes()),
    )
    return any(_SECOND.search(name) for name in names)


def _by_password(facts: SourceFacts, index: FunctionIndex, route: Route) -> bool:
    """The view reads a password or checks one; without the source, the fields of the route say it."""
    if any(is_password_name(one) for one in route.fields) or _asks_in_schema(route):
        return True
    functions = [one.name for one in index.of_view(route.view, route.span, method="POST")]
    names = set(index.calling(functions, 2))
    if not names:
        return False
    return any(one.function in names and is_password_name(one.key) for one in facts.readings()) or any(
        checks_password_hash(call) for name in names for call in facts.calls_in(name)
    )


def _asks_in_schema(route: Route) -> bool:
    properties = route.request_schema.get("properties") if route.request_schema else None
    return isinstance(properties, dict) and any(
        is_password_name(one) for one in cast("Mapping[str, object]", properties)
    )


def _hit(facts: SourceFacts, route: Route, matters: Route) -> Hit:
    message = f"a password alone lets in at {route.path}, and {matters.path} needs no second factor"
    ref = RouteRef("POST", route.path)
    told = next((one for one in facts.routes if one.path == route.path and "POST" in one.methods), None)
    if told is not None:
        return Hit(message, told.registered_at, ref)
    if route.span is None:
        return Hit(message, route=ref, reader="running")
    return Hit(message, replace(route.span, end_line=route.span.line, end_column=route.span.column + 1), ref)


RULE = Rule(
    slug="password-only-authentication",
    family="account",
    title="Password alone opens sensitive functions",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(308, 309),
    owasp="API2:2023",
    asvs=("V6.3.3",),
    surfaces=("source",),
    ends="Stopper's guard `mfa` asks for two kinds of factor on the routes that matter.",
    certainty="possible",
    detect=detect,
)
