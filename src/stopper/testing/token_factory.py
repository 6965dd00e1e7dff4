"""Makes every kind of bad token out of a good one. Each is wrong in one way only, so a test says what was missed."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from cryptography.hazmat.primitives import serialization

from stopper.auth.signing_key import ALGORITHMS, PrivateKey, SigningKey
from stopper.core.secret import Secret
from stopper.scan.tokens.forge import TokenForge, encode, is_token, sign_hmac

HUGE: Final = 200_000
"""Characters; no honest token is near it, and a verifier must not decode it first."""
DEEP: Final = 20_000
"""JSON levels; enough to end a parser that recurses."""
_forge: Final = TokenForge()

Claims = dict[str, object]
Sign = Callable[[str], str]
"""Signs ``header.payload`` and gives the whole token."""


@dataclass(frozen=True, slots=True)
class BadToken:
    """One bad token. ``id`` names the kind, ``why`` says what is wrong with it."""

    id: str
    token: str = field(repr=False)
    why: str

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class _Good:
    """The good token in its parts, and how to sign where the key is known."""

    token: str
    header: Claims
    claims: Claims
    sign: Sign | None
    public_pem: bytes | None

    def signed(self, header: Claims | None = None, claims: Claims | None = None) -> str | None:
        return self.sealed(_json(header or self.header), _json(claims or self.claims))

    def sealed(self, header: bytes, payload: bytes) -> str | None:
        return self.sign(f"{encode(header)}.{encode(payload)}") if self.sign is not None else None

    def with_claims(self, **claims: object) -> str | None:
        return self.signed(claims={**self.claims, **claims})

    def with_header(self, **members: object) -> str | None:
        return self.signed(header={**self.header, **members})

    def without(self, claim: str) -> str | None:
        if claim not in self.claims:
            return None
        return self.signed(claims={name: value for name, value in self.claims.items() if name != claim})


Make = Callable[[_Good], str | None]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind. ``strict``: only a strict verifier refuses it; many libraries let it pass."""

    why: str
    make: Make
    strict: bool = False


def _now(seconds: int) -> int:
    return int(time.time()) + seconds


def _confused(good: _Good, key: bytes) -> str:
    return sign_hmac({**good.header, "alg": "HS256"}, good.claims, key)


def _injected(kid: object, key: bytes) -> Make:
    return lambda good: sign_hmac({**good.header, "alg": "HS256", "kid": kid}, good.claims, key)


def _foreign_with(**members: object) -> Make:
    return lambda good: sign_hmac({**good.header, "alg": "HS256", **members}, good.claims, b"stopper" * 8)


def _replaced(number: int, part: str) -> Make:
    def make(good: _Good) -> str:
        parts = good.token.split(".")
        parts[number] = part
        return ".".join(parts)

    return make


def _broken(good: _Good) -> str:
    head, _, signature = good.token.rpartition(".")
    return f"{head}.{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"


def _other_base64(good: _Good) -> str | None:
    # The last character of a part that is no multiple of three bytes holds bits that nobody reads.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    head, _, signature = good.token.rpartition(".")
    if len(signature) % 4 == 0:
        return None
    last = alphabet.index(signature[-1])
    return f"{head}.{signature[:-1]}{alphabet[last ^ 1]}"


def _twice(part: Claims, name: str, bad: object) -> bytes:
    """The JSON object with *name* twice: the bad value first, the good one last."""
    text = _json(part).decode()
    return f"{{{json.dumps(name)}:{json.dumps(bad)},{text[1:]}".encode()


def _deep() -> bytes:
    return b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}"


_JWK: Final = {"kty": "oct", "k": encode(b"stopper" * 8), "alg": "HS256"}

