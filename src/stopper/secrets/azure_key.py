"""Signatures by Azure Key Vault: ``azure-key:my-vault/stopper``, or with one version after it that then never changes."""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stopper.auth.forking import in_each_child
from stopper.auth.verification_key import PublicKey
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import hold_at_info, library
from stopper.secrets.key_holder import KeyVersion, digest

_LOGGERS: Final = ("azure", "msal")
_DOMAIN: Final = "vault.azure.net"
_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


class AzureKeys:
    """RSA and EC keys. Credentials come from ``DefaultAzureCredential``, as for secrets. A new version is the newest key pair."""

    def __init__(self, timeout: float) -> None:
        self._keys = library("azure.keyvault.keys", "azure")
        self._crypto = library("azure.keyvault.keys.crypto", "azure")
        self._identity = library("azure.identity", "azure")
        self._errors = library("azure.core.exceptions", "azure")
        self._times: dict[str, Any] = {"connection_timeout": timeout, "read_timeout": timeout, "retry_total": 1}
        self._lock = threading.Lock()
        self._clients: dict[tuple[int, str], Any] = {}
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def newest(self, path: str) -> KeyVersion:
        """The newest version, or the one that *path* names. Raises FetchError."""
        vault, name, version = (*path.split("/"), "")[:3]
        found = self._asked(vault, name, lambda: self._client_here(vault).get_key(name, version or None))
        public = _public_key(found.key)
        if public is None or found.properties.enabled is False:
            raise FetchError(
                "malformed", f"{path} is disabled or no key that signs tokens; make one of P-256, P-384 or RSA"
            )
        return KeyVersion(str(found.properties.version), public)

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The signature of that version; Key Vault sees a digest and no claims, and gives R and S side by side. Raises FetchError."""
        vault, name = path.split("/")[:2]
        way, sent = self._crypto.SignatureAlgorithm(algorithm), digest(algorithm, message)
        made = self._asked(vault, name, lambda: self._signer(vault, name, version).sign(way, sent).signature)
        return bytes(made)

    def _asked(self, vault: str, name: str, work: Callable[[], Any]) -> Any:
        found = self._tried(vault, name, work)
        if isinstance(found, FetchError):
            raise found
        return found

    def _tried(self, vault: str, name: str, work: Callable[[], Any]) -> Any:
        # Errors are handed back: the library's own ones carry frames with tokens in clear.
        try:
            return work()
        except self._errors.ResourceNotFoundError:
            return FetchError("missing", f"{vault} has no such key or version of {name}; make it, or mend the place")
        except self._errors.ClientAuthenticationError:
            return FetchError(
                "denied", f"{vault} does not know this service; give it an identity, as DefaultAzureCredential finds it"
            )
        except self._errors.HttpResponseError as wrong:
            status = wrong.status_code or 0
            refused = status in (401, 403)
            mend = "give its identity the rights to get keys and to sign" if refused else "try later"
            return FetchError(
                "denied" if refused else "unreachable", f"{vault} refuses {name} (status {status}); {mend}"
            )
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return FetchError("unreachable", f"{vault} cannot be asked ({type(wrong).__name__}); look at its name")

    def _signer(self, vault: str, name: str, version: str) -> Any:
        """Kept: each new one asks for the key's public half first."""
        client, place = self._client_here(vault), (os.getpid(), f"{vault}/{name}/{version}")
        with self._lock:
            if place not in self._clients:
                self._clients[place] = client.get_cryptography_client(name, key_version=version)
            return self._clients[place]

    def _client_here(self, vault: str) -> Any:
        """One client a process and vault: its connections are not shared with a forked child."""
        place = (os.getpid(), vault)
        with self._lock:
            if place not in self._clients:
                host = vault if "." in vault or ":" in vault else f"{vault}.{_DOMAIN}"
                credential = self._identity.DefaultAzureCredential(**self._times)
                self._clients[place] = self._keys.KeyClient(f"https://{host}", credential, **self._times)
            return self._clients[place]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


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
