"""A client certificate counts when a trusted proxy hands it on; from anybody else the header is air."""

import base64
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from tests.auth.certificate_smith import MOMENT, SERVER, Authority, der, pem, uri
from tests.auth.dpop_smith import Holder, Once, ath
from tests.auth.token_smith import NOW, claims, hs256
from tests.extension.made import Made, bearer_header

from stopper import InvalidCredentialError, InvalidRequestError, SettingError, bearer, client_certificate, where
from stopper.auth.certificate import Certificates, certificate_thumbprint
from stopper.auth.clock import SetClock
from stopper.extension.client_certificate import ShownCertificates
from stopper.extension.proxies import Proxies

CA = Authority()
PROXIES = Proxies((ip_network("127.0.0.1"),))
SPIFFE = uri("spiffe://company.example/billing")
BILLING = CA.issue(SPIFFE, x509.DNSName("billing.company.example"))
OTHER = CA.issue(uri("spiffe://company.example/other"))


def rfc9440(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(der(certificate)).decode()}:"


def xfcc(certificate: x509.Certificate) -> str:
    return f'By=spiffe://x/y;Hash=00;Cert="{quote(pem(certificate), safe="")}";Subject="CN=a, O=\\"b\\"";URI=spiffe://z'


FORMS = {"rfc9440": rfc9440, "pem": lambda certificate: quote(pem(certificate), safe=""), "xfcc": xfcc}


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    return {
        "STOPPER_TRUSTED_PROXIES": "127.0.0.1",
        "STOPPER_CLIENT_CERTIFICATE_HEADER": "Client-Cert",
        "STOPPER_CLIENT_CERTIFICATE_AUTHORITIES": str(tmp_path / "ca.pem"),
    }


def made(config: dict[str, Any]) -> Made:
    app = Made(config, single_use=Once())
    app.route("/bearer", bearer, "bearer")
    app.route("/machine", client_certificate, "machine")
    app.route("/either", bearer | client_certificate, "either")
    app.route("/both", bearer & client_certificate, "both")
    app.route(
        "/billing", client_certificate & where(lambda principal: principal.subject.endswith("/billing")), "billing"
    )
    app.stopper.seal()
    return app


def cert(certificate: x509.Certificate = BILLING) -> tuple[str, str]:
    return "Client-Cert", rfc9440(certificate)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_machine_passes_with_the_certificate_that_the_proxy_hands_on(config: dict[str, Any], form: str) -> None:
    app = made({**config, "STOPPER_CLIENT_CERTIFICATE_FORMAT": form})
    assert app.get("/machine").status_code == 401
    for _ in range(2):
        assert app.get("/machine", ("Client-Cert", FORMS[form](BILLING))).status_code == 200
        assert app.get("/billing", ("Client-Cert", FORMS[form](BILLING))).status_code == 200
        assert app.get("/billing", ("Client-Cert", FORMS[form](OTHER))).status_code == 403


def test_from_anybody_else_the_header_is_ignored(config: dict[str, Any]) -> None:
    app = made(config)
    stranger = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert app.get("/machine", cert(), **stranger).status_code == 401
    assert app.get("/machine", cert(), ("X-Forwarded-For", "127.0.0.1"), **stranger).status_code == 401
    assert app.get("/machine", ("Client-Cert", "nonsense"), **stranger).status_code == 401
    assert not app.ran


def test_it_is_ignored_where_the_policy_does_not_name_it(config: dict[str, Any]) -> None:
    app = made(config)
    assert app.get("/bearer", cert()).status_code == 401
    assert app.get("/bearer", cert(), bearer_header()).status_code == 200
    assert app.get("/bearer", ("Client-Cert", "nonsense"), bearer_header()).status_code == 200
    assert app.get("/either", cert(), bearer_header()).status_code == 200
    assert app.get("/either", cert()).status_code == 200


