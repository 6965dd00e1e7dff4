"""The example and the tables of docs/limits.md hold."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from tests.extension.made import bearer_header, issuer

from stopper import Stopper
from stopper.auth.limit_text import read_limits
from stopper.core.settings import declared
from stopper.extension.limits import By
from stopper.extension.table import as_text, route_table

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
EXAMPLE = re.findall(r"<!-- example: limits -->\n```python\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The example with the issuer and the clock of the tests."""
    from tests.auth.token_smith import NOW

    import stopper

    monkeypatch.setattr(stopper, "Stopper", lambda app: Stopper(app, issuers=[issuer()], clock=lambda: NOW))
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLE.replace("bearer | api_key", "bearer"), "docs/limits.md", "exec"), names)
    found: Flask = names["app"]
    return found


def test_the_example_limits(app: Flask) -> None:
    client = app.test_client()
    shown = [bearer_header(tenant="acme")]
    answer = client.get("/search", headers=shown)
    assert answer.status_code == 200
    told = re.search(r"RateLimit-Policy: (.*)\nRateLimit: (.*)\n", PAGE)
    assert told is not None
    assert answer.headers["RateLimit-Policy"] == told[1]
    assert re.sub(r"t=\d+", "t=0", answer.headers["RateLimit"]) == re.sub(r"t=\d+", "t=0", told[2])
    codes = [client.post("/contact").status_code for _ in range(6)]
    assert codes == [204] * 5 + [429]
    codes = [client.get(f"/export/{name}", headers=shown).status_code for name in ["all", "new"] * 11]
    assert codes == [200] * 20 + [429] * 2


def test_the_table_of_routes_shows_them(app: Flask) -> None:
    table = as_text(route_table(app))
    assert re.search(
        r"GET +/search +search +bearer  \(1000/hour by address, 10/second by principal, 100/minute by principal\)",
        table,
    )
    assert re.search(r"POST +/contact .* public  \(5/15 minutes sliding by address\)", table)


def test_whoever_can_be_counted_stands_on_the_page() -> None:
    assert set(re.findall(r"^\| `([a-z]+)`(?: \(default\))? \|", PAGE, re.MULTILINE)) == {*get_args(By)}


def test_each_limit_of_the_page_is_one() -> None:
    found = re.findall(r"`(\d+[ /][^`,]*)`", PAGE)
    assert len(found) >= 6
    for said in found:
        assert read_limits(said)


def test_the_settings_are_the_declared_ones() -> None:
    for name in re.findall(r"STOPPER_([A-Z_]+)", PAGE):
        assert f"STOPPER_{name}" in {f"STOPPER_{key}" for key in declared} | set(declared)
