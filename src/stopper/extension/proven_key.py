"""For views that issue tokens: to which key they are to be bound."""

from flask import Request, current_app

from stopper.extension.guard import guard_of


def proven_key(asked: Request) -> str | None:
    """The thumbprint of the key to which tokens that *asked* asks for are bound: of its DPoP proof (RFC 9449 §5); None without one.

    For the views of an application that issues tokens. Raises RefusalError for a proof that does not hold, and where
    STOPPER_REQUIRE_BOUND_TOKENS asks for one and none is shown.
    """
    return guard_of(current_app._get_current_object()).binding.key_of(asked)  # type: ignore[attr-defined]
