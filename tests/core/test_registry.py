"""The registry of live secrets does not grow with those that are dead."""

import secrets

from stopper.core import registry
from stopper.core.redactor import mask
from stopper.core.secret import Secret


def test_secrets_that_die_before_anything_is_masked_do_not_pile_up() -> None:
    """A process that logs nothing masks nothing: each token that a stranger showed stayed in memory for ever."""
    kept = Secret(secrets.token_urlsafe(32))
    for _ in range(3 * registry.MOST_GONE):
        Secret(secrets.token_urlsafe(32))
    assert len(registry._new) <= registry.MOST_GONE + 64
    assert mask(f"a {kept.reveal()} b") == "a *** b"
