"""Where a signing key lives and signs, as a text that is no secret: ``vault-transit:transit/stopper``."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from stopper.secrets.reference import LONGEST, NotAReferenceError

_FORM: Final = re.compile(r"(?P<scheme>vault-transit|aws-kms|azure-key|pkcs11):(?P<path>.+)")
_TRANSIT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_KMS: Final = re.compile(
    r"alias/[A-Za-z0-9/_-]{1,250}|[a-f0-9-]{36}|mrk-[a-f0-9]{32}"
    r"|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:alias/[A-Za-z0-9/_-]{1,250}|key/[a-f0-9mrk-]{36})"
)
_AZURE: Final = re.compile(
    r"(?:[A-Za-z0-9-]{3,24}|[A-Za-z0-9.-]+(?::\d{1,5})?)/[A-Za-z0-9-]{1,127}(?:/[0-9a-fA-F]{1,64})?"
)
_PKCS11: Final = re.compile(r"token=(?P<token>[^;?/]{1,96});object=(?P<object>[^;?/]{1,255})")
_EXAMPLES: Final = {
    "vault-transit": "a mount and a key, such as vault-transit:transit/stopper",
    "aws-kms": "an alias, a key id or an ARN, such as aws-kms:alias/stopper",
    "azure-key": "a vault and a key, such as azure-key:my-vault/stopper",
    "pkcs11": "a token and an object (RFC 7512), such as pkcs11:token=stopper;object=signing",
}
_PATHS: Final = {"vault-transit": _TRANSIT, "aws-kms": _KMS, "azure-key": _AZURE, "pkcs11": _PKCS11}


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """One key at its place: the kind of place and the path in it."""

    scheme: str
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.path}"


def parse_place(text: str) -> KeyPlace | None:
    """The place that *text* names; None where it begins with none of their schemes. Raises NotAReferenceError for one that is misspelt."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST and text.isprintable() else None
    if found is None:
        return None
    scheme, path = found["scheme"], found["path"]
    if _PATHS[scheme].fullmatch(path) is None:
        raise NotAReferenceError(f"names after {scheme}: no {_EXAMPLES[scheme]}")
    return KeyPlace(scheme, path)


def token_and_object(path: str) -> tuple[str, str]:
    """The labels of a PKCS#11 token and of the key pair in it."""
    found = _PKCS11.fullmatch(path)
    assert found is not None  # parse_place has seen to it
    return unquote(found["token"]), unquote(found["object"])
