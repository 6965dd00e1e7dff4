"""What a token is bound to: the ``cnf`` claim (RFC 7800), with the thumbprint of a DPoP key or of a client certificate."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from stopper.core.errors import InvalidCredentialError

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""A SHA-256 in base64url."""


class Bound(NamedTuple):
    """The thumbprint of the key (``jkt``, RFC 9449 §6.1) and of the certificate (``x5t#S256``, RFC 8705 §3.1)."""

    key: str | None = None
    certificate: str | None = None


FREE: Final = Bound()
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_MEMBERS: Final = frozenset({"jkt", "x5t#S256"})


def bound_to(claims: Mapping[str, object]) -> Bound:
    """What the token with *claims* is bound to; FREE for one that anybody may show.

    Raises InvalidCredentialError for a binding that we cannot check: whoever set it did not mean the token for everybody.
    """
    if "cnf" not in claims:
        return FREE
    said = claims["cnf"]
    members: Mapping[str, object] = cast("Mapping[str, object]", said) if isinstance(said, Mapping) else _NOTHING
    if not members or not members.keys() <= _MEMBERS or not all(map(_is_thumbprint, members.values())):
        raise InvalidCredentialError("unknown-binding")
    return Bound(cast("str | None", members.get("jkt")), cast("str | None", members.get("x5t#S256")))


def _is_thumbprint(value: object) -> bool:
    return isinstance(value, str) and _THUMBPRINT.fullmatch(value) is not None
