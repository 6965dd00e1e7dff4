"""People who have an account: one canonical address each."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Protocol

MAX_EMAIL: Final = 254
"""RFC 5321 §4.5.3.1.3: a path holds 256 characters, two of them brackets."""
_LOCAL: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Account:
    """One person. ``tokens_from``: access tokens stated to be issued before this second are void."""

    id: str
    email: str
    password_hash: str
    created_at: float
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    disabled_at: float | None = None
    tokens_from: int = 0

    @property
    def active(self) -> bool:
        """Whether the person may log in."""
        return self.disabled_at is None


class AccountStore(Protocol):
    """Where accounts are kept. Every method raises StoreUnavailableError when the store does not answer."""

    def add(self, account: Account) -> bool:
        """Insert, or do nothing and return False when the address is taken. One statement decides."""
        ...

    def by_email(self, email: str) -> Account | None:
        """The account of this canonical address."""
        ...

    def by_id(self, account_id: str) -> Account | None:
        """The account of this id."""
        ...

    def change_password(self, account_id: str, old_hash: str, new_hash: str, now: float) -> bool:
        """Swap the hash if it still is *old_hash*, end every family and void every access token, all in one transaction."""
        ...

    def rehash(self, account_id: str, old_hash: str, new_hash: str) -> bool:
        """Swap the hash if it still is *old_hash*; sessions go on, for the password did not change."""
        ...

    def disable(self, account_id: str, now: float) -> bool:
        """Disable, end every family and void every access token, in one transaction. False when there is no such account."""
        ...

    def set_access(self, account_id: str, roles: tuple[str, ...], scopes: tuple[str, ...], now: float) -> bool:
        """Set what the account may do and void its access tokens, so that the change acts at once."""
        ...


def canonical_email(text: str) -> str | None:
    """The one spelling of a mail address: NFKC, lower case; None when it is not an address that we take.

    Plain ASCII addresses only (RFC 5321 without quoted local parts): look-alike letters cannot make a second account.
    """
    found = unicodedata.normalize("NFKC", text).lower()
    if len(text) > MAX_EMAIL or len(found) > MAX_EMAIL or not found.isascii() or found.count("@") != 1:
        return None
    local, domain = found.split("@")
    labels = domain.split(".")
    if len(local) > 64 or len(labels) < 2 or not _LOCAL.fullmatch(local):
        return None
    return found if all(_LABEL.fullmatch(label) for label in labels) else None
