"""RFC 8725 and its successor draft, rule by rule, against our verifier: J1 to J27 are the draft's, J28 to J33 what advisories of 2026 added.

The ids are those of the list in docs/guard.md.
"""

import socket
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
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

from stopper.auth.access_token import sign
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.key_set import KeySet
from stopper.auth.signing_key import new_signing_key
from stopper.auth.verification_key import VerificationKey
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, KeyringError, SettingError
from stopper.core.secret import Secret

ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 3072)
HMAC_KEY = VerificationKey.from_secret("k", "HS256", Secret(SECRET))
ED_KEY = VerificationKey.from_public_key("k", "EdDSA", ED.public_key())
EC_KEY = VerificationKey.from_public_key("k", "ES256", EC.public_key())
RSA_KEY = VerificationKey.from_public_key("k", "RS256", RSA.public_key())


def verifier(key: Any = ED_KEY, algorithms: Any = ("EdDSA",), **options: Any) -> Verifier:
    return Verifier([Issuer(ISSUER, algorithms, keys=key, **{"audience": AUDIENCE, **options})], clock=SetClock(NOW))


def reason(token: str, seen: Verifier | None = None) -> str:
    with pytest.raises(InvalidCredentialError) as caught:
        (seen or verifier()).verify(token)
    return caught.value.reason


def ed(head: Any = None, payload: Any = None, *, by: ed25519.Ed25519PrivateKey = ED) -> str:
    return eddsa(by, {**header(alg="EdDSA"), **(head or {})}, claims() if payload is None else payload)


def es256(head: Any = None) -> str:
    message = f"{segment({**header(alg='ES256'), **(head or {})})}.{segment(claims())}"
    r, s = decode_dss_signature(EC.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{message}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def rs256(head: Any = None, scheme: Any = None) -> str:
    message = f"{segment({**header(alg='RS256'), **(head or {})})}.{segment(claims())}"
    return f"{message}.{b64(RSA.sign(message.encode(), scheme or padding.PKCS1v15(), hashes.SHA256()))}"


def test_the_honest_tokens_of_this_file_pass() -> None:
    """What is refused below is refused for the one thing that was bent."""
    assert verifier().verify(ed()).subject == "alice"
    assert verifier(EC_KEY, ["ES256"]).verify(es256()).subject == "alice"
    assert verifier(RSA_KEY, ["RS256"]).verify(rs256()).subject == "alice"
    assert verifier(HMAC_KEY, ["HS256"]).verify(hs256()).subject == "alice"


def test_j1_only_the_algorithms_that_were_stated() -> None:
    for wrong in ((), ("EdDSA", "XY1"), ("*",)):
        with pytest.raises(SettingError):
            verifier(algorithms=wrong)
    with pytest.raises(SettingError):
        verifier(EC_KEY, ["EdDSA"])
    assert reason(es256()) == "algorithm"


def test_j2_the_header_agrees_with_the_key_of_its_kid() -> None:
    other = VerificationKey.from_public_key("e", "ES256", EC.public_key())
    seen = verifier(KeySet([ED_KEY, other]), ["EdDSA", "ES256"])
    assert seen.verify(es256({"kid": "e"})).subject == "alice"
    assert reason(es256({"kid": "k"}), seen) == "algorithm"
    assert reason(ed({"kid": "e"}), seen) == "algorithm"


def test_j3_one_key_one_algorithm_also_when_it_is_used() -> None:
    seen = verifier(RSA_KEY, ["RS256", "PS256"])
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert reason(rs256({"alg": "PS256"}, pss), seen) == "algorithm"
    with pytest.raises(AttributeError):
        RSA_KEY.algorithm = "PS256"


def test_j4_algorithms_are_of_an_issuer() -> None:
    other = "https://other.example"
    issuers = [
        Issuer(ISSUER, ["EdDSA"], keys=ED_KEY, audience=AUDIENCE),
        Issuer(other, ["ES256"], keys=EC_KEY, audience=AUDIENCE),
    ]
    seen = Verifier(issuers, clock=SetClock(NOW))
    assert reason(es256(), seen) == "algorithm"
    assert reason(ed(payload=claims(iss=other)), seen) == "algorithm"


@pytest.mark.parametrize(
    "name", ["eddsa", "EDDSA", "EdDSA ", "Ed448", "ed25519", "ED25519", "", None, 1, ["EdDSA"], True]
)
def test_j5_the_name_is_compared_exactly(name: Any) -> None:
    assert reason(ed({"alg": name})) in ("algorithm", "header-alg")


def test_j6_old_algorithms_are_not_there_and_the_list_is_a_setting() -> None:
    for old in ("HS1", "RS1", "ES256K", "RSA1_5", "A128CBC-HS256", "none"):
        with pytest.raises(SettingError):
            verifier(algorithms=[old])
    assert verifier(EC_KEY, ["ES256"]).verify(es256()).subject == "alice"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", " none", "none\n", "n\u043ene"])
def test_j7_none_is_neither_read_nor_made(name: str) -> None:
    token = f"{segment(header(alg=name))}.{segment(claims())}"
    for text in (f"{token}.", f"{token}.{b64(b'x')}", token):
        assert reason(text)
    with pytest.raises((KeyringError, SettingError, KeyError, ValueError)):
        new_signing_key(name, created_at=0, activates_at=0)  # type: ignore[arg-type]


def test_j8_ecdsa_of_ours_is_deterministic_or_hedged_and_nothing_is_encrypted_with_pkcs1() -> None:
    key = new_signing_key("ES256", created_at=0, activates_at=0)
    first, second = sign(key, {"sub": "a"}), sign(key, {"sub": "a"})
    assert first.rpartition(".")[2] == second.rpartition(".")[2], "one message, one signature: no nonce can repeat"


def test_j9_the_fully_specified_name_is_taken() -> None:
    assert verifier().verify(ed({"alg": "Ed25519"})).subject == "alice"
    assert verifier(algorithms=["Ed25519"]).verify(ed()).subject == "alice"


def test_j10_whatever_fails_refuses_the_whole_token() -> None:
    honest = ed()
    head, payload, signature = honest.split(".")
    for text in (
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature[:-2]}",
        f"{head}.{payload}.{b64(bytes(64))}",
        f"{head}.{payload}.{signature}.x",
    ):
        assert reason(text)
    nested = ed({"cty": "JWT"}, honest)
    assert reason(nested).startswith("payload-")


