"""A token that is bound to a key opens nothing without a proof of that key, and one that is not bound opens nothing with one."""

from typing import Any

import pytest
from tests.auth.dpop_smith import Holder, Once, ath
from tests.auth.token_smith import NOW, claims, hs256
from tests.extension.made import Made, without_request_id

from stopper import SettingError, StoreUnavailableError, api_key, bearer, public, scope

HOLDER = Holder()
URL = "http://localhost/notes"
NONCE_KEY = bytes(range(7, 200, 5)).hex()


def made(config: dict[str, Any] | None = None, **options: Any) -> Made:
    found = Made(config, single_use=Once(), **options)
    found.route("/notes", bearer, "notes")
    found.route("/write", bearer & scope("write"), "write", methods=["POST"])
    found.route("/either", bearer | api_key, "either")
    found.route("/open", public, "open")
    found.stopper.seal()
    return found


def bound(key: Holder = HOLDER, **more: Any) -> str:
    return hs256(payload=claims(cnf={"jkt": key.thumbprint}, **more))


def shown(token: str, proof: str, scheme: str = "DPoP") -> list[tuple[str, str]]:
    return [("Authorization", f"{scheme} {token}"), ("DPoP", proof)]


def proof(token: str, holder: Holder = HOLDER, **claims: Any) -> str:
    return holder.proof(**{"htu": URL, "ath": ath(token), **claims})


@pytest.mark.feature("F13")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_with_its_proof_passes_once(scheme: str) -> None:
    app, token = made(), bound()
    said = shown(token, proof(token), scheme)
    assert app.get("/notes", *said).status_code == 200
    assert app.get("/notes", *said).status_code == 401
    assert app.get("/notes", *shown(token, proof(token))).status_code == 200
    assert app.ran == ["notes", "notes"]


def refusals(app: Made, token: str) -> dict[str, list[tuple[str, str]]]:
    other = Holder()
    return {
        "no proof": [("Authorization", f"DPoP {token}")],
        "another key": shown(token, proof(token, other)),
        "another token's key": shown(bound(other), proof(token)),
        "another method": shown(token, proof(token, htm="POST")),
        "another route": shown(token, proof(token, htu="http://localhost/either")),
        "another host": shown(token, proof(token, htu="http://evil.example/notes")),
        "no hash of the token": shown(token, proof(token, ath=None)),
        "an old proof": shown(token, proof(token, iat=NOW - 61)),
        "no proof at all": shown(token, "x.y.z"),
        "not bound": shown(hs256(), proof(hs256())),
        "forged": shown(token[:-4] + "AAAA", proof(token)),
        "bound in another way": shown(hs256(payload=claims(cnf={"jwk": HOLDER.jwk})), proof(token)),
    }


def test_every_refusal_is_the_same_bytes_and_names_the_algorithms() -> None:
    app, token = made(), bound()
    answers = {name: app.get("/notes", *said) for name, said in refusals(app, token).items()}
    first = without_request_id(answers["forged"])
    assert {name: without_request_id(answer) for name, answer in answers.items()} == dict.fromkeys(answers, first)
    assert answers["forged"].headers["WWW-Authenticate"] == 'DPoP error="invalid_token", algs="EdDSA ES256"'
    assert not app.ran


@pytest.mark.parametrize(
    "cnf",
    [{"jkt": HOLDER.thumbprint}, {"jkt": "short"}, {"jkt": 7}, {}, [], "x", None, {"kid": "k"}, {"jwk": {}}, {"x5t#S256": "A" * 43},
     {"jkt": HOLDER.thumbprint, "other": "x"}],
)  # fmt: skip
def test_a_bound_token_is_no_bearer_token_also_when_it_is_remembered(cnf: object) -> None:
    app = made()
    token = hs256(payload={**claims(), "cnf": cnf})
    for said in ([("Authorization", f"Bearer {token}")], shown(token, proof(token), "Bearer")) * 2:
        answer = app.get("/notes", *said)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert app.get("/either", ("Authorization", f"bearer {token}")).status_code == 401
    assert not app.ran


def test_two_proofs_are_a_bad_request() -> None:
    app, token = made(), bound()
    both = f"{proof(token)}, {proof(token)}"
    answer = app.get("/notes", *shown(token, both))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (400, 'DPoP error="invalid_request", algs="EdDSA ES256"')  # fmt: skip
    answer = app.get("/notes", ("Authorization", f"DPoP {token}"), ("DPoP", proof(token)), ("DPoP", proof(token)))
    assert answer.status_code == 400
    assert app.get("/notes", *shown(token, "A" * 5000)).status_code == 400
    assert not app.ran


def test_the_policy_is_asked_after_the_proof() -> None:
    app, token = made(), bound()
    said = shown(token, proof(token, htm="POST", htu="http://localhost/write"))
    answer = app.get("/write", *said, method="POST")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (403, 'DPoP error="insufficient_scope", algs="EdDSA ES256"')  # fmt: skip


def test_a_query_changes_nothing_and_another_spelling_of_the_path_is_the_same_route() -> None:
    app, token = made(), bound()
    assert app.get("/notes?a=b", *shown(token, proof(token))).status_code == 200
    assert app.get("/%6eotes", *shown(token, proof(token))).status_code == 200
    assert app.get("/notes", *shown(token, proof(token, htu=URL + "?x=y"))).status_code == 200


