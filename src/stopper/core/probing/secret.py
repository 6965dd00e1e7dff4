"""The HMAC secret behind a token, where the running application's settings or a word list give it away."""

import base64
import hmac
from typing import Final, cast

from stopper.core.probe import Steps, Target, compute
from stopper.core.secret import Secret

HASHES: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def known_secret(target: Target, token: str) -> Steps[Secret | None]:
    """The secret that signed *token*: one of the application's own settings, else a guessed one, else None."""
    algorithm = str(target.forge.header(token).get("alg", ""))
    for secret in target.app.keys.values():
        if signs(token, algorithm, secret):
            return secret
    return (yield from guessed_secret(target, token))


def guessed_secret(target: Target, token: str) -> Steps[Secret | None]:
    """The secret of *token* when the word list has it. It is searched for once in a scan for each token."""
    known = cast("dict[str, Secret | None]", target.notes.setdefault("guessed-secrets", {}))
    if token not in known:
        known[token] = yield from compute(lambda: target.forge.guess(token))
    return known[token]


def signs(token: str, algorithm: str, secret: Secret) -> bool:
    """Whether the HMAC of *token* under *secret* is the token's own signature (RFC 7515 §5.2)."""
    if algorithm not in HASHES:
        return False
    text, _, signature = token.rpartition(".")
    made = hmac.new(secret.reveal_bytes(), text.encode("ascii", "replace"), HASHES[algorithm]).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(made).rstrip(b"=").decode(), signature.rstrip("="))
