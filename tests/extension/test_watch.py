"""``Stopper.watch(app)``: the leak sensor beside the guard, and on an application that has none."""

import logging
from typing import Any

import flask
import pytest
from tests.extension.made import Made, bearer_header

from stopper import Stopper, bearer, public
from stopper.core.leak import Leak


@pytest.mark.feature("F74")
def test_an_application_without_the_guard_is_watched() -> None:
    app, told = flask.Flask("bare"), list[Leak]()
    app.secret_key = "kept-6f1b2c9d8e7a-apart"
    app.add_url_rule("/", "key", lambda: str(app.secret_key))
    sensor = Stopper.watch(app, told.append)
    app.test_client().get("/").close()
    sensor.stop()
    app.test_client().get("/").close()
    assert [(leak.sink, leak.secret, leak.route) for leak in told] == [("response", "config SECRET_KEY", "GET /")]
    assert sensor.leaks == tuple(told)


def test_the_guards_own_way_leaks_nothing() -> None:
    made, told = Made(), list[Leak]()
    made.route("/notes", bearer)
    made.route("/health", public)
    sensor = Stopper.watch(made.app, told.append)
    for shown in ((), (bearer_header(),), (("Authorization", "Bearer forged-Token-123456789"),), (("X-API-Key", "stp_live_abcd1234_efgh5678"),)):  # fmt: skip
        made.get("/notes", *shown)
        made.get("/none", *shown)
        made.get("/health", *shown)
    sensor.stop()
    assert told == []


def test_what_the_guard_masks_in_logs_is_no_leak_and_what_it_cannot_is() -> None:
    made, told = Made(), list[Leak]()

    def view() -> Any:
        token = flask.request.headers["Authorization"]
        logging.getLogger("masked").warning("asked with %s", token)
        return {"you": token}

    made.app.add_url_rule("/echo", "echo", bearer(view))
    sensor = Stopper.watch(made.app, told.append)
    made.get("/echo", bearer_header())
    sensor.stop()
    assert [leak.sink for leak in told] == ["response"]
