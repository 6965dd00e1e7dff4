"""Keys that live elsewhere, opened by their place: a time-out and a breaker before every signature."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.forking import in_each_child
from stopper.auth.private_key import jwk_members
from stopper.auth.remote_key import FoundKey
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError
from stopper.secrets.backends import Access
from stopper.secrets.errors import FetchError, SigningKeyUnavailableError
from stopper.secrets.key_holder import KeyHolder, KeyVersion
from stopper.secrets.key_place import KeyPlace, parse_place
from stopper.secrets.reference import NotAReferenceError
from stopper.secrets.steady import steady

FAILURES: Final = 3
"""So many failures in a row open the breaker."""
OPEN_SECONDS: Final = 5.0
"""How long an open breaker answers by itself; then one call may try."""
OpenHolder = Callable[[str, Access], KeyHolder]


class KeyPlaces:
    """Every place that signs for this process, each opened when it is first asked. Safe for threads and after a fork."""

    def __init__(
        self,
        access: Access,
        timeout: float = 2.0,
        *,
        clock: Clock = system_clock,
        steady: Clock = steady,
        sink: EventSink = log_event,
        open_holder: "OpenHolder | None" = None,
    ) -> None:
        """*timeout*: seconds that a place has for one signature."""
        self._access = replace(access, timeout=timeout)
        self._open = open_holder or _open_holder
        self._steady = steady
        self._wall = clock
        self._sink = sink
        self._holders: dict[str, KeyHolder] = {}
        self._new_breakers()
        in_each_child(self._new_breakers)

    def open(self, place: str, version: str, algorithm: str) -> "HeldKey":
        """One version of a key. Never raises; what is wrong shows when it signs. (:data:`stopper.auth.remote_key.OpenKey`)"""
        return HeldKey(place, version, algorithm, self)

    def find(self, place: KeyPlace, preferred: str = "") -> FoundKey:
        """What *place* signs with now, under *preferred* where its kind of key can.

        Raises SigningKeyUnavailableError where it does not answer, KeyringError where it has no such key or refuses this service.
        """
        try:
            found = self._holder(place.scheme).newest(place.path)
            cause, why = None, ""
        except FetchError as wrong:
            found, cause, why = None, wrong.cause, str(wrong)
        if found is None:
            self._sink(Event("signing-key-not-found", self._wall(), str(place), {"why": why}))
            if cause == "unreachable":
                raise SigningKeyUnavailableError(str(place), why)
            raise KeyringError(f"the signing key {place}: {why}")
        algorithm = preferred if preferred in found.algorithms else (*found.algorithms, "")[0]
        self._judge(place, algorithm, found)
        return FoundKey(self.open(str(place), found.version, algorithm), algorithm, jwk_members(found.public_key))

    def _judge(self, place: KeyPlace, algorithm: str, found: KeyVersion) -> None:
        why = "is of a kind that signs no tokens; make Ed25519, P-256, P-384 or RSA" if not algorithm else ""
        try:
            if algorithm:
                VerificationKey.from_public_key(None, algorithm, found.public_key)
        except KeyringError as wrong:
            why = f"is refused: {wrong}"
        if why:  # told too: a key that is rotated there is asked for while nobody waits for the answer
            self._sink(Event("signing-key-refused", self._wall(), str(place), {"why": why}))
            raise KeyringError(f"the signing key {place} {why}")

    def sign(self, key: "HeldKey", message: bytes) -> bytes:
        """A signature of *key*. Raises SigningKeyUnavailableError; while the place is away it does so without asking."""
        self._pass_breaker(key.place)
        try:
            place = _parsed(key.place)
            made = self._holder(place.scheme).sign(place.path, key.version, key.algorithm, message)
        except FetchError as wrong:
            why = str(wrong)
        else:
            self._answered(key.place)
            return made
        self._failed(key.place, why)
        raise SigningKeyUnavailableError(key.place, why)

    def _holder(self, scheme: str) -> KeyHolder:
        with self._lock:
            if scheme not in self._holders:
                self._holders[scheme] = self._open(scheme, self._access)
            return self._holders[scheme]

    def _pass_breaker(self, place: str) -> None:
        with self._lock:
            failures, again, why = self._away.get(place, (0, 0.0, ""))
            if failures < FAILURES:
                return
            if self._steady() >= again:
                # This caller tries; the others go on being refused until it has an answer.
                self._away[place] = (failures, self._steady() + OPEN_SECONDS, why)
                return
        raise SigningKeyUnavailableError(place, why)

    def _failed(self, place: str, why: str) -> None:
        with self._lock:
            failures = self._away.get(place, (0, 0.0, ""))[0] + 1
            self._away[place] = (failures, self._steady() + OPEN_SECONDS, why)
        if failures == FAILURES:
            self._sink(Event("signing-key-away", self._wall(), place, {"why": why}))

    def _answered(self, place: str) -> None:
        if place not in self._away:
            return
        with self._lock:
            failures = self._away.pop(place, (0, 0.0, ""))[0]
        if failures >= FAILURES:
            self._sink(Event("signing-key-back", self._wall(), place, {}))

    def _new_breakers(self) -> None:
        self._lock = threading.Lock()
        self._away: dict[str, tuple[int, float, str]] = {}


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One version of one key at its place. (:class:`stopper.auth.remote_key.RemoteKey`)"""

    place: str
    version: str
    algorithm: str
    _places: KeyPlaces = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """The JWS signature. Raises SigningKeyUnavailableError."""
        return self._places.sign(self, message)


def _parsed(text: str) -> KeyPlace:
    try:
        found = parse_place(text)
    except NotAReferenceError:
        found = None
    if found is None:  # kept by a version that knows more kinds of places
        raise FetchError("missing", "this version does not know that kind of place; bring it to the newest one")
    return found


def _open_holder(scheme: str, access: Access) -> KeyHolder:
    return _HOLDERS[scheme](access)


def _transit(access: Access) -> KeyHolder:
    from stopper.secrets.vault_transit import open_transit

    return open_transit(access.vault, access.timeout)


def _kms(access: Access) -> KeyHolder:
    from stopper.secrets.aws_kms import AwsKms

    return AwsKms(access.aws_region, access.timeout)


def _azure(access: Access) -> KeyHolder:
    from stopper.secrets.azure_key import AzureKeys

    return AzureKeys(access.timeout)


def _pkcs11(access: Access) -> KeyHolder:
    from stopper.secrets.pkcs11 import open_module

    return open_module(access.pkcs11)


_HOLDERS: Final[Mapping[str, Callable[[Access], KeyHolder]]] = {
    "vault-transit": _transit, "aws-kms": _kms, "azure-key": _azure, "pkcs11": _pkcs11,
}  # fmt: skip
