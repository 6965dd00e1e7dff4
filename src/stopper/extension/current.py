"""Who acts in the request that is being answered."""

from typing import Final, cast

from flask import Request, has_request_context, request
from werkzeug.local import LocalProxy

from stopper.core.principal import Principal

_NAME: Final = "_stopper_principal"


def _find() -> Principal:
    found = request.__dict__.get(_NAME) if has_request_context() else None
    if not isinstance(found, Principal):
        raise RuntimeError("no principal here: the route is public, or no request is being answered")
    return found


def remember(asked: Request, principal: Principal) -> None:
    """Make *principal* the current one of the request *asked*."""
    # Not in the environ: a view may hand that on to another application, where somebody else decides.
    asked.__dict__[_NAME] = principal


current_principal: Final = cast("Principal", LocalProxy(_find))
"""The principal of this request. On a public route it is false, and reading it is a RuntimeError."""
