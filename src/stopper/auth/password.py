"""Passwords: what is taken, how they are hashed, and that every attempt costs the same."""

import os
import threading
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from stopper.auth.common_password import is_common
from stopper.core.errors import StoreUnavailableError

MAX_BYTES: Final = 1024
"""After NFC. Long enough for any passphrase; keeps a body from being a weapon."""
MIN_CHARACTERS: Final = 15
"""NIST SP 800-63B-4 §3.1.1.2: a password that is the only factor."""

# OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, two passes, one lane.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1


class Hashing(Protocol):
    """What :class:`Passwords` asks of a hash function."""

    def hash(self, password: str | bytes) -> str:
        """A new hash with its own salt."""
        ...

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        """True, or one of argon2's exceptions."""
        ...

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        """Whether the hash was made with other parameters."""
        ...


def argon2id() -> PasswordHasher:
    """The hash function in force."""
    return PasswordHasher(
        time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=32, salt_len=16, type=Type.ID
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one comparison ended. ``new_hash``: store it in place of the old one (parameters have grown)."""

    right: bool
    new_hash: str | None = None


class Passwords:
    """Hashes and compares, never more than a few at once in one process.

    Where all places are taken for *patience* seconds, StoreUnavailableError (503 with Retry-After) says so before any hash.
    """

    def __init__(self, *, places: int | None = None, patience: float = 2.0, hasher: Hashing | None = None) -> None:
        """*places*: parallel hashes; by default one less than the cores, at least one."""
        self._places = places or max(1, (os.cpu_count() or 1) - 1)
        self._patience = patience
        self._hasher: Hashing = hasher or argon2id()
        self._gate = threading.BoundedSemaphore(self._places)
        self._dummy = self._hasher.hash(os.urandom(16).hex())
        self._pid = os.getpid()

    def hash(self, password: str) -> str:
        """A new hash. *password* has passed :func:`refusal`."""
        with self._place():
            return self._hasher.hash(encoded(password))

    def compare(self, password: str, stored: str | None) -> Attempt:
        """Compare with *stored*; where there is none, with a hash that nobody knows the password of.

        Exactly one hash is computed, and one more only when a right password's parameters have grown.
        """
        with self._place():
            if not self._matches(stored or self._dummy, encoded(password)) or stored is None:
                return Attempt(False)
            stale = self._hasher.check_needs_rehash(stored)
            return Attempt(True, self._hasher.hash(encoded(password)) if stale else None)

    def _matches(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except InvalidHashError:
            # No hash was computed for a stored text that is none: compute one, so that this account costs the same.
            return self._matches(self._dummy, password) and False
        except VerificationError:
            return False

    @contextmanager
    def _place(self) -> Generator[None]:
        if os.getpid() != self._pid:
            self._gate = threading.BoundedSemaphore(self._places)
            self._pid = os.getpid()
        gate = self._gate
        if not gate.acquire(timeout=self._patience):
            raise StoreUnavailableError("password-hashing-busy", retry_after=2)
        try:
            yield
        finally:
            gate.release()


def encoded(password: str) -> bytes:
    """The bytes that are hashed: NFC, UTF-8 (NIST SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def unusable(password: str) -> str | None:
    """Why no account can have this password, or None. Asked before any look-up, so that the answer tells nothing."""
    if not password:
        return "must not be empty"
    if len(password) > MAX_BYTES or len(encoded(password)) > MAX_BYTES:
        return f"must not be longer than {MAX_BYTES} bytes"
    if "\x00" in password or any("\ud800" <= char <= "\udfff" for char in password):
        return "must not hold NUL or half a character"
    return None


def refusal(password: str, *, context: Iterable[str] = (), least: int = MIN_CHARACTERS) -> str | None:
    """Why a new password is not taken, or None. *context*: the person's and the service's own words."""
    wrong = unusable(password)
    if wrong:
        return wrong
    text = unicodedata.normalize("NFC", password)
    if len(text) < least:
        return f"must have {least} characters or more; a few words in a row make a good one"
    if is_common(text, context):
        return "is easy to guess; take words that have nothing to do with you or this service"
    return None


def context_words(email: str, issuer: str) -> tuple[str, ...]:
    """Words that this person's password must not be made of: parts of the address, of the issuer's host, and our name."""
    host = issuer.split("://")[-1].split("/")[0].split(":")[0]
    text = f"{email} {host} stopper"
    for mark in "@.-_+ ":
        text = text.replace(mark, " ")
    return tuple(word for word in dict.fromkeys(text.lower().split()) if len(word) >= 4)
