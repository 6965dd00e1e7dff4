"""Webhooks that the receiver can trust: signed with HMAC-SHA256 over id, time and body, for one use within a few minutes.

Headers and signature are those of the Standard Webhooks specification (``webhook-id``, ``webhook-timestamp``,
``webhook-signature: v1,…``), so each side may also use another library.
"""

import base64
import hmac
import re
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from stopper.auth.clock import Clock, system_clock
from stopper.auth.forking import in_each_child
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.outbound.errors import WebhookRefusedError

PREFIX: Final = "whsec_"
LEAST_BYTES: Final = 24
MOST_BYTES: Final = 64
WINDOW: Final = 300.0
"""Seconds that a webhook may be old, or ahead of our clock."""
_MOST_SIGNATURES: Final = 16
_ID: Final = re.compile(r"[!-~]{1,256}\Z")
_TIME: Final = re.compile(r"[0-9]{1,12}\Z")


class Once(Protocol):
    """Remembers what came before. ``stopper.auth.single_use.SingleUse`` over a store is one; :class:`RememberedIds` another."""

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        """True the first time, False ever after while *valid_for* seconds last."""
        ...


def new_secret() -> Secret:
    """A key for both sides: 32 random bytes as ``whsec_…``."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii"))


class WebhookSigner:
    """Signs what we send. While a key is being changed give both, the new one first: receivers accept either."""

    def __init__(self, *keys: Secret, clock: Clock = system_clock) -> None:
        self._keys = _checked_keys(keys)
        self._clock = clock

    def headers(self, body: bytes, *, webhook_id: str | None = None) -> dict[str, str]:
        """The headers for *body*. A webhook that is sent again keeps its *webhook_id*, so that it counts once."""
        named = webhook_id if webhook_id is not None else f"msg_{secrets.token_urlsafe(18)}"
        if _ID.match(named) is None or "." in named:
            raise SettingError("a webhook's id is visible ASCII without dots, at most 256 characters")
        at = str(int(self._clock()))
        signed = (f"v1,{base64.b64encode(_signature(key, named, at, body)).decode('ascii')}" for key in self._keys)
        return {"webhook-id": named, "webhook-timestamp": at, "webhook-signature": " ".join(signed)}


class WebhookVerifier:
    """Verifies what we receive: signed by one of *keys*, young enough, and not here before.

    *once* remembers the ids for twice the window; with several processes it must be shared (SingleUse over the store).
    """

    def __init__(self, *keys: Secret, once: Once, window: float = WINDOW, clock: Clock = system_clock) -> None:
        if not 0 < window <= 3600:
            raise SettingError("the window of webhooks is 1 to 3600 seconds")
        self._keys = _checked_keys(keys)
        self._once = once
        self._window = window
        self._clock = clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The webhook's id. *body*: the bytes as they came. *headers*: any mapping that knows them, such as Flask's.

        Raises WebhookRefusedError (401), or what *once* raises when it cannot tell.
        """
        named, at, shown = (_one(headers, f"webhook-{part}") for part in ("id", "timestamp", "signature"))
        if _ID.match(named) is None or _TIME.match(at) is None:
            raise WebhookRefusedError("malformed")
        if not _is_signed(self._keys, named, at, body, shown):
            raise WebhookRefusedError("signature")
        if abs(self._clock() - int(at)) > self._window:
            raise WebhookRefusedError("too-old")
        if not self._once.redeem("webhook", named, valid_for=2 * self._window + 1):
            raise WebhookRefusedError("replayed")
        return named


class RememberedIds:
    """A memory of used ids for one process. It forgets what is too old and refuses everything when it is full."""

    def __init__(self, most: int = 100_000, clock: Clock = system_clock) -> None:
        self._most = most
        self._clock = clock
        self._until: dict[tuple[str, str, str], float] = {}
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        """True the first time. Raises WebhookRefusedError when there is no room to remember."""
        now, key = self._clock(), (purpose, tenant, value)
        with self._lock:
            if self._until.get(key, 0.0) > now:
                return False
            if len(self._until) >= self._most:
                self._until = {name: until for name, until in self._until.items() if until > now}
            if len(self._until) >= self._most:
                raise WebhookRefusedError("memory-full")
            self._until[key] = now + valid_for
        return True


def _checked_keys(keys: Sequence[Secret]) -> tuple[Secret, ...]:
    if not keys or not all(isinstance(key, Secret) for key in keys):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SettingError("a webhook needs at least one key, each a Secret; new_secret() makes one")
    if not all(LEAST_BYTES <= len(_raw(key)) <= MOST_BYTES for key in keys):
        raise SettingError(
            f"a webhook key is whsec_ and {LEAST_BYTES} to {MOST_BYTES} random bytes in base64; new_secret() makes one",
            rule="webhook-not-verified",
        )
    return tuple(keys)


def _raw(key: Secret) -> bytes:
    text = key.reveal()
    if not text.startswith(PREFIX):
        return b""
    try:
        return base64.b64decode(text[len(PREFIX) :], validate=True)
    except ValueError:
        return b""


def _signature(key: Secret, named: str, at: str, body: bytes) -> bytes:
    return hmac.digest(_raw(key), f"{named}.{at}.".encode("ascii") + body, "sha256")


def _is_signed(keys: Iterable[Secret], named: str, at: str, body: bytes, shown: str) -> bool:
    given = [_decoded(part) for part in shown.split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]]
    held = False
    for key in keys:  # every pair is compared, so that the time says nothing about which one held
        wanted = _signature(key, named, at, body)
        for one in given:
            held |= hmac.compare_digest(wanted, one)
    return held


def _decoded(part: str) -> bytes:
    version, _, text = part.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return b""


def _one(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None:
        value = next((said for key, said in headers.items() if key.lower() == name), None)
    if not value:
        raise WebhookRefusedError("missing")
    return value
