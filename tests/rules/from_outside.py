"""An app as a scan from outside knows it: by what a crawl of it finds."""

from flask import Flask

from stopper.core.app import App
from stopper.core.finding import Verdict
from stopper.core.probe import Target
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.surface.crawl import crawled
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

RULES = {rule.slug: rule for rule in load()}


def reached(app: Flask) -> tuple[Target, Courier]:
    """What the probes of an active scan are given, and who carries their requests."""
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    model = App(routes=crawled(courier, "", "canary").routes, readers=frozenset({"wire"}))
    return prepare(model, courier, (), "active", "standard").target, courier


def verdict(slug: str, app: Flask) -> Verdict:
    """What that rule says of the app."""
    return run_probe(RULES[slug], *reached(app)).verdict
