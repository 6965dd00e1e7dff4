"""A list that ends before an object tells nothing of whose it is: the first page of what everybody shares is no sign of an owner."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

TOKENS = {name: secrets.token_urlsafe(24) for name in ("ann", "ben")}
PEOPLE = tuple(
    Identity(name, (("Authorization", Secret(f"Bearer {token}")),), token=Secret(token))
    for name, token in TOKENS.items()
)


def notes(*, owned_list: bool, owned_note: bool) -> Flask:
    """Notes with a list of three a page. Lists and single notes are of their owner, or of everybody who is logged in."""
    app, numbers = Flask("notes"), itertools.count(1)
    stored = [{"id": next(numbers), "owner": owner, "text": f"old of {owner}"} for owner in ("ann", "ben") * 4]

    def who() -> str:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return next((name for name, token in TOKENS.items() if token == shown), "")

    @app.before_request
    def guard() -> Any:
        return None if who() else (jsonify(error="log in"), 401)

    @app.get("/notes")
    def listed() -> Any:
        mine = [one for one in stored if not owned_list or one["owner"] == who()]
        return jsonify(notes=[{"id": one["id"]} for one in mine[:3]], asked=next(numbers))

    @app.post("/notes")
    def make() -> Any:
        stored.append({"id": next(numbers), "owner": who(), "text": request.get_json()["text"]})
        return jsonify(id=stored[-1]["id"]), 201

    @app.get("/notes/<int:number>")
    def one(number: int) -> Any:
        found = next((one for one in stored if one["id"] == number), None)
        if found is None or (owned_note and found["owner"] != who()):
            return jsonify(error="not found"), 404
        return jsonify(text=found["text"])

    return app


@pytest.mark.parametrize(
    ("owned_list", "owned_note", "outcomes"),
    [(False, False, {"open", "pass"}), (True, False, {"fail"}), (True, True, {"pass"})],
    ids=["shared by all", "listed to the owner, read by all", "sound"],
)
def test_only_a_list_of_ones_own_makes_an_object_ones_own(
    owned_list: bool, owned_note: bool, outcomes: set[str]
) -> None:
    rule = find("cross-user-object-access")
    assert rule is not None
    assert try_rule(rule, notes(owned_list=owned_list, owned_note=owned_note), identities=PEOPLE).outcome in outcomes
