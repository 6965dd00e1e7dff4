"""What the verifier takes, and every way in which a token may be bent."""

import base64
import json
import traceback
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from tests.auth.token_smith import (
    AUDIENCE,
    ISSUER,
    NOW,
    SECRET,
    b64,
    claims,
    eddsa,
    header,
    hs256,
    public_forms,
    segment,
)

from stopper.auth import base64url
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import KeySet
from stopper.auth.verification_key import VerificationKey
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, KeyringError, SettingError
from stopper.core.secret import Secret

KEY = VerificationKey.from_secret("k", "HS256", Secret(SECRET))


def verifier(profile: str = "rfc9068", *, now: float = NOW, **options: Any) -> Verifier:
    issuer = Issuer(ISSUER, ["HS256"], profile, keys=KEY, **{"audience": AUDIENCE, **options})  # type: ignore[arg-type]
    return Verifier([issuer], clock=SetClock(now))


def refused(token: str, profile: str = "rfc9068", *, now: float = NOW, **options: Any) -> str:
    """The reason why *token* is refused; it fails when it is not, or when the error shows a part of the token."""
    with pytest.raises(InvalidCredentialError) as caught:
        verifier(profile, now=now, **options).verify(token)
    shown = "".join(traceback.format_exception(caught.value)) + repr(_contexts(caught.value))
    for piece in token.split("."):
        assert len(piece) < 12 or piece not in shown
    return caught.value.reason


def _contexts(error: BaseException | None) -> list[Any]:
    found: list[Any] = []
    while error is not None:
        found.append((error.args, getattr(error, "doc", None), getattr(error, "object", None)))
        error = error.__context__
    return found


def test_an_honest_token_names_its_principal() -> None:
    token = hs256(
        payload=claims(
            scope="a b", roles=["admin"], amr=["pwd", "otp"], auth_time=NOW - 5, tenant="t1", deep={"x": [1]}
        )
    )
    found = verifier().verify(token)
    assert (found.subject, found.kind, found.scopes, found.roles) == ("alice", "bearer", {"a", "b"}, {"admin"})
    assert (found.amr, found.auth_time, found.tenant, found.credential_id) == (("pwd", "otp"), NOW - 5, "t1", "id-1")
    with pytest.raises(TypeError):
        found.claims["sub"] = "mallory"  # type: ignore[index]
    with pytest.raises(TypeError):
        found.claims["deep"]["x"] = 2  # type: ignore[index]


NULL = None
"""A member that is there and says nothing: the fuzz found `kid: null` and `aud: null` taken for missing ones."""

BENT_HEADERS: dict[str, tuple[Any, str]] = {
    "wrong type": (header(typ="secevent+jwt"), "type"),
    "type of an ordinary JWT": (header(typ="JWT"), "type"),
    "no type": (header(typ=None), "type"),
    "type of another kind": (header(typ=7), "header-typ"),
    "crit, known": ({**header(), "crit": ["b64"], "b64": True}, "header-extension"),
    "crit, empty": ({**header(), "crit": []}, "header-extension"),
    "b64 false": ({**header(), "b64": False}, "header-extension"),
    "unknown crit (CVE-2025-59420, CVE-2026-32597)": ({**header(), "crit": ["x"], "x": 1}, "header-extension"),
    "zip": ({**header(), "zip": "DEF"}, "header-extension"),
    "another HMAC algorithm": (header(alg="HS512"), "algorithm"),
    "an asymmetric algorithm": (header(alg="RS256"), "algorithm"),
    "alg none (CVE-2026-28802)": (header(alg="none"), "algorithm"),
    "alg NONE": (header(alg="NONE"), "algorithm"),
    "alg nOnE": (header(alg="nOnE"), "algorithm"),
    "alg empty": (header(alg=""), "algorithm"),
    "alg with a blank": (header(alg=" HS256"), "algorithm"),
    "alg in lower case": (header(alg="hs256"), "algorithm"),
    "alg as a list": (header(alg=["HS256"]), "header-alg"),
    "alg missing": (header(alg=None), "header-alg"),
    "kid unknown": (header(kid="other"), "unknown-key"),
    "kid of a megabyte's kind": (header(kid="k" * 129), "header-kid"),
    "kid empty": (header(kid=""), "header-kid"),
    "jwk null": ({**header(), "jwk": NULL}, "header-member"),
    "x5c as text": ({**header(), "x5c": "MIIB"}, "header-member"),
    "jku not a URL": ({**header(), "jku": "file:///etc/passwd"}, "header-member"),
    "cty as number": ({**header(), "cty": 1}, "header-member"),
    "a member that no specification names": ({**header(), "role": "admin"}, "header-member"),
    "kid null": ({**header(), "kid": NULL}, "header-kid"),
    "typ null": ({**header(), "typ": NULL}, "header-typ"),
    "alg null": ({**header(), "alg": NULL}, "header-alg"),
    "kid as number": (header(kid=1), "header-kid"),
    "kid with a line break": (header(kid="k\n"), "header-kid"),
    "duplicate alg": (b'{"alg":"none","alg":"HS256","kid":"k","typ":"at+jwt"}', "header-json-duplicate"),
    "BOM": (b"\xef\xbb\xbf" + json.dumps(header()).encode(), "header-json"),
    "UTF-16": (json.dumps(header()).encode("utf-16"), "header-utf-8"),
    "bytes that are not UTF-8": (b'{"alg":"HS256","kid":"k","typ":"at+jwt","x":"\xff"}', "header-utf-8"),
    "a list": (b'["HS256"]', "header-json-object"),
    "text behind the object": (b'{"alg":"HS256","kid":"k","typ":"at+jwt"} x', "header-json"),
    "deep": (b'{"alg":"HS256","x":' + b"[" * 1500 + b"]" * 1500 + b"}", "header-json-depth"),
    "single quotes": (b"{'alg':'HS256'}", "header-json"),
}


