"""One probe, two surfaces: over WSGI and over HTTP every rule comes to the same verdict."""

from pathlib import Path

import pytest
from flask import Flask
from tests.scan.engine.test_leaves_no_trace import leaky
from tests.scan.engine.test_renewal import Bank
from tests.scan.engine.test_scan import served

from stopper.core.app import App
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probes
from stopper.scan.running.read import read_running
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.transport import Transport
from stopper.scan.wire.wsgi import WsgiTransport

BOTH = tuple(rule for rule in load() if rule.probe is not None and {"wsgi", "http"} <= set(rule.surfaces))
CAROL = Identity("carol", (), subject="carol@example.com", password=Secret("carols-password"))


def verdicts(transport: Transport, model: App) -> dict[str, str]:
    courier = Courier(transport, mode="active", max_requests=5000)
    ready = prepare(model, courier, (CAROL,), "active", "standard", canary="stpcanary1")
    results = run_probes(ready.target, BOTH, courier, workers=1, renewals=ready.renewals)
    transport.close()
    return {one.rule.slug: one.verdict.outcome for one in results}


def apps(name: str, folder: Path) -> Flask:
    folder.mkdir()
    return leaky(folder / "data.db") if name == "leaky" else Bank().app()


@pytest.mark.parametrize("name", ["leaky", "bank"])
def test_every_rule_of_both_surfaces_says_the_same_on_both(name: str, tmp_path: Path) -> None:
    inside = apps(name, tmp_path / "inside")
    over_wsgi = verdicts(WsgiTransport(inside), read_running(inside, Path()))
    outside = apps(name, tmp_path / "outside")
    with served(outside) as url:
        over_http = verdicts(HttpTransport(url), read_running(outside, Path()))
    assert len(BOTH) > 80
    assert {slug: (said, over_http[slug]) for slug, said in over_wsgi.items() if said != over_http[slug]} == {}
    assert name == "bank" or list(over_wsgi.values()).count("fail") > 5
