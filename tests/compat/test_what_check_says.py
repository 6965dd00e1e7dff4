"""`stopper check` knows this module: what it ends is not accused, and every other flaw of the same application is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.compat.made import SECRET, access, make_app

from stopper.core.place import Span
from stopper.core.rule import Rule
from stopper.scan.catalogue import Example, page, survey
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source

RULES, _ = survey()
_ORIGINAL, _FACE = "flask_jwt_extended", "stopper.compat.flask_jwt_extended"
ENDED = {
    "jwt-cookie-insecure": {
        "the defaults",
        "one guard reads cookies, and nothing is set",
        "settings by the library's names, and none of them is for the cookie",
    },
    "jwt-decode-settings-weak": {
        "no audience, no issuer",
        "one of the two",
        "a file that names both and gives them nothing",
        "the audience is taken back a line further down",
    },
    "jwt-error-oracle": {"Flask-JWT-Extended as it comes"},
    "jwt-expiry-setting-too-long": {
        "Bad",
        "in the call that makes the token",
        "never, where the environment says nothing",
    },
    "jwt-issued-without-expiry": {
        "Flask-JWT-Extended is told that the token never expires",
        "a refresh token, whose lifetime stands second",
    },
    "jwt-query-string-location": {
        "Bad",
        "in a class, through a constant",
        "as one text, in a mapping",
        "for one route",
        "a list put together by a switch",
        "a list in one text, as the environment has it",
        "added to the list later",
        "two sets joined",
    },
    "jwt-required-above-route": {
        "Bad",
        "on a blueprint, with another decorator between",
        "between two routes, where only the upper one is protected",
        "on a view class of Flask-Smorest",
        "guarded after its route was added",
        "the view refuses what it does not find, which says nothing of who asks",
    },
    "jwt-secret-reused": {"no key for tokens is set"},
    "token-response-cacheable": {
        "a dict with two tokens",
        "a view class",
        "short names",
        "one function answers for two views, told once",
    },
}
"""Rule → the examples whose weakness this module ends, or a part of it: what never expires, for one, is not made."""
SWITCHES = {
    "jwt-error-oracle": "JWT_ALLOW_LEGACY_MESSAGES",
    "jwt-expiry-setting-too-long": "JWT_ALLOW_TOKENS_WITHOUT_EXPIRY",
    "jwt-issued-without-expiry": "JWT_ALLOW_TOKENS_WITHOUT_EXPIRY",
    "jwt-query-string-location": "JWT_ALLOW_QUERY_STRING",
}
"""Rule → the switch that brings the weakness back."""


def _examples() -> Iterator[Any]:
    """Every example of a page that uses Flask-JWT-Extended 4."""
    for rule in RULES:
        if rule.detect is None:
            continue
        told = page(rule)
        for example in (told.bad, told.good, *told.cases):
            if any(f"import {_ORIGINAL}" in text or f"from {_ORIGINAL}" in text for _, text in example.files):
                yield pytest.param(rule, example, id=f"{rule.slug}-{example.kind}-{example.title}")


def _hits(rule: Rule, example: Example, folder: Path, *, moved: bool, switch: str = "") -> set[tuple[str, int]]:
    for name, text in example.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_moved(text, switch) if moved else text, "utf-8")
    (result,) = run_detectors(read_source([folder], folder).app, [rule])
    assert not result.error, result.error
    spans: list[Span] = [hit.span for hit in result.hits if hit.span is not None]
    return {(span.path, span.line) for span in spans}


def _moved(text: str, switch: str) -> str:
    text = text.replace(f"from {_ORIGINAL}", f"from {_FACE}")
    text = text.replace(f"import {_ORIGINAL}\n", f"import {_FACE} as {_ORIGINAL}\n")
    return f'{text}\napp.config["{switch}"] = True\n' if switch else text


def _ends(rule: Rule, example: Example) -> bool:
    return example.kind == "bad" and example.title in ENDED.get(rule.slug, ())


@pytest.mark.parametrize(("rule", "example"), list(_examples()))
def test_who_moved_is_told_the_same_but_for_what_ended(rule: Rule, example: Example, tmp_path: Path) -> None:
    before = _hits(rule, example, tmp_path / "before", moved=False)
    after = _hits(rule, example, tmp_path / "after", moved=True)
    if _ends(rule, example):
        assert after < before
    else:
        assert after == before


@pytest.mark.parametrize(("rule", "example"), [one for one in _examples() if one.values[0].slug in SWITCHES])
def test_a_switch_that_weakens_brings_the_finding_back(rule: Rule, example: Example, tmp_path: Path) -> None:
    before = _hits(rule, example, tmp_path / "before", moved=False)
    assert _hits(rule, example, tmp_path / "after", moved=True, switch=SWITCHES[rule.slug]) == before


def test_every_example_that_is_named_here_is_there() -> None:
    known = {(one.values[0].slug, one.values[1].title) for one in _examples()}
    assert {(slug, title) for slug, titles in ENDED.items() for title in titles} <= known


FORGOTTEN = """
import os
from flask import Flask, jsonify
from stopper.compat.flask_jwt_extended import JWTManager, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["JWT_SECRET_KEY"]
JWTManager(app)


@app.get("/orders/<int:order_id>")
@jwt_required()
def order(order_id):
    return jsonify(order=order_id)


@app.delete("/orders/<int:order_id>")
def delete_order(order_id):
    return "", 204
"""


def test_a_view_without_its_guard_is_accused_and_the_guarded_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FORGOTTEN, "utf-8")
    rule = next(rule for rule in RULES if rule.slug == "route-without-authentication")
    app = read_source([tmp_path], tmp_path).app
    (result,) = run_detectors(app, [rule])
    assert [hit.span.line for hit in result.hits if hit.span is not None] == [18]
    states = {method: access.state for route in app.routes for method, access in route.access.items()}
    assert (states["GET"], states["DELETE"]) == ("guarded", "open")


def test_an_audit_tells_the_doors_and_accuses_the_forgotten_one_alone(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(FORGOTTEN, "utf-8")
    (tmp_path / "settings.env").write_text(f"JWT_SECRET_KEY={SECRET}\n", "utf-8")
    token = access(make_app())
    command = [
        "audit",
        "shop:app",
        "--env-file",
        "settings.env",
        "--identity",
        f"ann=Bearer {token}",
        "--format",
        "json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "stopper.cli", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = json.loads(done.stdout)
    accused = {
        (finding["rule"], place["route"], place["method"])
        for finding in report["findings"]
        for place in finding["places"]
        if finding["severity"] in ("high", "critical")
    }
    assert {route for _, route, _ in accused} == {"/orders/{order_id}"}
    assert {method for _, _, method in accused} == {"DELETE"}
    assert not [
        one["rule"] for one in report["findings"] if one["rule"].startswith("jwt-") and one["confidence"] != "indicated"
    ]
