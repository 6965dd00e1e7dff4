"""Asks an issuer what an opaque token is worth (RFC 7662), with a credential that goes to that one address alone."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import quote_plus

from stopper.auth.clock import Clock
from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.forking import in_each_child
from stopper.auth.introspection import Lifetimes, OpaqueTokens
from stopper.auth.issuer import Introspection, Issuer
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.core.asvs_level import by_level
from stopper.core.errors import InvalidCredentialError, SettingError, StopperError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.core.settings import Settings, number, switch
from stopper.outbound.client import Client
from stopper.outbound.credential import Credential
from stopper.outbound.errors import CallRefusedError, OutboundError, ReplyRefusedError, UpstreamStatusError
from stopper.outbound.limits import Limits
from stopper.outbound.target import Target, read_url

INTROSPECTION_LIFETIME: Final = number(
    "INTROSPECTION_LIFETIME",
    30,
    "Seconds that an issuer's word on an opaque token is believed, never past its `exp`; 0 asks every time. A token that the issuer"
    " revokes lives this long here.",
    most=300,
)
ALLOW_PRIVATE_INTROSPECTION: Final = switch(
    "ALLOW_PRIVATE_INTROSPECTION", False, "Whether opaque tokens may be asked about at a private address, over https."
)
ALLOW_LOOPBACK_INTROSPECTION: Final = switch(
    "ALLOW_LOOPBACK_INTROSPECTION",
    False,
    "Whether opaque tokens may be asked about at this machine itself, also over plain http.",
)

SECONDS: Final = 5.0
MAX_ANSWER: Final = 64 * 1024
FAILURES: Final = 5
"""So many questions in a row without an answer, and the issuer is left alone."""
OPEN_SECONDS: Final = 5.0
_OF_THE_TOKEN: Final = frozenset({400, 413, 414, 422, 431})
"""Statuses with which an issuer turns this one question away. Strangers choose the tokens, so these do not say that the issuer is away."""
_TURNED_AWAY: Final = "introspection-turned-away"
LONGEST_BAD: Final = 10.0
Monotonic = Callable[[], float]


class NamedSecrets(Protocol):
    """Secrets by the names that STOPPER_SECRETS gives them."""

    def __getitem__(self, name: str, /) -> Secret:
        """The one in force."""
        ...

    def __contains__(self, name: object, /) -> bool:
        """Whether there is one of that name."""
        ...


def introspection_client(
    introspection: Introspection,
    secret: Callable[[], Secret],
    *,
    allow_private: bool = False,
    allow_loopback: bool = False,
) -> Client:
    """The client for one address: no redirect, no retry, 64 KiB, five seconds. Raises SettingError for a URL that is not https."""
    target = _target(introspection.url, allow_loopback=allow_loopback)
    limits = Limits(connect=SECONDS, read=SECONDS, total=SECONDS, max_bytes=MAX_ANSWER, redirects=0, retries=0)
    bound = Credential(
        _basic(introspection.client_id, secret) if introspection.client_id else secret,
        [target.origin],
        paths=[target.path],
        methods=["POST"],
        scheme="Basic" if introspection.client_id else "Bearer",
    )
    if allow_private:
        return Client(bound, limits=limits, allow_loopback_http=allow_loopback)
    return Client.for_public_host(target.origin, bound, limits=limits, allow_loopback=allow_loopback)


def open_introspection(
    issuer: Issuer,
    settings: Settings,
    secrets: NamedSecrets,
    clock: Clock,
    *,
    audience: str | None,
    size: int,
) -> OpaqueTokens:
    """The opaque tokens of *issuer*. *secrets*: what STOPPER_SECRETS declares. Raises SettingError."""
    introspection = issuer.introspection
    if introspection is None:
        raise SettingError(f"{issuer.url} gives out no opaque tokens")
    client = introspection_client(
        introspection,
        _secret(introspection, secrets, issuer.url),
        allow_private=settings.get(ALLOW_PRIVATE_INTROSPECTION),
        allow_loopback=settings.get(ALLOW_LOOPBACK_INTROSPECTION),
    )
    good = float(by_level(settings, INTROSPECTION_LIFETIME, 0))
    return OpaqueTokens(
        issuer,
        Introspector(introspection.url, client),
        clock,
        audience=audience,
        lifetimes=Lifetimes(good, min(good, LONGEST_BAD)),
        size=size,
    )


class Introspector:
    """Asks at *url*. While the issuer does not answer it is left alone for OPEN_SECONDS, and every question gets 503 at once."""

    def __init__(
        self, url: str, client: Client, *, sink: EventSink = log_event, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._url = url
        self._client = client
        self._sink = sink
        self._monotonic = monotonic
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._asked_at = float("-inf")

    def __call__(self, token: Secret) -> dict[str, object]:
        """The answer, an object of strict JSON.

        Raises InvalidCredentialError for a good status with anything else in it, StoreUnavailableError where there is no answer.
        """
        self._may_ask()
        outcome = self._outcome(token)
        with self._lock:
            away = isinstance(outcome, StoreUnavailableError) and outcome.reason != _TURNED_AWAY
            self._failures = self._failures + 1 if away else 0
        if isinstance(outcome, dict):
            return outcome
        raise outcome

    def _may_ask(self) -> None:
        with self._lock:
            now = self._monotonic()
            if self._failures >= FAILURES and now < self._asked_at + OPEN_SECONDS:
                raise StoreUnavailableError("introspection-open", retry_after=round(OPEN_SECONDS))
            self._asked_at = now  # one may try again; whoever comes while it tries is turned away

    def _outcome(self, token: Secret) -> dict[str, object] | StoreUnavailableError | InvalidCredentialError:
        try:
            form = {"token": token.reveal(), "token_type_hint": "access_token"}
            reply = self._client.post(self._url, form=form, accept=("application/json",)).checked()
        except ReplyRefusedError as wrong:
            # It answered, but not with JSON of a fitting size: a signed answer (RFC 9701) among it, which nobody here verifies.
            self._tell(wrong.reason)
            return InvalidCredentialError("introspection-answer")
        except StopperError as wrong:  # of the call, or of where its credential comes from
            self._tell(wrong.reason if isinstance(wrong, OutboundError) else type(wrong).__name__)
            turned_away = isinstance(wrong, UpstreamStatusError) and wrong.upstream_status in _OF_THE_TOKEN
            return StoreUnavailableError(_TURNED_AWAY if turned_away else "introspection")
        try:
            return read_object(reply.body)
        except NotStrictError as wrong:
            self._tell(str(wrong))
        return InvalidCredentialError("introspection-answer")

    def _tell(self, why: str) -> None:
        self._sink(
            Event(
                "introspection-failed", time.time(), details={"host": read_url(self._url).shown_host, "why": why[:200]}
            )
        )


def _target(url: str, *, allow_loopback: bool) -> Target:
    wrong = ""
    try:
        target = read_url(url)
        if target.scheme != "http" or allow_loopback:
            return target
        wrong = "opaque tokens are asked about over https (STOPPER_ALLOW_LOOPBACK_INTROSPECTION allows http to this machine)"
    except CallRefusedError as refusal:
        wrong = f"the URL of an introspection cannot be used: {refusal.message}"
    raise SettingError(wrong)


def _basic(client_id: str, secret: Callable[[], Secret]) -> Callable[[], Secret]:
    """Both in the form encoding that RFC 6749 §2.3.1 asks for."""

    def value() -> Secret:
        pair = f"{quote_plus(client_id)}:{quote_plus(secret().reveal())}"
        return Secret(base64.b64encode(pair.encode("ascii")).decode("ascii"))

    return value


def _secret(introspection: Introspection, secrets: NamedSecrets, url: str) -> Callable[[], Secret]:
    said = introspection.secret
    if isinstance(said, Secret):
        return lambda: said
    if not isinstance(said, str):
        return said
    if said not in secrets:
        raise SettingError(
            f"the secret with which {url} is asked must be a Secret, a function that gives one, or a name that STOPPER_SECRETS declares"
        )
    return lambda: secrets[said]
