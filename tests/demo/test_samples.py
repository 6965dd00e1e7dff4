"""The leaky sample is found out, the sealed one is clean, and both stay on this machine."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from werkzeug.serving import make_server

import stopper.demo.leaky
import stopper.demo.sealed
from stopper.demo.loopback import LoopbackOnly
from stopper.demo.planted import planted, untold
from stopper.demo.serve_one import serve
from stopper.scan import catalogue
from stopper.scan.audit.parent import run_audit
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report
from stopper.scan.run import run_scan
from stopper.scan.score import scored


def _audit(name: str, root: Path) -> Report:
    return scored(run_audit(f"examples.{name}:app", ProbeOptions(rules=catalogue.load(), mode="active", root=root)))


@pytest.fixture(scope="module")
def leaky(repository: Path) -> Report:
    return _audit("leaky", repository)


@pytest.fixture(scope="module")
def sealed(repository: Path) -> Report:
    return _audit("sealed", repository)


def test_every_planted_weakness_is_found(leaky: Report) -> None:
    assert len(planted()) > 20
    assert untold(leaky.findings) == frozenset()


def test_a_weakness_that_is_not_told_is_missed(leaky: Report) -> None:
    without = [finding for finding in leaky.findings if finding.rule.slug != "object-lookup-without-owner"]
    assert untold(without) == {"object-lookup-without-owner", "cross-user-object-access"}


def test_nothing_but_what_is_planted_is_found(leaky: Report) -> None:
    marks = planted()
    slugs = {slug for slug, _ in marks}
    assert {finding.rule.slug for finding in leaky.findings} - slugs == set()


def test_every_source_place_is_a_marked_line(leaky: Report) -> None:
    lines = {line for _, line in planted()}
    strange = [
        (finding.rule.slug, place.span.line)
        for finding in leaky.findings
        if finding.rule.detect is not None
        for place in finding.places
        if place.span is not None
        and place.route is None
        and place.span.path.endswith("leaky.py")
        and place.span.line not in lines
    ]
    assert strange == []


def test_leaky_gets_f(leaky: Report) -> None:
    assert leaky.grade == "F"


def test_at_least_five_findings_are_confirmed_with_line_route_and_exchanges(leaky: Report) -> None:
    whole = [
        finding
        for finding in leaky.findings
        if finding.confidence == "confirmed"
        and any(place.span is not None for place in finding.places)
        and any(place.route is not None for place in finding.places)
        and any(evidence.exchange is not None for evidence in finding.evidence)
    ]
    assert len(whole) >= 5


def test_the_default_mode_confirms_five_as_well(repository: Path) -> None:
    report = run_audit("examples.leaky:app", ProbeOptions(rules=catalogue.load(), root=repository))
    assert sum(finding.confidence == "confirmed" for finding in report.findings) >= 5


def test_sealed_gets_a_without_a_finding(sealed: Report) -> None:
    assert [(finding.rule.slug, finding.message) for finding in sealed.findings] == []
    assert sealed.grade == "A"


def test_sealed_is_shorter_than_leaky() -> None:
    def length(module: object) -> int:
        text = Path(str(module.__file__)).read_text("utf-8")  # type: ignore[attr-defined]
        return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines())

    assert length(stopper.demo.sealed) < length(stopper.demo.leaky)


def test_both_samples_serve_the_same_routes() -> None:
    def doors(module: object) -> set[tuple[str, str]]:
        return {
            (method, re.sub(r"<[^>]+>", "{}", str(rule)))
            for rule in module.app.url_map.iter_rules()  # type: ignore[attr-defined]
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }

    renamed = {"/register": "/auth/register", "/login": "/auth/login", "/logout": "/auth/logout", "/me": "/auth/me"}
    wanted = {
        (method, renamed.get(path, path))
        for method, path in doors(stopper.demo.leaky)
        if "/debug" not in path and "/static" not in path
    }
    assert wanted - doors(stopper.demo.sealed) == set()


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Iterator[str]:
    module = {"leaky": stopper.demo.leaky, "sealed": stopper.demo.sealed}[request.param]
    server = make_server("127.0.0.1", 0, module.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.filterwarnings("ignore:The HMAC key:Warning")
@pytest.mark.parametrize("live", ["leaky"], indirect=True)
def test_a_live_scan_finds_the_leaky_api_out(live: str) -> None:
    report = scored(run_scan(live, ProbeOptions(rules=catalogue.load(), mode="active")))
    proven = {finding.rule.slug for finding in report.findings if finding.confidence == "proven"}
    wanted = {
        "jwt-broken-signature-accepted",
        "cross-user-object-access",
        "api-key-unset-fails-open",
        "jwt-secret-guessable",
    }
    assert wanted - proven == set()
    assert report.grade == "F"


@pytest.mark.parametrize("live", ["sealed"], indirect=True)
def test_a_live_scan_finds_nothing_in_the_sealed_api(live: str) -> None:
    report = scored(run_scan(live, ProbeOptions(rules=catalogue.load(), mode="active")))
    assert [(finding.rule.slug, finding.message) for finding in report.findings] == []


@pytest.mark.parametrize("live", ["leaky", "sealed"], indirect=True)
def test_a_passive_scan_registers_nobody(live: str) -> None:
    before = stopper.demo.leaky.query("SELECT count(*) FROM people")[0][0]
    run_scan(live, ProbeOptions(rules=catalogue.load(), mode="passive"))
    assert stopper.demo.leaky.query("SELECT count(*) FROM people")[0][0] == before
    assert urllib3.request("GET", live + "/openapi.json").status == 200


def test_a_caller_from_elsewhere_is_turned_away() -> None:
    answers: list[str] = []
    body = LoopbackOnly(lambda environ, start_response: [b"reached"])(
        {"REMOTE_ADDR": "192.0.2.7"}, lambda status, headers, exc_info=None: answers.append(status)
    )
    assert answers == ["403 Forbidden"]
    assert b"reached" not in b"".join(body)


def test_serving_on_another_address_is_refused() -> None:
    with pytest.raises(ValueError, match="this machine alone"):
        serve("leaky", 0, host="0.0.0.0")