@pytest.mark.parametrize(("head", "reason"), BENT_HEADERS.values(), ids=BENT_HEADERS.keys())
def test_a_bent_header_is_refused_even_when_it_is_signed(head: Any, reason: str) -> None:
    assert refused(hs256(head)) == reason


BENT_CLAIMS: dict[str, tuple[Any, str]] = {
    "no exp": (claims(exp=None), "missing-exp"),
    "no iat": (claims(iat=None), "missing-iat"),
    "no iss": (claims(iss=None), "issuer"),
    "no aud": (claims(aud=None), "missing-aud"),
    "no sub": (claims(sub=None), "missing-sub"),
    "no jti": (claims(jti=None), "missing-jti"),
    "exp as text": (claims(exp=str(NOW + 60)), "bad-exp"),
    "exp true": (claims(exp=True), "bad-exp"),
    "exp null": (json.dumps({**claims(), "exp": None}), "bad-exp"),
    "exp as list": (claims(exp=[NOW + 60]), "bad-exp"),
    "exp negative": (claims(exp=-1), "bad-exp"),
    "exp too large": (claims(exp=2**60), "bad-exp"),
    "exp 1e400": (json.dumps(claims()).replace(str(NOW + 600), "1e400"), "payload-json-number"),
    "exp NaN": (json.dumps(claims()).replace(str(NOW + 600), "NaN"), "payload-json-number"),
    "exp Infinity": (json.dumps(claims()).replace(str(NOW + 600), "Infinity"), "payload-json-number"),
    "exp of 5000 digits": (json.dumps(claims()).replace(str(NOW + 600), "9" * 5000), "payload-json"),
    "expired": (claims(exp=NOW - 31), "expired"),
    "iat in the future": (claims(iat=NOW + 31), "not-yet-valid"),
    "iat as text": (claims(iat=str(NOW)), "bad-iat"),
    "nbf in the future": (claims(nbf=NOW + 31), "not-yet-valid"),
    "nbf as text": (claims(nbf="x"), "bad-nbf"),
    "iss prefix (CVE-2024-53861)": (claims(iss=ISSUER[:-1]), "issuer"),
    "iss suffix": (claims(iss=ISSUER + "/"), "issuer"),
    "iss in capitals": (claims(iss=ISSUER.upper()), "issuer"),
    "iss as list": (claims(iss=[ISSUER]), "issuer"),
    "iss with a blank": (claims(iss=ISSUER + " "), "issuer"),
    "aud of another API": (claims(aud="https://other.example"), "audience"),
    **{
        f"{name} null": ({**claims(), name: NULL}, f"bad-{name}")
        for name in ("aud", "exp", "iat", "nbf", "sub", "jti", "scope", "scp", "roles", "amr", "tenant", "auth_time")
    },
    "aud prefix": (claims(aud=AUDIENCE[:-1]), "audience"),
    "aud containing ours": (claims(aud=AUDIENCE + ".evil.example"), "audience"),
    "aud joined": (claims(aud=f"x {AUDIENCE}"), "audience"),
    "aud list without us": (claims(aud=["a", "b"]), "audience"),
    "aud empty list": (claims(aud=[]), "bad-aud"),
    "aud empty": (claims(aud=""), "bad-aud"),
    "aud as object": (claims(aud={AUDIENCE: 1}), "bad-aud"),
    "aud list with a number": (claims(aud=[AUDIENCE, 1]), "bad-aud"),
    "aud nested": (claims(aud=[[AUDIENCE]]), "bad-aud"),
    "sub as number": (claims(sub=1), "bad-sub"),
    "sub empty": (claims(sub=""), "bad-sub"),
    "sub too long": (claims(sub="a" * 256), "bad-sub"),
    "sub with a line break": (claims(sub="a\nb"), "bad-sub"),
    "sub with NUL": (claims(sub="a\0b"), "payload-json-text"),
    "sub with half a surrogate": (claims(sub="\ud800"), "payload-json-text"),
    "jti as number": (claims(jti=1), "bad-jti"),
    "duplicate sub": (json.dumps(claims())[:-1] + ',"sub":"mallory"}', "payload-json-duplicate"),
    "duplicate by escape": (json.dumps(claims())[:-1] + ',"s\\u0075b":"mallory"}', "payload-json-duplicate"),
    "duplicate deep inside": (json.dumps(claims())[:-1] + ',"x":[{"a":1,"a":2}]}', "payload-json-duplicate"),
    "a list": ([claims()], "payload-json-object"),
    "a text": ('"alice"', "payload-json-object"),
    "nothing": (b"", "payload-json"),
    "deep": (json.dumps(claims())[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}", "payload-json-depth"),
    "17 levels": (json.dumps(claims())[:-1] + ',"x":' + "[" * 16 + "]" * 16 + "}", "payload-json-depth"),
    "300 members": ({**claims(), **{f"m{i}": 1 for i in range(300)}}, "payload-json-members"),
    "scope as number": (claims(scope=1), "bad-scope"),
    "roles as text": (claims(roles="admin"), "bad-roles"),
    "amr as text": (claims(amr="pwd"), "bad-amr"),
    "auth_time as text": (claims(auth_time="1"), "bad-auth_time"),
    "tenant as list": (claims(tenant=["t"]), "bad-tenant"),
}


@pytest.mark.parametrize(("payload", "reason"), BENT_CLAIMS.values(), ids=BENT_CLAIMS.keys())
def test_a_bent_claim_is_refused_even_when_it_is_signed(payload: Any, reason: str) -> None:
    assert refused(hs256(payload=payload)) == reason


def test_sixteen_levels_and_brackets_inside_texts_are_fine() -> None:
    payload = json.dumps(claims(note="[{" * 40 + '\\"['))[:-1] + ',"x":' + "[" * 15 + "]" * 15 + "}"
    assert verifier().verify(hs256(payload=payload)).subject == "alice"


def test_leeway_is_thirty_seconds_both_ways() -> None:
    assert verifier().verify(hs256(payload=claims(exp=NOW - 29)))
    assert verifier().verify(hs256(payload=claims(iat=NOW + 30, nbf=NOW + 30)))


HONEST = hs256()
BENT_FORMS: dict[str, str] = {
    "padding behind the signature": HONEST + "=",
    "padding in the header": HONEST.replace(".", "=.", 1),
    "line break behind": HONEST + "\n",
    "blank before": " " + HONEST,
    "blank inside": HONEST.replace(".", " .", 1),
    "two segments": HONEST.rsplit(".", 1)[0],
    "no signature (CVE-2026-28802)": HONEST.rsplit(".", 1)[0] + ".",
    "four segments": HONEST + ".x",
    "five segments, a JWE (CVE-2022-3102)": HONEST + ".x.x",
    "empty header": HONEST[HONEST.index(".") :],
    "empty": "",
    "dots": "..",
    "plus and slash": HONEST.replace("-", "+").replace("_", "/") + "/",
    "not ASCII": HONEST + "é",
    "a look-alike dot": HONEST.replace(".", "\u2024"),
    "full-width letter": HONEST.replace("e", "\uff45", 1),
    "flattened JSON (CVE-2022-39227)": json.dumps(
        dict(zip(("protected", "payload", "signature"), HONEST.split("."), strict=True))
    ),
    "general JSON without signatures (CVE-2026-96760)": json.dumps({"payload": HONEST.split(".")[1], "signatures": []}),
    "polyglot": "{" + HONEST + "}",
    "unused bits set": HONEST[:-1] + chr(ord(HONEST[-1]) + 1),
    "one character too many": HONEST + "A",
    "NUL": HONEST + "\0",
}


@pytest.mark.parametrize("token", BENT_FORMS.values(), ids=BENT_FORMS.keys())
def test_only_the_one_compact_form_is_taken(token: str) -> None:
    assert refused(token) in ("token-form", "signature")


def test_every_single_character_matters() -> None:
    seen = verifier()
    for place in range(len(HONEST)):
        for other in "Ab-_.=":
            bent = HONEST[:place] + other + HONEST[place + 1 :]
            if bent != HONEST:
                with pytest.raises(InvalidCredentialError):
                    seen.verify(bent)


def test_the_length_cap_stands_before_any_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(text: bytes) -> bytes:
        raise AssertionError("decoded")

    monkeypatch.setattr(base64url, "decode", explode)
    assert refused("A" * 8193) == "token-too-long"
    assert refused(hs256(payload=claims(pad="x" * 10_000_000))) == "token-too-long"


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"])
def test_key_material_in_the_header_is_never_used(member: str) -> None:
    """CVE-2026-27962: a token signed with a key that it brings itself."""
    own = ed25519.Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(own.public_key().public_bytes_raw()), "kid": "k", "alg": "EdDSA"}
    brought: dict[str, Any] = {
        "jwk": jwk,
        "x5c": ["MIIB"],
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example",
    }
    token = eddsa(own, header(alg="EdDSA", **{member: brought.get(member, "x")}), claims())
    assert refused(token) == "algorithm"
    # And beside a right signature it changes nothing.
    assert verifier().verify(hs256({**header(), member: brought.get(member, "x")})).subject == "alice"


