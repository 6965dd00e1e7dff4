"""Where a secret lies, as a text that is no secret itself: ``vault:kv/payments#key``."""

import re
from dataclasses import dataclass
from typing import Final

SCHEMES: Final = ("env", "file", "vault", "aws", "azure", "gcp")
LONGEST: Final = 1024
"""Characters; an AWS resource name, the longest of all kinds, has at most 2048 bytes in theory and under 700 in practice."""

_FORM: Final = re.compile(r"(?P<scheme>[a-z]{2,12}):(?P<path>[^#]+)(?:#(?P<key>[^#]+))?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEGMENTS: Final = re.compile(r"[^/?\\%]+(?:/[^/?\\%]+)*")
_AZURE: Final = re.compile(
    r"(?:[A-Za-z0-9-]{3,24}|[A-Za-z0-9.-]+(?::\d{1,5})?)/[A-Za-z0-9-]{1,127}(?:/[0-9a-fA-F]{1,64})?"
)
_GCP: Final = re.compile(
    r"(?:projects/)?[a-z0-9:.-]{1,64}/(?:secrets/)?[A-Za-z0-9_-]{1,255}(?:/versions/(?:latest|[0-9]{1,18}))?"
    r"|projects/[a-z0-9:.-]{1,64}/locations/[a-z0-9-]{1,64}/secrets/[A-Za-z0-9_-]{1,255}(?:/versions/(?:latest|[0-9]{1,18}))?"
)


class NotAReferenceError(ValueError):
    """A text that is no reference. The message says what is wrong and never holds the text: it may be the secret itself."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One place: the kind of backend, the path in it, and the key of one member where a document lies there."""

    scheme: str
    path: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.path}" + (f"#{self.key}" if self.key else "")


def parse(text: str) -> Reference:
    """The reference that *text* is; ``str()`` gives the same text back. Raises NotAReferenceError."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST and text.isprintable() and text == text.strip() else None
    if found is None:
        raise NotAReferenceError("is not a reference such as env:PAYMENTS_KEY or vault:kv/payments#key")
    scheme, path, key = found["scheme"], found["path"], found["key"] or ""
    if scheme not in SCHEMES:
        raise NotAReferenceError(f"begins with none of {', '.join(one + ':' for one in SCHEMES)}")
    wrong = _wrong_with(scheme, path)
    if wrong:
        raise NotAReferenceError(wrong)
    return Reference(scheme, path, key)


def _wrong_with(scheme: str, path: str) -> str | None:
    if scheme == "env" and not _VARIABLE.fullmatch(path):
        return "names no environment variable after env:, such as env:PAYMENTS_KEY"
    if scheme == "file" and not re.match(r"/|[A-Za-z]:[\\/]", path):
        return "names no absolute path after file:, such as file:/run/secrets/payments"
    if scheme == "vault" and (not _SEGMENTS.fullmatch(path) or "/" not in path or _climbs(path)):
        return "names no mount and path after vault:, such as vault:kv/payments#key"
    if scheme == "azure" and not _AZURE.fullmatch(path):
        return "names no vault and secret after azure:, such as azure:my-vault/payments"
    if scheme == "gcp" and not _GCP.fullmatch(path):
        return "names no project and secret after gcp:, such as gcp:my-project/payments"
    return None


def _climbs(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))
