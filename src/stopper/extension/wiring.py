"""Puts together what a guard asks: the verifier, the revocations, the API keys, the memory of used things."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flask import Flask

from stopper.auth.access_token import AccessTokens, lifetime
from stopper.auth.api_key import ApiKeys
from stopper.auth.api_key_record import ApiKeyStore
from stopper.auth.clock import Clock
from stopper.auth.introspection import OpaqueTokens
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import KeySource
from stopper.auth.keyring import Keyring
from stopper.auth.requirement import Redeem
from stopper.auth.revocation import Revocations, keep_for
from stopper.auth.session import root_secret
from stopper.auth.signing_key import ALGORITHMS
from stopper.auth.single_use import SingleUse
from stopper.auth.verifier import Verifier
from stopper.core.errors import SettingError
from stopper.core.principal import Principal
from stopper.core.secret import Secret
from stopper.core.settings import Settings
from stopper.extension import settings as setting
from stopper.extension.used_proofs import SweptProofs
from stopper.outbound.introspection import NamedSecrets, open_introspection
from stopper.outbound.jwks import open_keys

if TYPE_CHECKING:
    from stopper.store import Store
    from stopper.store.redis_counters import RedisCounters


class Revoked(Protocol):
    """Says whether a verified token is void."""

    def is_revoked(self, claims: Mapping[str, object]) -> bool:
        """Raises StoreUnavailableError when nobody can tell."""
        ...


class ReadsKeys(Protocol):
    """Verifies an API key."""

    def verify(self, shown: str, address: str | None) -> Principal:
        """Who acts with the key *shown* from *address*. Raises InvalidCredentialError or StoreUnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a guard asks. None: the part is not there, and a policy that needs it is refused at the start."""

    verifier: Verifier | None = None
    revocations: Revoked | None = None
    api_keys: ReadsKeys | None = None
    single_use: Redeem | None = None
    prepare: Callable[[], None] | None = None
    """Brings a store that the guard opened itself into shape; raises SettingError or StoreUnavailableError."""
    store: "Store | None" = field(default=None, repr=False)
    opaque: OpaqueTokens | None = None
    """Asks the issuer of opaque tokens."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the application hands over instead of settings."""

    issuers: tuple[Issuer, ...] = ()
    keyring: KeySource | None = None
    revocations: Revoked | None = None
    api_keys: ReadsKeys | None = None
    single_use: Redeem | None = None
    store: "Store | None" = field(default=None, repr=False)


def assemble(
    flask: Flask, settings: Settings, given: Given, clock: Clock, secrets: NamedSecrets
) -> tuple[Parts, tuple[Issuer, ...]]:
    """The parts, and every issuer that is trusted. *secrets*: what STOPPER_SECRETS declares. Raises SettingError where something is missing or unsafe."""
    own, audience = settings.get(setting.ISSUER), settings.get(setting.AUDIENCE)
    if own and not audience:  # before a store is opened: a refused set-up leaves no file behind
        raise SettingError(
            "STOPPER_AUDIENCE is not set: tokens for other APIs would pass; name this API, such as https://api.example.com",
            rule="jwt-audience-issuer-unchecked",
        )
    foreign = tuple(open_keys(issuer, settings) for issuer in (*given.issuers, *settings.get(setting.ISSUERS)))
    opaque = _opaque(foreign, audience or None, settings, secrets, clock)
    foreign = tuple(issuer for issuer in foreign if issuer.introspection is None)
    opened = _opened(flask, settings, given, clock) if given.store is None else None
    store = given.store or opened
    revocations, single_use, issuers = given.revocations, given.single_use, foreign
    tokens: AccessTokens | None = None
    if own:
        keyring = given.keyring or _keyring(store, settings, clock)
        issuers = (_own_issuer(own, audience, keyring), *foreign)
        tokens = _tokens(own, audience, keyring, settings, clock)
    if store is not None:
        revocations = revocations or _revocations(store, settings, clock)
        single_use = single_use or SingleUse(store.single_use, clock)
    parts = Parts(
        verifier=_verifier(issuers, audience or None, settings, clock) if issuers else None,
        revocations=revocations,
        api_keys=given.api_keys or _api_keys(store, settings, clock, revocations, tokens),
        single_use=single_use,
        prepare=None if opened is None else lambda: _prepare(opened),
        store=store,
        opaque=opaque,
    )
    return parts, issuers


def remembers_proofs(parts: Parts, given: Given, clock: Clock) -> Redeem | None:
    """What remembers used DPoP proofs: the shared Redis where there is one, since a write to SQL for every request is dear."""
    store = None if given.single_use is not None else parts.store
    if store is None or parts.single_use is None:
        return parts.single_use
    if store.redis is None:
        return SweptProofs(parts.single_use, store.single_use.forget, clock)
    from stopper.store.redis_used import RedisSingleUse

    return SingleUse(RedisSingleUse(store.redis), clock)


