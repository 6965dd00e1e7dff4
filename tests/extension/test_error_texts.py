"""What clients may read stays; what an exception happened to say does not. (The other half is tests/leaks/answers.py.)"""

import logging
from typing import Any

import pytest
from flask import Flask
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

from stopper import Stopper, public


class OrderError(Exception):
    """Made for clients."""


def asked(error: Exception, kind: Any, answer: Any, **config: object) -> Any:
    app = Flask("shop")
    app.config.update(config)

    @app.get("/")
    @public
    def index() -> str:
        raise error

    app.register_error_handler(kind, answer)
    Stopper(app)
    return app.test_client().get("/")


@pytest.mark.feature("F15")
def test_an_exception_of_ones_own_with_a_handler_of_its_own_speaks() -> None:
    answer = asked(OrderError("order 7 is closed"), OrderError, lambda error: ({"error": str(error)}, 409))
    assert (answer.status_code, answer.json) == (409, {"error": "order 7 is closed"})


@pytest.mark.feature("F15")
def test_any_other_is_replaced_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "stopper"):
        answer = asked(ValueError("no table customers"), Exception, lambda error: ({"error": str(error)}, 400))
    assert (answer.status_code, answer.json) == (400, {"type": "about:blank", "title": "Bad Request", "status": 400})
    assert "exception-text-in-response" in caplog.text
    assert "customers" not in caplog.text


def test_a_handler_that_says_nothing_of_it_is_left_alone() -> None:
    answer = asked(ValueError("no table customers"), Exception, lambda error: ({"error": "try later"}, 503))
    assert (answer.status_code, answer.json) == (503, {"error": "try later"})


def test_a_short_text_is_no_evidence() -> None:
    assert asked(ValueError("id"), Exception, lambda error: ({"valid": 1}, 400)).json == {"valid": 1}


def test_it_can_be_allowed() -> None:
    config = {"STOPPER_ALLOW_ERROR_DETAILS": True}
    answer = asked(ValueError("no table customers"), Exception, lambda error: (str(error), 400), **config)
    assert answer.text == "no table customers"


@pytest.mark.parametrize(("mode", "status"), [("prod", 503), ("dev", 200)])
def test_werkzeugs_debugger_in_front(mode: str, status: int) -> None:
    app = Flask("shop")
    app.config["STOPPER_MODE"] = mode

    @app.get("/")
    @public
    def index() -> str:
        return "ok"

    Stopper(app)
    assert Client(DebuggedApplication(app, evalex=True)).get("/").status_code == status
    assert Client(app).get("/").status_code == 200
