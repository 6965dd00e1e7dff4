"""A key set as an issuer publishes it, read without trust."""

import json
from collections.abc import Mapping
from typing import Final, cast

from stopper.auth.strict_json import NotStrictError, read_object
from stopper.core.errors import KeyringError
from stopper.outbound.errors import ReplyRefusedError

_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")  # RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2


def read_document(body: bytes) -> dict[str, object]:
    """The object in *body*. Raises ReplyRefusedError without a part of it."""
    wrong = ""
    try:
        return read_object(body)
    except NotStrictError as refusal:
        wrong = str(refusal)
    raise ReplyRefusedError(wrong, "the key set is not strict JSON")


def public_part(member: Mapping[str, object]) -> str:
    """What everybody may know of a key, as one text: two members that say the same are one key."""
    return json.dumps([member.get(name) for name in ("kty", "crv", "x", "y", "n", "e")])


def public_members(
    document: Mapping[str, object],
) -> tuple[list[dict[str, object]], list[str], list[dict[str, object]]]:
    """The members without private parameters, why others were left out, and those that everybody can sign with now."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise KeyringError('a JWKS is an object with a list "keys"')
    found: list[dict[str, object]] = []
    skipped: list[str] = []
    burnt: list[dict[str, object]] = []
    for item in cast("list[object]", listed):
        member = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        kid = member.get("kid")
        if any(name in member for name in _PRIVATE):
            shown = repr(kid[:64]) if isinstance(kid, str) else "without kid"
            skipped.append(f"key {shown}: holds private parameters, so everybody can sign with it")
            burnt.append(member)
        elif not member or not isinstance(kid, (str, type(None))):
            skipped.append("a member is not a key")
        else:
            found.append(member)
    return found, skipped, burnt
