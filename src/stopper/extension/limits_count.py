"""Counts the requests of one application: whose they are, what refuses them, and what the answer says of it.

Where several nodes share a Redis, all counters of a request and the number of the newest revocation are asked in one round trip. While it
is away, each process counts for itself, with the whole limit: slower nobody, faster at most the number of processes times.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Final

from flask import Request

from stopper.auth.api_key import LIMIT_CLAIM
from stopper.auth.api_key_reader import family_of
from stopper.auth.forking import in_each_child
from stopper.auth.limit import Attempt, LocalCounters
from stopper.auth.limit_key import digest_of, network
from stopper.auth.limit_text import read_limits, text_of
from stopper.core.errors import (
    InvalidCredentialError,
    RefusalError,
    SettingError,
    StoreUnavailableError,
    ThrottledError,
)
from stopper.core.principal import Principal
from stopper.extension.limits import By, Measured, measured
from stopper.extension.proxies import client_address
from stopper.extension.response_headers import LIMITS, Pair

if TYPE_CHECKING:
    from stopper.store.redis_counters import RedisCounters

_OWN: Final = "api-key"
"""The name of the limit that an API key brings along."""
_EVERYBODY: Final = "everybody"
_MOST_HELD: Final = 10_000
_MOST_OF_KEYS: Final = 1_000
"""Different limits of API keys that one process counts at once: whoever may make keys writes their limits, too."""
_log: Final = logging.getLogger("stopper")
PER_PROCESS: Final = (
    "several processes serve this application and each counts for itself, so a client gets each limit from each of them; set"
    " STOPPER_REDIS_URL, or STOPPER_ALLOW_LIMITS_PER_PROCESS = True where that is meant"
)


class RequestLimits:
    """What a gate asks before a view may run. Safe for threads."""

    def __init__(
        self,
        shared: "RedisCounters | None",
        *,
        own_issuers: frozenset[str] = frozenset(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*shared*: counters of all nodes; None: this process's own. *own_issuers*: their tokens name the same people as sessions and API keys do."""
        self._shared = shared
        self._own = LocalCounters(monotonic=monotonic)
        self._of_keys = LocalCounters(monotonic=monotonic, most=_MOST_OF_KEYS)
        self._own_issuers = own_issuers
        self._monotonic = monotonic
        self._held: dict[tuple[str, str], float] = {}
        self._away = False
        self._processes_told = False
        self._new_lock()
        # The parent's lock may be held by a thread that is not in the child.
        in_each_child(self._new_lock)

    def _new_lock(self) -> None:
        self._lock = threading.Lock()

    @property
    def is_shared(self) -> bool:
        """Whether all nodes count together."""
        return self._shared is not None

    def judge_processes(self, *, allowed: bool, strict: bool) -> None:
        """Where several processes serve. Raises SettingError where each would count for itself and *strict* is on; else it is told."""
        if self._shared is not None or allowed:
            return
        if strict:
            raise SettingError(PER_PROCESS, rule="rate-limit-per-process")
        _log.warning("rate-limit-per-process: %s", PER_PROCESS)

    def held(self, limits: Sequence[Measured], asked: Request) -> ThrottledError | None:
        """The refusal, when the address was refused before and its wait has not ended: then nothing is read, verified or asked."""
        if not self._held:
            return None
        now, key = self._monotonic(), network(client_address(asked))
        for one in limits:
            wait = self._held.get((one.measure, key), 0.0) - now if one.by == "address" else 0.0
            if wait > 0:
                tell(asked, limits, (f'"{one.name}";r=0;t={ceil(wait)}',))
                return ThrottledError(f"limit-{one.name}", ceil(wait))
        return None

    def count(
        self,
        limits: Sequence[Measured],
        asked: Request,
        principal: Principal | None,
        *,
        hear: bool = False,
        known: bool,
    ) -> tuple[RefusalError | None, int]:
        """Count a request of *principal*; None: of an address. The refusal, and the number of the newest revocation where *hear* asks for it.

        *known*: whether the request may count against everybody of the route; one whose credential was refused may not.
        """
        keys = [self._key(one.by, principal, asked, known=known) for one in limits]
        if principal is not None and (LIMIT_CLAIM in principal.claims or principal.also is not None):
            own = self._own_limits(principal)
            limits = (*limits, *(one for one, _ in own))
            keys += [key for _, key in own]
            if own:
                self._tell_of_processes(asked)
        if not keys and not hear:
            return None, 0
        if self._shared is None:
            wait, standings, newest = *self._count_here(limits, keys), 0
        else:
            wait, standings, newest = self._count_together(self._shared, limits, keys, hear=hear)
        tell(asked, limits, standings)
        if not wait:
            return None, newest
        at = len(standings) - 1
        if limits[at].by == "address":
            self._hold(limits[at].measure, keys[at], wait)
        return ThrottledError(f"limit-{limits[at].name}", max(1, ceil(wait))), newest

    def _count_here(self, limits: Sequence[Measured], keys: Sequence[str]) -> tuple[float, list[str]]:
        """In this process alone, up to the first that refuses: its wait, and how each stands. The quick way: no values in between."""
        standings: list[str] = []
        for one, key in zip(limits, keys, strict=True):
            counters = self._of_keys if one.name.startswith(_OWN) else self._own
            wait, remaining, reset = counters.counter(one.measure, one.limit).count(key)
            standings.append(f'"{one.name}";r={remaining};t={ceil(reset)}')
            if wait > 0:
                return wait, standings
        return 0.0, standings

    def _count_together(
        self, shared: "RedisCounters", limits: Sequence[Measured], keys: Sequence[str], *, hear: bool
    ) -> tuple[float, list[str], int]:
        """For all nodes; while the counters are away, in this process alone."""
        attempts = [Attempt(one.measure, key, one.limit) for one, key in zip(limits, keys, strict=True)]
        try:
            refused, found, newest = shared.count(attempts, hear=hear)
        except StoreUnavailableError:
            if not self._away:
                self._away = True
                _log.warning("the shared counters are away: each process counts for itself until they are back")
            return *self._count_here(limits, keys), 0
        self._away = False
        # No attempt has an exemption, so the standings are those of the first limits, in their order.
        standings = [
            f'"{one.name}";r={left.remaining};t={ceil(left.reset)}' for one, left in zip(limits, found, strict=False)
        ]
        return 0.0 if refused is None else refused.wait, standings, newest

    def _key(self, by: By, principal: Principal | None, asked: Request, *, known: bool) -> str:
        """Whom a limit counts: what *by* names, else who acts, else the address."""
        if by == "route" and known:
            return _EVERYBODY
        if principal is None or by == "address":
            return network(client_address(asked))
        return self._of_principal(by, principal)

    def _of_principal(self, by: By, principal: Principal) -> str:
        issuer = self._issuer(principal)
        if by == "key":
            key = _api_key_of(principal) or (None if principal.also is None else _api_key_of(principal.also))
            if key is not None:
                return _digest("key", issuer, key)
        if by == "tenant" and principal.tenant is not None:
            return _digest("tenant", "", principal.tenant)
        return _digest("principal", issuer, principal.subject)

    def _issuer(self, principal: Principal) -> str:
        said = principal.claims.get("iss")
        return said if isinstance(said, str) and said not in self._own_issuers else ""

    def _own_limits(self, principal: Principal) -> list[tuple[Measured, str]]:
        """The limits that API keys themselves have, whether shown or by a token that one gave out, each with whom it counts."""
        found: list[tuple[Measured, str]] = []
        for one in (principal, principal.also):
            if one is not None and LIMIT_CLAIM in one.claims:
                key = _digest("key", self._issuer(one), _api_key_of(one) or one.subject)
                found += [(single, key) for single in _limits_of_key(one.claims[LIMIT_CLAIM], len(found))]
        return found

    def _tell_of_processes(self, asked: Request) -> None:
        if self._shared is None and not self._processes_told and asked.environ.get("wsgi.multiprocess"):
            self._processes_told = True
            _log.warning("rate-limit-per-process: an API key has a limit, but %s", PER_PROCESS)

    def _hold(self, measure: str, key: str, wait: float) -> None:
        with self._lock:
            now = self._monotonic()
            if len(self._held) >= _MOST_HELD:
                self._held = {held: until for held, until in self._held.items() if until > now}
            if len(self._held) < _MOST_HELD:
                self._held[measure, key] = now + wait


