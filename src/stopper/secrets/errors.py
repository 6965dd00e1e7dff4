"""What goes wrong with a secret, in words that never hold one.

SettingError
└── SecretLoadError          at the start: a declared secret is not there
StoreUnavailableError (503)
├── SecretUnavailableError   later: its backend is away for longer than the last value lives
└── SigningKeyUnavailableError   a key that lives elsewhere does not sign now
FetchError                   inside: what one backend said; users see it only inside the other two
"""

from typing import Literal

from stopper.core.errors import SettingError, StopperError, StoreUnavailableError

Cause = Literal["missing", "denied", "unreachable", "malformed", "extra"]


class SecretLoadError(SettingError):
    """A declared secret could not be loaded at the start. ``cause`` says why in one word."""

    code = "secret-load"

    def __init__(self, message: str, cause: Cause) -> None:
        super().__init__(message)
        self.cause = cause


class SecretUnavailableError(StoreUnavailableError):
    """The last value has reached the end of its life and the backend gives no new one. Answered with 503, as any store that is away."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__("secret", retry_after=5)
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return f"the secret {self.name} has ended and no new one is to be had: {self.why}"


class SigningKeyUnavailableError(StoreUnavailableError):
    """A key that lives elsewhere does not sign now. Answered with 503; no token is made without it."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__("signing-key", retry_after=5)
        self.place = place
        self.why = why

    def __str__(self) -> str:
        return f"the signing key {self.place} does not sign now: {self.why}"


class FetchError(StopperError):
    """A backend gave no secret. ``cause`` is one word, the text says what is wrong and what to do; neither holds a value."""

    code = "secret-fetch"

    def __init__(self, cause: Cause, why: str) -> None:
        super().__init__(why)
        self.cause: Cause = cause
