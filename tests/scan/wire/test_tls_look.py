"""TLS of a target is tried against real servers: what each is weak in is told, a good one passes, and no request goes where trust is missing."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from tests.scan.wire.tls_servers import HOST, Authority, TlsServer, authority, certificate, serving

from stopper.core.errors import IncompleteError
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.rules.transport.insecure_transport import RULE
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report, severity_of
from stopper.scan.run import run_scan
from stopper.scan.wire import tls_look
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport

Look = Callable[[TlsServer], Report]


@pytest.fixture
def vouching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the scan trusts, and a name of a host that stands for the loopback."""
    one = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(one.file))
    really = socket.getaddrinfo

    def here(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return really("127.0.0.1" if host == HOST else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    return one


def scanned(server: TlsServer, host: str = HOST, *people: Identity) -> Report:
    return run_scan(f"https://{host}:{server.port}", ProbeOptions(rules=(RULE,), identities=people))


def said(report: Report) -> str:
    return " ".join(finding.message for finding in report.findings)


def test_a_good_server_passes(tmp_path: Path, vouching: Authority) -> None:
    with serving(certificate(tmp_path, vouching)) as server:
        report = scanned(server)
    assert report.findings == ()
    assert [(one.slug, one.outcome) for one in report.outcomes] == [("insecure-transport", "pass")]


def test_old_versions_are_told_and_the_good_handshake_stays_good(tmp_path: Path, vouching: Authority) -> None:
    with serving(certificate(tmp_path, vouching), old=True) as server:
        report = scanned(server)
    assert said(report) == "the server still takes TLS 1.0, and still takes TLS 1.1"
    assert report.findings[0].confidence == "proven"
    assert severity_of(report.findings[0]) == "medium"


def test_a_server_of_old_versions_alone_is_a_finding_though_no_request_can_be_sent(
    tmp_path: Path, vouching: Authority
) -> None:
    with serving(certificate(tmp_path, vouching), old=True, newest=ssl.TLSVersion.TLSv1_1) as server:
        report = scanned(server)
    assert "still takes TLS 1.0" in said(report)
    assert report.errors


def test_a_server_of_weak_ciphers_alone_is_told(tmp_path: Path, vouching: Authority) -> None:
    file = certificate(tmp_path, vouching, rsa_bits=2048)
    with serving(file, newest=ssl.TLSVersion.TLSv1_2, ciphers="AES128-CCM") as server:
        report = scanned(server)
    assert "holds no handshake with a careful client" in said(report)
    assert server.heard == []


@pytest.mark.parametrize(("ciphers", "family"), [
    ("ALL:!aNULL:ECDHE-ECDSA-NULL-SHA", "ciphers that encrypt nothing"),
    ("ALL:aNULL", "ciphers without a certificate"),
])  # fmt: skip
def test_a_weak_cipher_beside_good_ones_is_told(tmp_path: Path, vouching: Authority, ciphers: str, family: str) -> None:
    with serving(certificate(tmp_path, vouching), ciphers=ciphers) as server:
        report = scanned(server)
    assert said(report) == f"the server takes {family}"
    assert severity_of(report.findings[0]) == "high"
    assert "Authorization" not in b"".join(server.heard).decode()


def test_a_certificate_that_nobody_can_read_leaves_the_rule_open(
    tmp_path: Path, vouching: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_der: bytes) -> None:
        raise UnsupportedAlgorithm("a key of tomorrow")

    monkeypatch.setattr(x509, "load_der_x509_certificate", unreadable)
    with serving(certificate(tmp_path, vouching)) as server:
        report = scanned(server)
    assert [one.outcome for one in report.outcomes] == ["open"]


@pytest.mark.parametrize(("made", "message"), [
    ({"days": (-9, -2)}, "shows a certificate that ended on"),
    ({"days": (2, 9)}, "shows a certificate that begins on"),
    ({"host": "other.example.com"}, "shows a certificate for another host"),
    ({"rsa_bits": 1024}, "shows a certificate with an RSA key of 1024 bits"),
])  # fmt: skip
def test_a_bad_certificate_is_a_finding_and_an_error(
    tmp_path: Path, vouching: Authority, made: dict[str, Any], message: str
) -> None:
    with serving(certificate(tmp_path, vouching, **made)) as server:
        report = scanned(server)
    assert message in said(report)
    assert "certificate" not in said(report).partition(message)[2]
    assert severity_of(report.findings[0]) == ("medium" if "RSA key" in message else "high")
    assert any("mend the certificate" in error.message for error in report.errors)


@pytest.mark.usefixtures("vouching")
def test_no_credential_and_no_request_reach_a_server_that_signed_itself(tmp_path: Path) -> None:
    alice = Identity("alice", (("Authorization", Secret("Bearer alice-of-this-test")),))
    with serving(certificate(tmp_path, None)) as server:
        report = scanned(server, HOST, alice)
    assert said(report) == "the server shows a certificate that it signed itself"
    assert server.heard == []


def test_what_this_machine_cannot_speak_is_not_called_good(
    tmp_path: Path, vouching: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_look, "_only", lambda _version: None)
    with serving(certificate(tmp_path, vouching)) as server:
        report = scanned(server)
    assert [one.outcome for one in report.outcomes] == ["open"]
    assert "not tested: TLS 1.0: the OpenSSL of this machine does not speak it" in report.outcomes[0].message


@pytest.mark.usefixtures("vouching")
def test_a_server_of_this_machine_is_no_finding(tmp_path: Path) -> None:
    with serving(certificate(tmp_path, None)) as server, pytest.raises(IncompleteError, match="mend the certificate"):
        scanned(server, "localhost")


def test_each_connection_counts_as_a_request(tmp_path: Path, vouching: Authority) -> None:
    with serving(certificate(tmp_path, vouching)) as server:
        courier = Courier(HttpTransport(f"https://{HOST}:{server.port}"), max_requests=2)
        with pytest.raises(Skipped, match="--max-requests"):
            courier.look_at_tls()
    assert courier.sent == 2


def test_plain_http_has_nothing_to_look_at() -> None:
    with pytest.raises(Skipped, match="no TLS"):
        Courier(HttpTransport("http://127.0.0.1:1")).look_at_tls()


@pytest.mark.parametrize(("pattern", "host", "fits"), [
    ("*.example.com", "api.example.com", True),
    ("*.example.com", "a.b.example.com", False),
    ("*.example.com", "example.com", False),
    ("example.com", "example.com", True),
    ("example.com", "notexample.com", False),
])  # fmt: skip
def test_a_star_stands_for_one_label(pattern: str, host: str, fits: bool) -> None:
    assert tls_look._same_name(pattern, host) is fits
