"""The pytest plug-in: a guard against leaks, an access matrix, bad tokens, and a check that everything is closed.

pytest loads ``stopper.testing.plugin`` by itself; the names here are for type hints and for tests without fixtures. They load when
they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stopper.testing.access_matrix import AccessMatrix, make_access_matrix
    from stopper.testing.leak_guard import LeakGuard
    from stopper.testing.sealed import assert_sealed
    from stopper.testing.token_factory import BAD_TOKENS, BadToken, TokenFactory

__all__ = ["BAD_TOKENS", "AccessMatrix", "BadToken", "LeakGuard", "TokenFactory", "assert_sealed", "make_access_matrix"]

_HOMES: Final = {
    "AccessMatrix": "access_matrix",
    "make_access_matrix": "access_matrix",
    "LeakGuard": "leak_guard",
    "assert_sealed": "sealed",
    "BAD_TOKENS": "token_factory",
    "BadToken": "token_factory",
    "TokenFactory": "token_factory",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'stopper.testing' has no attribute {name!r}")
    return getattr(import_module(f"stopper.testing.{_HOMES[name]}"), name)
