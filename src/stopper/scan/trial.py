"""Tries one rule on one running surface: what the pages' tests and rule authors use."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from werkzeug.serving import WSGIRequestHandler, make_server

from stopper.core.app import App
from stopper.core.finding import Verdict
from stopper.core.probe import Depth, Identity, Mode
from stopper.core.rule import Rule
from stopper.scan.engine import run_probe
from stopper.scan.merge import merged, with_spec
from stopper.scan.running.read import read_running
from stopper.scan.spec.find import served_spec
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.transport import Transport
from stopper.scan.wire.wsgi import WsgiApp, WsgiTransport


def try_rule(
    rule: Rule,
    app: WsgiApp,
    *,
    surface: Literal["wsgi", "http"] = "wsgi",
    root: Path = Path(),
    source: App | None = None,
    identities: Sequence[Identity] = (),
    mode: Mode = "active",
    depth: Depth = "deep",
) -> Verdict:
    """The verdict of *rule*'s probe on a Flask object, over WSGI or over HTTP on a free port of the loopback.

    ``source`` is the model that the source reader made of it; the running reader's is joined to it. Test people are registered
    where the app takes them, minted where its signing key is in its settings.
    """
    if surface == "wsgi":
        return _tried(rule, WsgiTransport(app), model_of(app, root, source), identities, mode, depth)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    transport = HttpTransport(f"http://127.0.0.1:{server.server_port}")
    try:
        return _tried(rule, transport, model_of(app, root, source), identities, mode, depth)
    finally:
        transport.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


def model_of(app: object, root: Path, source: App | None) -> App:
    """The running reader's model of *app*, joined with the source's."""
    running = read_running(app, root)
    return merged(running, source) if source is not None else running


def _tried(
    rule: Rule, transport: Transport, model: App, given: Sequence[Identity], mode: Mode, depth: Depth
) -> Verdict:
    courier = Courier(transport, mode=mode, max_requests=5000)
    if (document := served_spec(courier, model.routes)) is not None:
        model = with_spec(model, *document)
    courier.forms = FormDoors.of(model.routes)
    return run_probe(rule, prepare(model, courier, given, mode, depth).target, courier).verdict


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Stay quiet."""
