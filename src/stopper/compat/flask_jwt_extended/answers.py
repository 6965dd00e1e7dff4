"""What a refused client reads: one shape and nothing about the reason, or the original's words where they are allowed."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from flask import Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from stopper.compat.flask_jwt_extended import exceptions as wrong
from stopper.compat.flask_jwt_extended.config import config
from stopper.core.errors import (
    AuthenticationRequiredError,
    ForbiddenError,
    InvalidCredentialError,
    InvalidRequestError,
    RefusalError,
    StepUpRequiredError,
)
from stopper.extension import decision_log
from stopper.extension.answers import Answers


class Kind(NamedTuple):
    """How one kind of error is answered: by which loader, by which refusal, and by which status and words of the original."""

    loader: str
    refusal: type[RefusalError]
    legacy_status: int
    legacy_words: str | None = None


_INVALID: Final = Kind("invalid", InvalidCredentialError, 422)
_BY_ERROR: Final[Mapping[type, Kind]] = {
    wrong.NoAuthorizationError: Kind("unauthorized", AuthenticationRequiredError, 401),
    wrong.CSRFError: Kind("unauthorized", ForbiddenError, 401),
    wrong.InvalidHeaderError: Kind("invalid", InvalidRequestError, 422),
    wrong.InvalidQueryParamError: Kind("invalid", InvalidRequestError, 422),
    wrong.ExpiredSignatureError: Kind("expired", InvalidCredentialError, 401, "Token has expired"),
    wrong.FreshTokenRequired: Kind("needs_fresh", StepUpRequiredError, 401),
    wrong.RevokedTokenError: Kind("revoked", InvalidCredentialError, 401),
    wrong.UserClaimsVerificationError: Kind("verification_failed", ForbiddenError, 400),
    wrong.UserLookupError: Kind("user_lookup_error", InvalidCredentialError, 401),
    wrong.InvalidTokenError: _INVALID,
    wrong.JWTExtendedException: _INVALID,
}
KINDS: Final = cast("tuple[type[Exception], ...]", tuple(_BY_ERROR))
"""Every kind of error that is answered here."""
_WORDS: Final[Mapping[type[RefusalError], str]] = {
    AuthenticationRequiredError: "A credential is needed.",
    InvalidRequestError: "The credential cannot be read.",
    ForbiddenError: "The credential does not allow this.",
}
_CAPITAL: Final = re.compile("(?<=[a-z])(?=[A-Z])")


def kind_of(error: Exception) -> Kind:
    """How *error* is answered."""
    return next((found for kind in type(error).__mro__ if (found := _BY_ERROR.get(kind))), _INVALID)


def _refusal(error: Exception) -> RefusalError:
    return kind_of(error).refusal(_CAPITAL.sub("-", type(error).__name__).lower())


def note(error: Exception) -> None:
    """Write the refusal into the audit log, which alone tells the reason."""
    refusal = _refusal(error)
    decision_log.refused(request.environ, request.method, request.endpoint or "-", refusal.status, refusal.reason, None)


def words(error: Exception) -> str:
    """What a loader of the application is told: the reason only where that may reach clients."""
    if config.allow_legacy_messages:
        return str(error)
    return _WORDS.get(kind_of(error).refusal, "The credential is not valid.")


def plain(error: Exception) -> ResponseReturnValue:
    """The answer where the application has no loader of its own."""
    if config.allow_legacy_messages:
        return jsonify({config.error_msg_key: _legacy_words(error)}), kind_of(error).legacy_status
    settings = cast("dict[str, Any]", current_app.config)
    return Answers(str(settings.get("STOPPER_ENVELOPE", "problem"))).refusal(_refusal(error))


def here(error: Exception) -> Response | None:
    """The answer, made at once, where another extension has taken over the application's errors; None where Flask makes it.

    Flask-RESTful and Flask-RESTX turn errors that they do not know into 500. One that they have a handler for is theirs.
    """
    app: Any = cast("Any", current_app)._get_current_object()
    taken = app.__dict__.get("handle_user_exception")
    api: Any = getattr(getattr(taken, "func", taken), "__self__", None)
    theirs: Any = getattr(api, "_own_and_child_error_handlers", None) or getattr(api, "error_handlers", ())
    if taken is None or any(isinstance(error, kind) for kind in theirs):
        return None
    handler: Any = app._find_error_handler(error, request.blueprints)
    return None if handler is None else current_app.make_response(current_app.ensure_sync(handler)(error))


def _legacy_words(error: Exception) -> str:
    if isinstance(error, wrong.UserLookupError):
        return f"Error loading the user {error.jwt_data.get(config.identity_claim_key)}"
    return kind_of(error).legacy_words or str(error)
