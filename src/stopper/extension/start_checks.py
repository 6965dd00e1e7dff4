"""What is refused before the first request: set-ups that would look guarded and not be."""

import hmac
from collections.abc import Mapping, Sequence
from typing import cast

from flask import Flask

from stopper.auth.algorithm import ALGORITHMS
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import KeySet
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.core.settings import Settings, declared


def judge_debug(flask: Flask, mode: str) -> None:
    """Raises SettingError where an exception's text could reach a client in mode ``prod``."""
    if mode != "prod":
        return
    if flask.debug:
        raise SettingError(
            "debug is on in mode prod: it shows source and runs code for strangers; turn it off, or set STOPPER_MODE=dev"
            " on your own machine",
            rule="debug-enabled",
        )
    for name in ("PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS"):
        if cast("dict[str, object]", flask.config).get(name):
            raise SettingError(f"{name} is on in mode prod; remove it", rule="exception-propagation-enabled")


def judge_secrets(flask: Flask, settings: Settings, issuers: Sequence[Issuer]) -> None:
    """Raises SettingError where the session secret serves a second purpose."""
    said = cast("dict[str, object]", flask.config).get("SECRET_KEY")
    if not isinstance(said, (str, bytes)) or not said:
        return
    session_secret = Secret(said)
    shared = [key for key, value in _own_secrets(settings).items() if value == session_secret]
    shared += [f"the HMAC key of {issuer.url}" for issuer in issuers if _verifies_with(issuer, session_secret)]
    if shared:
        raise SettingError(
            f"{shared[0]} is the same as SECRET_KEY: whoever gets one has both; make a secret of its own",
            rule="jwt-secret-reused",
        )


def _verifies_with(issuer: Issuer, secret: Secret) -> bool:
    keys = issuer.keys.keys if isinstance(issuer.keys, KeySet) else ()
    # Asked instead of compared: a prepared key does not give its material away.
    return any(
        key.symmetric
        and key.verify(b"probe", hmac.digest(secret.reveal_bytes(), b"probe", ALGORITHMS[key.algorithm].hash))
        for key in keys
    )


def _own_secrets(settings: Settings) -> Mapping[str, Secret]:
    found: dict[str, Secret] = {}
    for key, setting in declared.items():
        value = settings.get(setting) if setting.secret else None
        if isinstance(value, Secret):
            found[key] = value
    return found