@pytest.mark.parametrize("kind", ["rsa", "ec", "okp"])
def test_a_public_key_is_never_an_hmac_secret(kind: str) -> None:
    """CVE-2022-29217, CVE-2024-37568, CVE-2024-33663, CVE-2026-48526: refused when loaded and again when verified."""
    private: Any = {
        "rsa": lambda: rsa.generate_private_key(65537, 3072),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "okp": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    name = {"rsa": "RS256", "ec": "ES256", "okp": "EdDSA"}[kind]
    key = VerificationKey.from_public_key("k", name, private.public_key())
    seen = Verifier([Issuer(ISSUER, [name], keys=key, audience=AUDIENCE)], clock=SetClock(NOW))
    for form, material in public_forms(private).items():
        with pytest.raises(KeyringError, match="public key"):
            VerificationKey.from_secret("k", "HS256", Secret(material))
        with pytest.raises(SettingError):
            Issuer(ISSUER, ["HS256"], keys=Secret(material), audience=AUDIENCE)
        with pytest.raises(InvalidCredentialError, match=r"^algorithm$"):
            seen.verify(hs256(header(alg="HS256"), key=material)), form


@pytest.mark.parametrize(
    "text",
    [
        '{"kty":"RSA","n":"AQAB","e":"AQAB"}',
        '{"keys":[{"kty":"EC"}]}',
        '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]',
        "prefix {'kty': 'RSA', 'n': 'AQABAQABAQABAQABAQAB'}",
        base64.b64encode(b'{"keys":[{"kty":"EC","crv":"P-256"}]}').decode(),
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBbbbbbbbbbbbbbbbbbbbbbbbbbb",
        '  "-----BEGIN CERTIFICATE-----"',
    ],
)
def test_jwk_and_friends_are_never_an_hmac_secret(text: str) -> None:
    """CVE-2026-48526 and CVE-2026-114615: every text that reads as a public key, however it is wrapped."""
    with pytest.raises(KeyringError, match="public key"):
        VerificationKey.from_secret("k", "HS256", Secret(text))


@pytest.mark.parametrize(
    "text",
    ["", " " * 40, "\n" * 64, "short", "a" * 64, "abcabcabc" * 8, "changeme" * 5, "dev", "your-256-bit-secret",
     "super-secret-key-change-me-in-production", "this-is-a-very-long-secret-key-1234567890", "0123456789" * 4, "x" * 31],
)  # fmt: skip
def test_weak_secrets_are_refused_when_loaded(text: str) -> None:
    """CVE-2026-114616 and the defaults of every template."""
    with pytest.raises(KeyringError):
        VerificationKey.from_secret("k", "HS256", Secret(text))


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_at_least_as_long_as_the_hash(algorithm: str, least: int) -> None:
    """RFC 7518 §3.2."""
    assert VerificationKey.from_secret("k", algorithm, Secret(SECRET[:least]))
    with pytest.raises(KeyringError, match=f"shorter than {least}"):
        VerificationKey.from_secret("k", algorithm, Secret(SECRET[: least - 1]))


def test_small_rsa_keys_are_refused() -> None:
    small = rsa.generate_private_key(65537, 2048).public_key()
    tiny = rsa.generate_private_key(65537, 1024).public_key()
    odd = rsa.generate_private_key(3, 3072).public_key()
    with pytest.raises(KeyringError, match="2048 bits is too short"):
        VerificationKey.from_public_key("k", "RS256", small)
    assert VerificationKey.from_public_key("k", "RS256", small, allow_rsa_2048=True).algorithm == "RS256"
    with pytest.raises(KeyringError, match="1024"):
        VerificationKey.from_public_key("k", "RS256", tiny, allow_rsa_2048=True)
    with pytest.raises(KeyringError, match="exponent"):
        VerificationKey.from_public_key("k", "PS256", odd)


def test_a_key_serves_one_algorithm_and_one_purpose() -> None:
    curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(KeyringError, match="curve P-256"):
        VerificationKey.from_public_key("k", "ES256", curve)
    with pytest.raises(KeyringError, match="cannot verify EdDSA"):
        VerificationKey.from_public_key("k", "EdDSA", curve)
    good = {"kty": "oct", "k": b64(SECRET), "alg": "HS256", "kid": "k"}
    for wrong in (
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "A256GCM"},
        {"alg": 1},
        {"kid": 1},
        {"k": "===="},
    ):
        with pytest.raises(KeyringError):
            VerificationKey.from_jwk({**good, **wrong})
    with pytest.raises(KeyringError, match="is for HS256"):
        VerificationKey.from_jwk(good, algorithm="HS512")


