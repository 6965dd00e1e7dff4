"""Ids of things come from the things: what an answer says about them holds none."""

import json

import pytest

from stopper.core.exchange import Response
from stopper.scan.harvest import ids_in


def ids(said: object) -> list[str]:
    return list(ids_in(Response(200, (("Content-Type", "application/json"),), json.dumps(said).encode()), "pk"))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"label_columns": {"id": "Id"}, "list_title": {"name": "List"}, "result": [{"id": 7}]}, ["7"]),
        ({"label_columns": {"id": "Id"}, "result": []}, []),
        ({"owner": {"id": 3}, "items": [{"pk": "a"}]}, ["3", "a"]),
        ([{"slug": "one"}], ["one"]),
        ({"data": {"id": 5}}, ["5"]),
    ],
)
def test_ids(said: object, wanted: list[str]) -> None:
    assert ids(said) == wanted
