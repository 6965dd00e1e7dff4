"""How long a call may take and how much may come back."""

from dataclasses import dataclass
from typing import Final

from stopper.core.errors import SettingError
from stopper.core.settings import Settings, number

OUTBOUND_TIMEOUT: Final = number(
    "OUTBOUND_TIMEOUT",
    15,
    "Seconds that a call to another service may take, with every retry and redirect.",
    least=1,
    most=600,
)
OUTBOUND_MAX_BYTES: Final = number(
    "OUTBOUND_MAX_BYTES", 4 * 1024 * 1024, "How large a reply of another service may be, unpacked, in bytes.", least=1
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of every call of a client.

    ``connect``: seconds for name, connection and TLS together. ``read``: seconds of silence. ``total``: seconds for all of it, with
    retries and redirects. ``max_bytes``: the reply's body, unpacked. ``redirects``: how many of one host are followed
    while no credential is attached. ``retries``: how often a call that may be repeated is repeated.
    ``longest_wait``: seconds that a retry may wait, also when the service asks for more.

    Raises SettingError for a bound that bounds nothing.
    """

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0
    max_bytes: int = 4 * 1024 * 1024
    redirects: int = 3
    retries: int = 2
    longest_wait: float = 5.0

    def __post_init__(self) -> None:
        seconds = (self.connect, self.read, self.total)
        if not all(0 < value <= 3600 for value in seconds):
            raise SettingError("connect, read and total of Limits are seconds between 0 and 3600")
        if self.max_bytes < 1 or not 0 <= self.redirects <= 10 or not 0 <= self.retries <= 10 or self.longest_wait < 0:
            raise SettingError(
                "max_bytes of Limits is 1 or more; redirects and retries are 0 to 10; longest_wait is 0 or more"
            )


def limits_of(settings: Settings) -> Limits:
    """The limits that the settings name."""
    total = float(settings.get(OUTBOUND_TIMEOUT))
    return Limits(
        connect=min(5.0, total), read=min(10.0, total), total=total, max_bytes=settings.get(OUTBOUND_MAX_BYTES)
    )
