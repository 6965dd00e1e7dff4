"""The doctor's checks of settings: mode, issuers, proxies, lifetimes, secrets, and whatever was weakened."""

import os
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import urlsplit

from flask import Flask

from stopper.auth import session
from stopper.core.errors import SettingError, StopperError, StoreUnavailableError
from stopper.core.settings import declared
from stopper.extension import proxies, start_checks
from stopper.extension import settings as setting
from stopper.extension.doctor.words import Deployment, Outcome, in_dev, met, not_here, unmet, yours
from stopper.extension.response_headers import checked_origins
from stopper.secrets.judging import OLDEST_DAYS, judge
from stopper.secrets.reference import SCHEMES
from stopper.secrets.subjects import Gathering

# NIST SP 800-63B-4 §2.2.3: a session of a log-in with two factors lasts 24 hours, and one hour without activity.
LONGEST_SESSION: Final = 86_400
LONGEST_IDLE: Final = 3_600
_VAULTS: Final = ("vault:", "aws:", "azure:", "gcp:", "vault-transit:", "aws-kms:", "azure-key:", "pkcs11:")
_KEPT_APART: Final = ("vault-transit:", "aws-kms:", "azure-key:", "pkcs11:")
_SIGNING_KEY: Final = "STOPPER_SIGNING_KEY"
_OF_FLASK: Final = frozenset(Flask.default_config)


def refused_at_start(deployment: Deployment) -> Outcome:
    """Everything that is judged when ``Stopper(app)`` runs and when the application is sealed, judged again."""
    guard, settings = deployment.guard, deployment.guard.settings
    try:
        start_checks.judge_secrets(deployment.app, settings, guard.issuers)
        checked_origins(settings.get(setting.CORS_ORIGINS), credentials=settings.get(setting.CORS_CREDENTIALS))
        guard.seal()
    except StoreUnavailableError:
        raise
    except StopperError as wrong:
        return unmet(str(getattr(wrong, "rule", None) or wrong.code), str(wrong).partition("\n")[0])
    return met("judge_debug, judge_secrets, checked_origins and seal() passed")


def debug_off(deployment: Deployment) -> Outcome:
    """No debugger, and no setting that hands exceptions on."""
    if deployment.for_one_machine:
        return in_dev()
    try:
        start_checks.judge_debug(deployment.app, "prod")
    except SettingError as wrong:
        return unmet(f"{wrong.rule}", str(wrong))
    return met("debug, PROPAGATE_EXCEPTIONS, TRAP_HTTP_EXCEPTIONS and TRAP_BAD_REQUEST_ERRORS are off")


def https_issuers(deployment: Deployment) -> Outcome:
    """Who issues tokens is reached over TLS."""
    if deployment.for_one_machine:
        return in_dev()
    urls = [*(issuer.url for issuer in deployment.guard.issuers), deployment.guard.settings.get(setting.ISSUER)]
    plain = sorted({url for url in urls if urlsplit(url).scheme == "http"})
    if plain:
        return unmet(f"the issuer {plain[0]} is plain http", "serve it over https and name it so")
    return yours(
        "every issuer's address is https, or no address",
        "let a proxy end TLS before this application, and answer no API path over http",
    )


def proxies_by_network(deployment: Deployment) -> Outcome:
    """Whose words about the client count."""
    trusted = deployment.guard.settings.get(proxies.TRUSTED_PROXIES)
    if not trusted:
        if _is_behind_fix(deployment):
            return unmet(
                "Werkzeug's ProxyFix stands in front and STOPPER_TRUSTED_PROXIES is not set",
                "name your proxies in STOPPER_TRUSTED_PROXIES and take ProxyFix out",
            )
        return met("STOPPER_TRUSTED_PROXIES is not set: every forwarded header is ignored")
    if isinstance(trusted, int):
        return yours(
            f"STOPPER_TRUSTED_PROXIES is the number {trusted}: whoever reaches the application past the proxy writes what it likes",
            "name the networks of your proxies instead, or let nobody but them connect",
        )
    return met(f"STOPPER_TRUSTED_PROXIES names {len(trusted)} network(s)")


def _is_behind_fix(deployment: Deployment) -> bool:
    stands: object = deployment.app.wsgi_app
    seen = 0
    while stands is not None and seen < 32:
        if type(stands).__name__ == "ProxyFix":
            return True
        stands, seen = getattr(stands, "app", None) or getattr(stands, "_app", None), seen + 1
    return False


def nothing_weakened(deployment: Deployment) -> Outcome:
    """No setting that begins with ``allow`` is on."""
    settings = deployment.guard.settings
    on = [key for key, one in sorted(declared.items()) if one.name.startswith("ALLOW_") and settings.get(one) is True]
    if not on:
        return met("no STOPPER_ALLOW_… setting is on")
    if deployment.for_one_machine:
        return in_dev()
    return unmet(f"{', '.join(on)} on", f"take {on[0]} out; docs/settings.md says what each of them opens")


def error_texts_stay_inside(deployment: Deployment) -> Outcome:
    """No text of an exception or an abort reaches a client."""
    if deployment.guard.settings.get(setting.ALLOW_ERROR_DETAILS):
        return unmet(
            "STOPPER_ALLOW_ERROR_DETAILS is on", "take it out; give clients a text of your own in an error handler"
        )
    return met("STOPPER_ALLOW_ERROR_DETAILS is off")


