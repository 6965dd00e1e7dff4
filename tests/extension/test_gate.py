"""What a caller shows and what it gets: the table of refusals, row by row."""

import json
import logging
import re
from typing import Any

import pytest
from tests.auth.token_smith import NOW, claims, hs256
from tests.extension.made import Made, bearer_header, forged, unknown_key, without_request_id

from stopper import any_of, api_key, bearer, current_principal, fresh, mfa, once, owner, public, role, scope
from stopper.auth.api_key_form import checksum
from stopper.core.errors import StoreUnavailableError


@pytest.fixture
def made() -> Made:
    made = Made()
    made.route("/bearer", bearer, "bearer")
    made.route("/scoped", bearer & scope("notes:read"), "scoped")
    made.route("/key", api_key & scope("notes:read"), "key")
    made.route("/either", bearer | api_key, "either")
    made.route("/both", bearer & api_key, "both")
    made.route("/admin", bearer & role("admin") & fresh(minutes=5) & mfa, "admin")
    made.route("/public", public, "public")
    made.route("/of/<user>", bearer & owner("user"), "of")
    made.route("/post", bearer, "post", methods=["POST"])
    return made


SHOWN_AND_BAD = {
    "expired": lambda: hs256(payload=claims(exp=NOW - 60)),
    "malformed": lambda: "not.a.token",
    "one word": lambda: "x",
    "forged": forged,
    "wrong audience": lambda: hs256(payload=claims(aud="https://other.example")),
    "unknown key": unknown_key,
    "unknown issuer": lambda: hs256(payload=claims(iss="https://evil.example")),
    "alg none": lambda: hs256({"alg": "none", "typ": "at+jwt", "kid": "k"}),
    "long but within the cap": lambda: "a" * 8000,
}


class TestTheTable:
    def test_nothing_shown(self, made: Made) -> None:
        answer = made.get("/bearer")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("token", SHOWN_AND_BAD.values(), ids=SHOWN_AND_BAD.keys())
    def test_a_bad_credential(self, made: Made, token: Any) -> None:
        answer = made.get("/bearer", bearer_header(token()))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    @pytest.mark.parametrize(
        "shown",
        [
            "Bearer a,Bearer b", "Bearer a, Bearer b", "Bearer a b", "Bearer", "Bearer ", "Bearer \u00ff", "Bearer a\x01", "Bearer a\tb",
            "Bearer a;b", 'Bearer "a"', " Bearer a", "Bearer a ", "Bearer\ta", "Bearer a=b", ", Bearer a", "Bearer " + "a" * 9000,
            "Digest username=a", "=",
        ],
    )  # fmt: skip
    def test_bytes_that_no_credential_has(self, made: Made, shown: str) -> None:
        answer = made.get("/bearer", environ_overrides={"HTTP_AUTHORIZATION": shown})
        assert answer.status_code == 400
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_request"'

    def test_verified_but_not_allowed(self, made: Made) -> None:
        answer = made.get("/scoped", bearer_header(scope="other"))
        assert answer.status_code == 403
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'

    def test_a_stronger_log_in_is_needed(self, made: Made) -> None:
        """RFC 9470."""
        for who in ({"auth_time": NOW - 301, "amr": ["pwd", "otp"]}, {"auth_time": NOW, "amr": ["pwd"]}, {}):
            answer = made.get("/admin", bearer_header(roles=["admin"], **who))
            assert answer.status_code == 403
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_user_authentication"'
        assert made.get("/admin", bearer_header(roles=["admin"], auth_time=NOW, amr=["pwd", "otp"])).status_code == 200

    def test_a_store_that_does_not_answer(self) -> None:
        class Down:
            def is_revoked(self, claims: Any) -> bool:
                raise StoreUnavailableError

        made = Made(revocations=Down())
        made.route("/bearer", bearer)
        answer = made.get("/bearer", bearer_header())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "WWW-Authenticate" not in answer.headers
        made.store.down = True
        made = Made()
        made.route("/key", api_key)
        made.store.down = True
        assert made.get("/key", ("X-API-Key", _key_of_nobody())).status_code == 503

    def test_every_refusal_is_problem_json_and_not_stored(self, made: Made) -> None:
        for path, shown in (
            ("/bearer", []),
            ("/bearer", [bearer_header("x")]),
            ("/scoped", [bearer_header()]),
            ("/bearer", [("Authorization", "x")]),
        ):
            answer = made.get(path, *shown)
            assert answer.content_type == "application/problem+json"
            assert answer.headers["Cache-Control"] == "no-store"
            body = json.loads(answer.data)
            assert body["status"] == answer.status_code
            assert set(body) == {"type", "title", "status", "detail"}

    def test_every_401_for_a_shown_credential_is_the_same_bytes(self, made: Made) -> None:
        answers = [made.get("/bearer", bearer_header(token())) for token in SHOWN_AND_BAD.values()]
        answers.append(made.get("/either", ("X-API-Key", "garbage")))
        answers.append(made.get("/either", ("X-API-Key", _key_of_nobody())))
        record = made.keys.issue("alice", name="x")
        made.keys.revoke(record.record.id)
        answers.append(made.get("/either", ("X-API-Key", record.key.reveal())))
        assert (
            len(
                {
                    json.dumps([list(part) if isinstance(part, list) else str(part) for part in without_request_id(a)])
                    for a in answers
                }
            )
            == 1
        )
        ids = [answer.headers["X-Request-Id"] for answer in answers]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[0-9a-f]{32}", found) for found in ids)

    def test_no_view_ran(self, made: Made) -> None:
        for path in ("/bearer", "/scoped", "/key", "/either", "/both", "/admin", "/of/alice"):
            for method in ("GET", "HEAD"):
                made.get(path, method=method)
                made.get(path, bearer_header(forged()), method=method)
        assert made.ran == []


