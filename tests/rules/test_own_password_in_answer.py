"""A password that an answer shows is known by its value where it has no name, and never said in the report."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify
from tests.scan.engine.test_engine import target

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.finding import Verdict
from stopper.core.login_names import in_headers, named
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.rules.leak.sensitive_field_in_response import RULE
from stopper.scan.engine import run_probe


def judged(rows: Any, password: str, subject: str = "user1") -> Verdict:
    app = Flask("rows")
    app.add_url_rule("/rows", view_func=lambda: jsonify(response=rows))
    plain, courier = target(app)
    person = Identity("carol", (), subject=subject, password=Secret(password))
    known = replace(plain, app=App(routes=(Route("/rows", ("GET",)),)), identities=(person,))
    return run_probe(RULE, known, courier).verdict


@pytest.mark.parametrize(
    ("rows", "password"),
    [
        ([[1, "user1", "pass1"], [2, "user2", "pass2"]], "pass1"),
        ([[1, "a-long-password-of-carol"]], "a-long-password-of-carol"),
        ({"name": "user1", "x": "pass1"}, "pass1"),
    ],
    ids=["rows without names", "long enough to tell alone", "a name that says nothing"],
)
def test_the_own_password_in_an_answer_is_told_by_its_value(rows: Any, password: str) -> None:
    verdict = judged(rows, password)
    assert verdict.outcome == "fail"
    assert password not in verdict.message + "".join(one.text for one in verdict.evidence)


@pytest.mark.parametrize(
    ("rows", "password", "subject"),
    [
        ([["blue", "green"]], "green", "user1"),
        ([["admin", "a row of some other table"]], "admin", "admin"),
        ([[1, "user1", "***"]], "pass1", "user1"),
        ([[1, "user1", "no pass1 here"]], "pass1", "user1"),
    ],
    ids=["a word that is a password too", "the name as password", "masked", "within another text"],
)
def test_a_word_that_happens_to_stand_there_is_no_password(rows: Any, password: str, subject: str) -> None:
    assert judged(rows, password, subject).outcome == "pass"


def test_a_token_written_as_python_shows_bytes_is_taken_without_the_signs() -> None:
    assert in_headers(Response(200, (("Authorization", "Bearer b'eyJh.eyJz.c2ln'"),))) == "eyJh.eyJz.c2ln"
    assert named({"token": "b'eyJh.eyJz.c2ln'"}, ("token",)) == "eyJh.eyJz.c2ln"
    assert named({"token": "b'it is'"}, ("token",)) == "b'it is'"
