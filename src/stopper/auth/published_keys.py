"""The keys that an issuer publishes at a URL, as they are declared. Fetching is not done here: ``stopper.outbound.jwks`` does it."""

from dataclasses import dataclass

from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import StoreUnavailableError


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """A key set by its ``url``, before somebody opens it. ``Stopper(app)`` does; beside it ``open_keys`` of ``stopper.outbound.jwks``."""

    url: str
    algorithms: tuple[str, ...]
    allow_rsa_2048: bool = False

    def find(self, kid: str | None) -> VerificationKey | None:
        """Raises StoreUnavailableError: nobody has fetched the keys, and nothing passes on a guess."""
        raise StoreUnavailableError("jwks-not-opened")
