"""The doctor: each of its checks says met on a sound application, and not on one that is really set up wrong."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from tests.auth.certificate_smith import Authority
from tests.auth.token_smith import AUDIENCE, ISSUER, SECRET
from tests.extension.made import Made
from tests.extension.test_start_checks import rsa_jwk
from werkzeug.middleware.proxy_fix import ProxyFix

from stopper import Issuer, Secret, bearer, browser_session, client_certificate, limit, public
from stopper.auth import common_password
from stopper.core import log_redaction
from stopper.core.settings import declared
from stopper.extension.doctor import judging
from stopper.extension.doctor.words import Deployment, Outcome

Set = Callable[[Made], None]


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("stopper.audit"), "level", logging.INFO)
    logging.getLogger("stopper.audit").manager._clear_cache()  # type: ignore[attr-defined]


def made(config: dict[str, Any] | None = None, **options: Any) -> Made:
    found = Made(config, **options)
    found.route("/notes", bearer, "notes")
    found.route("/health", public, "health")
    return found


def judged(check: str, found: Made | Flask, level: int = 2) -> Outcome:
    app = found.app if isinstance(found, Made) else found
    guard = app.extensions["stopper"]
    return judging.check_named(check)(Deployment(app, guard, level, {**app.config}))


def with_header(name: str, value: str) -> Set:
    def set_it(found: Made) -> None:
        @found.app.after_request
        def put(answer: Response) -> Response:
            answer.headers[name] = value
            return answer

    return set_it


def one_limited(found: Made) -> None:
    """One route has a limit, the others have none."""
    found.stopper.limit("notes", limit("9/minute"))


def in_front(status: str, *headers: tuple[str, str], body: bytes = b"") -> Set:
    """Something before the guard that answers for it."""

    def set_it(found: Made) -> None:
        def answer(_environ: Any, start: Any) -> list[bytes]:
            start(status, list(headers))
            return [body]

        found.app.wsgi_app = answer  # type: ignore[method-assign,assignment]

    return set_it


def debugging(found: Made) -> None:
    found.app.debug = True


def without_a_policy(found: Made) -> None:
    found.app.add_url_rule("/forgotten", "forgotten", lambda: "")


def behind_fix(found: Made) -> None:
    found.app.wsgi_app = ProxyFix(found.app.wsgi_app)  # type: ignore[method-assign]


def nothing(_found: Made) -> None:
    """Wrong by its settings alone."""


CSP, PAGE_CSP = "STOPPER_CONTENT_SECURITY_POLICY", "STOPPER_PAGE_CONTENT_SECURITY_POLICY"
WRONG: list[tuple[str, dict[str, Any], Set, str]] = [
    ("refused_at_start", {}, without_a_policy, "not met"),
    ("debug_off", {}, debugging, "not met"),
    ("every_door_says", {}, without_a_policy, "not met"),
    ("proxies_by_network", {}, behind_fix, "not met"),
    ("proxies_by_network", {"STOPPER_TRUSTED_PROXIES": 1}, nothing, "your part"),
    ("nothing_weakened", {"STOPPER_ALLOW_PRIVATE_JWKS": True}, nothing, "not met"),
    ("error_texts_stay_inside", {"STOPPER_ALLOW_ERROR_DETAILS": True}, nothing, "not met"),
    ("exact_origins", {"STOPPER_CORS_ORIGINS": "http://a.example"}, nothing, "not met"),
    ("exact_origins", {"STOPPER_CORS_ORIGINS": "*"}, nothing, "your part"),
    ("tokens_bound", {}, nothing, "not met"),
    ("secrets_sound", {"SECRET_KEY": "password1234"}, nothing, "not met"),
    ("secrets_by_reference", {"STOPPER_API_KEY_PEPPER": "a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff"}, nothing, "not met"),
    ("hsts_sent", {}, with_header("Strict-Transport-Security", "max-age=60"), "not met"),
    ("policy_of_content_sent", {CSP: "default-src 'self' 'unsafe-inline'; base-uri 'none'"}, nothing, "not met"),
    ("policy_of_content_sent", {CSP: "script-src 'self'; base-uri 'none'"}, nothing, "not met"),
    ("policy_of_content_sent", {CSP: "default-src 'self'"}, nothing, "not met"),
    ("frames_refused", {CSP: "default-src 'none'"}, nothing, "not met"),
    ("policy_of_content_sent", {PAGE_CSP: "default-src 'self' https:; base-uri 'none'"}, nothing, "not met"),
    ("frames_refused", {PAGE_CSP: "default-src 'self'; frame-ancestors *"}, nothing, "not met"),
    ("violations_reported", {}, nothing, "not met"),
    ("types_not_guessed", {}, with_header("X-Content-Type-Options", "sniff"), "not met"),
    ("referrer_kept", {}, with_header("Referrer-Policy", "unsafe-url"), "not met"),
    ("opener_apart", {}, with_header("Cross-Origin-Opener-Policy", "unsafe-none"), "not met"),
    ("versions_hidden", {}, with_header("X-Powered-By", "Flask/3.1"), "not met"),
    ("trace_refused", {}, in_front("200 OK"), "not met"),
    ("no_redirect_to_https", {}, in_front("301 Moved Permanently", ("Location", "https://a.example")), "not met"),
    ("refusal_in_shape", {}, in_front("200 OK"), "not met"),
    ("refusal_in_shape", {}, in_front("401 Unauthorized"), "not met"),
    ("refusal_in_shape", {}, in_front("403 Forbidden", body=b"Traceback (most recent call last)"), "not met"),
    ("refusal_not_kept", {}, in_front("401 Unauthorized", ("Cache-Control", "public")), "not met"),
    ("types_said", {}, with_header("Content-Type", "text/html"), "not met"),
    ("lines_in_utc", {}, nothing, "your part"),
    ("logs_leave", {}, nothing, "your part"),
    ("requests_limited", {}, nothing, "your part"),
    ("requests_limited", {}, one_limited, "your part"),
    ("limits_counted_together", {"STOPPER_ALLOW_LIMITS_PER_PROCESS": True}, one_limited, "your part"),
]  # fmt: skip


def test_limits_are_seen() -> None:
    assert judged("requests_limited", made({"STOPPER_RATE_LIMIT": "300/minute"})).verdict == "met"
    assert judged("limits_counted_together", made({"STOPPER_RATE_LIMIT": "300/minute"})).verdict == "met"
    assert "1 of 2 doors" in judged("requests_limited", _with_one_limit()).evidence


def _with_one_limit() -> Made:
    found = made()
    one_limited(found)
    return found


@pytest.mark.parametrize(("check", "config", "set_up", "verdict"), WRONG)
def test_a_check_sees_what_is_set_up_wrong(check: str, config: dict[str, Any], set_up: Set, verdict: str) -> None:
    found = made(config)
    set_up(found)
    outcome = judged(check, found)
    assert outcome.verdict == verdict
    assert outcome.mend


@pytest.mark.parametrize("check", sorted({check for check, _, _, verdict in WRONG if verdict == "not met"}))
def test_the_same_check_is_content_with_a_sound_set_up(check: str) -> None:
    sound = made(
        {
            "SECRET_KEY": "0f2b9d8e47f3a6f1c02bd8e47f3a6f1c",
            CSP: "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; report-uri /r",
            "STOPPER_REQUIRE_BOUND_TOKENS": True,
            "STOPPER_PUBLIC_URL": "https://made.example",
        },
        single_use=_Remembers(),
    )
    assert judged(check, sound).verdict in ("met", "not applicable", "your part")
    assert check in ("secrets_by_reference", "versions_hidden") or judged(check, sound).verdict == "met"


class _Remembers:
    def redeem(self, *_: Any, **__: Any) -> bool:
        return True


def test_an_issuer_over_plain_http() -> None:
    wrong = Issuer("http://idp.example", ["HS256"], keys=Secret(SECRET), audience=AUDIENCE)
    assert judged("https_issuers", made(issuers=[wrong])).verdict == "not met"
    assert judged("https_issuers", made()).verdict == "your part"


def test_an_issuer_whose_tokens_name_no_audience() -> None:
    loose = Issuer(ISSUER, ["HS256"], "jwt", keys=Secret(SECRET), require=["exp", "iat", "iss", "sub"])
    assert judged("issuers_name_an_audience", made(issuers=[loose])).verdict == "not met"
    assert judged("types_explicit", made(issuers=[loose])).verdict == "your part"
    assert judged("issuers_name_an_audience", made()).verdict == "met"
    assert judged("types_explicit", made()).verdict == "met"


def test_an_issuer_with_small_keys() -> None:
    small = Issuer(ISSUER, ["RS256"], keys=rsa_jwk(2048), audience=AUDIENCE, allow_rsa_2048=True)
    assert judged("keys_strong", made(issuers=[small])).verdict == "not met"
    assert judged("keys_strong", made()).verdict == "met"


def test_session_lives_that_are_too_long(tmp_path: Path) -> None:
    config = {
        "STOPPER_DATABASE_URL": f"sqlite:///{tmp_path}/s.db",
        "STOPPER_SESSION_IDLE_LIFETIME": 7_200,
        "STOPPER_SESSION_LIFETIME": 172_800,
    }
    found = made(config)
    found.route("/page", browser_session, "page")
    for check in ("idle_sessions_end", "sessions_end_at_last"):
        assert judged(check, found).verdict == "not met"
        assert judged(check, made()).verdict == "not applicable"
    usual = made({"STOPPER_DATABASE_URL": f"sqlite:///{tmp_path}/t.db"})
    usual.route("/page", browser_session, "page")
    assert judged("idle_sessions_end", usual).verdict == "met"
    assert judged("sessions_end_at_last", usual).verdict == "met"
    assert judged("storage_cleared", usual).verdict == "your part"


def test_doors_of_one_thing_without_an_owner() -> None:
    found = made()
    assert judged("objects_have_owners", found).verdict == "met"
    found.route("/notes/<note_id>", bearer, "note")
    found.route("/sign-up", public, "sign_up", methods=["POST"])
    assert "GET /notes/<note_id>" in judged("objects_have_owners", found).evidence
    assert "POST /sign-up" in judged("changes_need_more_than_get", found).evidence


def test_secret_key_that_serves_twice() -> None:
    found = made()
    assert judged("secrets_apart", found).verdict == "met"
    found.app.config["SECRET_KEY"] = SECRET
    assert judged("secrets_apart", found).verdict == "not met"


def test_logs_that_are_not_masked() -> None:
    found = made()
    assert judged("logs_masked", found).verdict == "met"
    log_redaction.uninstall()
    try:
        assert judged("logs_masked", found).verdict == "not met"
    finally:
        log_redaction.install()


def test_decisions_that_nobody_writes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged("decisions_logged", made()).verdict == "met"
    logger = logging.getLogger("stopper.audit")
    monkeypatch.setattr(logger, "level", logging.WARNING)
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    assert judged("decisions_logged", made()).verdict == "not met"


def test_a_short_list_of_common_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(common_password.listed()) < 3_000, "the row V6.2.4 and this test are out of date"
    assert judged("enough_common_passwords", made()).verdict == "not met"
    many = frozenset(str(number) for number in range(3_000))
    monkeypatch.setattr("stopper.extension.doctor.features.listed", lambda: many)
    assert judged("enough_common_passwords", made()).verdict == "met"


def test_passwords_that_expire_or_may_not_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged("passwords_do_not_expire", made()).verdict == "met"
    assert judged("long_passwords_taken", made()).verdict == "met"
    monkeypatch.setitem(declared, "STOPPER_PASSWORD_LIFETIME", declared["STOPPER_MODE"])
    monkeypatch.setattr("stopper.extension.doctor.features.refusal", lambda _: "is too long")
    assert judged("passwords_do_not_expire", made()).verdict == "not met"
    assert judged("long_passwords_taken", made()).verdict == "not met"


def test_a_module_that_unpickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged("nothing_unpickled", made()).verdict == "met"
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "loads.py").write_text("import json\nfrom pickle import loads\n")
    monkeypatch.setattr("stopper.extension.doctor.features.files", lambda _: tmp_path)
    assert judged("nothing_unpickled", made()).verdict == "not met"


def test_what_the_accounts_of_stopper_lack_is_said() -> None:
    for check in ("second_factor_there", "breached_passwords_known"):
        assert judged(check, made()).verdict == "not met"


def test_a_token_endpoint_of_the_applications_own() -> None:
    assert judged("password_grant_absent", made()).verdict == "met"
    found = made()
    found.route("/oauth/token", public, "token", methods=["POST"])
    assert judged("password_grant_absent", found).verdict == "your part"


def test_mode_dev_is_for_one_machine() -> None:
    assert judged("mode_prod", made()).verdict == "met"
    for check in ("mode_prod", "hsts_sent", "https_issuers", "debug_off"):
        assert judged(check, made({"STOPPER_MODE": "dev"})).verdict == "not applicable"


def test_unbound_tokens_are_wrong_at_level_three_and_a_hint_at_two() -> None:
    assert judged("tokens_bound_as_level_asks", made(), 2).verdict == "your part"
    assert judged("tokens_bound_as_level_asks", made(), 3).verdict == "not met"


def test_certificates_without_an_authority_open_no_door(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(Authority().pem)
    header = {"STOPPER_TRUSTED_PROXIES": "127.0.0.1", "STOPPER_CLIENT_CERTIFICATE_HEADER": "Client-Cert"}
    named = {**header, "STOPPER_CLIENT_CERTIFICATE_AUTHORITIES": str(tmp_path / "ca.pem")}
    for config, sealed in ((header, "not met"), (named, "met")):
        found = made(config)
        found.route("/machine", client_certificate, "machine")
        assert judged("certificates_by_authority", found).verdict == "met"
        assert judged("refused_at_start", found).verdict == sealed
    assert judged("certificates_by_authority", made()).verdict == "not applicable"
