"""Digests of bytes by the modules that :mod:`hashlib` falls back on: to import that one brings up OpenSSL, which is as much as all the rest that
a small run does with it."""

import sys
from importlib import import_module
from typing import Any, Final, Protocol


class Digest(Protocol):
    """A digest under way."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...

    def hexdigest(self) -> str: ...


class Makes(Protocol):
    """What begins one; ``digest_size`` is of BLAKE2 alone."""

    def __call__(self, data: bytes = b"", /, *, digest_size: int = ...) -> Digest: ...


def _found(name: str, module: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):  # another Python, or one that was built without it
        return getattr(import_module("hashlib"), name)


blake2b: Final[Makes] = _found("blake2b", "_blake2")
sha256: Final[Makes] = _found("sha256", "_sha2" if sys.version_info >= (3, 12) else "_sha256")
