"""Makes the backend of each scheme, when the first reference to it is read."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stopper.core.secret import Secret
from stopper.secrets.backend import Backend
from stopper.secrets.env import EnvBackend
from stopper.secrets.file import FileBackend

NOWHERE: Final[Mapping[str, str]] = {}


def no_secret() -> Secret | None:
    """Nothing is set."""
    return None


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """How to reach and enter a Vault. The secrets are asked for at each log-in, so that they may rotate too."""

    url: str = ""
    namespace: str = ""
    ca_file: str = ""
    auth: str = "token"
    mount: str = ""
    role: str = ""
    role_id: str = ""
    secret_id: Callable[[], Secret | None] = no_secret
    token: Callable[[], Secret | None] = no_secret


@dataclass(frozen=True, slots=True)
class Pkcs11Access:
    """The module of a hardware token, and how to enter it."""

    module: str = ""
    pin: Callable[[], Secret | None] = no_secret


@dataclass(frozen=True, slots=True)
class Access:
    """What the backends need to know. ``env_file`` is None outside of mode dev."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    env_file: Path | None = None
    allow_readable_files: bool = False
    timeout: float = 5.0
    vault: VaultAccess = field(default_factory=VaultAccess)
    aws_region: str = ""
    gcp_endpoint: str = ""
    pkcs11: Pkcs11Access = field(default_factory=Pkcs11Access)


def open_backend(scheme: str, access: Access) -> Backend:
    """The backend of *scheme*. Raises FetchError where its extra is not installed or its address is not set."""
    if scheme == "env":
        return EnvBackend(access.environ, access.env_file)
    if scheme == "file":
        return FileBackend(allow_readable=access.allow_readable_files)
    return _REMOTE[scheme](access)


def _vault(access: Access) -> Backend:
    from stopper.secrets.vault import open_vault

    return open_vault(access.vault, access.timeout)


def _aws(access: Access) -> Backend:
    from stopper.secrets.aws import AwsBackend

    return AwsBackend(access.aws_region, access.timeout)


def _azure(access: Access) -> Backend:
    from stopper.secrets.azure import AzureBackend

    return AzureBackend(access.timeout)


def _gcp(access: Access) -> Backend:
    from stopper.secrets.gcp import GcpBackend

    return GcpBackend(access.gcp_endpoint, access.timeout)


_REMOTE: Final[Mapping[str, Callable[[Access], Backend]]] = {
    "vault": _vault, "aws": _aws, "azure": _azure, "gcp": _gcp,
}  # fmt: skip
