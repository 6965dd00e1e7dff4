"""From ``app.config`` and the environment to secrets, and to settings whose references are replaced by them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import EventSink, log_event
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.core.settings import Setting, Settings
from stopper.secrets import declaration as setting
from stopper.secrets.backends import Access, Pkcs11Access, VaultAccess, open_backend
from stopper.secrets.errors import FetchError
from stopper.secrets.held import Pace
from stopper.secrets.reference import NotAReferenceError, parse
from stopper.secrets.store import Secrets

if TYPE_CHECKING:
    from stopper.secrets.signing import KeyPlaces

T = TypeVar("T")
_LOCAL: Final = ("env", "file")
_ALIKE: Final = ("STOPPER_SECRET", "STOPPER_VAULT", "STOPPER_PKCS11")


def open_secrets(
    config: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    clock: Clock = system_clock,
    sink: EventSink = log_event,
) -> Secrets:
    """The secrets that STOPPER_SECRETS declares in *config* (``app.config``) or *environ*, without the rest of Stopper.

    Looks at the settings of this part alone. Raises SettingError.
    """
    config = config or {}
    return _opened(own_settings(config, environ), config, environ, clock, sink)


def load(
    config: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    *,
    clock: Clock = system_clock,
    sink: EventSink = log_event,
) -> tuple[Settings, Secrets]:
    """The settings in force with every reference resolved, and the declared secrets. Raises SettingError."""
    settings = Settings(config, environ)
    secrets = _opened(settings, config, environ, clock, sink)
    return settings.resolved(secrets.resolve), secrets


def own_settings(config: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings of this part alone, so that it works where nobody imported the others. Raises SettingError."""
    return Settings(_own(config), _own(environ))


def _own(said: Mapping[str, T]) -> Mapping[str, T]:
    """What belongs to this part, with misspelt names so that they are refused."""
    own = {one.key for one in vars(setting).values() if isinstance(one, Setting)}
    return {key: value for key, value in said.items() if key in own or key.startswith(_ALIKE)}


def _opened(
    settings: Settings, config: Mapping[str, object], environ: Mapping[str, str], clock: Clock, sink: EventSink
) -> Secrets:
    pace = Pace(settings.get(setting.REFRESH), settings.get(setting.KEEP), settings.get(setting.OVERLAP))
    access = access_of(settings, config, environ)
    return Secrets(settings.get(setting.SECRETS), access=access, pace=pace, clock=clock, sink=sink)


def access_of(settings: Settings, config: Mapping[str, object], environ: Mapping[str, str]) -> Access:
    """What the backends need to know, from the settings and the mode."""
    mode = config.get("STOPPER_MODE") or environ.get("STOPPER_MODE")
    local = Access(
        environ=environ,
        env_file=Path(".env") if mode == "dev" else None,
        allow_readable_files=settings.get(setting.ALLOW_READABLE_FILES),
        timeout=settings.get(setting.TIMEOUT),
        aws_region=settings.get(setting.AWS_REGION),
        gcp_endpoint=settings.get(setting.GCP_ENDPOINT),
    )
    reader = partial(_reader, config, environ, local)
    pkcs11 = Pkcs11Access(settings.get(setting.PKCS11_MODULE), reader(setting.PKCS11_PIN))
    return replace(local, vault=_vault_access(settings, environ, reader), pkcs11=pkcs11)


def key_places(
    settings: Settings,
    config: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    *,
    clock: Clock = system_clock,
    sink: EventSink = log_event,
) -> "KeyPlaces":
    """What opens signing keys that live elsewhere. Nothing is asked yet."""
    from stopper.secrets.signing import KeyPlaces  # it brings cryptography, which secrets alone do without

    access = access_of(settings, config, environ)
    return KeyPlaces(access, settings.get(setting.SIGNING_TIMEOUT), clock=clock, sink=sink)


def _reader(
    config: Mapping[str, object],
    environ: Mapping[str, str],
    local: Access,
    wanted: Setting[Secret | None],
    variable: str = "",
) -> Callable[[], Secret | None]:
    said = config.get(wanted.key) or environ.get(wanted.key) or environ.get(variable)
    return lambda: _read_anew(wanted.key, said, local)


def _vault_access(
    settings: Settings, environ: Mapping[str, str], reader: Callable[..., Callable[[], Secret | None]]
) -> VaultAccess:
    return VaultAccess(
        url=settings.get(setting.VAULT_URL) or environ.get("VAULT_ADDR", ""),
        namespace=settings.get(setting.VAULT_NAMESPACE) or environ.get("VAULT_NAMESPACE", ""),
        ca_file=settings.get(setting.VAULT_CA_FILE) or environ.get("VAULT_CACERT", ""),
        auth=settings.get(setting.VAULT_AUTH),
        mount=settings.get(setting.VAULT_AUTH_MOUNT),
        role=settings.get(setting.VAULT_ROLE),
        role_id=settings.get(setting.VAULT_ROLE_ID),
        secret_id=reader(setting.VAULT_SECRET_ID),
        token=reader(setting.VAULT_TOKEN, "VAULT_TOKEN"),
    )


def _read_anew(key: str, said: object, local: Access) -> Secret | None:
    """The secret that opens Vault, read from where it lies at each log-in. Raises FetchError and SettingError."""
    if said is None or isinstance(said, Secret):
        return said
    try:
        reference = parse(said) if isinstance(said, str) else None
    except NotAReferenceError:
        reference = None
    if reference is None:
        return Secret(said) if isinstance(said, (str, bytes)) and said else None
    if reference.scheme not in _LOCAL:
        raise SettingError(
            f"{key} opens what holds secrets and cannot lie in {reference.scheme}: itself; give env: or file:"
        )
    try:
        return open_backend(reference.scheme, local).read(reference.path).pick(reference.key)
    except FetchError as wrong:
        cause, why = wrong.cause, f"{key} ({reference}): {wrong}"
    raise FetchError(cause, why)
