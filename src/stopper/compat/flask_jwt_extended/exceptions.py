"""Every error of this module. What PyJWT calls the same thing has the same name here.

SettingError, RuntimeError
└── JWTSettingError                  a JWT_… setting is missing or unsafe
JWTExtendedException
├── NoAuthorizationError             no token was shown
├── InvalidHeaderError               the header that carries it cannot be read
├── InvalidQueryParamError           the query parameter that carries it cannot be read
├── CSRFError                        the CSRF token is missing or another one
├── WrongTokenError                  an access token where a refresh token is needed, or the other way round
├── RevokedTokenError                the application says that it was taken back
├── FreshTokenRequired               it does not come from a recent log-in
├── UserLookupError                  its user is not there
├── UserClaimsVerificationError      the application refuses its claims
├── JWTDecodeError                   a claim that this module needs is missing
└── InvalidTokenError                the token does not hold
    ├── DecodeError                      it is no token
    │   └── InvalidSignatureError            its signature is not ours
    ├── InvalidAlgorithmError            it names an algorithm that is not allowed
    ├── ExpiredSignatureError            its time is over
    ├── ImmatureSignatureError           its time has not come
    ├── InvalidIssuerError               somebody else issued it
    ├── InvalidAudienceError             it is for somebody else
    ├── InvalidSubjectError              its `sub` is not a text
    ├── InvalidJTIError                  its `jti` is not a text
    └── MissingRequiredClaimError        a claim that must be there is not

PyJWT is never imported. Where the application itself has imported it, the errors that are raised are PyJWT's too, so
``except jwt.ExpiredSignatureError`` goes on working (:func:`raised_as`).
"""

import sys
from collections.abc import Mapping
from typing import Any, Final, cast

from stopper.core.errors import SettingError

Members = dict[str, Any]
"""Header or claims, as the application gets them."""


class JWTSettingError(SettingError, RuntimeError):
    """A JWT_… setting is missing or unsafe. ``rule`` is the slug of the weakness that it would open."""

    code = "setting"


class JWTExtendedException(Exception):
    """The root. The text is for the developer; it reaches a client only with JWT_ALLOW_LEGACY_MESSAGES."""


class TokenRefusedError(JWTExtendedException):
    """An error about a token that was verified: ``jwt_header`` and ``jwt_data`` may be believed."""

    def __init__(self, message: str, jwt_header: Members, jwt_data: Members) -> None:
        super().__init__(message)
        self.jwt_header = jwt_header
        self.jwt_data = jwt_data


class NoAuthorizationError(JWTExtendedException):
    """No token was shown where it was looked for."""


class InvalidHeaderError(JWTExtendedException):
    """The header that should carry the token cannot be read."""


class InvalidQueryParamError(JWTExtendedException):
    """The query parameter that should carry the token cannot be read."""


class CSRFError(JWTExtendedException):
    """A token came in a cookie, and the CSRF token is missing or another one."""


class WrongTokenError(JWTExtendedException):
    """A refresh token where an access token is needed, or the other way round."""


class JWTDecodeError(JWTExtendedException):
    """A claim that this module needs is missing."""


class RevokedTokenError(TokenRefusedError):
    """The application says that the token was taken back."""

    def __init__(self, jwt_header: Members, jwt_data: Members) -> None:
        super().__init__("Token has been revoked", jwt_header, jwt_data)


class FreshTokenRequired(TokenRefusedError):
    """The token does not come from a recent log-in."""


class UserLookupError(TokenRefusedError):
    """``user_lookup_loader`` found nobody."""


class UserClaimsVerificationError(TokenRefusedError):
    """``token_verification_loader`` refused the claims."""


class InvalidTokenError(JWTExtendedException):
    """The token does not hold."""


class DecodeError(InvalidTokenError):
    """It is no token."""


class InvalidSignatureError(DecodeError):
    """Its signature was not made with our key."""


class InvalidAlgorithmError(InvalidTokenError):
    """It names an algorithm that is not allowed here."""


class ExpiredSignatureError(InvalidTokenError):
    """Its time is over. ``jwt_header`` and ``jwt_data`` were verified in every other way."""

    jwt_header: Members
    jwt_data: Members


class ImmatureSignatureError(InvalidTokenError):
    """Its time has not come yet."""


class InvalidIssuerError(InvalidTokenError):
    """Somebody else issued it."""


class InvalidAudienceError(InvalidTokenError):
    """It was made for somebody else."""


class InvalidSubjectError(InvalidTokenError):
    """Its `sub` is not a text."""


class InvalidJTIError(InvalidTokenError):
    """Its `jti` is not a text."""


class MissingRequiredClaimError(InvalidTokenError):
    """A claim that must be there is not."""

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim

    def __str__(self) -> str:
        return f'Token is missing the "{self.claim}" claim'


_both: Final[dict[tuple[type[InvalidTokenError], type[Exception]], type[InvalidTokenError]]] = {}


def raised_as(kind: type[InvalidTokenError]) -> type[InvalidTokenError]:
    """*kind*, and where the application has imported PyJWT, PyJWT's error of that name as well."""
    theirs = getattr(sys.modules.get("jwt.exceptions"), kind.__name__, None)
    if not isinstance(theirs, type) or not issubclass(theirs, Exception):
        return kind
    if (kind, theirs) not in _both:
        _both[kind, theirs] = _joined(kind, theirs)
    return _both[kind, theirs]


def _joined(kind: type[InvalidTokenError], theirs: type[Exception]) -> type[InvalidTokenError]:
    # Theirs stands first, so a handler that the application registered for it is found before ours; the behaviour is ours.
    bases: tuple[type, ...] = (theirs, kind)
    ours: Mapping[str, object] = {"__init__": kind.__init__, "__str__": kind.__str__, "__module__": kind.__module__}
    return cast("type[InvalidTokenError]", type(kind.__name__, bases, dict(ours)))  # pyright: ignore[reportGeneralTypeIssues]
