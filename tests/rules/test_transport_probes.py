"""Rules about the way to an API speak of other machines only: here the machine is made up, and the answers are given by hand."""

from collections.abc import Callable

import pytest

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Verdict
from stopper.core.probe import Send, Target
from stopper.core.rule import Surface
from stopper.rules.transport import development_server_in_production, insecure_transport
from stopper.scan.forge import TokenForge

NOTES = Route("/notes", ("GET",), "notes")


def asked(probe: Callable[[Target], object], url: str, response: Response) -> Verdict:
    """What the probe says when every request is answered by *response*."""
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
    answer = None
    try:
        while True:
            step = steps.send(answer)  # type: ignore[attr-defined]
            assert isinstance(step, Send)
            answer = Exchange(step.request, response)
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


def test_a_bad_certificate_is_a_failure() -> None:
    broken = Response(0, error="no connection: certificate verify failed: self-signed certificate")
    assert asked(insecure_transport.probe, "https://api.example.com", broken).outcome == "fail"


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