def test_both_may_be_asked_for(config: dict[str, Any]) -> None:
    app = made(config)
    assert app.get("/both", bearer_header()).status_code == 401
    assert app.get("/both", cert()).status_code == 401
    for _ in range(2):
        assert app.get("/both", cert(), bearer_header()).status_code == 200
    assert app.get("/both", cert(Authority().issue(SPIFFE)), bearer_header()).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense", "::", ":!:", f"{rfc9440(BILLING)}, {rfc9440(BILLING)}", rfc9440(BILLING)[:-1], quote(pem(BILLING), safe=""),
        ":" + "A" * 40_000 + ":",
    ],
)  # fmt: skip
def test_bytes_that_are_no_certificate(config: dict[str, Any], wrong: str) -> None:
    app = made(config)
    assert app.get("/machine", ("Client-Cert", wrong)).status_code == 400
    assert not app.ran


@pytest.mark.parametrize(
    "said", [xfcc(BILLING) + "," + xfcc(OTHER), xfcc(BILLING) + ";" + xfcc(OTHER), "Hash=00", "Cert=x", 'Cert="x']
)
def test_a_header_of_envoy_with_two_or_none(said: str) -> None:
    shown = ShownCertificates(PROXIES, "X-Forwarded-Client-Cert", "xfcc", None)
    with pytest.raises(InvalidRequestError):
        shown.der({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_CLIENT_CERT": said})


@pytest.mark.parametrize("form", ["pem", "xfcc"])
def test_a_header_full_of_blanks_is_read_in_one_go(form: str) -> None:
    """Two patterns of blanks beside each other took the cube of their number: this one never came to an end."""
    said = quote("-----BEGIN CERTIFICATE-----" + "\n" * 9_000, safe="")
    shown = ShownCertificates(PROXIES, "Client-Cert", form, None)
    with pytest.raises(InvalidRequestError):
        shown.der({"REMOTE_ADDR": "127.0.0.1", "HTTP_CLIENT_CERT": said if form == "pem" else f'Cert="{said}"'})


@given(st.text(max_size=100), st.sampled_from(sorted(FORMS)))
def test_no_header_breaks_it(said: str, form: str) -> None:
    shown = ShownCertificates(PROXIES, "Client-Cert", form, None)
    try:
        found = shown.der({"REMOTE_ADDR": "127.0.0.1", "HTTP_CLIENT_CERT": said})
    except InvalidRequestError:
        return
    assert found is None or isinstance(found, bytes)


def verified(certificate: bytes, at: float = NOW) -> str:
    return Certificates([CA.certificate], SetClock(at)).verify(certificate).subject


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (der(Authority().issue(SPIFFE)), "certificate-chain"),
        (der(CA.issue(SPIFFE, usage=SERVER)), "certificate-chain"),
        (der(CA.issue(SPIFFE, usage=None)), "certificate-usage"),
        (der(CA.issue(SPIFFE, ends=timedelta(hours=-1))), "certificate-chain"),
        (der(CA.issue(SPIFFE, starts=timedelta(hours=1))), "certificate-chain"),
        (der(CA.issue()), "certificate-chain"),
        (der(CA.issue(x509.RegisteredID(x509.ObjectIdentifier("1.2.3")))), "certificate-name"),
        (der(CA.certificate), "certificate-chain"),
        (der(BILLING)[:-5], "certificate-form"),
        (der(BILLING) + b"x", "certificate-form"),
        (b"", "certificate-form"),
        (b"0" * 20_000, "certificate-too-long"),
    ],
)
def test_certificates_that_open_nothing(certificate: bytes, reason: str) -> None:
    with pytest.raises(InvalidCredentialError) as refused:
        verified(certificate)
    assert refused.value.reason == reason


def test_the_subject_is_the_first_name_and_a_remembered_certificate_still_ends() -> None:
    assert verified(der(BILLING)) == "spiffe://company.example/billing"
    assert verified(der(CA.issue(x509.RFC822Name("ada@company.example"), x509.DNSName("ada.example")))) == "ada.example"
    clock = SetClock(NOW)
    certificates = Certificates([CA.certificate], clock)
    short = der(CA.issue(SPIFFE, ends=timedelta(seconds=10)))
    assert certificates.verify(short).credential_id == certificate_thumbprint(short)
    clock.forward(11)
    with pytest.raises(InvalidCredentialError, match="certificate-date"):
        certificates.verify(short)
    assert MOMENT.timestamp() == NOW


