"""Private keys that sign where they live and never come here: Vault's transit engine, a cloud's KMS, a hardware module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from stopper.core.errors import StoreUnavailableError


class RemoteKey(Protocol):
    """One version of one private key at its place. Holds nothing secret; made without asking the place."""

    @property
    def place(self) -> str:
        """Where it lives, such as ``vault-transit:transit/stopper``."""
        ...

    @property
    def version(self) -> str:
        """The place's own word for this key pair; it never means another one."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The JWS signature over *message*. Raises StoreUnavailableError, and nothing else, where the place does not sign."""
        ...


@dataclass(frozen=True, slots=True)
class FoundKey:
    """What a place signs with now: the key, its algorithm, and the public members of its JWK."""

    key: RemoteKey
    algorithm: str
    public: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnopenedKey:
    """A key that lives elsewhere, in a process that was not told how to reach it: it verifies, and signs nothing."""

    place: str
    version: str

    def sign(self, message: bytes) -> bytes:
        """Raises StoreUnavailableError."""
        raise StoreUnavailableError("signing-key-not-opened")


OpenKey = Callable[[str, str, str], RemoteKey]
"""``open_key(place, version, algorithm)``: the key that lives there. Never raises; what is wrong shows when it signs."""
FindKey = Callable[[], FoundKey]
"""Asks the place which key pair is its newest. Raises StoreUnavailableError and KeyringError."""
