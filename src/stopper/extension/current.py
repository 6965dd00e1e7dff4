"""Who acts in the request that is being answered."""

from typing import Any, Final, cast

from flask import has_request_context, request
from werkzeug.local import LocalProxy

from stopper.core.principal import Principal

_NAME: Final = "stopper.principal"


def _find() -> Principal:
    found = request.environ.get(_NAME) if has_request_context() else None
    if not isinstance(found, Principal):
        raise RuntimeError("no principal here: the route is public, or no request is being answered")
    return found


def remember(environ: dict[str, Any], principal: Principal) -> None:
    """Make *principal* the current one of the request with this *environ*."""
    environ[_NAME] = principal


current_principal: Final = cast("Principal", LocalProxy(_find))
"""The principal of this request. On a public route it is false, and reading it is a RuntimeError."""