def test_j11_an_encrypted_token_is_never_a_signed_one() -> None:
    head = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "k", "typ": "at+jwt"}
    assert reason(".".join([segment(head), *(b64(b"x" * 16) for _ in range(4))])) == "token-form"
    assert reason(ed({"enc": "A256GCM"})) == "header-extension"


def test_j12_points_and_keys_are_judged_when_they_are_loaded() -> None:
    off_curve = {
        "kty": "EC",
        "crv": "P-256",
        "x": b64(b"\x01" * 32),
        "y": b64(b"\x02" * 32),
        "alg": "ES256",
        "kid": "e",
    }
    with pytest.raises(KeyringError):
        VerificationKey.from_jwk(off_curve)
    half = 2**255
    y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
    p = half - 19
    for point in (0, 1, p - 1, p, p + 1, y, p - y):
        for sign_bit in (0, half):
            x = b64((point | sign_bit).to_bytes(32, "little"))
            with pytest.raises(KeyringError, match=r"small order|are not a key"):
                VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": "o"})


def test_j13_a_password_is_no_key() -> None:
    for text in (
        "correct horse battery staple",
        "Summer2026!Summer2026!Summer2026!",
        "a" * 64,
        "Tr0ub4dor&3" * 4,
        "the lazy dog jumps over a fence twice 42",
    ):
        with pytest.raises(KeyringError):
            VerificationKey.from_secret("k", "HS256", Secret(text))


def test_j14_j27_nothing_is_decompressed() -> None:
    assert reason(ed({"zip": "DEF"})) == "header-extension"


def test_j15_only_utf8() -> None:
    latin = '{"iss":"é"}'.encode("latin-1")
    for bent in (latin, b"\xef\xbb\xbf{}", '{"sub":"é"}'.encode("utf-16"), b'{"sub":"\xed\xa0\x80"}'):
        assert reason(ed(payload=bent)).startswith("payload-")


def test_j16_the_key_belongs_to_the_issuer() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    key = VerificationKey.from_public_key("k", "EdDSA", other.public_key())
    issuers = [
        Issuer(ISSUER, ["EdDSA"], keys=ED_KEY, audience=AUDIENCE),
        Issuer("https://o.example", ["EdDSA"], keys=key, audience=AUDIENCE),
    ]
    seen = Verifier(issuers, clock=SetClock(NOW))
    assert reason(ed(by=other), seen) == "signature"
    assert reason(ed(payload=claims(iss="https://o.example")), seen) == "signature"
    assert reason(ed(payload=claims(iss=f"{ISSUER}/")), seen) == "issuer"


@pytest.mark.parametrize("subject", [None, "", 5, ["alice"], {"a": 1}, "a" * 256, "a\nb"])
def test_j17_the_subject_is_one(subject: Any) -> None:
    payload = {**claims(), "sub": subject}
    assert reason(ed(payload=payload)) == "bad-sub"
    assert reason(ed(payload=claims(sub=None))) == "missing-sub"


@pytest.mark.parametrize(
    "audience", ["https://other.example", [], [""], 5, None, [AUDIENCE, 5], AUDIENCE + "/", AUDIENCE.upper()]
)
def test_j18_the_audience_is_this_api(audience: Any) -> None:
    assert reason(ed(payload={**claims(), "aud": audience})) in ("audience", "bad-aud")
    assert reason(ed(payload=claims(aud=None))) == "missing-aud"