def _key_of_nobody() -> str:
    body = f"stp_live_{'0' * 12}_{'a' * 43}"
    return body + checksum(body)


class TestWhatIsRead:
    def test_an_honest_bearer_in_any_letter_case(self, made: Made) -> None:
        for scheme in ("Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "):
            assert made.get("/bearer", ("Authorization", f"{scheme} {hs256()}")).status_code == 200

    def test_another_scheme_is_nothing_shown(self, made: Made) -> None:
        answer = made.get("/bearer", ("Authorization", "Basic YTpi"))
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_never_from_the_url_or_a_body(self, made: Made) -> None:
        token = hs256()
        for path in (f"/bearer?access_token={token}", f"/bearer?token={token}", f"/bearer?jwt={token}"):
            assert made.get(path).status_code == 401
        for options in ({"data": {"access_token": token}}, {"json": {"access_token": token}}):
            assert made.get("/post", method="POST", **options).status_code == 401
        key = made.keys.issue("alice", name="x", scopes=["notes:read"]).key.reveal()
        assert made.get(f"/key?api_key={key}&X-API-Key={key}").status_code == 401

    def test_never_from_a_cookie(self, made: Made) -> None:
        assert (
            made.get("/bearer", ("Cookie", f"access_token={hs256()}; Authorization=Bearer {hs256()}")).status_code
            == 401
        )

    def test_two_kinds_are_refused_unless_both_are_asked_for(self, made: Made) -> None:
        key = made.keys.issue("alice", name="x", scopes=["notes:read"]).key.reveal()
        both = (bearer_header(scope="notes:read"), ("X-API-Key", key))
        for path in ("/bearer", "/scoped", "/key", "/either"):
            assert made.get(path, *both).status_code == 400
        assert made.get("/both", *both).status_code == 200
        assert made.get("/key", ("Authorization", "Basic YTpi"), ("X-API-Key", key)).status_code == 400

    def test_both_must_be_shown_and_both_must_hold(self, made: Made) -> None:
        key = made.keys.issue("bob", name="x").key.reveal()
        assert made.get("/both", bearer_header()).status_code == 401
        assert made.get("/both", ("X-API-Key", key)).status_code == 401
        assert made.get("/both", bearer_header(forged()), ("X-API-Key", key)).status_code == 401
        assert made.get("/both", bearer_header(), ("X-API-Key", _key_of_nobody())).status_code == 401
        assert made.get("/both", bearer_header(tenant="other"), ("X-API-Key", key)).status_code == 403

    def test_the_principal_is_the_bearers_and_the_key_stands_beside(self) -> None:
        made = Made()
        seen: list[Any] = []

        @made.app.get("/both")
        @(bearer & api_key)
        def both() -> str:
            seen.append((current_principal.subject, current_principal.also))
            return ""

        key = made.keys.issue("bob", name="x").key.reveal()
        assert made.get("/both", bearer_header(), ("X-API-Key", key)).status_code == 200
        assert seen[0][0] == "alice"
        assert (seen[0][1].subject, seen[0][1].kind) == ("bob", "api_key")

    def test_a_key_has_its_scopes_and_no_others(self, made: Made) -> None:
        """CVE-2026-62231: scopes of keys were stored and never enforced."""
        reads = made.keys.issue("alice", name="x", scopes=["notes:read"]).key.reveal()
        other = made.keys.issue("alice", name="x", scopes=["notes:write"]).key.reveal()
        assert made.get("/key", ("X-API-Key", reads)).status_code == 200
        assert made.get("/key", ("X-API-Key", other)).status_code == 403
        assert made.get("/bearer", ("X-API-Key", reads)).status_code == 401

    def test_the_header_of_the_key_can_be_named(self) -> None:
        made = Made({"STOPPER_API_KEY_HEADER": "X-Token"})
        made.route("/key", api_key)
        key = made.keys.issue("alice", name="x").key.reveal()
        assert made.get("/key", ("X-Token", key)).status_code == 200
        assert made.get("/key", ("X-API-Key", key)).status_code == 401

    def test_public_routes_read_no_credential(self, made: Made) -> None:
        key = ("X-API-Key", "rubbish")
        for shown in ([], [bearer_header(forged())], [bearer_header(), key], [("Authorization", "\u00ff")]):
            assert made.get("/public", *shown).status_code == 200

    def test_an_owner_passes_and_nobody_else(self, made: Made) -> None:
        assert made.get("/of/alice", bearer_header()).status_code == 200
        assert made.get("/of/bob", bearer_header()).status_code == 403


