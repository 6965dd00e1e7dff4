"""What can go wrong when another service is called. No text holds a URL, a header, a credential or a body.

OutboundError                    answered with 502
├── CallRefusedError             we did not send it: host, address, scheme, header, method or path is not allowed
│   └── RedirectRefusedError     the service pointed elsewhere and we did not follow
├── UpstreamUnreachableError     no connection, or it broke before the reply was whole
├── UpstreamTimeoutError         answered with 504: it took longer than allowed
├── ReplyRefusedError            the reply is too large, of another type, or cannot be read
└── UpstreamStatusError          the reply has an error status and the caller asked for a good one
"""

from copy import copy
from typing import ClassVar, Self

from stopper.core.errors import RefusalError, StopperError


class OutboundError(StopperError):
    """A call that brought no reply. ``reason`` is a short stable word; ``method`` and ``host`` say where it went."""

    code = "outbound"
    status: ClassVar[int] = 502

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.method = ""
        self.host = ""

    def at(self, method: str, host: str) -> Self:
        """The same error with the place it happened at, unless it has one, and without traceback, cause or context."""
        made = copy(self)
        made.method, made.host = self.method or method, self.host or host
        return made

    def __str__(self) -> str:
        where = f"{self.method} {self.host}".strip() or "outbound call"
        return f"{where}: {self.message}"


class CallRefusedError(OutboundError):
    """Nothing was sent: the call is outside of what the client may do."""

    code = "outbound-refused"


class RedirectRefusedError(CallRefusedError):
    """The service answered with a redirect that is not followed."""

    code = "outbound-redirect"


class UpstreamUnreachableError(OutboundError):
    """No connection to the service, or one that broke."""

    code = "upstream-unreachable"


class UpstreamTimeoutError(OutboundError):
    """The service did not answer in time."""

    code = "upstream-timeout"
    status = 504


class ReplyRefusedError(OutboundError):
    """The reply is not one that we take."""

    code = "upstream-reply"


class UpstreamStatusError(OutboundError):
    """The service answered with an error. ``upstream_status`` is its status."""

    code = "upstream-status"

    def __init__(self, upstream_status: int, message: str = "") -> None:
        super().__init__(f"status-{upstream_status}", message or f"the service answered with {upstream_status}")
        self.args = (upstream_status, self.message)
        self.upstream_status = upstream_status


class WebhookRefusedError(RefusalError):
    """An incoming webhook that is not signed by a known key, is too old, or came before. ``reason`` says which."""

    code = "webhook-refused"
    status = 401
