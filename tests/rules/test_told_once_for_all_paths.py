"""What one decision ends is one finding that lists its places: numbers as ids in paths, and a document that says too little."""

from pathlib import Path

from stopper.core.finding import Finding
from stopper.core.place import RouteRef
from stopper.scan.catalogue import load
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions

APP = """
from flask import Flask, jsonify, request
from flask_login import login_required
from shop import Order, Invoice

app = Flask(__name__)


@app.get("/orders/<int:order_id>")
@login_required
def order(order_id):
    return jsonify(Order.get(order_id))


@app.get("/invoices/<int:invoice_id>")
@login_required
def invoice(invoice_id):
    return jsonify(Invoice.get(invoice_id))
"""
DOCUMENT = """
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /orders/{order_id}:
    get:
      parameters:
        - {name: order_id, in: path, required: true, schema: {type: string}}
        - {name: words, in: query, schema: {type: string}}
      responses: {"200": {description: fine}, "429": {description: slower}}
  /invoices/{invoice_id}:
    get:
      parameters:
        - {name: invoice_id, in: path, required: true, schema: {type: string}}
        - {name: page, in: query, schema: {type: integer}}
      responses: {"200": {description: fine}, "429": {description: slower}}
"""
BOTH = {RouteRef("GET", "/orders/{order_id}"), RouteRef("GET", "/invoices/{invoice_id}")}


def test_numbers_in_paths_are_one_finding(tmp_path: Path) -> None:
    found = _found(tmp_path, "object-id-guessable")
    assert [{place.route for place in one.places} for one in found] == [BOTH]
    assert {place.span.line for place in found[0].places if place.span is not None} == {9, 15}
    assert found[0].each_counts
    assert found[0].message.endswith("(and 1 more of the kind)")


def test_operations_that_say_too_little_are_one_finding(tmp_path: Path) -> None:
    found = _found(tmp_path, "spec-bounds-missing")
    assert [{place.route for place in one.places} for one in found] == [BOTH]
    assert found[0].each_counts


def _found(folder: Path, slug: str) -> list[Finding]:
    (folder / "app.py").write_text(APP)
    (folder / "openapi.yaml").write_text(DOCUMENT)
    rules = tuple(rule for rule in load() if rule.slug == slug)
    return list(run_check(CheckOptions((folder,), folder, rules)).findings)
