"""HashiCorp Vault and OpenBao: kv version 1 and 2, and dynamic secrets whose leases are renewed and given back."""

import contextlib
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote

from stopper.auth.clock import Clock
from stopper.auth.forking import in_each_child
from stopper.core.secret import Secret
from stopper.secrets.backend import Document, Lease, secret_members
from stopper.secrets.backends import VaultAccess
from stopper.secrets.errors import Cause, FetchError
from stopper.secrets.http import Answer, Server, ask, checked_url, trusted_by
from stopper.secrets.steady import steady
from stopper.secrets.vault_login import SERVICE_ACCOUNT, Login

_BUSY: Final = frozenset({412, 429, 472, 473})
"""Statuses of a server that is behind, a standby, or told to wait."""


def open_vault(
    access: VaultAccess, timeout: float, clock: Clock = steady, service_account: Path = SERVICE_ACCOUNT
) -> "Vault":
    """The backend of ``vault:`` references. Raises FetchError where no usable address is set."""
    if not access.url:
        raise FetchError("missing", "the address of Vault is not set; set STOPPER_VAULT_URL")
    url = checked_url(access.url, "STOPPER_VAULT_URL")
    trusted_by(access.ca_file)
    # With this header Vault's agents and proxies know that a program asks and no browser was tricked into it.
    headers = {"X-Vault-Request": "true", **({"X-Vault-Namespace": access.namespace} if access.namespace else {})}
    return Vault(Server(url, timeout, access.ca_file, headers), access, clock, service_account)


class Vault:
    """Reads ``mount/path`` of a kv engine, or whatever else a GET lends (``database/creds/app``)."""

    def __init__(self, server: Server, access: VaultAccess, clock: Clock, service_account: Path) -> None:
        self._server = server
        self._login = Login(access, self._ask, clock, service_account)
        self._mounts: dict[str, int] = {}
        self._leases: dict[str, int] = {}
        self._lock = threading.Lock()
        in_each_child(self._renew_locks)

    def read(self, path: str) -> Document:
        """What lies at *path* now. Raises FetchError."""
        mount, version = self._mount_of(path)
        if version == 2:
            return self._read_kv2(mount, path, "")
        answer = self._get(path, f"/v1/{quote(path)}")
        return self._lent(answer, Document(members=_members(answer.at("data"), path)))

    def read_previous(self, path: str, current: Document) -> Document | None:
        """The version before, where the engine is kv 2 and that version is not deleted."""
        if not current.version.isdecimal() or int(current.version) < 2:
            return None
        mount, version = self._mount_of(path)
        return self._read_kv2(mount, path, f"?version={int(current.version) - 1}") if version == 2 else None

    def renew(self, lease: Lease) -> Lease:
        """The lease with its new time. Raises FetchError."""
        answer = self._authorized("PUT", "/v1/sys/leases/renew", {"lease_id": lease.id})
        if answer.status != 200:
            raise _refused(answer, "the lease")
        lasts = answer.data.get("lease_duration")
        if not isinstance(lasts, int) or lasts < 0:
            raise FetchError("malformed", "Vault renews a lease without saying for how long")
        return Lease(lease.id, float(lasts), answer.data.get("renewable") is True)

    def request(self, method: str, target: str, body: Mapping[str, object] | None = None) -> Answer:
        """One request with this service's token, for what other engines offer. Raises FetchError where nothing answers."""
        return self._authorized(method, target, body)

    def close(self) -> None:
        """Revoke the leases that this process took, then its own token. A server that is away ends them by itself later."""
        with self._lock:
            mine = [lease for lease, owner in self._leases.items() if owner == os.getpid()]
            self._leases.clear()
        with contextlib.suppress(FetchError):
            token = self._login.held()
            for lease in mine if token is not None else ():
                self._ask("PUT", "/v1/sys/leases/revoke", {"lease_id": lease}, token)
            self._login.end()

    def _lent(self, answer: Answer, document: Document) -> Document:
        lease, lasts = answer.data.get("lease_id"), answer.data.get("lease_duration")
        if not isinstance(lease, str) or not lease or not isinstance(lasts, int) or lasts <= 0:
            return document
        with self._lock:
            self._leases[lease] = os.getpid()
        lent = Lease(lease, float(lasts), answer.data.get("renewable") is True)
        return Document(members=document.members, version=lease.rpartition("/")[2], lease=lent)

    def _read_kv2(self, mount: str, path: str, query: str) -> Document:
        inner = path.removeprefix(mount)
        answer = self._get(path, f"/v1/{quote(mount)}data/{quote(inner)}{query}")
        return Document(
            members=_members(answer.at("data", "data"), path),
            version=str(answer.at("data", "metadata", "version") or ""),
            changed=moment(answer.at("data", "metadata", "created_time")),
        )

    def _mount_of(self, path: str) -> tuple[str, int]:
        """The mount that *path* lies in, with a slash at its end, and its kv version (0: another engine)."""
        for known, version in list(self._mounts.items()):
            if path.startswith(known):
                return known, version
        answer = self._authorized("GET", f"/v1/sys/internal/ui/mounts/{quote(path)}", None)
        if answer.status != 200:
            raise _refused(answer, path)
        mount = answer.at("data", "path")
        if not isinstance(mount, str) or not path.startswith(mount):
            raise FetchError("malformed", f"Vault does not say where {path.partition('/')[0]} is mounted")
        is_kv = answer.at("data", "type") in ("kv", "generic")
        version = (2 if answer.at("data", "options", "version") == "2" else 1) if is_kv else 0
        self._mounts[mount] = version
        return mount, version

    def _get(self, name: str, target: str) -> Answer:
        answer = self._authorized("GET", target, None)
        if answer.status != 200:
            self._mounts.clear()  # it may have been mounted anew, in another version
            raise _refused(answer, name)
        return answer

    def _authorized(self, method: str, target: str, body: Mapping[str, object] | None) -> Answer:
        """One request with the token; once more with a new one where the token was refused."""
        token = self._login.token()
        answer = self._ask(method, target, body, token)
        if answer.status == 403:
            self._login.forget(token)
            answer = self._ask(method, target, body, self._login.token())
        return answer

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None, token: Secret | None) -> Answer:
        return ask(self._server, method, path, body, token)

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()
        self._login.renew_lock()


def _refused(answer: Answer, name: str) -> FetchError:
    status = answer.status
    cause: Cause = (
        "unreachable" if status >= 500 or status in _BUSY else "missing" if status in (400, 404) else "denied"
    )
    if cause == "missing":
        return FetchError(cause, f"Vault has nothing at {name} (status {status}); write it, or mend the reference")
    if cause == "denied":
        return FetchError(cause, f"Vault refuses {name} (status {status}); give its policy the capability read on it")
    state = "is sealed or not active" if status in (503, 472, 473) else "cannot answer"
    return FetchError(cause, f"Vault {state} (status {status}); unseal or mend it")


def _members(found: object, path: str) -> Mapping[str, Secret]:
    if not isinstance(found, dict):
        found = None
        raise FetchError("malformed", f"Vault answers {path} without data; is it a path that can be read?")
    return secret_members(cast("dict[str, object]", found))


def moment(found: object) -> float | None:
    """An RFC 3339 time in seconds since the epoch, None for anything else."""
    if not isinstance(found, str):
        return None
    try:
        return datetime.fromisoformat(found).timestamp()
    except (ValueError, OverflowError):
        return None
