"""Vaults of Azure over its SDK: one client a process and vault, short time-outs, errors without a word of what was sent."""

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from stopper.auth.forking import in_each_child
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import hold_at_info, library

_LOGGERS: Final = ("azure", "msal")
_DOMAIN: Final = "vault.azure.net"


class AzureVaults:
    """Credentials come from ``DefaultAzureCredential``: environment, workload identity, managed identity, the Azure CLI.

    *kind*: what is asked for there (``secret``); *right*: what an identity needs for it.
    """

    def __init__(self, client: Callable[..., Any], kind: str, right: str, timeout: float) -> None:
        self._make = client
        self._kind = kind
        self._right = right
        self._identity = library("azure.identity", "azure")
        self._errors = library("azure.core.exceptions", "azure")
        self._times: dict[str, Any] = {"connection_timeout": timeout, "read_timeout": timeout, "retry_total": 1}
        self._lock = threading.Lock()
        self._clients: dict[tuple[int, str], Any] = {}
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def tried(self, vault: str, name: str, work: Callable[[Any], Any]) -> Any:
        """What *work* gives with the client of *vault*, or a FetchError: handed back, since the library's own ones carry frames in clear."""
        try:
            return work(self._client_here(vault))
        except self._errors.ResourceNotFoundError:
            return FetchError("missing", f"{vault} has no {self._kind} {name}; make it, or mend the reference")
        except self._errors.ClientAuthenticationError:
            return FetchError(
                "denied", f"{vault} does not know this service; give it an identity, as DefaultAzureCredential finds it"
            )
        except self._errors.HttpResponseError as wrong:
            status = wrong.status_code or 0
            refused = status in (401, 403)
            mend = f"give its identity {self._right}" if refused else "try later"
            return FetchError(
                "denied" if refused else "unreachable", f"{vault} refuses {name} (status {status}); {mend}"
            )
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return FetchError("unreachable", f"{vault} cannot be asked ({type(wrong).__name__}); look at its name")

    def _client_here(self, vault: str) -> Any:
        """One client a process and vault: its connections are not shared with a forked child."""
        place = (os.getpid(), vault)
        with self._lock:
            if place not in self._clients:
                host = vault if "." in vault or ":" in vault else f"{vault}.{_DOMAIN}"
                credential = self._identity.DefaultAzureCredential(**self._times)
                self._clients[place] = self._make(f"https://{host}", credential, **self._times)
            return self._clients[place]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
