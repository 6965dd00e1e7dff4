"""A signing secret that is the name of the application is tried with the words by which the application calls itself."""

from typing import Any

import jwt
import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Spec
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.tokens.own_words import own_words, spellings
from stopper.scan.trial import try_rule

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key")  # weak on purpose
TOKEN = {"sub": "alice", "iss": "grocerly"}


@pytest.mark.parametrize(
    "secret",
    [
        "grocerly",
        "Grocerly123",
        "parcel123",
        "GREEN-market",
        "greenmarket_secret",
        "greenmarket",
        "quokka1",
        "quokkasecret",
    ],
)
def test_a_secret_made_of_the_applications_own_words_is_guessed(secret: str) -> None:
    app = App(spec=Spec("GREEN market", "1", "/openapi.json"))
    words = own_words(app, "quokka.example:8000", "<title>Hello</title><h1>ParcelBuddy</h1>", TOKEN.values())
    token = jwt.encode(TOKEN, secret)
    assert TokenForge(words).guess(token) is not None
    assert TokenForge().guess(token) is None


def test_a_page_of_many_words_costs_no_more_than_forty() -> None:
    page = "".join(f"<h1>word{number}</h1>" for number in range(100))
    assert len(own_words(App(), "127.0.0.1:5000", page)) == 40


def test_the_title_of_the_start_page_is_a_word_of_the_api() -> None:
    app = Flask("named")
    app.add_url_rule("/", "home", lambda: "<html><title>Zebrafinch notes</title></html>")

    @app.post("/login")
    def login() -> Any:
        return jsonify(token=jwt.encode({"sub": request.get_json()["username"]}, "zebrafinch"))

    bob = Identity("bob", (), subject="bob", password=Secret("bobs-password"))
    rule = find("jwt-secret-guessable")
    assert rule is not None
    found = try_rule(rule, app, identities=[bob])
    assert found.outcome == "fail", found.message
    assert "zebrafinch" not in found.message + "".join(one.text for one in found.evidence)


def test_a_word_of_its_own_stands_before_two_words_for_a_secret() -> None:
    assert {"parcelgo-jwt-secret", "parcelgo_secret_key", "PARCELGO_JWT_SECRET"} <= set(spellings(["parcelgo"]))
