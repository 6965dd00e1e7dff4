"""The parts of an issuer over a store, for tests that need tokens and no HTTP."""

from dataclasses import dataclass

from stopper.auth.access_token import AccessTokens
from stopper.auth.account import Account
from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import Event
from stopper.auth.keyring import Keyring
from stopper.auth.refresh_token import RefreshTokens
from stopper.auth.revocation import Revocations
from stopper.store import Store

ISSUER = "https://auth.example.com"
AUDIENCE = "https://api.example.com"


@dataclass
class Issuing:
    """One issuer, with an account ``ann`` in its store, and the events that were raised."""

    store: Store
    keyring: Keyring
    access: AccessTokens
    refresh: RefreshTokens
    revocations: Revocations
    events: list[Event]
    account: Account


def issuing(store: Store, clock: Clock = system_clock) -> Issuing:
    """Make it."""
    events: list[Event] = []
    keyring = Keyring(store.keys, clock)
    keyring.ensure_key()
    access = AccessTokens(ISSUER, AUDIENCE, keyring.signing_key, clock)
    refresh = RefreshTokens(store.refresh, access, clock, sink=events.append)
    store.accounts.add(Account("ann", "ann@example.com", "hash", clock(), ("writer",), ("notes:read", "notes:write")))
    account = store.accounts.by_id("ann")
    assert account is not None
    return Issuing(
        store, keyring, access, refresh, Revocations(store.revocations, clock, token_lifetime=900), events, account
    )
