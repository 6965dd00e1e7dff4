"""Signatures by Azure Key Vault: ``azure-key:my-vault/stopper``, or with one version after it that then never changes."""

import os
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stopper.auth.verification_key import PublicKey
from stopper.secrets.azure_client import AzureVaults
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import library
from stopper.secrets.key_holder import KeyVersion, digest

_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


class AzureKeys:
    """RSA and EC keys. Credentials are found as for secrets. A new version is the newest key pair."""

    def __init__(self, timeout: float) -> None:
        client = library("azure.keyvault.keys", "azure").KeyClient
        self._ways = library("azure.keyvault.keys.crypto", "azure").SignatureAlgorithm
        self._vaults = AzureVaults(client, "such key or version of", "the rights to get keys and to sign", timeout)
        self._signers: dict[tuple[int, str], Any] = {}

    def newest(self, path: str) -> KeyVersion:
        """The newest version, or the one that *path* names. Raises FetchError."""
        vault, name, version = (*path.split("/"), "")[:3]
        found = self._asked(vault, name, lambda client: client.get_key(name, version or None))
        public = _public_key(found.key)
        if public is None or found.properties.enabled is False:
            raise FetchError(
                "malformed", f"{path} is disabled or no key that signs tokens; make one of P-256, P-384 or RSA"
            )
        return KeyVersion(str(found.properties.version), public)

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The signature of that version; Key Vault sees a digest and no claims, and gives R and S side by side. Raises FetchError."""
        vault, name = path.split("/")[:2]
        way, sent = self._ways(algorithm), digest(algorithm, message)
        place = (os.getpid(), f"{vault}/{name}/{version}")

        def work(client: Any) -> Any:
            # Kept: each new one asks for the key's public half first.
            signer = self._signers.get(place) or client.get_cryptography_client(name, key_version=version)
            self._signers[place] = signer
            return signer.sign(way, sent).signature

        return bytes(self._asked(vault, name, work))

    def _asked(self, vault: str, name: str, work: Callable[[Any], Any]) -> Any:
        found = self._vaults.tried(vault, name, work)
        if isinstance(found, FetchError):
            raise found
        return found


def _public_key(key: Any) -> PublicKey | None:
    try:
        if _word(key.kty).startswith("RSA"):
            return rsa.RSAPublicNumbers(int.from_bytes(key.e, "big"), int.from_bytes(key.n, "big")).public_key()
        x, y, curve = int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big"), _CURVES[_word(key.crv)]
        return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _word(name: Any) -> str:
    """The SDK gives names as they came, or as members of an enumeration."""
    return str(getattr(name, "value", name))
