"""``@jwt_required()`` and ``verify_jwt_in_request()``: no token, no view."""

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from flask import current_app, request

from stopper.compat.flask_jwt_extended import answers, doors, places, remembered
from stopper.compat.flask_jwt_extended import exceptions as wrong
from stopper.compat.flask_jwt_extended.config import config
from stopper.compat.flask_jwt_extended.exceptions import Members
from stopper.compat.flask_jwt_extended.jwt_manager import JWTManager, get_jwt_manager
from stopper.compat.flask_jwt_extended.remembered import Verified
from stopper.compat.flask_jwt_extended.tokens import judge_csrf
from stopper.extension.door import automatic_options

View = TypeVar("View", bound=Callable[..., Any])
LocationType = str | Sequence[str] | None


def verify_jwt_in_request(
    optional: bool = False,
    fresh: bool = False,
    refresh: bool = False,
    locations: LocationType = None,
    verify_type: bool = True,
    skip_revocation_check: bool = False,
) -> tuple[Members, Members] | None:
    """Header and claims of the token that this request shows; None where there is none and it is *optional*.

    *fresh*: it must come from a recent log-in. *refresh*: it must be a refresh token. *locations*: where to look, instead of
    JWT_TOKEN_LOCATION. *verify_type*: False takes access and refresh tokens. *skip_revocation_check*: do not ask the blocklist.

    Raises JWTExtendedException. None also for OPTIONS where Flask itself answers it.
    """
    if request.method == "OPTIONS" and request.url_rule is not None and automatic_options(request.url_rule):
        return None
    said = (locations,) if isinstance(locations, str) else locations
    try:
        shown = places.find(said or config.token_location, refresh=refresh)
    except wrong.NoAuthorizationError:
        if not optional:
            raise
        remembered.remember(Verified({}, {}, (None,), None))
        return None
    manager = get_jwt_manager()
    header, claims = manager.read(shown.token)
    if shown.csrf is not None:
        judge_csrf(claims, shown.csrf)
    _judge(
        manager,
        header,
        claims,
        fresh=fresh,
        refresh=refresh,
        verify_type=verify_type,
        revoked=not skip_revocation_check,
    )
    # Last, so that nothing of a token that was refused is ever seen.
    remembered.remember(Verified(header, claims, _user(manager, header, claims), shown.place))
    return header, claims


def _judge(
    manager: JWTManager,
    header: Members,
    claims: Members,
    *,
    fresh: bool,
    refresh: bool,
    verify_type: bool,
    revoked: bool,
) -> None:
    if "exp" not in claims and not config.allow_tokens_without_expiry:
        raise wrong.raised_as(wrong.MissingRequiredClaimError)("exp")
    with_defaults(claims)
    kinds = ("access", "refresh") if not verify_type else ("refresh",) if refresh else ("access",)
    if claims["type"] not in kinds:
        raise wrong.WrongTokenError(f"Only {'refresh' if refresh else 'non-refresh'} tokens are allowed")
    if fresh and not _is_fresh(claims["fresh"]):
        raise wrong.FreshTokenRequired("Fresh token required", header, claims)
    if revoked and manager._in_blocklist(header, claims):  # pyright: ignore[reportPrivateUsage]
        raise wrong.RevokedTokenError(header, claims)
    if not manager._verify(header, claims):  # pyright: ignore[reportPrivateUsage]
        raise wrong.UserClaimsVerificationError("User claims verification failed", header, claims)


def with_defaults(claims: Members) -> Members:
    """*claims*, completed by what a token of another issuer may leave out."""
    for name, value in (("type", "access"), ("fresh", False), ("jti", None)):
        claims.setdefault(name, value)
    return claims


def _is_fresh(said: object) -> bool:
    if isinstance(said, bool):
        return said
    return isinstance(said, (int, float)) and said >= time.time()


def _user(manager: JWTManager, header: Members, claims: Members) -> tuple[Any] | None:
    lookup = manager._lookup  # pyright: ignore[reportPrivateUsage]
    if lookup is None:
        return None
    found = lookup(header, claims)
    if found is None:
        raise wrong.UserLookupError("user_lookup_loader found nobody", header, claims)
    return (found,)


def jwt_required(
    optional: bool = False,
    fresh: bool = False,
    refresh: bool = False,
    locations: LocationType = None,
    verify_type: bool = True,
    skip_revocation_check: bool = False,
) -> Callable[[View], View]:
    """Guards a view; the arguments are those of :func:`verify_jwt_in_request`.

    A view that lists OPTIONS does not run for it: the answer names the methods, which is what a browser asks for.
    Raises TypeError where the parentheses were forgotten.
    """
    if callable(optional):
        raise TypeError("write @jwt_required() with parentheses: without them it guards nothing")
    text = _said(fresh, refresh, verify_type)

    def verify() -> None:
        verify_jwt_in_request(optional, fresh, refresh, locations, verify_type, skip_revocation_check)
        remembered.note_ran(verify)

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if request.method == "OPTIONS":
                return current_app.make_default_options_response()
            try:
                verify()
            except wrong.JWTExtendedException as error:
                if (answer := answers.here(error)) is None:
                    raise
                return answer
            return current_app.ensure_sync(view)(*args, **kwargs)

        doors.guarded(guarded, view, verify, text, optional=optional)
        return cast("View", guarded)

    if not optional:
        doors.made(guard)
    return guard


def _said(fresh: bool, refresh: bool, verify_type: bool) -> str:
    flags = {"fresh": fresh, "refresh": refresh}
    words = [f"{name}=True" for name, value in flags.items() if value] + ([] if verify_type else ["verify_type=False"])
    return f"jwt_required({', '.join(words)})"
