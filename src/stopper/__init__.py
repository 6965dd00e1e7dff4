"""What keeps a Flask from leaking: protects Flask APIs and finds the ones that leak.

The public names load when they are first used, so that whoever only scans does not import the guard; ``__init__.pyi`` tells
type checkers where each lives, and a test compares the two.
"""

# pyright: reportUnsupportedDunderAll=false
from importlib import import_module
from typing import Final

__version__ = "0.1.0"

__all__ = [
    "AuthenticationRequiredError",
    "CsrfError",
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
    "accepts",
    "acr",
    "any_of",
    "api_key",
    "bearer",
    "browser_session",
    "client_certificate",
    "current_principal",
    "fields",
    "fresh",
    "gives",
    "limit",
    "loads",
    "mfa",
    "once",
    "owner",
    "permission",
    "principal_optional",
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
    "limit": "stopper.extension.limits",
    "fields": "stopper.auth.field_filter",
    "accepts": "stopper.extension.fields",
    "gives": "stopper.extension.fields",
    **dict.fromkeys(
        ("api_key", "bearer", "browser_session", "client_certificate", "principal_optional", "public"),
        "stopper.auth.policy",
    ),
    **dict.fromkeys(("loads", "owner", "where"), "stopper.auth.policy_resource"),
    **dict.fromkeys(
        ("acr", "any_of", "fresh", "mfa", "once", "permission", "role", "scope", "tenant"),
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