def bound(certificate: x509.Certificate = BILLING, **more: Any) -> tuple[str, str]:
    return bearer_header(cnf={"x5t#S256": certificate_thumbprint(der(certificate)), **more})


@pytest.mark.feature("F44")
def test_a_token_that_is_bound_to_a_certificate_needs_it(config: dict[str, Any]) -> None:
    app = made(config)
    for _ in range(2):
        assert app.get("/bearer", bound(), cert()).status_code == 200
        assert app.get("/bearer", bound()).status_code == 401
        assert app.get("/bearer", bound(), cert(OTHER)).status_code == 401
        assert app.get("/bearer", bound(), cert(), environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 401
    own = CA.issue(SPIFFE, usage=None)
    assert app.get("/bearer", bound(own), cert(own)).status_code == 200, "the hash says who it is, whoever signed it"


def test_the_switch_is_content_with_a_certificate(config: dict[str, Any]) -> None:
    app = Made({**config, "STOPPER_REQUIRE_BOUND_TOKENS": True})
    app.route("/bearer", bearer, "bearer")
    assert app.get("/bearer", bound(), cert()).status_code == 200
    assert app.get("/bearer", bearer_header(), cert()).status_code == 401


def test_a_token_that_is_bound_twice_needs_both(config: dict[str, Any]) -> None:
    app, holder = made(config), Holder()
    token = hs256(payload=claims(cnf={"x5t#S256": certificate_thumbprint(der(BILLING)), "jkt": holder.thumbprint}))

    def shown(*more: tuple[str, str]) -> int:
        proof = holder.proof(htu="http://localhost/bearer", ath=ath(token))
        said = [("Authorization", f"DPoP {token}"), ("DPoP", proof), *more]
        return int(app.get("/bearer", *said).status_code)

    assert shown() == 401
    assert shown(cert(OTHER)) == 401
    assert shown(cert()) == 200
    assert app.get("/bearer", ("Authorization", f"Bearer {token}"), cert()).status_code == 401


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"STOPPER_TRUSTED_PROXIES": ""}, "no proxy is trusted"),
        ({"STOPPER_TRUSTED_PROXIES": 1}, "is a number"),
        ({"STOPPER_CLIENT_CERTIFICATE_HEADER": "Authorization"}, "cannot be"),
        ({"STOPPER_CLIENT_CERTIFICATE_HEADER": "a b"}, "cannot be"),
        ({"STOPPER_CLIENT_CERTIFICATE_HEADER": ""}, "not the header"),
        ({"STOPPER_CLIENT_CERTIFICATE_AUTHORITIES": "/nowhere.pem"}, "no certificate"),
        ({"STOPPER_CLIENT_CERTIFICATE_FORMAT": "der"}, "one of"),
    ],
)
def test_a_set_up_that_anybody_could_forge_is_refused(
    config: dict[str, Any], change: dict[str, str], word: str
) -> None:
    with pytest.raises(SettingError, match=word):
        made({**config, **change})


def test_a_policy_without_authorities_is_refused_when_sealed(config: dict[str, Any]) -> None:
    del config["STOPPER_CLIENT_CERTIFICATE_AUTHORITIES"]
    for settings in (config, {}):
        with pytest.raises(SettingError, match="nobody says whose"):
            made(settings)


def test_over_a_socket_of_this_machine(config: dict[str, Any]) -> None:
    over_socket = {"environ_overrides": {"REMOTE_ADDR": ""}}
    assert made({**config, "STOPPER_TRUSTED_PROXIES": "unix"}).get("/machine", cert(), **over_socket).status_code == 200
    assert made({**config, "STOPPER_TRUSTED_PROXIES": "unix"}).get("/machine", cert()).status_code == 401
    assert made(config).get("/machine", cert(), **over_socket).status_code == 401
