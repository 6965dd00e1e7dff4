"""Calls and headers that are found by an index are those that a search through all of them finds."""

from stopper.core.answers.response_headers import headers_set
from stopper.core.facts import source_of
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.flow.passed_keywords import passed_as

PROJECT = {
    "app.py": """
        from flask import Flask, jsonify
        app = Flask(__name__)

        @app.get("/a")
        def a():
            response = jsonify(first=1, key="x")
            response.headers["X-Shown"] = "1"
            response.access_control_max_age = 5
            response.headers.add("x-shown", ask(key="y", other=2))
            return response, 200, {"X-SHOWN": "2"}
        """,
    "other.py": """
        def ask(**given):
            return send(first=1, **given)
        """,
    "tests/test_app.py": """
        from app import ask
        SECRET_KEY = "x"
        def test_a():
            assert ask(key="sk_live_1234567890abcdefghij")
        """,
}


def test_calls_between_two_lines(read):
    facts = source_of(read(PROJECT).app)
    for path in facts.files:
        for first in range(14):
            for last in (first, first + 2, 99):
                found = list(calls_between(facts, path, first, last))
                every = [one for one in facts.calls() if one.span is not None and one.span.path == path]
                assert found == [one for one in every if first <= one.span.line <= last]


def test_what_is_passed_by_keyword_comes_in_the_order_of_the_calls(read):
    facts = source_of(read(PROJECT).app)
    wanted = ("key", "first", "**")
    found = [(call, name, value) for call in facts.calls() for name, value in call.keywords if name in wanted]
    assert list(passed_as(facts, wanted.__contains__)) == found
    assert [name for _, name, _ in found].count("key") == 2  # the test's is left out


def test_headers_in_whatever_letter_case_and_as_a_property(read):
    facts = source_of(read(PROJECT).app)
    assert len(list(headers_set(facts, "X-Shown"))) == 3
    assert len(list(headers_set(facts, "Access-Control-Max-Age"))) == 1
    assert not list(headers_set(facts, "X-Other"))
