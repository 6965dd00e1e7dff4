"""A DPoP proof holds for one request, one key, one minute and one time; everything else is refused before it is used up."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import example, given
from hypothesis import strategies as st
from tests.auth.dpop_smith import URL, Holder, Okp, Once, ath
from tests.auth.token_smith import NOW, b64, hs256, segment

from stopper import InvalidCredentialError, Secret, SettingError, StoreUnavailableError
from stopper.auth.clock import SetClock
from stopper.auth.dpop import DpopProofs, target_of
from stopper.auth.dpop_nonce import DpopNonceRequiredError, Nonces
from stopper.auth.dpop_proof import read_proof, thumbprint_of

HOLDER = Holder()
TARGET = target_of("GET", "https", "api.example", b"/notes")
# RFC 9449 §4.1 (its key is that of §6.1, its thumbprint too), made for the vector's own second.
RFC_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5Ijoi"
    "OVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8v"
    "c2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


def proofs(clock: SetClock | None = None, **options: Any) -> DpopProofs:
    return DpopProofs(options.pop("redeem", None) or Once(), clock or SetClock(NOW), **options)


def refused(shown: str, **options: Any) -> str:
    once = Once()
    with pytest.raises(InvalidCredentialError) as raised:
        proofs(redeem=once).judge(shown, options.pop("target", TARGET), **options)
    assert not once.used
    return raised.value.reason


def test_the_proof_of_the_standard_holds_in_its_second_for_its_request_once() -> None:
    judge = proofs(SetClock(1_562_262_616))
    target = target_of("POST", "https", "server.example.com", b"/token")
    for other in (target._replace(method="GET"), target._replace(path=b"/other"), target._replace(scheme="http")):
        with pytest.raises(InvalidCredentialError):
            judge.judge(RFC_PROOF, other)
    assert judge.judge(RFC_PROOF, target).key == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    with pytest.raises(InvalidCredentialError, match="dpop-replayed"):
        judge.judge(RFC_PROOF, target)
    with pytest.raises(InvalidCredentialError, match="dpop-old"):
        proofs(SetClock(NOW)).judge(RFC_PROOF, target)


def test_the_token_hash_of_the_standard() -> None:
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert ath(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert proofs().judge(HOLDER.proof(ath=ath(token)), TARGET, token=token, key=HOLDER.thumbprint).key


@pytest.mark.parametrize("holder", [Holder(), Okp()], ids=["ES256", "EdDSA"])
def test_an_honest_proof_holds_once(holder: Holder) -> None:
    judge, shown = proofs(), holder.proof()
    assert judge.judge(shown, TARGET, key=holder.thumbprint) == (holder.thumbprint, None)
    with pytest.raises(InvalidCredentialError, match="dpop-replayed"):
        judge.judge(shown, TARGET)


def test_the_other_signature_of_the_same_proof_is_the_same_proof() -> None:
    judge, shown = proofs(), HOLDER.proof()
    judge.judge(shown, TARGET)
    with pytest.raises(InvalidCredentialError, match="dpop-replayed"):
        judge.judge(HOLDER.raw(*shown.split(".")[:2]), TARGET)


def test_a_stranger_cannot_use_up_the_ids_of_another_key() -> None:
    judge = proofs()
    judge.judge(Holder().proof(jti="same"), TARGET)
    assert judge.judge(HOLDER.proof(jti="same"), TARGET).key == HOLDER.thumbprint


class Sweeping:
    """Remembers what was used for as long as it was told, and forgets by the clock of the node that sweeps."""

    def __init__(self, clock: SetClock) -> None:
        self.clock = clock
        self.used: dict[str, float] = {}

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        new = value not in self.used
        self.used.setdefault(value, self.clock() + valid_for)
        return new

    def sweep(self, now: float) -> None:
        self.used = {value: until for value, until in self.used.items() if until > now}


def test_a_used_proof_holds_no_second_time_on_a_node_whose_clock_is_behind() -> None:
    """The node whose clock is ahead forgets it while another still takes it; so does one node whose clock is set back."""
    ahead, behind = SetClock(NOW), SetClock(NOW)
    memory, shown = Sweeping(ahead), HOLDER.proof()
    assert proofs(ahead, redeem=memory).judge(shown, TARGET).key
    ahead.forward(61)
    memory.sweep(ahead())
    behind.forward(40)
    with pytest.raises(InvalidCredentialError, match="dpop-replayed"):
        proofs(behind, redeem=memory).judge(shown, TARGET)


def test_nothing_passes_where_the_memory_does_not_answer() -> None:
    class Gone:
        def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
            raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        proofs(redeem=Gone()).judge(HOLDER.proof(), TARGET)


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://API.example/notes",
        "https://api.example:443/notes",
        URL + "?a=b",
        URL + "#part",
        "https://api.example/%6Eotes",
    ],
)
def test_spellings_of_the_same_url(htu: str) -> None:
    assert proofs().judge(HOLDER.proof(htu=htu), TARGET)


@pytest.mark.parametrize(
    "htu",
    [
        "http://api.example/notes", "https://api.example:8443/notes", "https://api.example/notes/", "https://api.example/Notes",
        "https://api.example.evil/notes", "https://user@api.example/notes", "https://api.example\\@evil/notes", "//api.example/notes",
        "/notes", "https://api.example/a/../notes", "https://api.example//notes", "https:///notes", "https://api.example:0/notes",
        "https://[::1/notes", "https://api.example:x/notes", "https://api.example/ notes", "https://ap\u0131.example/notes", "x" * 2100,
    ],
)  # fmt: skip
def test_another_url(htu: str) -> None:
    assert refused(HOLDER.proof(htu=htu)).startswith("dpop-htu")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"htm": "POST"}, "dpop-htm"), ({"htm": "get"}, "dpop-htm"), ({"htm": None}, "dpop-htm"), ({"htu": None}, "dpop-htu"),
        ({"jti": None}, "dpop-jti"), ({"jti": ""}, "dpop-jti"), ({"jti": 7}, "dpop-jti"), ({"jti": "x" * 300}, "dpop-jti"),
        ({"jti": "a\nb"}, "dpop-jti"), ({"iat": None}, "dpop-iat"), ({"iat": "1"}, "dpop-iat"), ({"iat": True}, "dpop-iat"),
        ({"iat": -1}, "dpop-iat"), ({"iat": NOW - 60}, "dpop-old"), ({"iat": NOW + 31}, "dpop-not-yet"), ({"exp": NOW}, "dpop-old"),
        ({"nbf": NOW + 31}, "dpop-not-yet"), ({"exp": "soon"}, "dpop-exp"), ({"ath": ath("t")}, "dpop-ath"), ({"ath": 7}, "dpop-ath"),
        ({"nonce": 7}, "dpop-nonce"),
    ],
)  # fmt: skip
def test_claims_that_do_not_fit(wrong: dict[str, Any], reason: str) -> None:
    assert refused(HOLDER.proof(**wrong)) == reason


def test_a_proof_names_the_token_that_it_comes_with() -> None:
    assert refused(HOLDER.proof(), token="t") == "dpop-ath"
    assert refused(HOLDER.proof(ath=ath("other")), token="t") == "dpop-ath"
    assert refused(HOLDER.proof(), key=Holder().thumbprint) == "dpop-other-key"
    assert refused(HOLDER.proof(), key="\ud800") == "dpop-other-key"


def test_clocks_may_differ_a_little() -> None:
    assert proofs().judge(HOLDER.proof(iat=NOW + 30), TARGET)
    assert proofs().judge(HOLDER.proof(iat=NOW - 59), TARGET)


def _private(**more: Any) -> dict[str, Any]:
    return {"jwk": {**HOLDER.jwk, **more}}


RSA_1024 = rsa.generate_private_key(65537, 1024).public_key().public_numbers()


@pytest.mark.parametrize(
    "wrong",
    [
        {"typ": None}, {"typ": "JWT"}, {"typ": "at+jwt"}, {"typ": "application/dpop+jwt"}, {"alg": "none"}, {"alg": "HS256"},
        {"alg": "ES384"}, {"alg": "EdDSA"}, {"alg": None}, {"alg": 7}, {"jwk": None}, {"jwk": "x"}, {"jwk": {}}, {"jwk": []},
        {"kid": "k"}, {"crit": ["b64"]}, {"b64": False}, {"jku": "https://evil.example/keys"}, {"x5c": ["x"]},
        _private(d=b64(b"1" * 32)), _private(k="c2VjcmV0"), _private(d=None), _private(use="enc"), _private(key_ops=["sign"]),
        _private(alg="ES384"), _private(crv="P-384"), _private(x=b64(b"1" * 32)), _private(x=HOLDER.jwk["x"] + "="), _private(x=7),
        _private(kty="oct"), _private(kty=["EC"]), _private(y=None), _private(kid=7),
        {"alg": "RS256", "jwk": {"kty": "RSA", "n": b64(RSA_1024.n.to_bytes(128)), "e": "AQAB"}},
        {"jwk": {"kty": "oct", "k": b64(b"0" * 32)}, "alg": "HS256"},
    ],
)  # fmt: skip
def test_headers_that_do_not_fit(wrong: dict[str, Any]) -> None:
    assert refused(HOLDER.proof(wrong))


@pytest.mark.parametrize(
    "bent",
    [
        lambda shown: shown + "A", lambda shown: shown[:-4] + "AAAA", lambda shown: shown + "." + shown, lambda shown: shown.rsplit(".", 1)[0] + ".",
        lambda shown: shown + "=", lambda shown: "A" * 5000, lambda shown: "", lambda shown: shown + " ", lambda shown: shown.replace(".", "\u2024"),
    ],
)  # fmt: skip
def test_bytes_that_were_changed(bent: Any) -> None:
    assert refused(bent(HOLDER.proof()))


def test_members_that_come_twice() -> None:
    header = json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": HOLDER.jwk})
    claims = f'{{"jti":"a","jti":"b","htm":"GET","htu":"{URL}","iat":{NOW}}}'
    assert refused(HOLDER.raw(segment(header), segment(claims))) == "dpop-json-duplicate"
    assert refused(HOLDER.raw(segment(header[:-1] + ', "alg": "ES256"}'), segment({})))


def test_an_access_token_is_no_proof() -> None:
    assert refused(hs256())


def test_a_key_of_rsa_is_taken_where_it_is_allowed_and_only_in_one_spelling() -> None:
    key = rsa.generate_private_key(65537, 3072)
    n = key.public_key().public_numbers().n

    def shown(n_bytes: bytes, e: bytes = b"\x01\x00\x01") -> str:
        head = {"typ": "dpop+jwt", "alg": "RS256", "jwk": {"kty": "RSA", "n": b64(n_bytes), "e": b64(e)}}
        message = f"{segment(head)}.{segment({'jti': 'a', 'htm': 'GET', 'htu': URL, 'iat': NOW})}"
        return f"{message}.{b64(key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    assert proofs(algorithms=["RS256"]).judge(shown(n.to_bytes(384)), TARGET)
    for bent in (shown(b"\0" + n.to_bytes(384)), shown(n.to_bytes(384), b"\0\x01\x00\x01"), shown(b"\xff" * 1100)):
        with pytest.raises(InvalidCredentialError, match="dpop-key"):
            read_proof(bent, ["RS256"])


def test_the_thumbprint_of_rfc_8037() -> None:
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "not a part of it",
    }
    assert thumbprint_of(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("wrong", [[], ["none"], ["HS256"], ["ES256", "HS512"], ["x"]])
def test_algorithms_that_no_proof_may_have(wrong: list[str]) -> None:
    with pytest.raises(SettingError, match="STOPPER_DPOP_ALGORITHMS"):
        proofs(algorithms=wrong)


NONCE_KEY = Secret(bytes(range(7, 200, 5)))


def test_a_nonce_of_ours_is_asked_for_and_taken_by_every_node() -> None:
    clock = SetClock(NOW)
    judge = proofs(clock, nonces=Nonces(NONCE_KEY, clock))
    with pytest.raises(DpopNonceRequiredError) as asked:
        judge.judge(HOLDER.proof(), TARGET)
    nonce = asked.value.nonce
    assert judge.judge(HOLDER.proof(nonce=nonce), TARGET) == (HOLDER.thumbprint, None)
    clock.forward(200)
    fresh = proofs(clock, nonces=Nonces(NONCE_KEY, clock)).judge(HOLDER.proof(nonce=nonce, iat=NOW + 200), TARGET)
    assert fresh.next_nonce is not None
    assert fresh.next_nonce != nonce
    clock.forward(100)
    with pytest.raises(DpopNonceRequiredError):
        judge.judge(HOLDER.proof(nonce=nonce, iat=NOW + 300), TARGET)


@pytest.mark.parametrize("nonce", ["", "A" * 32, "A" * 31, "!" * 32, "é" * 32])
def test_nonces_of_nobody(nonce: str) -> None:
    with pytest.raises(DpopNonceRequiredError):
        Nonces(NONCE_KEY, SetClock(NOW)).judge(nonce)


def test_a_nonce_of_another_key_or_of_the_future() -> None:
    other = Nonces(Secret(bytes(range(9, 202, 5))), SetClock(NOW)).fresh()
    ahead = Nonces(NONCE_KEY, SetClock(NOW + 40)).fresh()
    for nonce in (other, ahead):
        with pytest.raises(DpopNonceRequiredError):
            Nonces(NONCE_KEY, SetClock(NOW)).judge(nonce)
    with pytest.raises(SettingError, match="STOPPER_DPOP_NONCE_KEY"):
        Nonces(Secret("short"), SetClock(NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(list(HOLDER.jwk.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "use", "kid", "alg", "key_ops"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
def test_foreign_texts_are_refused_and_break_nothing(shown: str) -> None:
    with pytest.raises(InvalidCredentialError):
        read_proof(shown, ["ES256", "EdDSA", "RS256"])


@given(JSON, st.sampled_from(["ES256", "EdDSA", "RS256", "PS512"]), JSON)
@example({"kty": "RSA", "n": "", "e": ""}, "RS256", None)
@example({"kty": "RSA", "n": "AQ", "e": "AQ"}, "RS256", None)
@example({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "ES256", None)
@example({"kty": "EC", "crv": ["P-256"], "x": 1}, "ES256", None)
def test_foreign_keys_are_refused_and_break_nothing(jwk: object, algorithm: str, claim: object) -> None:
    try:
        shown = HOLDER.proof({"jwk": jwk, "alg": algorithm}, jti=claim)
    except ValueError:  # a float or a half of a surrogate pair that JSON cannot hold
        return
    with pytest.raises(InvalidCredentialError):
        read_proof(shown, ["ES256", "EdDSA", "RS256", "PS512"])


@given(JSON, JSON, JSON)
def test_foreign_claims_are_refused_and_break_nothing(jti: object, iat: object, htu: object) -> None:
    try:
        shown = HOLDER.proof(jti=jti, iat=iat, htu=htu)
    except ValueError:
        return
    try:
        proofs().judge(shown, TARGET)
    except InvalidCredentialError:
        return
    raise AssertionError("taken")


def test_a_key_on_another_curve_of_the_same_size() -> None:
    numbers = ec.generate_private_key(ec.SECP256K1()).public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32)), "y": b64(numbers.y.to_bytes(32))}
    assert refused(HOLDER.proof({"jwk": jwk})) == "dpop-key"
