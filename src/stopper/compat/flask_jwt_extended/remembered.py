"""What was verified in this request. It hangs on the request itself.

Not on ``flask.g``: where an application context was pushed for good (``app.app_context().push()``), ``g`` outlives the request, and the
next caller would be taken for the last one.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

from flask import has_request_context, request

from stopper.compat.flask_jwt_extended.exceptions import Members

_TOKEN: Final = "_stopper_jwt"
_RAN: Final = "_stopper_jwt_guards"
_MADE: Final = "_stopper_jwt_made"


class Verified(NamedTuple):
    """A token that was verified, or the lack of one that is optional. ``user`` is None where nobody looks users up."""

    header: Members
    claims: Members
    user: tuple[Any] | None
    place: str | None


def remember(verified: Verified) -> None:
    """Make *verified* the token of this request."""
    _kept()[_TOKEN] = verified


def recall() -> Verified | None:
    """The token of this request."""
    return cast("Verified | None", _kept().get(_TOKEN)) if has_request_context() else None


def note_ran(guard: Callable[[], object]) -> None:
    """*guard* has let this request pass."""
    _kept().setdefault(_RAN, []).append(guard)


def has_run(guard: Callable[[], object]) -> bool:
    """Whether *guard* has let this request pass."""
    return guard in _kept().get(_RAN, ())


def note_made() -> None:
    """A token was made while this request is answered; outside a request nothing is to be kept."""
    if has_request_context():
        _kept()[_MADE] = True


def has_made() -> bool:
    """Whether a token was made while this request was answered."""
    return bool(_kept().get(_MADE))


def _kept() -> dict[str, Any]:
    return cast("dict[str, Any]", cast("Any", request)._get_current_object().__dict__)
