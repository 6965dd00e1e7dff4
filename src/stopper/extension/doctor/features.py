"""What an application has of the things that some requirements are about, and what Stopper itself lacks."""

import re
import secrets
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from stopper.auth.common_password import listed
from stopper.auth.password import refusal
from stopper.core.settings import declared
from stopper.extension.doctor.words import Deployment, Outcome, is_stoppers_own, met, not_here, unmet, yours
from stopper.extension.limits import ALLOW_LIMITS_PER_PROCESS, is_static

LEAST_LISTED: Final = 3_000
"""ASVS 5.0 V6.2.4."""
_UNPICKLES: Final = re.compile(r"^\s*(?:import|from)\s+(?:pickle|marshal|shelve|dill|jsonpickle)\b", re.MULTILINE)
Present = Callable[[Deployment], Outcome | None]
"""None where the thing is here, so that its requirement is judged; else what to say instead."""


def _kind(kind: str, name: str) -> Present:
    def look(deployment: Deployment) -> Outcome | None:
        return None if kind in deployment.kinds else not_here(f"no route takes {name}")

    return look


def _accounts(deployment: Deployment) -> Outcome | None:
    if deployment.has_accounts:
        return None
    own = _routes(deployment, r"log-?in|sign-?in|register|sign-?up|password")
    if own:
        return yours(
            f"this application has a log-in of its own, {own[0]}",
            "see to it there, or mount Stopper's accounts (docs/service.md)",
        )
    return not_here("no route takes a password")


def _absent(pattern: str, what: str) -> Present:
    """Something that this version of Stopper has not. Where the application has made its own, it is the application's part."""

    def look(deployment: Deployment) -> Outcome:
        own = _routes(deployment, pattern)
        if own:
            return yours(f"{own[0]} looks like {what}", "see to it there: Stopper does not know it")
        return not_here(f"this version of Stopper has no {what}, and no route of this application looks like it")

    return look


def _routes(deployment: Deployment, pattern: str) -> list[str]:
    looks_like = re.compile(pattern, re.IGNORECASE)
    return [path for path, door in deployment.doors if looks_like.search(path) and not is_stoppers_own(door)]


def _signed(deployment: Deployment) -> Outcome | None:
    return None if deployment.guard.parts.verifier is not None else not_here("no issuer of signed tokens is trusted")


def _store(deployment: Deployment) -> Outcome | None:
    if deployment.guard.parts.store is not None or deployment.has_accounts:
        return None
    return not_here("this guard keeps nothing")


FEATURES: Final[dict[str, Present]] = {
    "bearer": _kind("bearer", "bearer tokens"),
    "session": _kind("browser_session", "browser sessions"),
    "api-key": _kind("api_key", "API keys"),
    "certificate": _kind("client_certificate", "client certificates"),
    "accounts": _accounts,
    "signed": _signed,
    "store": _store,
    "authorization-server": _absent(
        r"/authorize|/oauth2?/token|/device_authorization|/par\b", "OAuth authorization server"
    ),
    "log-in-elsewhere": _absent(r"callback|/oidc|/saml|/sso", "log-in through another provider"),
    "second-factor": _absent(r"\b(?:otp|totp|mfa|2fa|passkey|webauthn|recovery)", "second factors"),
    "reset": _absent(r"reset|forgot|invite|activate", "password reset by mail"),
    "websocket": _absent(r"/ws\b|websocket|/socket", "WebSocket tickets"),
    "pages": _absent(r"^/(?:account|console|admin)/?$", "pages"),
    "export": _absent(r"csv|export", "CSV export"),
}


def second_factor_there(deployment: Deployment) -> Outcome:
    """Accounts are more than a password."""
    return unmet(
        "accounts are protected by a password alone: this version has no second factor",
        "take tokens of an issuer that has one and ask for it: @(bearer & mfa)",
    )


