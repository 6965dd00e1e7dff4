"""Signatures by the transit engine of HashiCorp Vault and OpenBao: ``vault-transit:transit/stopper``."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ed25519

from stopper.auth import base64url
from stopper.auth.clock import Clock
from stopper.secrets.backends import VaultAccess
from stopper.secrets.errors import FetchError
from stopper.secrets.http import Answer
from stopper.secrets.key_holder import KeyVersion, digest, public_key_of
from stopper.secrets.steady import steady
from stopper.secrets.vault import Vault, open_vault

_HASHES: Final = {"ES384": "sha2-384"}
_PADDINGS: Final = {"RS256": "pkcs1v15", "PS256": "pss"}


def open_transit(access: VaultAccess, timeout: float, clock: Clock = steady) -> "VaultTransit":
    """The holder of ``vault-transit:`` keys. Raises FetchError where no usable address is set."""
    return VaultTransit(open_vault(access, timeout, clock))


class VaultTransit:
    """``mount/key``. A new version (``vault write -f transit/keys/stopper/rotate``) is the newest key pair."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def newest(self, path: str) -> KeyVersion:
        """The latest version. Raises FetchError."""
        mount, _, name = path.rpartition("/")
        answer = self._vault.request("GET", f"/v1/{quote(mount)}/keys/{quote(name)}")
        if answer.status != 200:
            raise _refused(answer, path, "read", f"{mount}/keys/{name}")
        latest = answer.at("data", "latest_version")
        shown = answer.at("data", "keys", str(latest), "public_key")
        if answer.at("data", "derived") is True or not isinstance(shown, str) or not shown:
            raise FetchError("malformed", f"{path} is no key that signs tokens; make one of type ed25519 or ecdsa-p256")
        if answer.at("data", "type") == "ed25519":
            return KeyVersion(str(latest), _ed25519(shown, path))
        return KeyVersion(str(latest), public_key_of(shown.encode("ascii", "replace"), path))

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The signature of that version. Claims are not sent where a digest will do: with Ed25519 it will not. Raises FetchError."""
        mount, _, name = path.rpartition("/")
        body: Mapping[str, object] = {"input": _encoded(message), "key_version": int(version)}
        target = f"/v1/{quote(mount)}/sign/{quote(name)}"
        if algorithm != "EdDSA":
            body = {
                **body,
                "input": _encoded(digest(algorithm, message)),
                "prehashed": True,
                "marshaling_algorithm": "jws",  # R and S side by side, as RFC 7518 §3.4 has them
                **(
                    {"signature_algorithm": _PADDINGS[algorithm], "salt_length": "hash"}
                    if algorithm in _PADDINGS
                    else {}
                ),
            }
            target = f"{target}/{_HASHES.get(algorithm, 'sha2-256')}"
        answer = self._vault.request("POST", target, body)
        if answer.status != 200:
            raise _refused(answer, path, "update", f"{mount}/sign/{name}/*")
        return _signature(answer.at("data", "signature"), version, path)


def _ed25519(shown: str, path: str) -> ed25519.Ed25519PublicKey:
    try:
        return ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(shown, validate=True))
    except (ValueError, binascii.Error):
        raise FetchError("malformed", f"Vault shows {path} with a public key that is none") from None


def _signature(shown: object, version: str, path: str) -> bytes:
    """``vault:v3:…``: the version that signed must be the one that was asked for."""
    _, said, encoded = (*shown.split(":"), "", "")[:3] if isinstance(shown, str) else ("", "", "")
    if said != f"v{version}":
        raise FetchError("malformed", f"Vault signs {path} with another version than the one that was asked for")
    try:
        return base64url.decode(encoded.translate(_TO_URL).rstrip("=").encode("ascii"))
    except ValueError:
        raise FetchError("malformed", f"Vault signs {path} with something that is no base64") from None


_TO_URL: Final = str.maketrans("+/", "-_")


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _refused(answer: Answer, path: str, capability: str, rule: str) -> FetchError:
    if answer.status in (400, 404):
        return FetchError(
            "missing",
            f"Vault has no such key or version at {path} (status {answer.status}); make it, or mend the place",
        )
    if answer.status == 403:
        return FetchError("denied", f"Vault refuses {path}; give its policy the capability {capability} on {rule}")
    return FetchError("unreachable", f"Vault cannot answer (status {answer.status}); unseal or mend it")
