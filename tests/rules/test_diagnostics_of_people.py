"""Records of people on a diagnostics route are told by the rule for such fields, not as settings."""

import json

import pytest

from stopper.core.exchange import Response
from stopper.rules.leak.diagnostics_route_exposes_config import shows_settings

PERSON = {"username": "ann", "email": "ann@example.com", "password": "correct-horse", "reset_token": "9f8e7d6c5b4a"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"users": [PERSON]}, False),
        (PERSON, False),
        ({"users": [PERSON], "SECRET_KEY": "a1b2c3d4e5f6"}, True),
        ({"EMAIL": "ops@example.com", "SECRET_KEY": "a1b2c3d4e5f6"}, True),
        ({"EMAIL": "ops@example.com", "DB_PASSWORD": "a1b2c3d4e5f6"}, True),
        ({"config": {"password": "a1b2c3d4e5f6"}}, True),
    ],
)
def test_a_password_of_a_person_is_no_setting(said: object, told: bool) -> None:
    assert shows_settings(Response(200, body=json.dumps(said).encode())) is told
