"""Refresh tokens: opaque, used once, in families; a lost answer can be asked for again for ten seconds.

docs/tokens.md draws the states. One conditional UPDATE in the store decides who used a token.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stopper.auth.access_token import AccessTokens
from stopper.auth.account import Account
from stopper.auth.clock import Clock
from stopper.auth.event import Event, EventSink, log_event
from stopper.core.errors import InvalidCredentialError
from stopper.core.secret import Secret
from stopper.core.settings import number

lifetime: Final = number(
    "REFRESH_TOKEN_LIFETIME", 2_592_000, "Seconds after log-in when a session ends whatever happens.", least=300
)
idle_lifetime: Final = number(
    "REFRESH_TOKEN_IDLE_LIFETIME", 604_800, "Seconds without a refresh after which a session ends.", least=60
)
retry_window: Final = number(
    "REFRESH_TOKEN_RETRY_WINDOW", 10, "Seconds in which a lost answer is given again.", least=0, most=60
)

_LENGTH: Final = 43
"""256 random bits in base64url."""


@dataclass(frozen=True, slots=True)
class Family:
    """One log-in and every refresh token that came from it. ``generation``: that of its newest token.

    ``last_used_at``: the last refresh, where it was asked for. ``key``: the thumbprint of the DPoP key that every one of its tokens is bound to.
    """

    id: str
    account_id: str
    client_id: str
    device: str | None
    scopes: tuple[str, ...]
    auth_time: int
    amr: tuple[str, ...]
    created_at: float
    ends_at: float
    generation: int = 0
    ended_at: float | None = None
    ended_reason: str | None = None
    last_used_at: float | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Successor:
    """What a rotation leaves: the new token's digest and idle end, and the sealed answer with the end of its window."""

    digest: bytes
    idle_until: float
    answer: bytes
    sealed: bytes
    retry_until: float


@dataclass(frozen=True, slots=True)
class Rotation:
    """How the store decided. ``rotated`` has the fresh answer, ``repeated`` the sealed one.

    ``reused``: the family has been ended by this call. ``refused``: nothing changed; ``reason`` says why.
    """

    outcome: Literal["rotated", "repeated", "reused", "refused"]
    reason: str = ""
    answer: bytes = b""
    sealed: bytes = b""
    family: Family | None = None


Build = Callable[[Family, Account], Successor]


class RefreshStore(Protocol):
    """Where families are kept. Everything raises StoreUnavailableError rather than guess."""

    def open_family(self, family: Family, account: Account, digest: bytes, idle_until: float) -> bool:
        """Insert a family with its first token.

        False where the account was disabled, or its password, roles or scopes changed, since *account* was read: a log-in that
        was under way does not survive that.
        """
        ...

    def rotate(
        self,
        digest: bytes,
        used_by: str,
        client_id: str,
        device: str | None,
        now: float,
        token_until: float,
        build: Build,
        key: str | None = None,
    ) -> Rotation:
        """Use the token of *digest* if nobody has, and store what *build* gives, in one transaction.

        *key*: the thumbprint that the client has proven; it must be the family's own. A used one is repeated or ends its family (with a revocation entry kept until *token_until*), in that transaction.
        """
        ...

    def end_family(self, family_id: str, reason: str, now: float, token_until: float) -> bool:
        """End a family and void its access tokens, in one transaction; False where it had ended."""
        ...

    def family_of(self, digest: bytes) -> Family | None:
        """The family that a token belongs to."""
        ...

    def families(self, account_id: str) -> list[Family]:
        """The families of one account that have not ended, oldest first, each with its last use."""
        ...

    def forget_answers(self, now: float) -> int:
        """Delete sealed answers whose window has ended; returns how many."""
        ...

    def forget_families(self, now: float) -> int:
        """Delete families whose life has ended, with their tokens; returns how many."""
        ...


