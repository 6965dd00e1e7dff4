"""Rules about the way to an API speak of other machines only: here the machine is made up, and the answers are given by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Verdict
from stopper.core.probe import LookAtTls, Send, Target
from stopper.core.rule import Surface
from stopper.core.tls import OLD_VERSIONS, CertificateSeen, TlsSeen
from stopper.rules.transport import development_server_in_production, insecure_transport
from stopper.scan.tokens.forge import TokenForge

NOTES = Route("/notes", ("GET",), "notes")


def tls(taken: tuple[str, ...] = (), hash_name: str = "sha256") -> TlsSeen:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    refused = tuple(version for version in OLD_VERSIONS if version not in taken)
    return TlsSeen(now, taken, refused, (), CertificateSeen(now - day, now + day, True, False, 2048, hash_name))


def asked(probe: Callable[[Target], object], url: str, response: Response, seen: TlsSeen | None = None) -> Verdict:
    """What the probe says when every request is answered by *response* and the handshake shows *seen*, a good one if not said."""
    surface: Surface = "https" if url.startswith("https") else "http"
    target = Target(
        App(routes=(NOTES,)),
        surface,
        url,
        "default",
        "quick",
        TokenForge(),
        lambda route, method: Request(method, route.path),
    )
    steps = probe(target)
    answer: object = None
    try:
        while True:
            step = steps.send(answer)  # type: ignore[attr-defined]
            assert isinstance(step, Send | LookAtTls)
            answer = Exchange(step.request, response) if isinstance(step, Send) else seen or tls()
    except StopIteration as done:
        verdict = done.value
    assert isinstance(verdict, Verdict)
    return verdict


ANSWER = Response(200, (("Content-Type", "application/json"),), b"{}")
AWAY = Response(308, (("Location", "https://api.example.com/notes"),))


def test_an_answer_over_plain_http_is_a_failure_with_its_exchange() -> None:
    verdict = asked(insecure_transport.probe, "http://api.example.com", ANSWER)
    assert verdict.outcome == "fail"
    assert verdict.evidence[0].exchange is not None


@pytest.mark.parametrize(("url", "response"), [
    ("http://api.example.com", AWAY),
    ("http://api.example.com", Response(403)),
    ("https://api.example.com", ANSWER),
])  # fmt: skip
def test_a_way_to_https_a_refusal_and_https_itself_pass(url: str, response: Response) -> None:
    assert asked(insecure_transport.probe, url, response).outcome == "pass"


def test_a_server_that_shows_no_certificate_is_left_open() -> None:
    silent = TlsSeen(datetime.now(UTC), unread="timed out")
    assert asked(insecure_transport.probe, "https://api.example.com", ANSWER, silent).outcome == "open"


@pytest.mark.parametrize(("taken", "hash_name", "text"), [
    (("TLS 1.1",), "sha256", "still takes TLS 1.1"),
    ((), "sha1", "signature stands on SHA1"),
])  # fmt: skip
def test_weak_tls_is_a_failure(taken: tuple[str, ...], hash_name: str, text: str) -> None:
    verdict = asked(insecure_transport.probe, "https://api.example.com", ANSWER, tls(taken, hash_name))
    assert (verdict.outcome, text in verdict.message) == ("fail", True)
    assert [str(ref) for ref in verdict.routes] == ["GET /notes"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_on_the_loopback_neither_rule_applies(url: str) -> None:
    served = Response(200, (("Server", "Werkzeug/3.1.3 Python/3.11"),), b"{}")
    assert asked(insecure_transport.probe, url, served).outcome == "not-applicable"
    assert asked(development_server_in_production.probe, url, served).outcome == "not-applicable"


def test_the_server_header_tells_the_development_server() -> None:
    served = Response(200, (("Server", "Werkzeug/3.1.3 Python/3.11"),), b"{}")
    assert asked(development_server_in_production.probe, "http://api.example.com", served).outcome == "fail"
    real = Response(200, (("Server", "gunicorn"),), b"{}")
    assert asked(development_server_in_production.probe, "http://api.example.com", real).outcome == "pass"
