"""The token of this request, and tokens that the application makes and reads."""

from typing import Any, cast

from werkzeug.local import LocalProxy

from stopper.compat.flask_jwt_extended import tokens
from stopper.compat.flask_jwt_extended.config import config
from stopper.compat.flask_jwt_extended.exceptions import Members
from stopper.compat.flask_jwt_extended.jwt_manager import get_jwt_manager
from stopper.compat.flask_jwt_extended.remembered import Verified, recall
from stopper.compat.flask_jwt_extended.tokens import judge_csrf
from stopper.compat.flask_jwt_extended.view_decorators import with_defaults


def _verified() -> Verified:
    found = recall()
    if found is None:
        raise RuntimeError("no token was verified in this request; call this below @jwt_required()")
    return found


def get_jwt() -> Members:
    """The claims of this request's token; empty where there is none and none is needed. Raises RuntimeError before the guard ran."""
    return _verified().claims


def get_jwt_header() -> Members:
    """The header of this request's token, as :func:`get_jwt`."""
    return _verified().header


def get_jwt_identity() -> Any:
    """Whom this request's token names; None where there is no token."""
    return get_jwt().get(config.identity_claim_key)


def get_jwt_request_location() -> str | None:
    """Where this request's token was found: ``headers``, ``cookies``, ``query_string`` or ``json``."""
    found = recall()
    return None if found is None else found.place


def get_current_user() -> Any:
    """What ``user_lookup_loader`` found for this request's token. Raises RuntimeError where there is no such loader."""
    found = _verified().user
    if found is None:
        raise RuntimeError("there is no @jwt.user_lookup_loader, so nobody knows the user of a token")
    return found[0]


def current_user_context_processor() -> dict[str, Any]:
    """For templates: ``current_user``."""
    return {"current_user": current_user}


current_user: Any = LocalProxy(get_current_user)


def create_access_token(
    identity: Any,
    fresh: Any = False,
    expires_delta: Any = None,
    additional_claims: Any = None,
    additional_headers: Any = None,
) -> str:
    """A new access token for *identity*. *fresh*: True, False, or a timedelta for how long it counts as fresh."""
    return get_jwt_manager().issue(
        identity, "access", fresh=fresh, lifetime=expires_delta, claims=additional_claims, headers=additional_headers
    )


def create_refresh_token(
    identity: Any, expires_delta: Any = None, additional_claims: Any = None, additional_headers: Any = None
) -> str:
    """A new refresh token for *identity*."""
    return get_jwt_manager().issue(
        identity, "refresh", fresh=False, lifetime=expires_delta, claims=additional_claims, headers=additional_headers
    )


def decode_token(encoded_token: str, csrf_value: str | None = None, allow_expired: bool = False) -> Members:
    """The claims of a token that the application holds, verified: signature, times that it names, issuer, audience.

    It is not what stands before a view: the blocklist is not asked, and a token without ``exp`` is read (so that it can be
    taken back). To judge a caller use :func:`verify_jwt_in_request`.
    """
    _, claims = get_jwt_manager().read(encoded_token, allow_expired=allow_expired)
    if csrf_value:
        judge_csrf(claims, csrf_value)
    return with_defaults(claims)


def get_jti(encoded_token: str) -> str | None:
    """The ``jti`` of a token, verified as by :func:`decode_token`."""
    return cast("str | None", decode_token(encoded_token).get("jti"))


def get_csrf_token(encoded_token: str) -> str:
    """The CSRF token inside a token, verified as by :func:`decode_token`."""
    return cast("str", decode_token(encoded_token)["csrf"])


def get_unverified_jwt_headers(encoded_token: str) -> Members:
    """The header of a token, of which nothing is verified."""
    return tokens.read_header(encoded_token)
