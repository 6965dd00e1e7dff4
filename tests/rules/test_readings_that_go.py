"""A reading that goes to an address and answers all alike, whether it went or not."""

import urllib.request

import pytest
from flask import Flask, redirect, request
from tests.rules.from_outside import verdict


@pytest.mark.parametrize("goes", [True, False])
def test_a_reading_of_which_no_error_tells_the_input(goes: bool) -> None:
    app = Flask("away")

    @app.get("/redirect")
    def away() -> object:
        url = request.args.get("url", "")
        if not goes:
            return redirect("/") if url else ("an error occurred", 200)
        try:
            return {"read": urllib.request.urlopen(url).read().decode()}
        except (OSError, ValueError):
            return "an error occurred"

    app.add_url_rule("/", "start", lambda: '<a href="/redirect">on</a>')
    found = verdict("server-side-request-forgery", app)
    assert (found.outcome == "fail") is goes, found.message