def tell(asked: Request, limits: Sequence[Measured], standings: Sequence[str]) -> None:
    """Note what the answer says of *limits* (draft-ietf-httpapi-ratelimit-headers)."""
    if not limits:
        return
    pairs: list[Pair] = [("RateLimit-Policy", ", ".join([one.policy for one in limits]))]
    if standings:
        pairs.append(("RateLimit", ", ".join(standings)))
    asked.environ[LIMITS] = pairs


def _api_key_of(principal: Principal) -> str | None:
    """The name of the API key that *principal* acts by: shown itself, or by a token that it gave out."""
    if principal.kind == "api_key":
        return family_of(principal.credential_id or "")
    session = principal.claims.get("sid")
    return session if isinstance(session, str) and session.startswith(family_of("")) else None


_digest = lru_cache(maxsize=4096)(digest_of)


@lru_cache(maxsize=1024)
def _measured_of(said: str, before: int) -> tuple[Measured, ...]:
    return tuple(
        measured(f"{_OWN}|{text_of(one)}", _OWN if number == 1 else f"{_OWN}-{number}", one, "key")
        for number, one in enumerate(read_limits(said), before + 1)
    )


def _limits_of_key(said: object, before: int) -> tuple[Measured, ...]:
    """The limits that *said* reads, named after *before* others. Raises InvalidCredentialError for a limit that nobody can read: it is not let through without one."""
    try:
        found = _measured_of(said, before) if isinstance(said, str) else ()
    except ValueError:
        found = ()
    if not found:
        raise InvalidCredentialError("key-limit")
    return found
