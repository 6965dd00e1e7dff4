"""AWS Secrets Manager, over boto3: ``aws:prod/payments#key`` or the secret's whole ARN."""

from datetime import datetime
from typing import Any

from stopper.core.secret import Secret
from stopper.secrets.aws_client import AwsClient
from stopper.secrets.backend import Document
from stopper.secrets.errors import FetchError


class AwsBackend:
    """Credentials and region come from where boto3 finds them; *region* wins."""

    def __init__(self, region: str, timeout: float) -> None:
        self._client = AwsClient("secretsmanager", "AWS Secrets Manager", region, timeout)

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
        answer = self._client.call("get_secret_value", SecretId=path, VersionStage=stage)
        return answer if isinstance(answer, FetchError) else _document(answer)


def _document(answer: dict[str, Any]) -> Document:
    created = answer.get("CreatedDate")
    value = answer.get("SecretString") or answer.get("SecretBinary") or b""
    return Document(
        Secret(value),
        version=str(answer.get("VersionId", "")),
        changed=created.timestamp() if isinstance(created, datetime) else None,
    )
