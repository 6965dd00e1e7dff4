"""Compact JWS (RFC 7515 §3.1), taken apart strictly. Nothing here believes a word of the token."""

import re
from typing import Final, NamedTuple, cast

from stopper.auth import base64url
from stopper.auth.algorithm import canonical_name
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.core.errors import InvalidCredentialError

MAX_TOKEN: Final = 8192
"""Longer texts are refused unread. Eight kilobytes is also what servers allow for a whole header."""
MAX_KID: Final = 128
_TEXTS: Final = frozenset({"cty", "x5t", "x5t#S256"})
_URLS: Final = frozenset({"jku", "x5u"})
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f]")


class Header(NamedTuple):
    """The three members that are looked at. ``algorithm`` is what the token claims: it must equal the key's."""

    algorithm: str
    kid: str | None
    typ: str | None


class Compact(NamedTuple):
    """A token in parts: all of it foreign until the signature over ``signing_input`` has been verified."""

    header_segment: bytes
    payload: bytes
    signing_input: bytes
    signature: bytes


def split(token: str) -> Compact:
    """The parts of *token*. Raises InvalidCredentialError unless it has three canonical base64url segments within the cap."""
    if len(token) > MAX_TOKEN:
        raise InvalidCredentialError("token-too-long")
    # Raised outside the handler: UnicodeEncodeError holds the token and must not travel along as context.
    try:
        raw = token.encode("ascii")
        header, payload, signature = raw.split(b".")
        if header and signature:
            signing_input = raw[: len(raw) - len(signature) - 1]
            return Compact(header, base64url.decode(payload), signing_input, base64url.decode(signature))
    except ValueError:
        pass
    raise InvalidCredentialError("token-form")


def read_header(segment: bytes) -> Header:
    """The header in *segment*.

    Raises InvalidCredentialError for extensions (``crit``, ``b64``), members that RFC 7515 does not name, and odd types and sizes.
    Key material in the header (``jwk jku x5u x5c x5t``) must have the right type and is not used.
    """
    members, reason = _members(segment)
    if reason is not None:
        raise InvalidCredentialError(reason)
    if "crit" in members or "b64" in members or "zip" in members or "enc" in members:
        raise InvalidCredentialError("header-extension")
    if not all(_fits(name, value) for name, value in members.items()):
        raise InvalidCredentialError("header-member")
    algorithm, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    if not isinstance(algorithm, str):
        raise InvalidCredentialError("header-alg")
    if "kid" in members and (not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID or _CONTROL.search(kid)):
        raise InvalidCredentialError("header-kid")
    if "typ" in members and not isinstance(typ, str):
        raise InvalidCredentialError("header-typ")
    return Header(canonical_name(algorithm), cast("str | None", kid), cast("str | None", typ))


def _fits(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _URLS:
        return isinstance(value, str) and value.startswith(("https://", "http://"))
    if name == "jwk":
        return isinstance(value, dict)
    if name == "x5c":
        return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))
    return name in ("alg", "kid", "typ")


def _members(segment: bytes) -> tuple[dict[str, object], str | None]:
    try:
        return read_object(base64url.decode(segment)), None
    except NotStrictError as wrong:
        return {}, f"header-{wrong}"
    except ValueError:
        return {}, "token-form"