def enough_common_passwords(deployment: Deployment) -> Outcome:
    """The list of passwords that everybody tries is long enough."""
    size = len(listed())
    if size < LEAST_LISTED:
        return unmet(
            f"the list has {size} entries (and their dressed-up forms) of the {LEAST_LISTED} that are asked for",
            "nothing to set: the list must grow; until then compare new passwords with a longer list before you call register",
        )
    return met(f"{size} listed passwords and their dressed-up forms are refused")


def breached_passwords_known(deployment: Deployment) -> Outcome:
    """New passwords are compared with those that have leaked."""
    return unmet(
        "new passwords are compared with no list of leaked ones", "nothing to set: this version has no such check"
    )


def storage_cleared(deployment: Deployment) -> Outcome:
    """A log-out clears what the browser keeps."""
    return yours(
        "the log-out takes both cookies away; Clear-Site-Data is not sent",
        "clear what your pages keep, or send Clear-Site-Data at the log-out",
    )


def requests_limited(deployment: Deployment) -> Outcome:
    """Somebody counts requests."""
    if "limiter" in deployment.app.extensions:
        return yours(
            "Flask-Limiter is set up; which routes it limits cannot be seen here",
            "limit the routes that cost much or give much away",
        )
    doors = [(path, door) for path, door in deployment.doors if door.policy is not None]
    bare = [
        f"{door.method} {path}"
        for path, door in doors
        if not door.limits and not is_static(deployment.app, door.endpoint)
    ]
    if not bare:
        return met(f"each of the {len(doors)} doors has a limit")
    if len(bare) < len(doors):
        return yours(
            f"{len(bare)} of {len(doors)} doors have no limit, first {bare[0]}",
            "set STOPPER_RATE_LIMIT, such as 300/minute, or see that these cost little and give little away",
        )
    return yours(
        "Stopper counts log-ins, refreshes and registrations of its own accounts, and no other door has a limit",
        "set STOPPER_RATE_LIMIT, such as 300/minute, and put @limit(…) above the routes that cost much or give much away",
    )


def limits_counted_together(deployment: Deployment) -> Outcome:
    """Where several processes serve, they share their counters."""
    limited = sum(1 for _, door in deployment.doors if door.limits)
    if deployment.guard.limits.is_shared:
        return met("limits are counted in the Redis that all processes share")
    if limited and deployment.guard.settings.get(ALLOW_LIMITS_PER_PROCESS):
        return yours(
            f"each process counts the limits of {limited} doors for itself, and a client gets each limit from each of them",
            "set STOPPER_REDIS_URL, or see that one process serves",
        )
    return met(
        "limits are counted in memory; in mode prod several processes that each count for themselves are refused"
    )


def passwords_do_not_expire(deployment: Deployment) -> Outcome:
    """No setting makes people change a password by date (NIST SP 800-63B-4 §3.1.1.2)."""
    told = [key for key in declared if re.search(r"PASSWORD.*(?:AGE|EXPIR|LIFETIME|DAYS)", key)]
    if told:
        return unmet(f"{told[0]} ends passwords by date", f"take {told[0]} out")
    return met(f"none of the {len(declared)} settings ends a password by date")


def long_passwords_taken(deployment: Deployment) -> Outcome:
    """A password of 64 characters is as good as any. One is made for the purpose."""
    wrong = refusal(secrets.token_hex(32))
    if wrong:
        return unmet(f"a password of 64 characters {wrong}", "install this version of Stopper again")
    return met("a random password of 64 characters, made for a test, is taken")


def nothing_unpickled(deployment: Deployment) -> Outcome:
    """No module of Stopper that runs in a service reads objects out of bytes. The files of this installation are looked through."""
    root = files("stopper")
    folders = ("core", "auth", "store", "secrets", "outbound", "extension", "service", "compat")
    read = [one for name in folders for one in Path(str(root / name)).rglob("*.py")]
    told = [one.name for one in read if _UNPICKLES.search(one.read_text("utf-8"))]
    if told or not read:
        return unmet(
            f"{told[0] if told else 'no file'} of Stopper was changed", "install this version of Stopper again"
        )
    return met(f"none of {len(read)} modules of Stopper imports pickle, marshal or shelve")