class TestThePrincipal:
    def test_it_is_there_and_frozen(self, made: Made) -> None:
        seen: list[Any] = []

        @made.app.get("/me")
        @bearer
        def me() -> str:
            seen.extend([current_principal.subject, bool(current_principal)])
            with pytest.raises(AttributeError):
                current_principal.subject = "mallory"  # type: ignore[misc]
            return ""

        assert made.get("/me", bearer_header()).status_code == 200
        assert seen == ["alice", True]

    def test_on_a_public_route_it_is_false_and_not_readable(self, made: Made) -> None:
        @made.app.get("/open")
        @public
        def open_() -> str:
            assert not current_principal
            with pytest.raises(RuntimeError, match="public"):
                _ = current_principal.subject
            return ""

        assert made.get("/open", bearer_header()).status_code == 200

    def test_it_does_not_stay_for_the_next_request(self, made: Made) -> None:
        made.get("/bearer", bearer_header())
        with made.app.test_request_context("/bearer"):
            assert not current_principal
        assert not current_principal


class TestRevocation:
    def test_it_is_asked_on_every_request_also_for_a_token_seen_before(self) -> None:
        asked: list[str] = []
        void: set[str] = set()

        class Revocations:
            def is_revoked(self, claims: Any) -> bool:
                asked.append(claims["jti"])
                return claims["jti"] in void

        made = Made(revocations=Revocations())
        made.route("/bearer", bearer)
        assert [made.get("/bearer", bearer_header()).status_code for _ in range(3)] == [200, 200, 200]
        void.add("id-1")
        assert made.get("/bearer", bearer_header()).status_code == 401
        assert asked == ["id-1"] * 4

    def test_a_token_that_does_not_hold_is_not_asked_about(self) -> None:
        class Revocations:
            def is_revoked(self, claims: Any) -> bool:
                raise AssertionError

        made = Made(revocations=Revocations())
        made.route("/bearer", bearer)
        assert made.get("/bearer", bearer_header(forged())).status_code == 401

    def test_once_lets_a_token_pass_once(self) -> None:
        used: set[str] = set()

        class Memory:
            def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
                first = value not in used
                used.add(value)
                return first

        made = Made(single_use=Memory())
        made.route("/pay", bearer & once & scope("pay"))
        assert made.get("/pay", bearer_header()).status_code == 403
        assert made.get("/pay", bearer_header(scope="pay")).status_code == 200
        assert made.get("/pay", bearer_header(scope="pay")).status_code == 401
        assert made.get("/pay", bearer_header(scope="pay", jti="id-2")).status_code == 200


