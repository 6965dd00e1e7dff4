"""Answers that say ``str(error)``, and the caller's Host in what a POST answers."""

import subprocess
from typing import Any

import pytest
from flask import Flask, request
from tests.rules.from_outside import verdict


@pytest.mark.parametrize("way", ["told", "kept", "at 400"])
def test_the_text_of_an_exception_is_told(way: str) -> None:
    """A 400 that a library writes for the caller may quote an exception."""
    app = Flask("up")

    @app.get("/uptime/<flag>")
    def uptime(flag: str) -> Any:
        try:
            return {"up": subprocess.check_output(["true" if flag.isalnum() else "false"]).decode()}
        except subprocess.CalledProcessError as error:
            said = str(error) if way != "kept" else "internal error"
            return {"error": said}, 400 if way == "at 400" else 500

    app.add_url_rule("/", "start", lambda: '<a href="/uptime/a">up</a><p>GET /uptime/{flag}</p>')
    found = verdict("unhandled-error-leaks-details", app)
    assert (found.outcome == "fail") is (way == "told"), found.message
    assert way != "told" or found.severity == "medium"


@pytest.mark.parametrize("way", ["host", "own", "said"])
def test_the_host_of_a_post_is_put_into_its_answer(way: str) -> None:
    """An address that the caller said in the body is none that the application has made of the Host."""
    app = Flask("invite")

    @app.post("/invite")
    def invite() -> Any:
        said = request.get_json()
        host = {"host": request.host, "own": "notes.example.com", "said": said.get("back", "")}[way]
        return {"link": f"http://{host}/join", "email": said["email"]}

    app.add_url_rule("/", "start", lambda: "POST /invite {email, back}")
    found = verdict("host-header-trusted", app)
    assert (found.outcome == "fail") is (way == "host"), found.message
