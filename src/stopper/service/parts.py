"""Puts the parts of an issuer together over one store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from stopper.auth import access_token, refresh_token
from stopper.auth.access_token import AccessTokens
from stopper.auth.algorithm import canonical_name
from stopper.auth.api_key import ApiKeys
from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import EventSink, log_event
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.limit import LocalCounters
from stopper.auth.password import Passwords
from stopper.auth.refresh_token import RefreshTokens
from stopper.auth.revocation import Revocations, keep_for
from stopper.auth.signing_key import ALGORITHMS, Algorithm
from stopper.auth.verifier import LEEWAY, Verifier
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.core.settings import Setting, Settings, declare, switch, text, texts
from stopper.extension import settings as guard_settings
from stopper.extension.wiring import pepper_of
from stopper.secrets import load
from stopper.secrets.key_place import KeyPlace, parse_place
from stopper.secrets.loading import key_places
from stopper.secrets.reference import NotAReferenceError
from stopper.secrets.signing import KeyPlaces
from stopper.service.accounts import Accounts
from stopper.service.mail import SendMail, log_mail
from stopper.service.throttle import Throttle
from stopper.store import Store, open_store

signing_algorithm: Final = text(
    "SIGNING_ALGORITHM",
    "EdDSA",
    "The algorithm of new signing keys. HS256 is a secret: it is not published, and this service alone can verify its tokens.",
    choices=(*ALGORITHMS, "Ed25519"),
)


def _key_or_place(value: object) -> Secret | KeyPlace | None:
    if isinstance(value, (Secret, KeyPlace)):
        return value
    if not isinstance(value, (str, bytes)) or not value:
        raise ValueError("a key in PEM or JWK, a reference to one, or the place of one")
    try:
        place = parse_place(value) if isinstance(value, str) else None
    except NotAReferenceError as wrong:
        raise ValueError(f"the place of a key (it {wrong})") from None
    return place or Secret(value)


signing_key: Final = declare(
    Setting(
        "SIGNING_KEY",
        None,
        "A private key in PEM or JWK that was made elsewhere (Ed25519, P-256, P-384, RSA from 3072 bits), most often by reference: `file:/run/secrets/key.pem`,"
        " `vault:kv/stopper#key`. It is taken into the store at the start and signs once every cached key set has it. Or where a key lives"
        " that never leaves its place: `vault-transit:transit/stopper`, `aws-kms:alias/stopper`, `azure-key:my-vault/stopper`,"
        " `pkcs11:token=stopper;object=signing`.",
        "secret or place of a key",
        _key_or_place,
        secret=True,
    )
)
allow_open_registration: Final = switch(
    "ALLOW_OPEN_REGISTRATION",
    False,
    "Whether strangers may make accounts that work without a mailed link. Always so in mode `dev`.",
)

new_account_scopes: Final = texts("NEW_ACCOUNT_SCOPES", (), "The scopes that a new account gets.")


def open_accounts(
    issuer: str,
    audience: str,
    *,
    data: Path,
    database: str = "",
    redis: Secret | None = None,
    config: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    new_scopes: tuple[str, ...] = (),
    new_roles: tuple[str, ...] = (),
    open_registration: bool = False,
    workers: int = 1,
    clock: Clock = system_clock,
    send: SendMail = log_mail,
    sink: EventSink = log_event,
    passwords: Passwords | None = None,
) -> Accounts:
    """Open (and migrate) the store, make the first key where there is none, and wire everything that accounts need.

    *data*: the folder of the key file and, without *database*, of the SQLite file; made 0700. *new_scopes* and *new_roles*:
    what a new account may do. *redis*: the URL of a server that several nodes share; else STOPPER_REDIS_URL. *config*: ``app.config``, for lifetimes and algorithm. Raises SettingError, KeyringError and
    StoreUnavailableError.
    """
    settings, _ = load(config or {}, environ or {}, clock=clock, sink=sink)
    life = settings.get(access_token.lifetime)
    keep = keep_for(life, LEEWAY)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = _database_url(database, settings) or f"sqlite:///{data.resolve()}/stopper.db"
    shared = redis or settings.get(guard_settings.REDIS_URL)
    places = key_places(settings, config or {}, environ or {}, clock=clock, sink=sink)
    store = open_store(url, clock, key_file=data / "master.key", keep_revoked=keep, redis=shared, open_key=places.open)
    store.migrate()
    algorithm = cast("Algorithm", canonical_name(settings.get(signing_algorithm)))
    keyring = Keyring(store.keys, clock, algorithm=algorithm, token_lifetime=life, leeway=LEEWAY)
    _bring_key(keyring, settings, places, algorithm)
    keyring.ensure_key()
    access = AccessTokens(issuer, audience, keyring.signing_key, clock, life)
    refresh = RefreshTokens(
        store.refresh,
        access,
        clock,
        life=settings.get(refresh_token.lifetime),
        idle=settings.get(refresh_token.idle_lifetime),
        window=settings.get(refresh_token.retry_window),
        keep_revoked=keep,
        sink=sink,
    )
    own = Issuer(issuer, ALGORITHMS, keys=keyring, audience=audience)
    revocations = Revocations(store.revocations, clock, token_lifetime=life, leeway=LEEWAY, news=store.news)
    return Accounts(
        store=store,
        clock=clock,
        issuer=own,
        keyring=keyring,
        access=access,
        refresh=refresh,
        revocations=revocations,
        passwords=passwords or Passwords(),
        verifier=Verifier((own,), audience=audience, clock=clock),
        api_keys=_api_keys(store, settings, clock, revocations, access, sink),
        throttle=Throttle(store.counters or LocalCounters(workers=workers)),
        new_scopes=new_scopes or settings.get(new_account_scopes),
        new_roles=new_roles,
        open_registration=open_registration or settings.get(allow_open_registration),
        send=send,
        sink=sink,
    )


def _api_keys(
    store: Store, settings: Settings, clock: Clock, revocations: Revocations, tokens: AccessTokens, sink: EventSink
) -> ApiKeys:
    pepper = pepper_of(store, settings)
    if pepper is None:
        raise SettingError("API keys need a key of their own where no master.key lies; set STOPPER_API_KEY_PEPPER")
    foreign = settings.get(guard_settings.FOREIGN_API_KEYS)
    return ApiKeys(
        store.api_keys, pepper, clock=clock, revocations=revocations, tokens=tokens, foreign=foreign, sink=sink
    )


def _bring_key(keyring: Keyring, settings: Settings, places: KeyPlaces, algorithm: Algorithm) -> None:
    own = settings.get(signing_key)
    if isinstance(own, KeyPlace):
        keyring.follow(str(own), lambda: places.find(own, algorithm))
    elif own is not None:
        keyring.adopt(own)


def _database_url(given: str, settings: Settings) -> str:
    said = settings.get(guard_settings.DATABASE_URL)
    return given or (said.reveal() if said else "")
