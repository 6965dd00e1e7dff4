"""A decorator that goes through a function for the type checker's sake is that decorator; one that is only looked at is not."""

from pathlib import Path

import pytest

from stopper.core.facts import source_of
from stopper.scan.source.read import read_source

TEXT = """
from typing import Any, cast
from flask_login import login_required


def typed(decorator: object) -> Any:
    {body}


@typed(login_required)
def shown():
    return "notes"
"""


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("return decorator", "flask_login.login_required"),
        ("return cast(Any, decorator)", "flask_login.login_required"),
        ("'Say its type.'\n    return cast('Any', decorator)", "flask_login.login_required"),
        ("return str(decorator)", "app.typed"),
        ("print(decorator)\n    return decorator", "app.typed"),
        ("return None", "app.typed"),
    ],
)
def test_what_a_decorator_is_called(body: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\n" + TEXT.format(body=body))
    facts = source_of(read_source((tmp_path,), tmp_path).app)
    shown = facts.function("app.shown")
    assert shown is not None
    assert [one.name for one in shown.decorators] == [name]