def test_without_a_memory_of_used_proofs_the_scheme_is_unknown() -> None:
    app = Made()
    app.route("/notes", bearer, "notes")
    answer = app.get("/notes", *shown(bound(), proof(bound())))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert not app.ran


def test_where_the_memory_does_not_answer_nothing_passes() -> None:
    class Gone:
        def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
            raise StoreUnavailableError

    app = Made(single_use=Gone())
    app.route("/notes", bearer, "notes")
    token = bound()
    assert app.get("/notes", *shown(token, proof(token))).status_code == 503
    assert not app.ran


@pytest.mark.feature("F44")
def test_one_switch_asks_every_token_to_be_bound() -> None:
    app, token = made({"STOPPER_REQUIRE_BOUND_TOKENS": True}), bound()
    nothing = app.get("/notes")
    assert (nothing.status_code, nothing.headers["WWW-Authenticate"]) == (401, 'DPoP algs="EdDSA ES256"')
    free = hs256()
    assert app.get("/notes", ("Authorization", f"Bearer {free}")).status_code == 401
    assert app.get("/notes", ("Authorization", f"Bearer {free}")).status_code == 401
    assert app.get("/notes", *shown(token, proof(token))).status_code == 200
    assert app.get("/open").status_code == 200


def test_the_switch_needs_a_memory() -> None:
    with pytest.raises(SettingError, match="nothing remembers"):
        Made({"STOPPER_REQUIRE_BOUND_TOKENS": True})
    with pytest.raises(SettingError, match="nothing remembers"):
        Made({"STOPPER_DPOP_NONCE_KEY": NONCE_KEY})


@pytest.mark.feature("F44")
def test_a_nonce_is_asked_for_and_handed_on_before_it_ends() -> None:
    app, token = made({"STOPPER_DPOP_NONCE_KEY": NONCE_KEY}), bound()
    asked = app.get("/notes", *shown(token, proof(token)))
    assert asked.status_code == 401
    assert asked.headers["WWW-Authenticate"] == 'DPoP error="use_dpop_nonce", algs="EdDSA ES256"'
    nonce = asked.headers["DPoP-Nonce"]
    good = app.get("/notes", *shown(token, proof(token, nonce=nonce)))
    assert (good.status_code, "DPoP-Nonce" in good.headers) == (200, False)
    app.clock.forward(200)
    later = app.get("/notes", *shown(token, proof(token, nonce=nonce, iat=NOW + 200)))
    assert later.status_code == 200
    assert later.headers["DPoP-Nonce"] != nonce
    forged = app.get("/notes", *shown(token[:-4] + "AAAA", proof(token)))
    assert "DPoP-Nonce" not in forged.headers


def test_the_public_address_is_what_proofs_name_whatever_the_request_says() -> None:
    app, token = made({"STOPPER_PUBLIC_URL": "https://API.example:443"}), bound()
    right = proof(token, htu="https://api.example/notes")
    assert app.get("/notes", *shown(token, proof(token))).status_code == 401
    assert app.get("/notes", *shown(token, right), ("Host", "evil.example")).status_code == 200


def test_behind_a_proxy_the_address_is_what_it_says_and_a_stranger_says_nothing() -> None:
    token = bound()
    said = [*shown(token, proof(token, htu="https://api.example/notes")), ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "api.example")]  # fmt: skip
    assert made().get("/notes", *said).status_code == 401
    assert made({"STOPPER_TRUSTED_PROXIES": "127.0.0.1"}).get("/notes", *said).status_code == 200
    assert made({"STOPPER_TRUSTED_PROXIES": "10.0.0.0/8"}).get("/notes", *said).status_code == 401


@pytest.mark.parametrize("wrong", ["api.example", "https://api.example/v1", "ftp://a", "https://u@a", "https://a?b", "https://a:0", "https://[::1"])  # fmt: skip
def test_what_is_no_public_address(wrong: str) -> None:
    with pytest.raises(SettingError, match="STOPPER_PUBLIC_URL"):
        made({"STOPPER_PUBLIC_URL": wrong})


def test_a_page_may_send_proofs_and_read_what_is_asked_of_it() -> None:
    app = made({"STOPPER_CORS_ORIGINS": "https://app.example", "STOPPER_DPOP_NONCE_KEY": NONCE_KEY})
    own = ("Origin", "https://app.example")
    preflight = app.get("/notes", own, ("Access-Control-Request-Method", "GET"), method="OPTIONS")
    assert "DPoP" in preflight.headers["Access-Control-Allow-Headers"].split(", ")
    token = bound()
    asked = app.get("/notes", *shown(token, proof(token)), own)
    assert asked.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate, DPoP-Nonce"
    other = app.get("/notes", *shown(token, proof(token)), ("Origin", "https://evil.example"))
    assert "Access-Control-Expose-Headers" not in other.headers


def test_without_a_public_address_the_switch_warns(caplog: pytest.LogCaptureFixture) -> None:
    made({"STOPPER_REQUIRE_BOUND_TOKENS": True, "STOPPER_PUBLIC_URL": "https://api.example"})
    assert "STOPPER_PUBLIC_URL" not in caplog.text
    made({"STOPPER_REQUIRE_BOUND_TOKENS": True})
    assert "STOPPER_PUBLIC_URL" in caplog.text
