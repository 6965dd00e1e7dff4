"""``STOPPER_SECRETS``: the one declaration of what a service needs, and the settings that pace it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from stopper.core.settings import Setting, declare, number, secret, switch, text
from stopper.secrets.reference import NotAReferenceError, Reference, parse

_FORM: Final = '{"payments": "vault:kv/payments#key"}'
_MEMBERS: Final = {"current", "previous", "previous_until"}


@dataclass(frozen=True, slots=True)
class Declared:
    """One secret: where the current version lies, and the one before with the moment it ends (seconds since the epoch)."""

    current: Reference
    previous: Reference | None = None
    previous_until: float = 0.0


def declared_secrets(value: object) -> Mapping[str, Declared]:
    """The secrets that *value* declares: a mapping, or its JSON. Raises ValueError, whose text never holds a part of a value."""
    said: object = value
    if isinstance(value, str):
        said = _from_json(value)
    if not isinstance(said, Mapping):
        raise ValueError(f"a mapping of names to references such as {_FORM}")
    return {_name(name): _one(str(name), found) for name, found in cast("Mapping[object, object]", said).items()}


def _from_json(value: str) -> object:
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    return found


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"a mapping whose names are words such as payments or smtp_password, as in {_FORM}")
    return name


def _one(name: str, found: object) -> Declared:
    if isinstance(found, Declared):  # read before, as a setting
        return found
    if isinstance(found, str):
        return Declared(_reference(name, found))
    said = cast("Mapping[object, object]", found if isinstance(found, Mapping) else {})
    if "current" not in said or set(said) - _MEMBERS or ("previous" in said) != ("previous_until" in said):
        raise ValueError(
            f'a mapping in which {name} is a reference, or {{"current": …, "previous": …, "previous_until": "2026-12-01T00:00:00Z"}}'
        )
    current = _reference(name, said["current"])
    if "previous" not in said:
        return Declared(current)
    return Declared(current, _reference(name, said["previous"]), _moment(name, said["previous_until"]))


def _reference(name: str, found: object) -> Reference:
    try:
        reference = parse(found) if isinstance(found, str) else None
        wrong = "is not a text"
    except NotAReferenceError as refusal:
        reference, wrong = None, str(refusal)
    if reference is None:
        raise ValueError(f"a mapping of names to references, and what stands for {name} {wrong}")
    return reference


def _moment(name: str, found: object) -> float:
    moment: float | None = None
    if isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found):
        moment = float(found)
    elif isinstance(found, datetime):
        moment = _stamp(found)
    elif isinstance(found, str):
        try:
            moment = _stamp(datetime.fromisoformat(found))
        except (ValueError, OverflowError):
            moment = None
    if moment is None:
        raise ValueError(f"a mapping in which previous_until of {name} is a date such as 2026-12-01T00:00:00Z")
    return moment


def _stamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_NONE: Final[Mapping[str, Declared]] = {}
SECRETS: Final = declare(
    Setting(
        "SECRETS",
        _NONE,
        f"Where the service's secrets lie, never the secrets themselves: `{_FORM}`, or the same as JSON in the environment.",
        "mapping of references",
        declared_secrets,
        secret=True,  # whoever writes a secret here by mistake must not find it in the error
    )
)
REFRESH: Final = number(
    "SECRETS_REFRESH",
    300,
    "Seconds after which the backend of a secret is asked for a new version.",
    least=1,
    most=86_400,
)
KEEP: Final = number(
    "SECRETS_KEEP",
    86_400,
    "Seconds that the last value serves while its backend does not answer; then it is refused. A lent value ends with its lease.",
    least=1,
)
OVERLAP: Final = number(
    "SECRETS_OVERLAP", 86_400, "Seconds that the version before is still taken after a new one came."
)
TIMEOUT: Final = number("SECRETS_TIMEOUT", 5, "Seconds that a backend has for its whole answer.", least=1, most=60)
ALLOW_READABLE_FILES: Final = switch(
    "ALLOW_READABLE_SECRET_FILES",
    False,
    "Whether `file:` takes files that every user of the machine may read; those that a container engine mounted are taken anyway.",
)
VAULT_URL: Final = text(
    "VAULT_URL",
    "",
    "The address of HashiCorp Vault or OpenBao; unset: `VAULT_ADDR` of the environment. Plain http only on loopback.",
)
VAULT_NAMESPACE: Final = text(
    "VAULT_NAMESPACE", "", "The namespace in it; unset: `VAULT_NAMESPACE` of the environment."
)
VAULT_CA_FILE: Final = text(
    "VAULT_CA_FILE",
    "",
    "The certificates that vouch for it, if not the system's; unset: `VAULT_CACERT` of the environment.",
)
VAULT_AUTH: Final = text(
    "VAULT_AUTH",
    "token",
    "How this service logs in: with a token, an AppRole, or its Kubernetes service account.",
    choices=("token", "approle", "kubernetes"),
)
VAULT_AUTH_MOUNT: Final = text("VAULT_AUTH_MOUNT", "", "Where that method is mounted, if not under its own name.")
VAULT_ROLE: Final = text("VAULT_ROLE", "", "The role of the Kubernetes log-in.")
VAULT_ROLE_ID: Final = text("VAULT_ROLE_ID", "", "The role id of the AppRole.")
VAULT_SECRET_ID: Final = secret(
    "VAULT_SECRET_ID", "The secret id of the AppRole, best as `file:…`; read anew at each log-in."
)
VAULT_TOKEN: Final = secret(
    "VAULT_TOKEN", "The token of Vault, best as `file:…`; unset: `VAULT_TOKEN` of the environment."
)
AWS_REGION: Final = text("AWS_REGION", "", "The region of AWS Secrets Manager; unset: what boto3 finds by itself.")
GCP_ENDPOINT: Final = text(
    "GCP_ENDPOINT",
    "",
    "The host of a regional or private GCP Secret Manager, such as secretmanager.europe-west3.rep.googleapis.com.",
)
SIGNING_TIMEOUT: Final = number(
    "SIGNING_TIMEOUT", 2, "Seconds that a place which keeps the signing key has for one signature.", least=1, most=30
)
PKCS11_MODULE: Final = text(
    "PKCS11_MODULE",
    "",
    "The PKCS#11 library of the hardware token that signs, such as /usr/lib/softhsm/libsofthsm2.so.",
)
PKCS11_PIN: Final = secret("PKCS11_PIN", "The user PIN of that token, best as `file:…`.")
