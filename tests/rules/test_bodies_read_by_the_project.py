"""A body that a function of the project reads and judges is a body all the same: what a reset takes out of it is whom it is for."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import find
from stopper.scan.source.read import read_source

PROGRAM = """
from flask import Flask, request
from pydantic import BaseModel
from people import NotFound, person_of, send_link

app = Flask(__name__)

class Wish(BaseModel):
    email: str

def body_of(schema):
    payload = {source}
    if payload is None:
        raise ValueError("nothing was sent")
    try:
        return schema.model_validate(payload)
    except ValueError as error:
        raise TypeError("not valid") from error

@app.post("/auth/reset-password")
def reset():
    body = body_of(Wish)
    try:
        person = person_of(body.email)
    except NotFound:
        return {answer}
    send_link(person)
    return {{"success": "A link is on its way"}}
"""


@pytest.mark.parametrize(
    ("source", "answer", "told"),
    [
        ("request.get_json()", '{"message": "Email not listed in our database."}, 400', True),
        ("request.get_json()", '{"success": "A link is on its way"}', False),
        ("app.config['SUPPORT']", '{"message": "Email not listed in our database."}, 400', False),
    ],
)
def test_a_reset_says_who_is_not_listed(tmp_path: Path, source: str, answer: str, told: bool):
    """Not where both answers are alike, nor where nobody sends whom it is for."""
    (tmp_path / "app.py").write_text(PROGRAM.format(source=source, answer=answer))
    app = read_source((tmp_path,), tmp_path).app
    detect = find("user-enumeration").detect
    assert detect is not None
    assert bool(list(detect(app))) is told
