"""Members of JSON answers that no client should see, found by name and value."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.exchange import Response

SECRET: Final = re.compile(
    r"(?i)^_?(?:hashed_?)?(?:password|passwd|pwd|pass)(?:_?(?:hash|hashed|digest|salt))?$|^(?:pw|pass)_?hash$|^(?:password_?)?salt$"
    r"|^(?:totp|otp|mfa|two_?factor|2fa)_?(?:secret|key|seed)$|^(?:reset|password_reset|verification|confirmation|remember|recovery)_?(?:token|code|codes)$"
    r"|^(?:api|secret|private|encryption|signing)_?key(?:_?hash)?$|^(?:client|api|app|jwt)_?secret$|^internal_\w+$|^ssn$|^security_answer$"
)
LONGEST: Final = 1000
"""Things of one list that are looked through for a text."""
_SHOWN: Final = re.compile(r"^[*•x.\s]+|\*{3}|…|^(?:redacted|hidden|masked|null|none|true|false)?$", re.IGNORECASE)


def secret_fields(response: Response) -> tuple[str, ...]:
    """The names of members that hold a hash, key, token or internal value in full."""
    return tuple(dict.fromkeys(_fields(response.json(), 8)))


def texts(value: object, depth: int = 8) -> Iterator[str]:
    """Every text of a JSON value, whatever its name, also of rows that are lists without any."""
    if depth == 0:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from texts(item, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:LONGEST]:
            yield from texts(item, depth - 1)


def _fields(value: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if isinstance(item, (str, int)) and not isinstance(item, bool) and SECRET.match(name):
                if not _SHOWN.search(str(item)):
                    yield name
            else:
                yield from _fields(item, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:50]:
            yield from _fields(item, depth - 1)