def test_the_allow_list_and_the_key_must_both_agree() -> None:
    """CVE-2026-48523: a key cannot bring an algorithm that the issuer does not list."""
    with pytest.raises(SettingError, match="is for none of"):
        Issuer(ISSUER, ["HS512"], keys=KEY, audience=AUDIENCE)

    class Loose:
        def find(self, kid: str | None) -> VerificationKey:
            return KEY

    seen = Verifier([Issuer(ISSUER, ["HS512"], keys=Loose(), audience=AUDIENCE)], clock=SetClock(NOW))
    with pytest.raises(InvalidCredentialError, match=r"^algorithm$"):
        seen.verify(HONEST)


def test_both_names_of_ed25519_are_taken() -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    key = VerificationKey.from_public_key("k", "Ed25519", own.public_key())
    seen = Verifier([Issuer(ISSUER, ["EdDSA"], keys=key, audience=AUDIENCE)], clock=SetClock(NOW))
    for name in ("EdDSA", "Ed25519"):
        assert seen.verify(eddsa(own, header(alg=name), claims())).subject == "alice"
    with pytest.raises(InvalidCredentialError):
        seen.verify(eddsa(own, header(alg="Ed448"), claims()))


def test_a_symmetric_key_in_a_set_with_public_keys_is_refused() -> None:
    public = VerificationKey.from_public_key("e", "EdDSA", ed25519.Ed25519PrivateKey.generate().public_key())
    with pytest.raises(KeyringError, match="mix"):
        KeySet([KEY, public])
    with pytest.raises(SettingError, match="mix"):
        Issuer(ISSUER, ["HS256", "EdDSA"], keys=KEY, audience=AUDIENCE)


