"""Which routes are for everybody: by the words of a path, by what they do, by what the document says."""

import re
from typing import Final

from stopper.core.account_names import is_clear_password, is_password_name
from stopper.core.app import App, Route
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.naming import HUMP
from stopper.core.people.registering_views import registers_somebody

_PUBLIC: Final = re.compile(
    r"(?i)(^|[/_.-])(log-?in|log-?out|sign-?(in|up|out)|register|registration|auth|authorize|oauth\d?|oidc|saml|sso|callback|tokens?|"
    r"refresh|session|password|forgot|reset|recover|recovery|(?:send|resend|request)[_-](?:code|otp|link|mail|e-?mail|user_?name)|check[_-](?:[a-z]+[_-]){0,3}(?:availab\w+|exist\w*|taken|e-?mail)|confirm|confirmation|verify|verification|activate|activation|invite|invitation|unsubscribe|health\w*|"
    r"ready|readiness|live|liveness|ping|status|version|metrics|docs?|swagger\w*|openapi\w*|redoc|static|assets|favicon|robots|"
    r"sitemap|well-known|csrf|captcha|public|shared?|setup|install|contact|feedback|newsletter|subscribe|search|webhooks?|hooks?|return[_-]ur[il])"
    r"([/_.-]|\.\w+$|$)"
)
"""Words of a path or of a view's name that say that everybody may come."""
_REGISTERS: Final = re.compile(
    r"(?i)^(?!.*(admin|manage|internal|staff)).*/(users?|accounts?|customers?|members?|people)/?$"
)
"""Posting to the collection of people is how an API without the word "register" lets somebody register."""
_BY_NATURE: Final = re.compile(
    r"(?i)(^|[/_.-])((api-?)?specs?|apispec\w*|api-?docs?|apidocs?|docs?|swagger\w*|openapi\w*|redoc|schema|health\w*|static|log-?in|sign-?(in|up)|"
    r"register|registration|well-known|robots|favicon)([/_.-]|\.\w+$|$)"
)
_SECRET_PARAMETER: Final = re.compile(r"(?i)token|key|code|signature|hash|secret|nonce|uuid|ticket")
_STAFF: Final = re.compile(r"(?i)(^|[/_-])(admin\w*|staff|manage\w*|internal|back_?office)([/_.-]|$)")
_COLLECTION: Final = re.compile(r"(?i)(?:^|[/_-])(?:web_?-?)?hooks/?$")
"""Where hooks are listed and made: nothing comes in there by itself."""


def is_public(route: Route) -> bool:
    """That the path, the view's name or a secret in the path says that the route is for everybody, or for whoever was given its address."""
    name = route.view.rpartition(".")[2]
    if _COLLECTION.search(route.path) and {"GET", "PUT", "PATCH", "DELETE"} & set(route.methods):
        return False
    return (
        route.path in ("/", "")
        or bool(_PUBLIC.search(HUMP.sub("-", route.path)))
        or bool(_PUBLIC.search(name))
        or any(_SECRET_PARAMETER.search(parameter) for parameter, _ in route.parameters)
    )


def declared_public(app: App, route: Route) -> bool:
    """The OpenAPI document says that this operation needs nothing, and says of others that they do."""
    return route.spec_security == () and any(known.spec_security for known in app.routes)


def opens_account(index: FunctionIndex, route: Route) -> bool:
    """That a POST registers somebody, by its path or by what it does; one of the staff's makes accounts of others."""
    if _REGISTERS.search(route.path):
        return True
    return not _STAFF.search(route.path) and registers_somebody(index, route.view)


def is_shown_a_password(index: FunctionIndex, route: Route) -> bool:
    """That a POST is sent a password, as whoever logs in or registers shows it: ``POST /tickets`` that gives out what ``DELETE /tickets`` takes back."""
    facts = index.facts
    names = index.calling([one.name for one in index.of_view(route.view, route.span, "POST")], 1)
    return any(one.function in names and is_password_name(one.key) for one in facts.readings()) or any(
        is_clear_password(facts, value) for name in names for call in facts.calls_in(name) for value in call.args
    )


def is_open_by_nature(route: Route) -> bool:
    """That the route describes an API, says that it lives, serves files or lets people in: it is public whatever stands in it."""
    return _BY_NATURE.search(route.path) is not None