def exact_origins(deployment: Deployment) -> Outcome:
    """CORS goes by exact origins."""
    origins = deployment.guard.settings.get(setting.CORS_ORIGINS)
    if not origins:
        return met("STOPPER_CORS_ORIGINS is not set: no other origin reads an answer")
    if "*" in origins:
        return yours("STOPPER_CORS_ORIGINS is *", "see that no answer holds anything that is not for everybody")
    plain = [origin for origin in origins if origin.startswith("http://") and not deployment.for_one_machine]
    if plain:
        return unmet(
            f"the origin {plain[0]} is plain http: whoever is on the way speaks for it", "name its https address"
        )
    return met(f"{len(origins)} exact origin(s)")


def idle_sessions_end(deployment: Deployment) -> Outcome:
    """How long a session lives without a request."""
    if "browser_session" not in deployment.kinds:
        return not_here("no route takes browser sessions")
    return _at_most(deployment.guard.settings.get(session.idle_lifetime), LONGEST_IDLE, session.idle_lifetime.key)


def sessions_end_at_last(deployment: Deployment) -> Outcome:
    """How long a session lives whatever happens."""
    if "browser_session" not in deployment.kinds:
        return not_here("no route takes browser sessions")
    return _at_most(deployment.guard.settings.get(session.lifetime), LONGEST_SESSION, session.lifetime.key)


def _at_most(seconds: int, most: int, key: str) -> Outcome:
    if seconds > most:
        return unmet(f"{key} is {seconds} seconds", f"set {key} to {most} or less (NIST SP 800-63B-4 §2.2.3)")
    return met(f"{key} is {seconds} seconds")


def secrets_sound(deployment: Deployment) -> Outcome:
    """No secret is old, weak, shared, or cannot be loaded."""
    # Flask's own keys are names and times, but for one.
    said = cast("dict[str, object]", deployment.app.config)
    config = {key: value for key, value in said.items() if key == "SECRET_KEY" or key not in _OF_FLASK}
    gathering = Gathering(config, os.environ)
    gathering.gather()
    if gathering.errors:
        return Outcome("open", gathering.errors[0], "let this process read it, and ask again")
    found = judge(gathering.subjects, deployment.guard.clock())
    if found:
        return unmet(f"{found[0].name} is {found[0].kind}", f"{found[0].name} {found[0].text}")
    if not gathering.subjects:
        return not_here("no secret is set")
    return met(f"{len(gathering.subjects)} secret(s) judged: none weak, shared or older than {OLDEST_DAYS} days")


def secrets_by_reference(deployment: Deployment) -> Outcome:
    """Secrets lie where secrets are kept, and not in the configuration."""
    said = _secret_texts(deployment)
    plain = [
        key
        for key, value in said.items()
        if not value.startswith((*(f"{name}:" for name in SCHEMES), "secret:", *_VAULTS))
    ]
    if not said:
        return not_here("no setting holds a secret")
    if plain:
        if deployment.for_one_machine:
            return in_dev()
        return unmet(
            f"{plain[0]} stands itself in {_where(deployment, plain[0])}",
            f"say where it lies instead: {plain[0]}=vault:kv/app#name, or file:/run/secrets/name (docs/secrets.md)",
        )
    local = [key for key, value in said.items() if not value.startswith((*_VAULTS, "secret:"))]
    if local:
        return yours(
            f"{local[0]} comes from a file or a variable",
            "let a vault write it there, or name the vault in the reference",
        )
    return met(f"{len(said)} secret setting(s) by reference")


def _secret_texts(deployment: Deployment) -> Mapping[str, str]:
    """The secret settings that somebody set. An address without a password is no secret."""
    found: dict[str, str] = {}
    for key, one in declared.items():
        value = deployment.said.get(key)
        if one.secret and isinstance(value, (str, bytes)) and value:
            text = value if isinstance(value, str) else "bytes"
            if "://" not in text or _has_password(text):
                found[key] = text
    return found


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return True


def _where(deployment: Deployment, key: str) -> str:
    return "app.config" if key in deployment.app.config else "the environment"


def key_never_leaves(deployment: Deployment) -> Outcome:
    """Tokens are signed where the key cannot be taken from."""
    said = deployment.said.get(_SIGNING_KEY)
    if isinstance(said, str) and said.startswith(_KEPT_APART):
        return met(f"{_SIGNING_KEY} names a place that signs: {said.partition(':')[0]}")
    if deployment.guard.settings.get(setting.ISSUER) or deployment.has_accounts:
        return yours(
            "the signing keys lie encrypted in the store",
            f"set {_SIGNING_KEY} to vault-transit:…, aws-kms:…, azure-key:… or pkcs11:…",
        )
    return not_here("this application signs no tokens")


def mode_prod(deployment: Deployment) -> Outcome:
    """Whether what is unsafe on the internet is refused."""
    return in_dev() if deployment.for_one_machine else met("STOPPER_MODE is prod")


def secrets_apart(deployment: Deployment) -> Outcome:
    """SECRET_KEY serves nothing of Stopper's."""
    try:
        start_checks.judge_secrets(deployment.app, deployment.guard.settings, deployment.guard.issuers)
    except SettingError as wrong:
        return unmet("SECRET_KEY serves twice", str(wrong))
    return met("judge_secrets compared SECRET_KEY with every own secret and HMAC key")
