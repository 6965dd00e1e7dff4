"""The service is its own first patient: every rule of the catalogue, in mode prod, and no finding."""

from pathlib import Path

import pytest

from stopper.scan import catalogue
from stopper.scan.audit.parent import run_audit
from stopper.scan.options import ProbeOptions

_APP = """
from pathlib import Path
from stopper.service.application import create_app
from stopper.service.parts import open_accounts

accounts = open_accounts("https://auth.example.com", "stopper", data=Path({folder!r}), open_registration=True)
app = create_app(accounts, mode="prod", show_documentation=True)
"""


@pytest.mark.feature("F35")
def test_the_service_comes_out_of_its_own_scan_clean(tmp_path: Path) -> None:
    (tmp_path / "auth_service_app.py").write_text(_APP.format(folder=str(tmp_path / "data")), "utf-8")
    report = run_audit("auth_service_app:app", ProbeOptions(rules=catalogue.load(), mode="active", root=tmp_path))
    assert [(finding.rule.slug, finding.message) for finding in report.findings] == []
    assert report.grade == "A"
    assert not any("log in as nobody" in skip.reason for skip in report.skipped)
    passed = {outcome.slug for outcome in report.outcomes if outcome.outcome == "pass"}
    assert {"jwt-none-algorithm-accepted", "jwt-broken-signature-accepted", "login-not-throttled"} <= passed
