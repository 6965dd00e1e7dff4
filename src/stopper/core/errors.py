"""Every error that Stopper raises, in one tree.

StopperError
├── SettingError                 a setting is missing, unknown or unsafe
├── PolicyError                  a policy that cannot mean anything (also a TypeError)
├── UndeclaredRouteError         routes that nobody declared, found by seal()
├── KeyringError                 a signing key is missing, unreadable or too weak
├── RefusalError                 a request that may not pass; `status` and `error` say how it is answered
│   ├── InvalidRequestError          400 invalid_request
│   ├── AuthenticationRequiredError  401, nothing was shown
│   ├── InvalidCredentialError       401 invalid_token; the reason is for the audit log only
│   ├── ForbiddenError               403 insufficient_scope
│   ├── StepUpRequiredError          403 insufficient_user_authentication (RFC 9470)
│   ├── ThrottledError               429
│   └── StoreUnavailableError        503
├── OutboundError                a call to another service brought no reply; its tree is in stopper.outbound.errors
├── UsageError                   the command line is wrong (exit 2)
└── IncompleteError              a scan could not see everything (exit 3)
"""

from typing import ClassVar


class StopperError(Exception):
    """The root. The text is one line that says what is wrong and what to do instead; it never holds a secret."""

    code: ClassVar[str] = "error"


class SettingError(StopperError):
    """A setting is missing, unknown or unsafe. ``rule`` is the slug of the weakness it would open, if any."""

    code = "setting"

    def __init__(self, message: str, *, rule: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule


class PolicyError(StopperError, TypeError):
    """A policy that cannot mean anything."""

    code = "policy"


class UndeclaredRouteError(StopperError):
    """Routes that nobody declared. ``table`` is the list to print."""

    code = "undeclared-route"

    def __init__(self, message: str, table: str) -> None:
        super().__init__(message)
        self.table = table


class KeyringError(StopperError):
    """A signing key is missing, unreadable or too weak."""

    code = "keyring"


class RefusalError(StopperError):
    """A request that may not pass.

    ``status``: the HTTP status. ``error``: the RFC 6750 error code or None.
    ``reason``: a short stable word for the audit log; it never reaches the client.
    """

    status: ClassVar[int] = 401
    error: ClassVar[str | None] = None

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidRequestError(RefusalError):
    """Two credentials, two schemes, or bytes that no credential has (RFC 6750 §3.1)."""

    code = "invalid-request"
    status = 400
    error = "invalid_request"


class AuthenticationRequiredError(RefusalError):
    """No credential was shown."""

    code = "authentication-required"
    status = 401


class InvalidCredentialError(RefusalError):
    """A credential was shown and does not hold, whatever the reason."""

    code = "invalid-credential"
    status = 401
    error = "invalid_token"


class ForbiddenError(RefusalError):
    """The principal is known and may not do this."""

    code = "forbidden"
    status = 403
    error = "insufficient_scope"


class CsrfError(RefusalError):
    """A browser sent its session's cookie, and nothing shows that a page which may act for the person asked for it."""

    code = "csrf"
    status = 403


class StepUpRequiredError(RefusalError):
    """The principal must authenticate again or more strongly (RFC 9470)."""

    code = "step-up-required"
    status = 403
    error = "insufficient_user_authentication"


class ThrottledError(RefusalError):
    """Too many requests. ``retry_after`` is in seconds."""

    code = "throttled"
    status = 429

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StoreUnavailableError(RefusalError):
    """A store that must answer did not. Nothing passes on a guess. ``retry_after`` is in seconds."""

    code = "store-unavailable"
    status = 503

    def __init__(self, reason: str = "store", retry_after: int = 1) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class UsageError(StopperError):
    """The command line or a file it names is wrong (exit 2)."""

    code = "usage"
    exit_code: ClassVar[int] = 2


class IncompleteError(StopperError):
    """A scan could not see everything (exit 3)."""

    code = "incomplete"
    exit_code: ClassVar[int] = 3
