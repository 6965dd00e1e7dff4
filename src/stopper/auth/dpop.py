"""Whether a DPoP proof was made now, for this request, by the holder of a key, and for the first time (RFC 9449 §4.3)."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from stopper.auth import base64url
from stopper.auth.algorithm import ALGORITHMS, canonical_name
from stopper.auth.clock import Clock
from stopper.auth.dpop_nonce import Nonces
from stopper.auth.dpop_proof import Proof, read_proof
from stopper.auth.requirement import Redeem
from stopper.core.errors import InvalidCredentialError, SettingError

LIFE: Final = 60.0
"""Seconds after its ``iat`` that a proof is taken: RFC 9449 §11.1 asks for a short time, on the order of seconds or minutes."""
AHEAD: Final = 30.0
"""Seconds by which a clock may be ahead of another."""
_PORTS: Final = {"http": 80, "https": 443}


class Target(NamedTuple):
    """What a proof must be for: the method, and the URL's scheme, host with port, and path with every escape undone."""

    method: str
    scheme: str
    host: str
    path: bytes


class Proven(NamedTuple):
    """The thumbprint of the key, and the nonce that the client should use from now on, if it is another."""

    key: str
    next_nonce: str | None = None


class DpopProofs:
    """Judges proofs. Each is taken once by all who share *redeem*; without an answer of it none is (fail closed)."""

    def __init__(
        self,
        redeem: Redeem,
        clock: Clock,
        *,
        algorithms: Sequence[str] = ("EdDSA", "ES256"),
        nonces: Nonces | None = None,
    ) -> None:
        """Raises SettingError for an algorithm that is unknown or symmetric."""
        self.algorithms = tuple(dict.fromkeys(map(canonical_name, algorithms)))
        unfit = [name for name in self.algorithms if name not in ALGORITHMS or ALGORITHMS[name].symmetric]
        if unfit or not self.algorithms:
            raise SettingError("STOPPER_DPOP_ALGORITHMS must name public-key algorithms, such as EdDSA, ES256 or PS256")
        self._redeem = redeem
        self._clock = clock
        self._nonces = nonces

    def judge(self, shown: str, target: Target, *, token: str | None = None, key: str | None = None) -> Proven:
        """What *shown* proves for *target*.

        *token*: the access token that it came with, which it must name. *key*: the thumbprint that it must have. Raises
        InvalidCredentialError, DpopNonceRequiredError and StoreUnavailableError. Nothing is used up by a proof that does not hold.
        """
        proof = read_proof(shown, self.algorithms)
        if key is not None and not hmac.compare_digest(proof.key.encode(), key.encode("utf-8", "surrogatepass")):
            raise InvalidCredentialError("dpop-other-key")
        if proof.method != target.method:
            raise InvalidCredentialError("dpop-htm")
        if _read_url(proof.url) != target[1:]:
            raise InvalidCredentialError("dpop-htu")
        if proof.token_hash != (None if token is None else token_hash(token)):
            raise InvalidCredentialError("dpop-ath")
        now = self._clock()
        _judge_times(proof, now)
        next_nonce = None if self._nonces is None else self._nonces.judge(proof.nonce)
        # By key and id: a stranger cannot use up somebody else's ids.
        # Remembered longer than it is taken: another node's clock may be behind, or ours be set back.
        remembered = max(0.0, proof.issued + LIFE - now) + AHEAD
        if not self._redeem.redeem("dpop", f"{proof.key}\n{proof.jti}", valid_for=remembered):
            raise InvalidCredentialError("dpop-replayed")
        return Proven(proof.key, next_nonce)


def token_hash(token: str) -> str:
    """The ``ath`` of an access token (RFC 9449 §4.2)."""
    return base64url.encode(hashlib.sha256(token.encode("ascii")).digest())


def target_of(method: str, scheme: str, host: str, path: bytes) -> Target:
    """The target of a request. *path* as the application routes it, so that no two spellings of one route differ."""
    return Target(method, scheme.lower(), _plain_host(scheme.lower(), host), path or b"/")


def _judge_times(proof: Proof, now: float) -> None:
    if proof.issued > now + AHEAD or (proof.not_before is not None and proof.not_before > now + AHEAD):
        raise InvalidCredentialError("dpop-not-yet")
    if now >= proof.issued + LIFE or (proof.expires is not None and now >= proof.expires):
        raise InvalidCredentialError("dpop-old")


def _read_url(said: str) -> tuple[str, str, bytes] | None:
    """Scheme, host and path of an ``htu``; its query and fragment do not count. None for what is no plain http(s) URL."""
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        return None
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or "@" in parts.netloc
        or "\\" in said
        or " " in said
        or not said.isascii()
        or port == 0
    ):
        return None
    return parts.scheme, _plain_host(parts.scheme, parts.netloc), unquote_to_bytes(parts.path) or b"/"


def _plain_host(scheme: str, host: str) -> str:
    """*host* in small letters, without the port that the scheme has anyway (RFC 3986 §6.2.3)."""
    lowered = host.lower()
    name, colon, port = lowered.rpartition(":")
    if colon and "]" not in port and (not port or port == str(_PORTS.get(scheme))):
        return name
    return lowered