class RefreshTokens:
    """Opens, rotates and ends families. Answers are the bytes that go to the client."""

    def __init__(
        self,
        store: RefreshStore,
        access: AccessTokens,
        clock: Clock,
        *,
        life: float = 2_592_000.0,
        idle: float = 604_800.0,
        window: float = 10.0,
        keep_revoked: float = 4_530.0,
        sink: EventSink = log_event,
    ) -> None:
        """*life*, *idle*, *window* in seconds; *keep_revoked*: how long a revocation of the family must be remembered."""
        self._store = store
        self._access = access
        self._clock = clock
        self._life = life
        self._idle = idle
        self._window = window
        self._keep = keep_revoked
        self._sink = sink
        self._forget_at = float("inf")

    def open(
        self,
        account: Account,
        *,
        client_id: str,
        device: str | None = None,
        amr: tuple[str, ...] = ("pwd",),
        key: str | None = None,
    ) -> bytes:
        """Start a family for somebody who has just logged in; returns the token answer. Raises InvalidCredentialError.

        *key*: the thumbprint of the key that the client has proven (RFC 9449 §5); all of the family's tokens are bound to it.
        """
        now = self._clock()
        family = Family(
            id=secrets.token_urlsafe(16),
            account_id=account.id,
            client_id=client_id,
            device=device,
            scopes=account.scopes,
            auth_time=max(int(now), account.tokens_from),
            amr=amr,
            created_at=now,
            ends_at=now + self._life,
            key=key,
        )
        token = secrets.token_urlsafe(32)
        idle_until = min(now + self._idle, family.ends_at)
        # Issued before the commit: what voids the account's tokens after it reaches this one too.
        answer = self._answer(family, account, token)
        if not self._store.open_family(family, account, token_digest(token), idle_until):
            raise InvalidCredentialError("login-overtaken")
        return answer

    def refresh(self, presented: str, *, client_id: str, device: str | None = None, key: str | None = None) -> bytes:
        """Rotate, or give the same answer again to the client that has just rotated. *key* as in :meth:`open`.

        Raises InvalidCredentialError for everything else; a token used twice outside that rule ends its family first.
        """
        if not _looks_right(presented):
            raise InvalidCredentialError("refresh-malformed")
        now = self._clock()
        found = self._store.rotate(
            token_digest(presented),
            _client(client_id, device, key),
            client_id,
            device,
            now,
            now + self._keep,
            lambda family, account: self._succeed(presented, family, account, now),
            key,
        )
        if found.outcome == "rotated":
            self._forget_at = min(self._forget_at, now + self._window)
            return found.answer
        if found.outcome == "repeated":
            return unseal(presented, found.sealed)
        self._report(found, now)
        raise InvalidCredentialError(found.reason)

    def _report(self, found: Rotation, now: float) -> None:
        name = "refresh-reuse" if found.outcome == "reused" else "refresh-refused"
        subject = found.family.account_id if found.family else None
        details = {"reason": found.reason, "family": found.family.id if found.family else "-"}
        self._sink(Event(name, now, subject, details))

    def _succeed(self, presented: str, family: Family, account: Account, now: float) -> Successor:
        token = secrets.token_urlsafe(32)
        answer = self._answer(family, account, token)
        idle_until = min(now + self._idle, family.ends_at)
        return Successor(token_digest(token), idle_until, answer, seal(presented, answer), now + self._window)

    def _answer(self, family: Family, account: Account, token: str) -> bytes:
        access = self._access.issue(
            account.id,
            client_id=family.client_id,
            scopes=tuple(scope for scope in family.scopes if scope in account.scopes),
            roles=account.roles,
            auth_time=family.auth_time,
            amr=family.amr,
            sid=family.id,
            not_before=account.tokens_from,
            key=family.key,
        )
        refresh = Secret(token)
        return json.dumps(
            {
                "access_token": access.reveal(),
                "refresh_token": refresh.reveal(),
                "token_type": "Bearer" if family.key is None else "DPoP",
                "expires_in": self._access.life,
                "scope": " ".join(scope for scope in family.scopes if scope in account.scopes),
            }
        ).encode("utf-8")

    def end(self, family_id: str, reason: str = "logout") -> bool:
        """End a family; its refresh tokens are dead and its access tokens void when this returns."""
        now = self._clock()
        return self._store.end_family(family_id, reason, now, now + self._keep)

    def end_by_token(self, presented: str, reason: str = "logout") -> str | None:
        """End the family of a refresh token; returns its id, or None for a token that nobody knows."""
        family = self._store.family_of(token_digest(presented)) if _looks_right(presented) else None
        if family is None:
            return None
        self.end(family.id, reason)
        return family.id

    def families(self, account_id: str) -> list[Family]:
        """The live families of one account, oldest first: those that have neither ended nor outlived themselves."""
        now = self._clock()
        return [family for family in self._store.families(account_id) if family.ends_at > now]

    def forget_when_due(self) -> None:
        """Delete the sealed answers that this process has left, once their window has ended. Costs nothing before."""
        now = self._clock()
        if now >= self._forget_at:
            self._forget_at = float("inf")
            self._store.forget_answers(now)


def token_digest(token: str) -> bytes:
    """SHA-256 of a refresh token: all that the store knows of it. 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("ascii")).digest()


def seal(presented: str, answer: bytes) -> bytes:
    """Encrypt *answer* so that only somebody who holds *presented* can read it: AES-256-GCM under an HKDF-SHA256 key."""
    nonce = os.urandom(12)
    return nonce + AESGCM(_answer_key(presented)).encrypt(nonce, answer, token_digest(presented))


def unseal(presented: str, sealed: bytes) -> bytes:
    """The answer again. Raises InvalidCredentialError where *sealed* was not made for *presented*."""
    try:
        return AESGCM(_answer_key(presented)).decrypt(sealed[:12], sealed[12:], token_digest(presented))
    except (InvalidTag, ValueError):
        raise InvalidCredentialError("refresh-answer-unreadable") from None


def _answer_key(presented: str) -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"stopper refresh answer v1")
    return derive.derive(presented.encode("ascii"))


def _client(client_id: str, device: str | None, key: str | None) -> str:
    return json.dumps([client_id, device] if key is None else [client_id, device, key])


def _looks_right(presented: str) -> bool:
    return len(presented) == _LENGTH and presented.isascii() and presented.replace("-", "a").replace("_", "a").isalnum()
