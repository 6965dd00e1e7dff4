"""GCP Secret Manager, over its SDK (REST): ``gcp:my-project/payments``, or a secret's or version's whole resource name."""

import os
import threading
from typing import Any, Final

from stopper.auth.forking import in_each_child
from stopper.core.secret import Secret
from stopper.secrets.backend import Document
from stopper.secrets.errors import FetchError
from stopper.secrets.extra import hold_at_info, library

_LOGGERS: Final = ("google.cloud.secretmanager_v1", "google.auth", "google.api_core")


class GcpBackend:
    """Credentials come from where Google's libraries find them. *endpoint*: the host of a regional or private service."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        self._manager = library("google.cloud.secretmanager", "gcp")
        self._errors = library("google.api_core.exceptions", "gcp")
        self._auth_errors = library("google.auth.exceptions", "gcp")
        self._endpoint = endpoint
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: tuple[int, Any] | None = None
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def read(self, path: str) -> Document:
        """The latest version, or the one that *path* names. Raises FetchError."""
        found = self._fetch(resource(path))
        if isinstance(found, FetchError):
            raise found
        return found

    def read_previous(self, path: str, current: Document) -> Document | None:
        """The version with the number before, where it is enabled."""
        if (
            not current.version.isdecimal()
            or int(current.version) < 2
            or "/versions/" in path.replace("/versions/latest", "")
        ):
            return None
        found = self._fetch(resource(path).removesuffix("latest") + str(int(current.version) - 1))
        return found if isinstance(found, Document) else None

    def close(self) -> None:
        """Nothing is lent."""

    def _fetch(self, name: str) -> Document | FetchError:
        # Errors are handed back: the library's own ones carry frames with answers in clear.
        try:
            client = self._client_here()
            found = client.access_secret_version(request={"name": name}, timeout=self._timeout, retry=None)
        except self._errors.NotFound:
            return FetchError("missing", f"Google has no {name}; make it, or mend the reference")
        except (
            self._errors.Forbidden,
            self._errors.Unauthorized,
            self._errors.FailedPrecondition,
            self._errors.BadRequest,
        ):
            return FetchError(
                "denied", f"Google refuses {name}; enable it and give the role secretmanager.secretAccessor"
            )
        except self._auth_errors.DefaultCredentialsError:
            return FetchError("denied", "Google's credentials are not to be found; set GOOGLE_APPLICATION_CREDENTIALS")
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return FetchError("unreachable", f"Google's Secret Manager cannot be asked ({type(wrong).__name__})")
        return Document(
            Secret(found.payload.data),
            version=str(found.name).rpartition("/")[2],
            changed=self._made(client, str(found.name)),
        )

    def _made(self, client: Any, name: str) -> float | None:
        """When the version was made; telling it is another right than reading it, and may be missing."""
        try:
            made = client.get_secret_version(request={"name": name}, timeout=self._timeout, retry=None).create_time
        except Exception:  # noqa: BLE001 - over a broken answer these libraries raise anything
            return None
        return float(made.timestamp()) if made is not None else None

    def _client_here(self) -> Any:
        """One client a process: its connections are not shared with a forked child."""
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():
                options = {"api_endpoint": self._endpoint} if self._endpoint else None
                made = self._manager.SecretManagerServiceClient(transport="rest", client_options=options)
                self._client = (os.getpid(), made)
            return self._client[1]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


def resource(path: str) -> str:
    """The resource name of the version that *path* means."""
    if not path.startswith("projects/"):
        project, _, rest = path.partition("/")
        path = f"projects/{project}/{'' if rest.startswith('secrets/') else 'secrets/'}{rest}"
    return path if "/versions/" in path else f"{path}/versions/latest"
