"""``--identity NAME=CREDENTIAL``: who a scan can be. What is unclear is refused with what to type; a credential is never shown."""

import base64
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stopper.core.errors import UsageError
from stopper.core.probe import Identity
from stopper.core.secret import Secret

_FORMS: Final = "'Bearer TOKEN', 'ApiKey:<header>:<key>', '<Header>: <key>', 'Basic user:pass', 'Cookie name=value', 'Login user:pass', @FILE or env:VARIABLE"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LINE: Final = re.compile(r"((?i:authorization)|[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+)\s*:\s*(\S.*)")
"""A header as ``curl -H`` writes it: ``X-API-Key: …``, ``Authorization: Bearer …``."""
_COMPACT: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def identities(given: Iterable[str]) -> tuple[Identity, ...]:
    """Every identity of the command line. Raises UsageError for an unclear one and for a name that is given twice."""
    found: dict[str, Identity] = {}
    for text in given:
        one = identity(text)
        if one.name in found:
            raise UsageError(f"--identity {one.name} is given twice; give each identity its own name")
        found[one.name] = one
    return tuple(found.values())


def identity(text: str) -> Identity:
    """One identity from ``NAME=CREDENTIAL``."""
    name, equals, credential = text.partition("=")
    if not equals or not _NAME.fullmatch(name.strip()):
        # What stands there may be a credential without a name: it is not repeated.
        raise UsageError(
            f"--identity is written NAME=CREDENTIAL, for example alice='Bearer eyJ…'; a credential is {_FORMS}"
        )
    return _read(name.strip(), _fetched(name.strip(), credential.strip()))


def _fetched(name: str, credential: str) -> str:
    """The credential itself, from a file or the environment where it is kept there."""
    if credential.startswith("@"):
        path = Path(credential[1:])
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            why = (wrong.strerror or "error").lower() if isinstance(wrong, OSError) else "not text"
            raise UsageError(
                f"--identity {name}: {path} cannot be read ({why}); write the credential into that file"
            ) from None
    if credential.startswith("env:"):
        found = os.environ.get(credential[4:], "").strip()
        if not found:
            raise UsageError(f"--identity {name}: the variable {credential[4:]} is not set; export it first")
        return found
    return credential


def _read(name: str, credential: str) -> Identity:
    kind, _, rest = credential.partition(" ")
    lowered, rest = kind.lower(), rest.strip()
    if lowered.startswith("apikey:"):
        return _api_key(name, credential[len("apikey:") :])
    if lowered == "bearer" and _TOKEN.fullmatch(rest):
        return Identity(name, (("Authorization", Secret(f"Bearer {rest}")),), Secret(rest))
    if lowered == "basic" and rest:
        return _basic(name, rest)
    if lowered.rstrip(":") == "cookie" and _is_clean(rest) and re.match(r"[^=;\s]+=", rest):
        return Identity(name, (("Cookie", Secret(rest)),))
    if lowered == "login" and (account := _account(rest)):
        return Identity(name, (), subject=account[0], password=Secret(account[1]))
    if line := _LINE.fullmatch(credential):
        bare = line[1].lower() == "authorization"
        return _read(name, line[2]) if bare else _api_key(name, f"{line[1]}:{line[2]}")
    if _COMPACT.fullmatch(credential):
        return Identity(name, (("Authorization", Secret(f"Bearer {credential}")),), Secret(credential))
    raise UsageError(f"--identity {name}: the credential is unclear; write it as {_FORMS}")


def _api_key(name: str, rest: str) -> Identity:
    header, colon, key = rest.partition(":")
    header, key = header.strip(), key.strip()
    if not colon or not key or not _HEADER.fullmatch(header) or not _is_clean(key):
        raise UsageError(
            f"--identity {name}: an API key is written {name}='ApiKey:<header>:<key>', where the header is often X-API-Key"
        )
    return Identity(name, ((header, Secret(key)),))


def _basic(name: str, rest: str) -> Identity:
    account = _account(rest)
    if account is None:
        raise UsageError(f"--identity {name}: Basic takes user:pass, for example {name}='Basic alice:…'")
    coded = base64.b64encode(f"{account[0]}:{account[1]}".encode()).decode("ascii")
    header = Secret(f"Basic {coded}")
    return Identity(name, (("Authorization", header),), subject=account[0], password=Secret(account[1]))


def _account(rest: str) -> tuple[str, str] | None:
    user, colon, password = rest.partition(":")
    return (user, password) if colon and user and password and _is_clean(rest) else None


def _is_clean(value: str) -> bool:
    """Whether *value* can stand in a header: a line break would smuggle in another one (RFC 9110 §5.5)."""
    return bool(value) and all(" " <= char != "\x7f" for char in value)
