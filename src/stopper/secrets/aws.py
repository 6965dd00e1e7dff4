"""AWS Secrets Manager, over boto3: ``aws:prod/payments#key`` or the secret's whole ARN."""

import os
import threading
from datetime import datetime
from typing import Any, Final

from stopper.auth.forking import in_each_child
from stopper.core.secret import Secret
from stopper.secrets.backend import Document
from stopper.secrets.errors import Cause, FetchError
from stopper.secrets.extra import hold_at_info, library

_MISSING: Final = frozenset({"ResourceNotFoundException", "InvalidParameterException", "ValidationException"})
_DENIED: Final = frozenset(
    {
        "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
        "IncompleteSignature", "InvalidClientTokenId", "InvalidRequestException", "DecryptionFailure",
    }
)  # fmt: skip
_LOGGERS: Final = ("botocore.parsers", "botocore.endpoint", "botocore.auth", "botocore.httpsession", "botocore.hooks")


class AwsBackend:
    """Credentials and region come from where boto3 finds them; *region* wins."""

    def __init__(self, region: str, timeout: float) -> None:
        self._boto3 = library("boto3", "aws")
        self._errors = library("botocore.exceptions", "aws")
        self._config = library("botocore.config", "aws").Config(
            connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 2, "mode": "standard"}
        )
        self._region = region
        self._lock = threading.Lock()
        self._client: tuple[int, Any] | None = None
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def read(self, path: str) -> Document:
        """The version AWSCURRENT. Raises FetchError."""
        found = self._fetch(path, "AWSCURRENT")
        if isinstance(found, FetchError):
            raise found
        return found

    def read_previous(self, path: str, current: Document) -> Document | None:
        """The version AWSPREVIOUS, where there is one."""
        found = self._fetch(path, "AWSPREVIOUS")
        if isinstance(found, FetchError) and found.cause != "missing":
            raise found
        return found if isinstance(found, Document) else None

    def close(self) -> None:
        """Nothing is lent."""

    def _fetch(self, path: str, stage: str) -> Document | FetchError:
        # Errors are handed back: the library's own ones carry frames with answers in clear.
        try:
            answer: dict[str, Any] = self._client_here().get_secret_value(SecretId=path, VersionStage=stage)
        except self._errors.ClientError as wrong:
            code = str(wrong.response.get("Error", {}).get("Code", "error"))
            return FetchError(_cause(code), f"AWS Secrets Manager says {code}; look at its name, region and policy")
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            kind = type(wrong).__name__
            denied = "Credentials" in kind or "Profile" in kind or "Region" in kind
            return FetchError(
                "denied" if denied else "unreachable",
                f"AWS Secrets Manager cannot be asked ({kind}); set its credentials and region",
            )
        return _document(answer)

    def _client_here(self) -> Any:
        """One client a process: its connections are not shared with a forked child."""
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():
                session = self._boto3.session.Session(region_name=self._region or None)
                self._client = (os.getpid(), session.client("secretsmanager", config=self._config))
            return self._client[1]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


def _document(answer: dict[str, Any]) -> Document:
    created = answer.get("CreatedDate")
    value = answer.get("SecretString") or answer.get("SecretBinary") or b""
    return Document(
        Secret(value),
        version=str(answer.get("VersionId", "")),
        changed=created.timestamp() if isinstance(created, datetime) else None,
    )


def _cause(code: str) -> Cause:
    return "missing" if code in _MISSING else "denied" if code in _DENIED else "unreachable"
