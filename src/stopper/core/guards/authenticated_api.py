"""Whether an application asks anybody who they are, as far as its readers can tell."""

from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of

_LIBRARIES: Final = (
    "jwt", "jose", "authlib", "joserfc", "flask_jwt_extended", "flask_login", "flask_httpauth", "flask_security", "flask_jwt",
    "flask_praetorian", "stopper", "itsdangerous", "flask_jwt_simple",
)  # fmt: skip
_CREDENTIALS: Final = ("authorization", "x-api-key", "api-key", "x-auth-token", "x-access-token", "x-token")


def asks_who(app: App) -> bool:
    """A guarded route, a library for log-ins or tokens, or the reading of a header that carries a credential."""
    if any(access.state == "guarded" for route in app.routes for access in route.access.values()):
        return True
    if any(route.spec_security for route in app.routes):
        return True
    facts = source_of(app)
    if facts.imports(*_LIBRARIES) or facts.imports("flask.session"):
        return True
    if any(reading.key.lower() in _CREDENTIALS for reading in facts.readings("flask.request.headers")):
        return True
    return any(reading.key.lower() == "user_id" for reading in facts.readings("flask.session"))
