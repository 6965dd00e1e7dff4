"""Nonces for DPoP proofs (RFC 9449 §8, §9): made from the time under a key, so that every node knows them and nobody keeps them."""

import hmac
from typing import Final

from stopper.auth import base64url
from stopper.auth.clock import Clock
from stopper.auth.weak_secret import weakness
from stopper.core.errors import InvalidCredentialError, SettingError
from stopper.core.secret import Secret

LIFE: Final = 300.0
"""Seconds that a nonce is taken; after half of them a client is handed the next one."""
_SLACK: Final = 30.0
_SIZE: Final = 32
"""Eight bytes of time, sixteen of the mark: 24 bytes in base64url."""


class DpopNonceRequiredError(InvalidCredentialError):
    """The proof holds, but not with a nonce of ours. ``nonce`` is the one to use (RFC 9449 §9)."""

    code = "invalid-credential"
    error = "use_dpop_nonce"

    def __init__(self, nonce: str) -> None:
        super().__init__("dpop-nonce")
        self.nonce = nonce


class Nonces:
    """Makes nonces and knows them again. Every process that shares *key* takes the others' nonces."""

    def __init__(self, key: Secret, clock: Clock) -> None:
        """Raises SettingError for a weak key."""
        if (wrong := weakness(key, 32)) is not None:
            raise SettingError(f"STOPPER_DPOP_NONCE_KEY {wrong}; use 32 random bytes")
        self._key = key.reveal_bytes()
        self._clock = clock

    def fresh(self) -> str:
        """A nonce of this second."""
        at = int(self._clock()).to_bytes(8)
        return base64url.encode(at + self._mark(at))

    def judge(self, shown: str | None) -> str | None:
        """None for a nonce in its first half, the next one for an older one. Raises DpopNonceRequiredError for any other."""
        age = self._age(shown)
        if age is None or not -_SLACK <= age < LIFE:
            raise DpopNonceRequiredError(self.fresh())
        return self.fresh() if age > LIFE / 2 else None

    def _age(self, shown: str | None) -> float | None:
        if shown is None or len(shown) != _SIZE or not shown.isascii():
            return None
        try:
            raw = base64url.decode(shown.encode("ascii"))
        except ValueError:
            return None
        if not hmac.compare_digest(self._mark(raw[:8]), raw[8:]):
            return None
        return self._clock() - int.from_bytes(raw[:8])

    def _mark(self, at: bytes) -> bytes:
        return hmac.digest(self._key, b"stopper dpop nonce v1\0" + at, "sha256")[:16]
