"""A token over plain HTTP: the machine is made up, because on the loopback the rule has nothing to say."""

from collections.abc import Callable

import pytest

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Send, Target
from stopper.core.rule import Surface
from stopper.core.secret import Secret
from stopper.rules.bearer.bearer_over_plain_http import probe
from stopper.scan.tokens.forge import TokenForge

TOKEN = "alices-own-token"
ALICE = Identity("alice", (("Authorization", Secret(f"Bearer {TOKEN}")),), Secret(TOKEN))
NOTES = Route("/notes", ("GET",), "notes")
OK = Response(200, (("Content-Type", "application/json"),), b'{"notes": []}')
REFUSED = Response(401)
AWAY = Response(308, (("Location", "https://api.example.com/notes"),))


def asked(url: str, answer: Callable[[Request], Response], surface: Surface = "http") -> Verdict:
    """What the probe says when the machine answers so."""
    target = Target(
        App(routes=(NOTES,)),
        surface,
        url,
        "default",
        "quick",
        TokenForge(),
        lambda route, method: Request(method, route.path),
        identities=(ALICE,),
    )
    steps = probe(target)
    exchange = None
    while True:
        try:
            step = steps.send(exchange)
        except StopIteration as done:
            verdict = done.value
            break
        assert isinstance(step, Send)
        exchange = Exchange(step.request, answer(step.request))
    assert isinstance(verdict, Verdict)
    return verdict


def closed(request: Request) -> Response:
    """A route that a token opens."""
    return OK if request.header("Authorization") else REFUSED


def test_a_token_that_is_accepted_over_plain_http_is_a_failure_with_both_exchanges() -> None:
    verdict = asked("http://api.example.com", closed)
    assert verdict.outcome == "fail"
    assert len(verdict.evidence) == 2


def test_a_redirect_to_https_comes_after_the_token_was_sent() -> None:
    assert asked("http://api.example.com", lambda _: AWAY).outcome == "fail"


@pytest.mark.parametrize("response", [Response(403), Response(426), Response(0, error="connection refused")])
def test_a_refusal_before_the_token_is_looked_at_passes(response: Response) -> None:
    assert asked("http://api.example.com", lambda _: response).outcome == "pass"


def test_a_public_route_is_not_accused() -> None:
    assert asked("http://api.example.com", lambda _: OK).outcome == "pass"


def test_https_and_the_loopback_are_not_asked() -> None:
    assert asked("https://api.example.com", closed, "https").outcome == "not-applicable"
    assert asked("http://127.0.0.1:5000", closed).outcome == "not-applicable"
