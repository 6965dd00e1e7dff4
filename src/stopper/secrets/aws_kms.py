"""Signatures by AWS KMS: ``aws-kms:alias/stopper``, a key id or an ARN."""

from typing import Any, Final

from stopper.auth.private_key import raw_ecdsa
from stopper.secrets.aws_client import AwsClient
from stopper.secrets.errors import FetchError
from stopper.secrets.key_holder import KeyVersion, digest, public_key_of

_WAYS: Final = {
    "ES256": "ECDSA_SHA_256", "ES384": "ECDSA_SHA_384", "RS256": "RSASSA_PKCS1_V1_5_SHA_256", "PS256": "RSASSA_PSS_SHA_256",
    "EdDSA": "ED25519_SHA_512",
}  # fmt: skip


class AwsKms:
    """Asymmetric keys for SIGN_VERIFY. KMS has no versions of them: a new key behind the same alias is the newest one."""

    def __init__(self, region: str, timeout: float) -> None:
        self._client = AwsClient("kms", "AWS KMS", region, timeout)

    def newest(self, path: str) -> KeyVersion:
        """The key that *path* leads to now; its version is its ARN, so an alias that moves on moves no old key. Raises FetchError."""
        answer = self._called("get_public_key", KeyId=path)
        if answer.get("KeyUsage") != "SIGN_VERIFY" or not isinstance(answer.get("PublicKey"), bytes):
            raise FetchError("malformed", f"{path} is no key that signs; make one with the key usage SIGN_VERIFY")
        return KeyVersion(str(answer["KeyId"]), public_key_of(answer["PublicKey"], path))

    def sign(self, path: str, version: str, algorithm: str, message: bytes) -> bytes:
        """The signature of the key with that ARN. KMS sees a digest and no claims; with Ed25519 it must see the message. Raises FetchError."""
        kind, sent = ("RAW", message) if algorithm == "EdDSA" else ("DIGEST", digest(algorithm, message))
        answer = self._called("sign", KeyId=version, Message=sent, MessageType=kind, SigningAlgorithm=_WAYS[algorithm])
        made = answer.get("Signature")
        if not isinstance(made, bytes):
            raise FetchError("malformed", f"AWS KMS answers without a signature of {path}")
        if not algorithm.startswith("ES"):
            return made
        try:
            return raw_ecdsa(made, algorithm)  # KMS gives DER (RFC 3279 §2.2.3)
        except ValueError:
            raise FetchError("malformed", f"AWS KMS signs {path} with something that is no ECDSA signature") from None

    def _called(self, operation: str, **arguments: object) -> dict[str, Any]:
        answer = self._client.call(operation, **arguments)
        if isinstance(answer, FetchError):
            raise answer
        return answer
