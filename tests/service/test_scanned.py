"""The service is its own first patient: every rule of the catalogue, in mode prod, and no finding."""

from pathlib import Path

import pytest

from stopper.scan import catalogue
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_audit

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
    outcomes = {outcome.slug: outcome.outcome for outcome in report.outcomes}
    assert outcomes["jwt-none-algorithm-accepted"] == outcomes["jwt-broken-signature-accepted"] == "pass"
    # Two test runs side by side may hash so slowly that the probe gives up before the limit shows; it says so then, and convicts nobody.
    assert outcomes["login-not-throttled"] != "fail"
