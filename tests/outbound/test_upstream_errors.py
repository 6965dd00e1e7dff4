"""What the client of a Flask API reads when a service behind it fails."""

import importlib
import json
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from tests.outbound.conftest import CANARY
from tests.outbound.peers import Peer, Script, raw, reply, reset

import stopper.demo.sealed
from stopper import Stopper, public
from stopper.extension import upstream_errors
from stopper.outbound import Client, OutboundError
from stopper.outbound.webhook import RememberedIds, WebhookVerifier, new_secret

Serve = Callable[..., Peer]
Bound = Callable[..., Client]
FAULTS: dict[str, tuple[Script, int]] = {
    "reset": (reset, 502),
    "html": (reply(b"<h1>secret</h1>", kind="text/html"), 502),
    "500": (reply(b'{"secret": 1}', "500 Oops"), 502),
    "garbage": (raw(b"secret"), 502),
    "redirect": (reply(b"", "302 Found", Location="https://secret.example/"), 502),
    "silence": (lambda connection, request: connection.recv(1) and None, 504),
}


def application(client: Client, url: str, *, guarded: bool, envelope: str = "problem") -> Flask:
    app = Flask("upstream")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    if guarded:
        app.config["STOPPER_ENVELOPE"] = envelope
        Stopper(app)
    else:
        upstream_errors.install(app)

    @app.get("/")
    @public
    def home() -> object:
        return client.get(url).checked().json()

    return app


@pytest.mark.feature("F18")
@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_answer_holds_nothing_of_the_call(
    serve: Serve, bound: Bound, fault: str, guarded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    script, status = FAULTS[fault]
    peer = serve(script)
    client = bound(peer, limits={"read": 0.2} if fault == "silence" else {})
    app = application(client, f"{peer.url}/v1/secret?key=secret", guarded=guarded)
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"
    title = {502: "Bad Gateway", 504: "Gateway Timeout"}[status]
    assert json.loads(answer.data) == {"type": "about:blank", "title": title, "status": status}
    assert "127.0.0.1" in caplog.text, "an operator must be able to see which service it was"
    for hidden in (CANARY, "secret"):
        assert hidden not in caplog.text


def test_the_envelope_setting_holds_here_too(serve: Serve, bound: Bound) -> None:
    peer = serve(reset)
    app = application(bound(peer), f"{peer.url}/v1/x", guarded=True, envelope="status")
    answer = app.test_client().get("/").get_json()
    assert answer == {"status": "failed", "error": {"code": "outbound", "message": "Bad Gateway"}}


def test_a_handler_of_the_application_comes_first(serve: Serve, bound: Bound) -> None:
    peer = serve(reset)
    app = application(bound(peer), f"{peer.url}/v1/x", guarded=True)
    app.register_error_handler(OutboundError, lambda error: (error.reason, 418))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text) == (418, "broken")


def test_a_webhook_that_does_not_hold_gets_401_and_no_reason() -> None:
    app, judge = Flask("hooks"), WebhookVerifier(new_secret(), once=RememberedIds())
    Stopper(app)

    @app.post("/hook")
    @public
    def hook() -> str:
        return judge.verify(request.headers, request.get_data())

    answer = app.test_client().post("/hook", data=b"{}")
    assert answer.status_code == 401
    assert answer.get_json() == {"type": "about:blank", "title": "Unauthorized", "status": 401}


def test_the_sealed_sample_answers_502_without_its_quotes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's client calls the service it is bound to, and its failure says nothing."""
    peer = serve(reply(b"Well begun is half done.", kind="text/plain; charset=utf-8"))
    monkeypatch.setitem(os.environ, "QUOTES_URL", f"{peer.url}/quote?key=url-canary")
    sealed: Any = importlib.reload(stopper.demo.sealed)
    try:
        view = sealed.app.view_functions["quote"]
        with sealed.app.test_request_context("/quote", headers={"Authorization": "Bearer caller"}):
            assert getattr(view, "__wrapped__", view)() == {"quote": "Well begun is half done."}
        assert b"caller" not in b"".join(peer.requests)
        peer.script = reset
        with sealed.app.test_request_context("/quote"), pytest.raises(OutboundError) as wrong:
            getattr(view, "__wrapped__", view)()
        with sealed.app.test_request_context("/quote"):
            answer = sealed.app.handle_user_exception(wrong.value)
        assert answer.status_code == 502
        assert "url-canary" not in answer.get_data(as_text=True)
    finally:
        monkeypatch.undo()
        importlib.reload(stopper.demo.sealed)


def test_the_rule_names_what_there_is() -> None:
    """``ends`` of incoming-headers-forwarded names a thing of this package."""
    from stopper.rules.api_key.incoming_headers_forwarded import RULE

    module, _, name = RULE.ends.split("`")[1].rpartition(".")
    assert getattr(importlib.import_module(module), name) is Client