def shared_counters(parts: Parts, settings: Settings) -> "tuple[RedisCounters | None, Revocations | None]":
    """The counters of all nodes; and the revocations that hear the news in the round trip that counts, where one server has both."""
    store, url = parts.store, settings.get(setting.REDIS_URL)
    counters: RedisCounters | None = None if store is None else store.counters
    if counters is None and url is not None:
        from stopper.store.redis_counters import RedisCounters as Opened
        from stopper.store.redis_server import RedisServer

        return Opened(RedisServer(url)), None
    followed = parts.revocations
    together = (
        counters is not None
        and store is not None
        and isinstance(followed, Revocations)
        and followed.news is not None
        and followed.news is store.news
    )
    return counters, followed if together and isinstance(followed, Revocations) else None


def _opened(flask: Flask, settings: Settings, given: Given, clock: Clock) -> "Store | None":
    own_keys = bool(settings.get(setting.ISSUER)) and given.keyring is None
    own_api_keys = settings.get(setting.API_KEY_PEPPER) is not None and given.api_keys is None
    own_sessions = settings.is_set(root_secret)
    if not (own_keys or own_api_keys or own_sessions or settings.is_set(setting.DATABASE_URL)):
        return None
    from stopper.store import open_store  # SQLAlchemy is loaded by those who keep something

    return open_store(
        _database_url(flask, settings),
        clock,
        keep_revoked=keep_for(_life(settings)),
        redis=settings.get(setting.REDIS_URL),
    )


def _prepare(store: "Store") -> None:
    # A file of our own is brought up to date; a server's schema is changed by whoever runs the migration, not by every API.
    if store.database.dialect == "sqlite":
        store.migrate()
    else:
        store.check()


def _verifier(issuers: Sequence[Issuer], audience: str | None, settings: Settings, clock: Clock) -> Verifier:
    return Verifier(issuers, audience=audience, clock=clock, cache_size=settings.get(setting.TOKEN_CACHE_SIZE))


def _opaque(
    issuers: Sequence[Issuer], audience: str | None, settings: Settings, secrets: NamedSecrets, clock: Clock
) -> OpaqueTokens | None:
    found = [issuer for issuer in issuers if issuer.introspection is not None]
    if len(found) > 1:
        raise SettingError(
            f"{found[0].url} and {found[1].url} both give out opaque tokens, so each would be shown the other's; declare one"
        )
    if not found:
        return None
    size = settings.get(setting.TOKEN_CACHE_SIZE)
    return open_introspection(found[0], settings, secrets, clock, audience=audience, size=size)


def _own_issuer(url: str, audience: str, keyring: KeySource) -> Issuer:
    algorithms = ALGORITHMS if isinstance(keyring, Keyring) else tuple(name for name in ALGORITHMS if name != "HS256")
    return Issuer(url, algorithms, audience=audience, keys=keyring)


def _life(settings: Settings) -> float:
    return float(settings.get(lifetime))


def _keyring(store: "Store | None", settings: Settings, clock: Clock) -> Keyring:
    if store is None:
        raise SettingError("STOPPER_ISSUER is set, but there is no store with its keys; set STOPPER_DATABASE_URL")
    return Keyring(store.keys, clock, token_lifetime=_life(settings))


def _revocations(store: "Store", settings: Settings, clock: Clock) -> Revocations:
    return Revocations(store.revocations, clock, token_lifetime=_life(settings), news=store.news)


def _api_keys(
    store: "Store | None", settings: Settings, clock: Clock, revocations: Revoked | None, tokens: AccessTokens | None
) -> ApiKeys | None:
    kept: ApiKeyStore | None = getattr(store, "api_keys", None)
    pepper = pepper_of(store, settings)
    if kept is None or pepper is None:
        return None
    return ApiKeys(
        kept,
        pepper,
        clock=clock,
        revocations=revocations if isinstance(revocations, Revocations) else None,
        tokens=tokens,
        foreign=settings.get(setting.FOREIGN_API_KEYS),
    )


def pepper_of(store: "Store | None", settings: Settings) -> Secret | None:
    """The key of the hash of API keys: the one that was said, else one that is derived from the store's master key."""
    said: Secret | None = settings.get(setting.API_KEY_PEPPER)
    sealer = getattr(store, "sealer", None)
    return said if said is not None or sealer is None else sealer.derive("api keys")


def _tokens(issuer: str, audience: str, keyring: KeySource, settings: Settings, clock: Clock) -> AccessTokens | None:
    if not isinstance(keyring, Keyring):
        return None
    return AccessTokens(issuer, audience, keyring.signing_key, clock, settings.get(lifetime))


def _database_url(flask: Flask, settings: Settings) -> str:
    said: Secret | None = settings.get(setting.DATABASE_URL)
    if said is not None:
        return said.reveal()
    folder = Path(flask.instance_path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'stopper.db'}"
