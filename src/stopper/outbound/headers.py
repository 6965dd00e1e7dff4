"""Which headers a call may carry: the few that it names, never the ones that came in."""

import re
from collections.abc import Collection, Mapping
from typing import Final, cast

from stopper.core.errors import SettingError
from stopper.core.redactor import is_sensitive_name
from stopper.outbound.errors import CallRefusedError

SENT: Final = frozenset(
    {
        "accept", "accept-language", "content-language", "content-type", "idempotency-key", "if-match",
        "if-modified-since", "if-none-match", "if-unmodified-since", "link", "prefer", "range", "traceparent", "tracestate",
        "user-agent", "webhook-id", "webhook-signature", "webhook-timestamp", "x-request-id",
    }
)  # fmt: skip
"""What a call may name without further ado: nothing here says who is calling."""
OURS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect",
     "accept-encoding", "proxy-connection"}
)  # fmt: skip
"""What belongs to the connection and is made here (RFC 9110 §7.6.1)."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")  # RFC 9110 §5.1
_VALUE: Final = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?\Z")
LONGEST: Final = 8192


def is_credential(name: str) -> bool:
    """Whether a header of that name says who is calling."""
    lowered = name.lower()
    if lowered in ("idempotency-key", "webhook-signature"):
        return False
    return is_sensitive_name(lowered) or "auth" in lowered or lowered.endswith(("-key", "-user", "-session"))


def checked_names(names: Collection[str]) -> frozenset[str]:
    """*names* in lower case, if a client may send them. Raises SettingError."""
    for name in names:
        if isinstance(names, str) or _NAME.match(name) is None or name.lower() in OURS:
            raise SettingError("send_headers is a list of header names such as X-Tenant")
        if is_credential(name):
            raise SettingError(
                f"{name} carries a credential; give it as Credential(secret, header={name!r}, scheme='')"
            )
    return frozenset(name.lower() for name in names)


def checked_headers(headers: object, allowed: Collection[str]) -> dict[str, str]:
    """*headers* by their lower-case names.

    Raises CallRefusedError for the headers of an incoming request in whatever wrapping, for names that are not in *allowed*, for
    credentials, and for values that are not visible ASCII. No value stands in the error.
    """
    if headers is None:
        return {}
    if _came_in(headers):
        raise CallRefusedError("incoming-headers", "incoming headers are not passed on; name each header: headers={…}")
    if not isinstance(headers, Mapping):
        raise CallRefusedError("headers", "headers must be a mapping of names to texts")
    found: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        lowered = _checked_name(name, allowed)
        if not isinstance(value, str) or len(value) > LONGEST or _VALUE.match(value) is None:
            raise CallRefusedError(
                "headers", f"the header {lowered} must be visible ASCII of at most {LONGEST} characters"
            )
        if lowered in found:
            raise CallRefusedError("headers", f"the header {lowered} stands twice")
        found[lowered] = value
    return found


def _came_in(headers: object) -> bool:
    kinds = type(headers).__mro__
    if any(kind.__module__.startswith("werkzeug.") for kind in kinds):
        return True
    return isinstance(headers, Mapping) and "wsgi.version" in headers


def _checked_name(name: object, allowed: Collection[str]) -> str:
    if not isinstance(name, str) or _NAME.match(name) is None:
        raise CallRefusedError("headers", "a header's name is not one")
    lowered = name.lower()
    if lowered in allowed:
        return lowered
    if lowered in OURS:
        raise CallRefusedError("headers", f"the header {lowered} is made by the client; leave it out")
    if is_credential(lowered):
        raise CallRefusedError(
            "foreign-credential",
            f"the header {lowered} carries a credential that this client did not attach; bind it as a Credential",
        )
    raise CallRefusedError(
        "headers", f"the header {lowered} is not among those that this client sends; add it to Client(send_headers=[…])"
    )
