"""A token, session or key that was stolen stays good: nobody can end it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import RouteRef, Span
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.ways_out import ends_by_deed, gives_a_key

_LOGIN: Final = re.compile(
    r"(?i)(^|[/_-])(log-?_?in|sign-?_?in|authenticate|auth|tokens?|sessions?|obtain-?token)(/(json|password))?/?$"
)
_KEYS: Final = re.compile(r"(?i)(^|/)(api[-_]?)?keys/?$")
_OUT: Final = re.compile(
    r"(?i)log[-_]?out|log[-_]?off|sign[-_]?o(?:ut|ff)|revo[kc]|invalidat|disable|deactivat|blacklist|blocklist|end[-_]?session|terminate|destroy"
)
_API: Final = re.compile(r"(?i)(^|/)(api|rest|v\d+)(/|$)")
_ISSUES: Final = ("jwt.encode", "jose.jwt.encode", "authlib.jose.jwt.encode", "joserfc.jwt.encode", "flask_jwt_extended.create_access_token", "flask_jwt_extended.create_refresh_token", "flask_login.login_user", "secrets.token_urlsafe", "secrets.token_hex")  # fmt: skip
_BY_PROVIDERS: Final = ("*.authorize_access_token", "*.fetch_token", "*.acquire_token_by_authorization_code", "*.acquire_token_by_auth_code_flow", "*.authorized_response")  # fmt: skip
"""How Authlib, Requests-OAuthlib, MSAL and Flask-OAuthlib take somebody in who comes back from a provider."""
_WHO: Final = re.compile(r"(?i)user|email|sub|account|profile|login|name|person|member|^id$")
_BUILT_IN: Final = ("flask_security", "flask_user", "flask_praetorian", "stopper", "flask_appbuilder", "flask_dance")


def detect(app: App) -> Iterator[Hit]:
    """A log-in or a route that gives out keys, in an application without a route that takes them back."""
    facts = source_of(app)
    if facts.imports(*_BUILT_IN) or any(name.startswith("flask-security") for name in app.dependencies):
        return
    routes = app.routes
    ways_out = [route for route in routes if _takes_back(route) or ends_by_deed(app, route)]
    if not routes or any(not _is_linked(route) for route in ways_out) or _ends_session(facts):
        return
    for route in routes:
        if "POST" not in route.methods or route.parameters or _is_linked(route):
            continue  # a crawl sees what is linked: that it came by no way out says nothing
        if any(_of_api(out) or not _of_api(route) for out in ways_out):
            continue  # a page's way out ends the session of pages; tokens of an API beside them it does not end
        if _LOGIN.search(route.path) and _issues(facts, route):
            yield _hit(route, "nothing ends what is given out at")
            return
        if _KEYS.search(route.path) or gives_a_key(app, route):
            yield _hit(route, "nothing revokes the keys that are made at")
            return
    begun = next((route for route in routes if _begins_by_provider(facts, route)), None) if not ways_out else None
    if begun is not None:
        yield _hit(begun, "nothing ends the session that begins at")


def _begins_by_provider(facts: SourceFacts, route: Route) -> bool:
    """The way back from a provider of log-ins, at which a session of the application's own begins."""
    asked = {call.function for call in facts.calls(*_BY_PROVIDERS)}
    begins = {flow.function for flow in facts.flows("session") if _WHO.search(flow.detail)} if asked else set[str]()
    begins |= {call.function for call in facts.calls("flask_login.login_user")} if asked else set()
    return "GET" in route.methods and any(
        RouteRef("GET", route.path) in facts.routes_reaching(name) for name in asked & begins
    )


def _is_linked(route: Route) -> bool:
    """That only a crawl came by it."""
    return route.readers == frozenset({"wire"})


def _of_api(route: Route) -> bool:
    return _API.search(route.path) is not None


def _hit(route: Route, message: str) -> Hit:
    ref = RouteRef("POST" if "POST" in route.methods else "GET", route.path)
    span: Span | None = route.span
    if span is None:
        return Hit(f"{message} {ref}", route=ref, reader="spec" if route.readers == frozenset({"spec"}) else "running")
    place = replace(span, end_line=span.line, end_column=span.column + 1)
    return Hit(f"{message} {ref}", place, ref, reader=None if "source" in route.readers else "running")


def _takes_back(route: Route) -> bool:
    """A name that says so, or a DELETE on sessions, tokens or keys."""
    if _OUT.search(route.path) or _OUT.search(route.view.rpartition(".")[2]) or _OUT.search(route.endpoint):
        return True
    return "DELETE" in route.methods and re.search(r"(?i)session|token|key|auth|login", route.path) is not None


def _ends_session(facts: SourceFacts) -> bool:
    """By a log-out somewhere; what a log-in clears, before it writes into the session, ends nothing that it gives out."""
    begins = {flow.function for flow in facts.flows("session")} | {
        call.function for call in facts.calls("flask_login.login_user")
    }
    return any(True for _ in facts.calls("flask_login.logout_user")) or any(
        call.function not in begins for call in facts.calls("flask.session.clear")
    )


def _issues(facts: SourceFacts, route: Route) -> bool:
    """The source, where there is one, gives out a token or session; without it the name of the route decides."""
    if not facts.files:
        return True
    return any(True for _ in facts.calls(*_ISSUES)) or any(flow.sink == "session" for flow in facts.flows("session"))


RULE = Rule(
    slug="revocation-route-missing",
    family="account",
    title="No route for logout, revocation or disabling a key",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.1",),
    surfaces=("source", "running"),
    ends="Stopper's service has `POST /auth/logout`, `DELETE /auth/sessions` and `POST /oauth/revoke`.",
    certainty="likely",
    detect=detect,
)