def test_one_bad_member_of_a_jwks_is_skipped_and_the_rest_serve() -> None:
    """CVE-2026-102274."""
    own = ed25519.Ed25519PrivateKey.generate()
    good = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(own.public_key().public_bytes_raw()),
        "kid": "good",
        "alg": "EdDSA",
    }
    bad: list[Any] = [
        {"kty": "OKP", "kid": "b1"},
        {"kty": "XYZ", "kid": "b2", "alg": "EdDSA"},
        5,
        {"kid": "b3", "kty": "RSA", "n": "!", "e": "A", "alg": "RS256"},
    ]
    found = KeySet.from_jwks({"keys": [*bad, good]})
    assert [key.kid for key in found.keys] == ["good"]
    assert len(found.skipped) == 3
    with pytest.raises(KeyringError, match="one kid"):
        KeySet.from_jwks({"keys": [good, good]})
    with pytest.raises(KeyringError, match="no usable key"):
        KeySet.from_jwks({"keys": bad[:1]})


class TestTheProfileForOtherProviders:
    def test_it_takes_what_they_send(self) -> None:
        payload = claims(jti=None, scp=["a", "b"])
        for typ in ("JWT", None, "at+jwt", "application/JWT"):
            assert verifier("jwt").verify(hs256(header(typ=typ), payload)).scopes == {"a", "b"}

    def test_without_aud_only_where_it_was_said_so(self) -> None:
        token = hs256(header(typ="JWT"), claims(aud=None))
        assert refused(token, "jwt") == "missing-aud"
        loose = {"require": ["exp", "iat", "iss", "sub"]}
        assert verifier("jwt", **loose).verify(token).subject == "alice"
        assert verifier("jwt", **loose, audience=None).verify(token).subject == "alice"
        assert refused(hs256(header(typ="JWT")), "jwt", **loose, audience=None) == "audience"
        assert refused(hs256(header(typ="JWT"), claims(aud="other")), "jwt", **loose) == "audience"

    @pytest.mark.parametrize(
        "mark",
        [{"nonce": "n"}, {"at_hash": "x"}, {"c_hash": "x"}, {"events": {}}, {"token_use": "id"}, {"typ": "ID"}, {"typ": "Refresh"},
         {"type": "refresh"}, {"token_type": "refresh"}],
    )  # fmt: skip
    def test_other_kinds_of_token_are_refused(self, mark: dict[str, Any]) -> None:
        assert refused(hs256(header(typ="JWT"), claims(**mark)), "jwt") == "not-an-access-token"

    @pytest.mark.parametrize("typ", ["secevent+jwt", "dpop+jwt", "logout+jwt", "id_token", "JOSE", ""])
    def test_other_types_are_refused(self, typ: str) -> None:
        assert refused(hs256(header(typ=typ)), "jwt") == "type"

    def test_a_text_is_not_a_list_of_claims(self) -> None:
        with pytest.raises(SettingError, match="list of claim names"):
            verifier("jwt", require="exp")
        with pytest.raises(SettingError, match="cannot do without"):
            verifier("jwt", require=["iss", "sub"])


def test_an_issuer_without_an_audience_is_refused() -> None:
    with pytest.raises(SettingError, match="STOPPER_AUDIENCE") as caught:
        Verifier([Issuer(ISSUER, ["HS256"], keys=KEY)])
    assert caught.value.rule == "jwt-audience-issuer-unchecked"
    assert Verifier([Issuer(ISSUER, ["HS256"], keys=KEY)], audience=AUDIENCE, clock=SetClock(NOW)).verify(HONEST)


def test_keys_of_one_issuer_never_serve_another() -> None:
    other = VerificationKey.from_secret("k", "HS256", Secret(bytes(reversed(SECRET))))
    seen = Verifier(
        [Issuer(ISSUER, ["HS256"], keys=KEY), Issuer("https://b.example", ["HS256"], keys=other)],
        audience=AUDIENCE,
        clock=SetClock(NOW),
    )
    assert seen.verify(HONEST)
    with pytest.raises(InvalidCredentialError, match=r"^signature$"):
        seen.verify(hs256(payload=claims(iss="https://b.example")))


def test_segment_helpers_speak_base64url() -> None:
    assert base64url.decode(segment(b"\xfb\xff").encode()) == b"\xfb\xff"