def test_alternatives_among_requirements(made: Made) -> None:
    made.route("/any", bearer & any_of(role("admin"), scope("all")), "any")
    assert made.get("/any", bearer_header(roles=["admin"])).status_code == 200
    assert made.get("/any", bearer_header(scope="all")).status_code == 200
    assert made.get("/any", bearer_header()).status_code == 403


def test_the_other_envelope() -> None:
    made = Made({"STOPPER_ENVELOPE": "status"})
    made.route("/bearer", bearer)
    answer = made.get("/bearer", bearer_header("x"))
    assert answer.json == {
        "status": "failed",
        "error": {"code": "invalid-credential", "message": "The credential is not valid."},
    }
    assert answer.content_type == "application/json"
    assert made.get("/nowhere").json == {"status": "failed", "error": {"code": "not-found", "message": "Not Found"}}


class TestTheAuditLog:
    def test_every_decision_has_a_line_with_reason_and_request_id(
        self, made: Made, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "stopper.audit")
        refused = made.get("/bearer", bearer_header(forged()))
        passed = made.get("/bearer", bearer_header())
        lines = [record.getMessage() for record in caplog.records if record.name == "stopper.audit"]
        assert len(lines) == 2
        assert "decision=refuse status=401 reason=signature" in lines[0]
        assert f"request={refused.headers['X-Request-Id']}" in lines[0]
        assert "decision=pass" in lines[1]
        assert "subject=alice" in lines[1]
        assert f"request={passed.headers['X-Request-Id']}" in lines[1]

    def test_no_line_holds_a_credential_or_breaks(self, made: Made, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        token = hs256(payload=claims(sub="a b\u2028c"))
        key = made.keys.issue("bob", name="x").key.reveal()
        made.get("/bearer", bearer_header(token))
        made.get("/bearer", bearer_header(forged()))
        made.get("/key", ("X-API-Key", key))
        made.get("/both", ("X-API-Key", key), bearer_header(token))
        text = "\n".join(record.getMessage() for record in caplog.records)
        for secret in (token, token.split(".")[2], key, key.split("_")[3]):
            assert secret not in text
        assert all(len(record.getMessage().splitlines()) == 1 for record in caplog.records)

    def test_the_id_is_never_the_callers(self, made: Made) -> None:
        answer = made.get("/bearer", ("X-Request-Id", "mine"))
        assert answer.headers.getlist("X-Request-Id") != ["mine"]
        assert len(answer.headers.getlist("X-Request-Id")) == 1


def test_an_error_in_a_policys_own_function_lets_nobody_pass(made: Made) -> None:
    def broken(user: str) -> str:
        raise RuntimeError("database password is hunter2")

    made.route("/broken/<user>", bearer & owner(broken), "broken")
    answer = made.get("/broken/1", bearer_header())
    assert answer.status_code == 403
    assert b"hunter2" not in answer.data
    assert made.ran == []
