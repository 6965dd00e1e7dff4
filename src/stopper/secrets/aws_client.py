"""One service of AWS over boto3: one client a process, short time-outs, errors without a word of what was sent."""

import os
import threading
from typing import Any, Final

from stopper.auth.forking import in_each_child
from stopper.secrets.errors import Cause, FetchError
from stopper.secrets.extra import hold_at_info, library

_MISSING: Final = frozenset(
    {"ResourceNotFoundException", "InvalidParameterException", "ValidationException", "NotFoundException"}
)
_DENIED: Final = frozenset(
    {
        "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
        "IncompleteSignature", "InvalidClientTokenId", "InvalidRequestException", "DecryptionFailure",
        "DisabledException", "InvalidKeyUsageException", "UnsupportedOperationException",
    }
)  # fmt: skip
_LOGGERS: Final = ("botocore.parsers", "botocore.endpoint", "botocore.auth", "botocore.httpsession", "botocore.hooks")


class AwsClient:
    """Credentials and region come from where boto3 finds them; *region* wins. *title* is what people call the service."""

    def __init__(self, service: str, title: str, region: str, timeout: float) -> None:
        self._boto3 = library("boto3", "aws")
        self._errors = library("botocore.exceptions", "aws")
        self._config = library("botocore.config", "aws").Config(
            connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 2, "mode": "standard"}
        )
        self._service = service
        self._title = title
        self._region = region
        self._lock = threading.Lock()
        self._client: tuple[int, Any] | None = None
        hold_at_info(*_LOGGERS)
        in_each_child(self._renew_lock)

    def call(self, operation: str, **arguments: object) -> dict[str, Any] | FetchError:
        """The answer, or what went wrong: handed back, since the library's own errors carry frames with answers in clear."""
        try:
            answer: dict[str, Any] = getattr(self._client_here(), operation)(**arguments)
        except self._errors.ClientError as wrong:
            code = str(wrong.response.get("Error", {}).get("Code", "error"))
            return FetchError(_cause(code), f"{self._title} says {code}; look at its name, region and policy")
        except Exception as wrong:  # noqa: BLE001 - over a broken answer these libraries raise anything
            kind = type(wrong).__name__
            denied = "Credentials" in kind or "Profile" in kind or "Region" in kind
            return FetchError(
                "denied" if denied else "unreachable",
                f"{self._title} cannot be asked ({kind}); set its credentials and region",
            )
        return answer

    def _client_here(self) -> Any:
        """One client a process: its connections are not shared with a forked child."""
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():
                session = self._boto3.session.Session(region_name=self._region or None)
                self._client = (os.getpid(), session.client(self._service, config=self._config))
            return self._client[1]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


def _cause(code: str) -> Cause:
    return "missing" if code in _MISSING else "denied" if code in _DENIED else "unreachable"
