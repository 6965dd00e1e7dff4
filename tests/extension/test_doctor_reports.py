"""The doctor's report on whole applications: what they lack, what level 3 changes, and what no row may show."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.auth.test_api_key import PEPPER
from tests.auth.token_smith import AUDIENCE, SECRET
from tests.extension.made import Made, bearer_header, issuer
from tests.extension.test_doctor import audited, judged, made

from stopper import Issuer, Secret, SettingError, Stopper, StoreUnavailableError, public
from stopper.auth.issuer import Introspection
from stopper.extension.doctor import Report, Row, diagnose, store
from stopper.extension.doctor.words import Deployment, Outcome
from stopper.service import create_app, open_accounts

__all__ = ["audited"]


def row(report: Report, name: str) -> Row:
    return next(one for one in report.rows if one.id == name)


def test_level_three_is_one_switch(tmp_path: Path) -> None:
    config = {"STOPPER_DATABASE_URL": f"sqlite:///{tmp_path}/s.db", "STOPPER_PUBLIC_URL": "https://made.example"}
    two = diagnose(made(config).app)
    three = diagnose(made({**config, "STOPPER_ASVS_LEVEL": 3}).app)
    assert (two.level, three.level) == (2, 3)
    assert row(two, "O9").verdict == "your part"
    assert row(three, "O9").verdict == "met"
    assert row(three, "V10.3.5").verdict == "met"
    assert "V10.3.5" not in {one.id for one in two.rows}
    said_otherwise = made({**config, "STOPPER_ASVS_LEVEL": 3, "STOPPER_REQUIRE_BOUND_TOKENS": False})
    assert row(diagnose(said_otherwise.app), "V10.3.5").verdict == "not met"


def test_at_level_three_an_unbound_token_opens_nothing(tmp_path: Path) -> None:
    config = {"STOPPER_DATABASE_URL": f"sqlite:///{tmp_path}/s.db", "STOPPER_PUBLIC_URL": "https://made.example"}
    assert made(config).get("/notes", bearer_header()).status_code == 200
    assert made({**config, "STOPPER_ASVS_LEVEL": 3}).get("/notes", bearer_header()).status_code == 401


def test_at_level_three_opaque_tokens_are_asked_about_each_time() -> None:
    def with_opaque(**config: Any) -> Made:
        asks = Introspection("https://idp.example.com/introspect", Secret("s" * 32), "notes")
        opaque = Issuer("https://idp.example.com", profile="opaque", introspection=asks, audience=AUDIENCE)
        return made({"STOPPER_ASVS_LEVEL": 3, "STOPPER_REQUIRE_BOUND_TOKENS": False, **config}, issuers=[opaque])

    assert judged("opaque_tokens_end_at_once", with_opaque(), 3).verdict == "met"
    assert judged("opaque_tokens_end_at_once", with_opaque(STOPPER_INTROSPECTION_LIFETIME=60), 3).verdict == "not met"
    assert judged("opaque_tokens_end_at_once", made(), 3).verdict == "not applicable"
    assert with_opaque().app.extensions["stopper"].parts.opaque._lifetimes.good == 0


def test_a_log_in_of_the_applications_own_is_its_own_part() -> None:
    assert row(diagnose(made().app), "V6.2.1").verdict == "not applicable"
    found = made()
    found.route("/login", public, "login", methods=["POST"])
    found.route("/oauth/authorize", public, "authorize")
    report = diagnose(found.app)
    assert row(report, "V6.2.1").verdict == "your part"
    assert "/login" in row(report, "V6.2.1").evidence
    assert row(report, "O1").verdict == "your part"


GAPS = {"V6.2.4", "V6.2.12", "V6.3.3"}
"""What Stopper's own accounts lack at level 2, as docs/doctor.md says. Who closes one takes it out here."""


def _unmet(report: Report) -> set[str]:
    return {one.id for one in report.rows if one.verdict not in ("met", "your part", "not applicable")}


def test_the_service_lacks_nothing_but_what_the_page_says(tmp_path: Path) -> None:
    accounts = open_accounts("https://auth.example.com", "https://api.example.com", data=tmp_path / "data")
    report = diagnose(create_app(accounts, mode="prod"))
    assert _unmet(report) == GAPS
    assert report.errors == ()


def test_the_sealed_sample_lacks_nothing_but_what_its_accounts_lack() -> None:
    from stopper.demo.sealed import app

    report = diagnose(app)
    assert _unmet(report) == GAPS
    assert row(report, "V3.4.1").verdict == "not applicable", "mode dev is for one machine"


def test_an_api_without_accounts_lacks_nothing() -> None:
    assert _unmet(diagnose(made().app)) == set()


def test_a_store_that_does_not_answer_is_open_and_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_deployment: Deployment) -> Outcome:
        raise StoreUnavailableError("store")

    away.__module__ = store.__name__
    monkeypatch.setattr(store, "clocks_agree", away)
    report = diagnose(made().app)
    assert row(report, "clocks").verdict == "open"
    assert any(error.startswith("clocks: ") for error in report.errors)


def test_a_hook_of_the_application_that_fails_is_no_crash() -> None:
    found = made({"TESTING": True})

    @found.app.before_request
    def fail() -> None:
        raise RuntimeError("hook-with-0f2b9d8e47f3a6f1c02b")

    report = diagnose(found.app)
    assert {one.verdict for one in report.rows if one.check == "hsts_sent"} <= {"open", "met"}
    assert not any("0f2b9d8e47f3a6f1c02b" in one.evidence + one.mend for one in report.rows)


def test_no_row_shows_a_secret(tmp_path: Path) -> None:
    held = ["a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff", "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG", PEPPER.reveal()]
    found = made(
        {
            "STOPPER_API_KEY_PEPPER": held[0],
            "STOPPER_SESSION_SECRET": held[1],
            "SECRET_KEY": "hunter2hunter2",
            "STOPPER_DATABASE_URL": f"sqlite:///{tmp_path}/s.db",
        }
    )
    shown = repr(diagnose(found.app, 3))
    assert not [value for value in (*held, "hunter2hunter2", SECRET.decode("latin-1")) if value in shown]


def test_no_view_runs() -> None:
    found = made()
    diagnose(found.app, 3)
    assert found.ran == []


def test_an_application_that_nobody_guards_is_an_error() -> None:
    with pytest.raises(SettingError):
        diagnose(Flask("bare"))
    app = Flask("late")
    Stopper(app, issuers=[issuer()])
    assert _unmet(diagnose(app)) == set()


def test_the_page_names_what_is_lacking_and_every_list() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
    assert [name for name in GAPS if name not in page] == []
    assert [one for one in ("met", "not met", "your part", "not applicable", "open") if f"`{one}`" not in page] == []
    assert [one for one in ("--level", "--format", "--fail-on", "--all") if one not in page] == []
    assert "STOPPER_ASVS_LEVEL" in page
