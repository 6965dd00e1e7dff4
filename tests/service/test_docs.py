"""The pages about the service say what it does: their examples are run, their lists compared."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from tests.servers.service import Service, environment

from stopper.service import parts  # noqa: F401  (declares the settings of the service)
from stopper.service.throttle import BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS, BY_ADDRESS, REGISTRATIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "service.md").read_text("utf-8")


def _block(name: str) -> str:
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


def test_the_first_five_minutes_go_as_written(service: Service) -> None:
    assert shutil.which("curl"), "the page's commands need curl"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _block("stranger")],
        capture_output=True,
        text=True,
        check=True,
        env=environment(API=service.address),
    )
    lines = done.stdout.replace("{}", "{}\n", 1).split("\n")
    assert lines[:7] == ["{}", "200", "401", "the same answer", "401", "204", "401"]
    assert '"kty": "OKP"' in lines[7]


def test_the_application_with_accounts_works_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "docs_example"}
    exec(compile(_block("mounted"), "docs/service.md", "exec"), names)
    app = names["app"]
    assert isinstance(app, Flask)
    client = app.test_client()
    person = {"email": "you@example.org", "password": "four walks along the river"}
    assert client.post("/auth/register", json=person).status_code == 201
    tokens = client.post("/auth/login", json=person).json
    assert tokens
    assert client.get("/notes", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 200
    assert client.get("/notes").status_code == 401
    names["accounts"].store.close()  # type: ignore[attr-defined]


def test_every_endpoint_is_in_the_table(service: Service) -> None:
    told = set(re.findall(r"`(GET|POST|DELETE) (/[\w./{}-]+)`", PAGE))
    served = {
        (method.upper(), path)
        for path, operations in service.ask("GET", "/openapi.json").json["paths"].items()
        for method in operations
    }
    assert told == served


def test_the_numbers_of_the_throttle_are_the_ones_in_force() -> None:
    assert f"By address ({BY_ADDRESS.burst} attempts a minute)" in PAGE
    assert f"account and address together ({BY_ACCOUNT_AND_ADDRESS.burst} in ten minutes)" in PAGE
    assert f"by account ({BY_ACCOUNT.burst} an hour)" in PAGE
    assert f"{REGISTRATIONS.burst} registrations an hour" in PAGE
    assert [limit.seconds for limit in (BY_ADDRESS, BY_ACCOUNT_AND_ADDRESS, BY_ACCOUNT, REGISTRATIONS)] == [
        60,
        600,
        3600,
        3600,
    ]


def test_every_setting_on_the_page_exists_with_its_default() -> None:
    from stopper.core.settings import declared

    for names, default in re.findall(r"^\| (`STOPPER_[^|]+) \| ([^|]*) \|", PAGE, re.MULTILINE):
        for name in re.findall(r"STOPPER_\w+", names):
            assert name in declared
            if default.strip().isdigit():
                assert declared[name].default == int(default)
