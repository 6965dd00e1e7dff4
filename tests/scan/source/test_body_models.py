"""What a caller sends keeps its labels in objects of declared fields; fields that admit only numbers and the like inject nothing."""

import pytest

FIELDS = """
import sqlite3
from dataclasses import dataclass
from typing import Literal, Optional
from uuid import UUID

from apiflask import APIFlask
from flask import request
from flask_pydantic import validate as checked
from marshmallow import Schema, fields, validate
from pydantic import BaseModel, Field, field_validator

app = APIFlask(__name__)
store = sqlite3.connect("x.db")


class Query(BaseModel):
    word: str
    kind: Literal["a", "b"] = "a"
    number: Optional[int] = None
    key: UUID
    form: str = Field("x", pattern="^[a-z]+$")
    looked: str = "x"

    @field_validator("looked")
    def good(cls, value):
        return value


class QuerySchema(Schema):
    word = fields.Str(required=True)
    number = fields.Int()
    kind = fields.Str(validate=validate.OneOf(["a", "b"]))


@dataclass
class Plain:
    word: str
    number: int
"""

CARRIES = {
    "pydantic": ("Query.model_validate(request.get_json()).word", True),
    "unpacked": ("Query(**request.get_json()).word", True),
    "field with a default": ("Query(**request.get_json()).looked", False),
    "enumeration": ("Query.model_validate(request.get_json()).kind", False),
    "number": ("Query.model_validate(request.get_json()).number", False),
    "uuid": ("Query(**request.json).key", False),
    "pattern": ("Query(**request.json).form", False),
    "dumped": ('Query(**request.json).model_dump()["word"]', True),
    "schema": ('QuerySchema().load(request.get_json())["word"]', True),
    "number of a schema": ('QuerySchema().load(request.get_json())["number"]', False),
    "list of a schema": ('QuerySchema().load(request.get_json())["kind"]', False),
    "dataclass": ("Plain(**request.json).word", True),
    "number of a dataclass": ("Plain(word='x', number=request.json['n']).number", False),
}


@pytest.mark.parametrize("name", CARRIES)
def test_a_field_carries_what_it_was_filled_with(read, name):
    value, tainted = CARRIES[name]
    text = f"{FIELDS}\n@app.post('/x')\ndef x():\n    store.execute(f\"SELECT 1 FROM t WHERE a = '{{{value.replace(chr(34), chr(39))}}}'\")\n"
    (flow,) = read(text).app.source.flows("sql")
    assert flow.has("request-data") is tainted


VIEWS = {
    "flask-pydantic": ("@checked()\ndef x(body: Query):", "body.word", True),
    "its number": ("@checked()\ndef x(body: Query):", "body.number", False),
    "apiflask": ("@app.input(QuerySchema)\ndef x(json_data):", "json_data['word']", True),
    "its list": ("@app.input(QuerySchema)\ndef x(json_data):", "json_data['kind']", False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_handed_the_body(read, name):
    head, value, tainted = VIEWS[name]
    text = f'{FIELDS}\n@app.post("/x")\n{head}\n    store.execute("SELECT 1 FROM t WHERE a = " + {value})\n'
    (flow,) = read(text).app.source.flows("sql")
    assert flow.has("request-data") is tainted


def test_a_class_keeps_its_default_where_nothing_is_passed(read):
    text = (
        "import flask\n\n\nclass Settings:\n    KEY = 'x'\n\n\nheld = Settings()\n\n\ndef key():\n    return held.KEY\n"
    )
    (returned,) = read(text).app.source.all_returns
    assert returned.value.value == "x"