_KINDS: Final[dict[str, _Kind]] = {
    "none": _Kind("the alg is none, and nothing is signed", lambda good: _forge.unsigned(good.token, "none")),
    "None": _Kind("none with a capital letter", lambda good: _forge.unsigned(good.token, "None")),
    "NONE": _Kind("none in capital letters", lambda good: _forge.unsigned(good.token, "NONE")),
    "nOnE": _Kind("none in mixed letters", lambda good: _forge.unsigned(good.token, "nOnE")),
    "none-kept-signature": _Kind("the alg is none, the old signature stays", lambda good: _forge.unsigned(good.token) + good.token.rpartition(".")[2]),
    "alg-missing": _Kind("no alg at all", lambda good: sign_hmac({"typ": good.header.get("typ", "JWT")}, good.claims, b"")),
    "alg-empty": _Kind("an empty alg", lambda good: _forge.unsigned(good.token, "")),
    "signature-missing": _Kind("the signature is cut off", lambda good: good.token.rpartition(".")[0] + "."),
    "signature-broken": _Kind("one character of the signature changed", _broken),
    "signature-cut": _Kind("half of the signature", lambda good: good.token[: -(len(good.token.rpartition(".")[2]) // 2 or 1)]),
    "payload-changed": _Kind("one claim more, under the old signature", lambda good: _forge.tampered(good.token)),
    "subject-changed": _Kind("somebody else's sub, under the old signature", lambda good: _forge.tampered(good.token, sub="1-stopper")),
    "header-changed": _Kind("one more header member, under the old signature", lambda good: f"{encode(_json({**good.header, 'stopper': 1}))}.{good.token.partition('.')[2]}"),
    "foreign-key": _Kind("signed by a key that nobody trusts", lambda good: _forge.foreign(good.token)),
    "foreign-hmac": _Kind("signed by HMAC with a key that nobody trusts", lambda good: _confused(good, b"stopper" * 8)),
    "empty-key": _Kind("signed by HMAC with an empty key", lambda good: _confused(good, b"")),
    "weak-key": _Kind("signed by HMAC with the key 'secret'", lambda good: _confused(good, b"secret")),
    "confusion-pem": _Kind("the public key's PEM was used as an HMAC secret", lambda good: _confused(good, good.public_pem) if good.public_pem else None),
    "confusion-pem-stripped": _Kind("the public key's PEM without its last newline was used as an HMAC secret", lambda good: _confused(good, good.public_pem.strip()) if good.public_pem else None),
    "jwk-in-header": _Kind("brings its own key in jwk", _foreign_with(jwk=_JWK)),
    "jku-in-header": _Kind("names an address of its own keys in jku", _foreign_with(jku="https://keys.stopper.invalid/jwks.json")),
    "x5u-in-header": _Kind("names an address of its own certificate in x5u", _foreign_with(x5u="https://keys.stopper.invalid/cert.pem")),
    "kid-path": _Kind("a kid that leads to an empty file", _injected("../../../../../../dev/null", b"")),
    "kid-sql": _Kind("a kid that makes SQL give a known key", _injected("x' UNION SELECT 'stopper'-- -", b"stopper")),
    "kid-command": _Kind("a kid that makes a shell give a known key", _injected("|echo stopper", b"stopper\n")),
    "kid-url": _Kind("a kid that is an address", _injected("https://keys.stopper.invalid/key", b"stopper")),
    "kid-no-text": _Kind("a kid that is a list", _injected(["stopper"], b"stopper")),
    "two-parts": _Kind("only header and payload", lambda good: good.token.rpartition(".")[0]),
    "four-parts": _Kind("one part too many", lambda good: good.token + ".e30"),
    "five-empty-parts": _Kind("dots alone", lambda _: "...."),
    "no-json": _Kind("a payload that is no JSON", _replaced(1, encode(b"stopper"))),
    "payload-list": _Kind("a payload that is a list", _replaced(1, encode(b"[]"))),
    "header-list": _Kind("a header that is a list", _replaced(0, encode(b"[]"))),
    "not-base64": _Kind("characters that base64url does not have", _replaced(1, "%%%%")),
    "huge": _Kind("far longer than any honest token", lambda good: _forge.tampered(good.token, stopper="x" * HUGE)),
    "deep": _Kind("JSON so deep that a parser gives up", _replaced(1, encode(_deep()))),
    "expired": _Kind("expired an hour ago", lambda good: good.with_claims(exp=_now(-3600), iat=_now(-7200), nbf=_now(-7200))),
    "expired-in-1970": _Kind("exp is 0", lambda good: good.with_claims(exp=0)),
    "exp-no-number": _Kind("exp is a word", lambda good: good.with_claims(exp="never")),
    "not-yet-valid": _Kind("nbf is in an hour", lambda good: good.with_claims(nbf=_now(3600))),
    "wrong-issuer": _Kind("issued by somebody else", lambda good: good.with_claims(iss="https://issuer.stopper.invalid") if "iss" in good.claims else None),
    "wrong-audience": _Kind("made for another API", lambda good: good.with_claims(aud="https://api.stopper.invalid") if "aud" in good.claims else None),
    "audience-list-of-others": _Kind("made for two other APIs", lambda good: good.with_claims(aud=["https://a.stopper.invalid", "https://b.stopper.invalid"]) if "aud" in good.claims else None),
    "missing-iss": _Kind("says no issuer", lambda good: good.without("iss")),
    "missing-aud": _Kind("says no audience", lambda good: good.without("aud")),
    "missing-sub": _Kind("says no subject", lambda good: good.without("sub")),
    "crit-unknown": _Kind("demands an extension that nobody knows", lambda good: good.with_header(crit=["stopper"], stopper=True)),
    "missing-exp": _Kind("never expires", lambda good: good.without("exp"), strict=True),
    "missing-iat": _Kind("does not say when it was made", lambda good: good.without("iat"), strict=True),
    "missing-jti": _Kind("has no id to revoke it by", lambda good: good.without("jti"), strict=True),
    "wrong-typ": _Kind("a token for another purpose", lambda good: good.with_header(typ="logout+jwt"), strict=True),
    "id-token": _Kind("an ID token shown as an access token", lambda good: good.signed({**good.header, "typ": "JWT"}, {**good.claims, "nonce": "stopper", "at_hash": "stopper"}), strict=True),
    "issued-in-the-future": _Kind("iat is tomorrow", lambda good: good.with_claims(iat=_now(86400)), strict=True),
    "subject-no-text": _Kind("sub is a number", lambda good: good.with_claims(sub=7), strict=True),
    "duplicate-alg": _Kind("two alg members", lambda good: good.sealed(_twice(good.header, "alg", "none"), _json(good.claims)), strict=True),
    "duplicate-sub": _Kind("two sub claims", lambda good: good.sealed(_json(good.header), _twice(good.claims, "sub", "1-stopper")), strict=True),
    "byte-order-mark": _Kind("a payload that begins with a byte order mark", lambda good: good.sealed(_json(good.header), b"\xef\xbb\xbf" + _json(good.claims)), strict=True),
    "huge-signed": _Kind("far longer than any honest token, and signed", lambda good: good.with_claims(stopper="x" * HUGE), strict=True),
    "padded": _Kind("base64 with padding at the end", lambda good: good.token + "==", strict=True),
    "other-base64": _Kind("the same bytes in another spelling of base64", _other_base64, strict=True),
}  # fmt: skip

BAD_TOKENS: Final = tuple(name for name, kind in _KINDS.items() if not kind.strict)
"""The kinds that every verifier must refuse, for ``pytest.mark.parametrize``."""
STRICT_BAD_TOKENS: Final = tuple(_KINDS)
"""All kinds, also those that only a strict verifier refuses (RFC 9068, RFC 8725)."""


class TokenFactory:
    """Makes bad tokens. *key* is what signs good ones: an HMAC secret (text, bytes, Secret), a private key or its PEM, or a SigningKey.

    Without it the kinds that only the signer can make (expired, wrong audience, …) are left out.
    """

    def __init__(self, key: object = None) -> None:
        self._key = key

    def bad_tokens(
        self, good: str, *, key: object = None, public_key: bytes | None = None, strict: bool = False
    ) -> tuple[BadToken, ...]:
        """Every bad token that can be made of *good*. *public_key*: the issuer's PEM, for tokens that abuse it.

        Raises ValueError when *good* is no compact JWS.
        """
        parts = self._read(good, key, public_key)
        made = (self._make(parts, name) for name in (STRICT_BAD_TOKENS if strict else BAD_TOKENS))
        return tuple(one for one in made if one is not None)

    def bad(self, good: str, kind: str, *, key: object = None, public_key: bytes | None = None) -> BadToken | None:
        """The bad token of that *kind*; None where it needs a key that nobody gave, or a claim that *good* has not."""
        if kind not in _KINDS:
            raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(_KINDS)}")
        return self._make(self._read(good, key, public_key), kind)

    def _make(self, good: _Good, name: str) -> BadToken | None:
        kind = _KINDS[name]
        token = kind.make(good)
        return BadToken(name, token, kind.why) if token is not None and token != good.token else None

    def _read(self, good: str, key: object, public_key: bytes | None) -> _Good:
        if not is_token(good):
            raise ValueError("the good token is no compact JWS (header.payload.signature)")
        header = _forge.header(good)
        signer = key if key is not None else self._key
        sign = None if signer is None else _signer(signer, str(header.get("alg", "")))
        return _Good(good, header, _forge.claims(good), sign, public_key or _public_pem(signer))


def _signer(key: object, algorithm: str) -> Sign:
    if isinstance(key, SigningKey):
        return lambda text: f"{text}.{encode(key.sign(text.encode('ascii')))}"
    raw = key.reveal_bytes() if isinstance(key, Secret) else key.encode() if isinstance(key, str) else key
    if isinstance(raw, bytes) and algorithm.startswith("HS"):
        return lambda text: f"{text}.{encode(hmac.new(raw, text.encode('ascii'), f'sha{algorithm[2:]}').digest())}"
    private = _private(raw)
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"a token under {algorithm} cannot be signed here; the key must be for one of {', '.join(ALGORITHMS)}"
        )
    signing = SigningKey("", cast("Any", algorithm), {}, private, 0, 0)
    return lambda text: f"{text}.{encode(signing.sign(text.encode('ascii')))}"


def _private(key: object) -> PrivateKey:
    loaded = serialization.load_pem_private_key(key, password=None) if isinstance(key, bytes) else key
    return cast("PrivateKey", loaded)


def _public_pem(key: object) -> bytes | None:
    private = key.private if isinstance(key, SigningKey) else key
    if isinstance(private, (str, bytes)) and b"PRIVATE KEY" in (
        private.encode() if isinstance(private, str) else private
    ):
        private = _private(private.encode() if isinstance(private, str) else private)
    public = getattr(private, "public_key", None)
    if public is None:
        return None
    pem: bytes = public().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
