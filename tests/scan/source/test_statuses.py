"""Statuses that are written by name are numbers."""

import pytest

from stopper.core.facts import source_of


@pytest.mark.parametrize(
    ("written", "brings"),
    [
        ("HTTPStatus.INTERNAL_SERVER_ERROR", "from http import HTTPStatus"),
        ("HTTPStatus.INTERNAL_SERVER_ERROR.value", "from http import HTTPStatus"),
        ("http.HTTPStatus.INTERNAL_SERVER_ERROR", "import http"),
        ("client.INTERNAL_SERVER_ERROR", "from http import client"),
        ("status.HTTP_500_INTERNAL_SERVER_ERROR", "from flask_api import status"),
    ],
)
def test_a_handler_is_registered_for_the_number(read, written, brings):
    reading = read(
        f"{brings}\nfrom flask import Flask\napp = Flask('x')\n@app.errorhandler({written})\ndef failed(error):\n    return 'sorry', {written}\n"
    )
    assert [one.what for one in source_of(reading.app).error_handlers()] == ["500"]


def test_a_refusal_by_name_turns_people_away(read):
    reading = read(
        "from http import HTTPStatus\nfrom flask import Flask, g\napp = Flask('x')\n@app.get('/x')\ndef x():\n"
        "    if g.user is None:\n        return {}, HTTPStatus.UNAUTHORIZED\n    return {'a': 1}\n"
    )
    assert reading.app.route("/x").access["GET"].state == "guarded"


def test_a_name_that_only_looks_like_one_is_left(read):
    reading = read(
        "from http import HTTPStatus\nfrom flask import Flask\napp = Flask('x')\n@app.errorhandler(HTTPStatus.NO_SUCH)\ndef failed(error):\n    return 'x'\n"
    )
    assert [one.what for one in source_of(reading.app).error_handlers()] == ["http.HTTPStatus.NO_SUCH"]
