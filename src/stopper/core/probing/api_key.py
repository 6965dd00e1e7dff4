"""Where an application takes an API key from, and a request that shows one: for probes that have no key of their own."""

from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Request
from stopper.core.facts import source_of
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.probe import Identity, Target

USUAL: Final = "X-API-Key"
MOST: Final = 3
"""Header names that are tried on one route."""


def headers_of(app: App) -> tuple[str, ...]:
    """The headers in which that application may take a key, those that the code or the document names first."""
    read = [one.key for one in source_of(app).readings("flask.request.headers") if is_key_name(one.key)]
    schemes = app.spec.schemes.values() if app.spec is not None else ()
    said = [one.parameter for one in schemes if one.where == "header" and one.kind.lower() == "apikey"]
    found = {name.lower(): name for name in reversed([*read, *said, USUAL])}
    return tuple(reversed(found.values()))[:MOST]


def reads_bearer(app: App) -> bool:
    """That the code or the document says that a token is taken from the Authorization header."""
    facts = source_of(app)
    if any(one.key.lower() == "authorization" for one in facts.readings("flask.request.headers")):
        return True
    if facts.imports("jwt", "jose", "authlib", "joserfc", "flask_jwt_extended", "flask_httpauth"):
        return True
    schemes = app.spec.schemes.values() if app.spec is not None else ()
    return any(one.kind.lower() in ("http", "oauth2", "openidconnect") for one in schemes)


def key_holders(target: Target) -> list[Identity]:
    """The people whose credential is an API key alone."""
    return [
        one
        for one in target.identities
        if one.token is None and len(one.headers) == 1 and is_key_name(one.headers[0][0])
    ]


def with_header(request: Request, name: str, value: str) -> Request:
    """The request with that header in place of one of the same name."""
    kept = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return Request(
        request.method, request.target, (*kept, (name, value)), request.body, request.effect, request.identity
    )
