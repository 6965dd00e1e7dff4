"""What keeps a Flask from leaking: protects Flask APIs and finds the ones that leak.

The public names load when they are first used: whoever only scans does not import Flask's guard.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stopper.auth.issuer import Issuer
    from stopper.auth.policy import api_key, bearer, public
    from stopper.auth.requirement import acr, any_of, fresh, mfa, once, owner, permission, role, scope, tenant, where
    from stopper.core.errors import (
        AuthenticationRequiredError,
        ForbiddenError,
        IncompleteError,
        InvalidCredentialError,
        InvalidRequestError,
        KeyringError,
        PolicyError,
        RefusalError,
        SettingError,
        StepUpRequiredError,
        StopperError,
        StoreUnavailableError,
        ThrottledError,
        UndeclaredRouteError,
        UsageError,
    )
    from stopper.core.principal import Principal
    from stopper.core.secret import Secret
    from stopper.extension.current import current_principal
    from stopper.extension.guard import Stopper

__version__ = "0.1.0"

__all__ = [
    "AuthenticationRequiredError",
    "ForbiddenError",
    "IncompleteError",
    "InvalidCredentialError",
    "InvalidRequestError",
    "Issuer",
    "KeyringError",
    "PolicyError",
    "Principal",
    "RefusalError",
    "Secret",
    "SettingError",
    "StepUpRequiredError",
    "Stopper",
    "StopperError",
    "StoreUnavailableError",
    "ThrottledError",
    "UndeclaredRouteError",
    "UsageError",
    "acr",
    "any_of",
    "api_key",
    "bearer",
    "current_principal",
    "fresh",
    "mfa",
    "once",
    "owner",
    "permission",
    "public",
    "role",
    "scope",
    "tenant",
    "where",
]

_HOMES: Final = {
    "Issuer": "stopper.auth.issuer",
    "Principal": "stopper.core.principal",
    "Secret": "stopper.core.secret",
    "Stopper": "stopper.extension.guard",
    "current_principal": "stopper.extension.current",
    **dict.fromkeys(("api_key", "bearer", "public"), "stopper.auth.policy"),
    **dict.fromkeys(
        ("acr", "any_of", "fresh", "mfa", "once", "owner", "permission", "role", "scope", "tenant", "where"),
        "stopper.auth.requirement",
    ),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'stopper' has no attribute {name!r}")
    found = getattr(import_module(_HOMES.get(name, "stopper.core.errors")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