@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "k' OR '1'='1",
        "/etc/passwd",
        "http://127.0.0.1/k",
        "k\x00",
        "*",
        "${jndi:x}",
        5,
        ["k"],
        {"k": 1},
        "",
    ],
)
def test_j19_a_kid_is_a_name_and_nothing_else(kid: Any) -> None:
    assert reason(ed({"kid": kid})) in ("unknown-key", "header-kid", "header-json-text")


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_j20_j21_no_address_of_a_header_is_asked(member: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_given: object, **_named: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(socket.socket, "connect", asked)
    other = ed25519.Ed25519PrivateKey.generate()
    assert reason(ed({member: "https://evil.example/keys"}, by=other)) == "signature"
    assert verifier().verify(ed({member: "http://127.0.0.1:1/keys"})).subject == "alice"


@pytest.mark.parametrize(
    "typ", ["JWT", None, "jwt", "id+jwt", "dpop+jwt", "at+jwt;x", "text/at+jwt", "application/jwt", 5]
)
def test_j22_the_type_is_explicit(typ: Any) -> None:
    bent = {**header(alg="EdDSA"), "typ": typ}
    head = {name: value for name, value in bent.items() if value is not None}
    assert reason(eddsa(ED, head, claims())) in ("type", "header-typ")


def test_j23_a_type_without_a_slash_is_read_as_with_one() -> None:
    for typ in ("at+jwt", "application/at+jwt", "AT+JWT"):
        assert verifier().verify(ed({"typ": typ})).subject == "alice"


@pytest.mark.parametrize(
    "mark", [{"nonce": "n"}, {"at_hash": "x"}, {"token_use": "id"}, {"typ": "Refresh"}, {"events": {}}, {"htm": "GET"}]
)
def test_j24_other_kinds_of_token_are_no_access_tokens(mark: dict[str, Any]) -> None:
    payload = {**claims(), **mark}
    seen = verifier(profile="jwt")
    assert reason(eddsa(ED, header(alg="EdDSA", typ="JWT"), payload), seen) == "not-an-access-token"


def test_j25_a_password_as_key_of_an_encryption_is_not_even_begun() -> None:
    head = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "x", "kid": "k"}
    assert reason(".".join([segment(head), *(b64(b"x" * 16) for _ in range(4))])) == "token-form"
    assert reason(ed({"alg": "PBES2-HS256+A128KW", "p2c": 2**31})) in ("algorithm", "header-alg", "header-member")


@pytest.mark.parametrize("bend", ["{}=", " {}", "{}\n", "{}%2e", "Bearer {}", '{{"payload":"{}"}}', "{}\u200b", "{}~"])
def test_j26_base64url_and_dots_and_nothing_else(bend: str) -> None:
    assert reason(bend.format(ed()))


def test_j28_a_key_that_the_token_brings_is_not_used() -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(own.public_key().public_bytes_raw()), "kid": "k"}
    assert reason(ed({"jwk": jwk}, by=own)) == "signature"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "exp", [5], ["x5u"], None, {}])
def test_j29_whatever_is_critical_is_refused(crit: Any) -> None:
    assert reason(ed({"crit": crit, "b64": True})).startswith("header-")


def test_j30_a_public_key_is_no_hmac_secret() -> None:
    for private, key, name in ((ED, ED_KEY, "EdDSA"), (EC, EC_KEY, "ES256"), (RSA, RSA_KEY, "RS256")):
        for material in public_forms(private).values():
            with pytest.raises(KeyringError):
                VerificationKey.from_secret("k", "HS256", Secret(material))
            assert reason(hs256(key=material), verifier(key, [name])) == "algorithm"


def test_j31_lengths_are_judged_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    import stopper.auth.base64url as base64url

    decoded: list[bytes] = []
    monkeypatch.setattr(base64url, "decode", lambda raw: decoded.append(raw))
    for text in ("A" * 10_000, f"{'A' * 9000}.e30.eA", f"e30.{'A' * 9000}.eA", f"e30.e30.{'A' * 9000}"):
        assert reason(text) == "token-too-long"
    assert decoded == []


def test_j32_what_is_missing_for_a_check_closes() -> None:
    with pytest.raises(SettingError):
        Verifier([Issuer(ISSUER, ["EdDSA"], keys=ED_KEY)], clock=SetClock(NOW))
    with pytest.raises(SettingError):
        Verifier([], clock=SetClock(NOW))
    for name in ("exp", "iat", "iss", "aud", "sub", "jti"):
        assert reason(ed(payload=claims(**{name: None}))) in (f"missing-{name}", "issuer")
    assert reason(ed(payload=claims(iss=None)), verifier(profile="jwt")) == "issuer"


@pytest.mark.parametrize(
    "payload",
    ['{"sub":"bob","sub":"alice"}', '{"exp":NaN}', '{"exp":Infinity}', '{"exp":-Infinity}', '{"exp":1e999}', '{"a":{"b":1,"b":2}}', "[]", "5", '{"a":1} {}'],
)  # fmt: skip
def test_j33_members_are_there_once_and_numbers_are_finite(payload: str) -> None:
    assert reason(ed(payload=payload)).startswith("payload-")
