"""Azure Key Vault, over its SDK: ``azure:my-vault/payments``, or ``azure:my-vault.vault.azure.cn/payments`` in other clouds."""

from typing import Any, Final

from stopper.core.secret import Secret
from stopper.secrets.azure_client import AzureVaults
from stopper.secrets.backend import Document
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import library

_NEWEST: Final = 25
"""Versions that are looked through for the one before; Key Vault lists them in no order of time."""


class AzureBackend:
    """Credentials come from ``DefaultAzureCredential``: environment, workload identity, managed identity, the Azure CLI."""

    def __init__(self, timeout: float) -> None:
        client = library("azure.keyvault.secrets", "azure").SecretClient
        self._vaults = AzureVaults(client, "secret", "the right to get secrets", timeout)

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
        found = self._vaults.tried(vault, name, lambda client: client.get_secret(name, version or None))
        return found if isinstance(found, FetchError) else _document(found)

    def _version_before(self, vault: str, name: str, current: Document) -> str | None:
        listed = self._vaults.tried(vault, name, lambda client: _listed(client, name))
        if isinstance(listed, FetchError):
            return None  # the right to list is another one than the right to get
        older = [one for one in listed if one.version != current.version]
        older = [one for one in older if current.changed is None or one.created_on.timestamp() <= current.changed]
        return str(max(older, key=lambda one: one.created_on).version) if older else None


def _listed(client: Any, name: str) -> list[Any]:
    pages = client.list_properties_of_secret_versions(name)
    return [one for one, _ in zip(pages, range(_NEWEST), strict=False) if one.enabled and one.created_on]


def _document(found: Any) -> Document:
    about = found.properties
    made = about.created_on or about.updated_on
    return Document(
        Secret(found.value or ""),
        version=about.version or "",
        changed=made.timestamp() if made is not None else None,
        expires=about.expires_on.timestamp() if about.expires_on is not None else None,
    )
