"""Azure Key Vault, over its SDK: ``azure:my-vault/payments``, or ``azure:my-vault.vault.azure.cn/payments`` in other clouds."""

import os
import threading
from typing import Any, Final

from stopper.auth.forking import in_each_child
from stopper.core.secret import Secret
from stopper.secrets.backend import Document
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import hold_at_info, library

_LOGGERS: Final = ("azure", "msal")
_DOMAIN: Final = "vault.azure.net"
_NEWEST: Final = 25
"""Versions that are looked through for the one before; Key Vault lists them in no order of time."""


class AzureBackend:
    """Credentials come from ``DefaultAzureCredential``: environment, workload identity, managed identity, the Azure CLI."""

    def __init__(self, timeout: float) -> None:
        self._secrets = library("azure.keyvault.secrets", "azure")
        self._identity = library("azure.identity", "azure")
        self._errors = library("azure.core.exceptions", "azure")
        self._timeout = timeout
        self._lock = threading.Lock()
        self._clients: dict[tuple[int, str], Any] = {}
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def read(self, path: str) -> Document:
        """The newest version, or the one that *path* names. Raises FetchError."""
        vault, name, version = (*path.split("/"), "")[:3]
        found = self._fetch(vault, name, version)
        if isinstance(found, FetchError):
            raise found
        return found

    def read_previous(self, path: str, current: Document) -> Document | None:
        """The newest enabled version that was made before *current*."""
        vault, name, version = (*path.split("/"), "")[:3]
        before = None if version else self._version_before(vault, name, current)
        if before is None:
            return None
        found = self._fetch(vault, name, before)
        return found if isinstance(found, Document) else None

    def close(self) -> None:
        """Nothing is lent."""

    def _fetch(self, vault: str, name: str, version: str) -> Document | FetchError:
        # Errors are handed back: the library's own ones carry frames with answers in clear.
        try:
            found = self._client_here(vault).get_secret(name, version or None)
        except self._errors.ResourceNotFoundError:
            return FetchError("missing", f"{vault} has no secret {name}; make it, or mend the reference")
        except self._errors.ClientAuthenticationError:
            return FetchError(
                "denied", f"{vault} does not know this service; give it an identity, as DefaultAzureCredential finds it"
            )
        except self._errors.HttpResponseError as wrong:
            status = wrong.status_code or 0
            refused = status in (401, 403)
            mend = "give its identity the right to get secrets" if refused else "try later"
            return FetchError(
                "denied" if refused else "unreachable", f"{vault} refuses {name} (status {status}); {mend}"
            )
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return FetchError("unreachable", f"{vault} cannot be asked ({type(wrong).__name__}); look at its name")
        return _document(found)

    def _version_before(self, vault: str, name: str, current: Document) -> str | None:
        try:
            pages = self._client_here(vault).list_properties_of_secret_versions(name)
            listed = [one for one, _ in zip(pages, range(_NEWEST), strict=False) if one.enabled and one.created_on]
        except Exception:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return None  # the right to list is another one than the right to get
        older = [one for one in listed if one.version != current.version]
        older = [one for one in older if current.changed is None or one.created_on.timestamp() <= current.changed]
        return str(max(older, key=lambda one: one.created_on).version) if older else None

    def _client_here(self, vault: str) -> Any:
        """One client a process and vault: its connections are not shared with a forked child."""
        place = (os.getpid(), vault)
        with self._lock:
            if place not in self._clients:
                host = vault if "." in vault or ":" in vault else f"{vault}.{_DOMAIN}"
                times: dict[str, Any] = {
                    "connection_timeout": self._timeout, "read_timeout": self._timeout, "retry_total": 1,
                }  # fmt: skip
                credential = self._identity.DefaultAzureCredential(**times)
                self._clients[place] = self._secrets.SecretClient(f"https://{host}", credential, **times)
            return self._clients[place]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


def _document(found: Any) -> Document:
    about = found.properties
    made = about.created_on or about.updated_on
    return Document(
        Secret(found.value or ""),
        version=about.version or "",
        changed=made.timestamp() if made is not None else None,
        expires=about.expires_on.timestamp() if about.expires_on is not None else None,
    )
