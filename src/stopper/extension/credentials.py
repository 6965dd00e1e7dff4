"""Reads credentials from a request's headers, strictly. Never from the URL, never from a body."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from stopper.auth.jws import MAX_TOKEN
from stopper.core.errors import InvalidRequestError

# One scheme and one token68 (RFC 9110 §11.4). No comma, no control byte, nothing beyond ASCII: two joined headers do not fit.
_AUTHORIZATION: Final = re.compile(r"([A-Za-z][A-Za-z0-9.+-]{0,31}) +([A-Za-z0-9\-._~+/]+=*)")
_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
MAX_HEADER: Final = MAX_TOKEN + 64


class Shown(NamedTuple):
    """What a request shows. ``bearer`` is None where there is none or where another scheme is used.

    ``with_proof``: the token was shown under the scheme DPoP (RFC 9449 §7.1).
    """

    bearer: str | None = None
    api_key: str | None = None
    other_scheme: bool = False
    with_proof: bool = False


def header_key(name: str) -> str:
    """The name under which WSGI gives the header *name*."""
    return "HTTP_" + name.upper().replace("-", "_")


def read(environ: Mapping[str, object], api_key_name: str) -> Shown:
    """The credentials in *environ*. Raises InvalidRequestError for bytes that no credential has.

    *api_key_name* is as :func:`header_key` gives it.
    """
    authorization = environ.get("HTTP_AUTHORIZATION")
    shown_key = environ.get(api_key_name)
    key = _read_key(shown_key) if isinstance(shown_key, str) else None
    if not isinstance(authorization, str):
        return Shown(None, key)
    if len(authorization) > MAX_HEADER:
        raise InvalidRequestError("authorization-too-long")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise InvalidRequestError("authorization-form")
    scheme = found[1].lower()
    if scheme not in ("bearer", "dpop"):
        return Shown(None, key, other_scheme=True)
    return Shown(found[2], key, with_proof=scheme == "dpop")


def _read_key(shown: str) -> str:
    if len(shown) > MAX_TOKEN or not _KEY.fullmatch(shown):
        raise InvalidRequestError("api-key-form")
    return shown
