"""`scan --webhook`: what is new is told once, signed, to the named address alone; a failure is told and is never exit 0."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, request
from tests.scan.engine.test_scan import served

from stopper.cli.group import run
from stopper.cli.webhook import TRIES
from stopper.core.errors import StopperError
from stopper.core.secret import Secret
from stopper.outbound.webhook import RememberedIds, WebhookVerifier, new_secret

KEY = new_secret().reveal()
Heard = list[tuple[Mapping[str, str], bytes]]


def target() -> Flask:
    app = Flask("target")

    @app.get("/openapi.json")
    def document() -> dict[str, object]:
        return {"openapi": "3.0.0", "paths": {"/hello": {"get": {"security": []}}}}

    @app.get("/hello")
    def hello() -> dict[str, str]:
        return {"it": "is"}

    return app


@pytest.fixture
def receiver() -> Iterator[tuple[str, Heard, list[int]]]:
    app, heard, statuses = Flask("receiver"), Heard(), list[int]()

    @app.post("/hooks/<path:name>")
    def hook(name: str) -> Response:
        heard.append((dict(request.headers), request.get_data()))
        status = statuses.pop(0) if statuses else 204
        return Response("", status, {"Location": "/hooks/elsewhere"} if status in (302, 307) else {})

    with served(app) as url:
        yield url, heard, statuses


def scan(tmp_path: Path, *more: str, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_KEY", key)
    with served(target()) as url:
        arguments = [
            "scan",
            url,
            "--passive",
            "--select",
            "security-headers-missing",
            *(() if "--fail-on" in more else ("--fail-on", "low")),
            *more,
        ]
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = run(arguments)
        return SimpleNamespace(exit_code=code, output=said.getvalue())


def test_the_message_is_signed_and_lists_what_is_new(
    tmp_path: Path, receiver: tuple[str, Heard, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, heard, _ = receiver
    result = scan(tmp_path, "--webhook", f"{url}/hooks/a", "--webhook-secret", "env:HOOK_KEY", monkeypatch=monkeypatch)
    assert result.exit_code == 1, result.output
    ((headers, body),) = heard
    verifier = WebhookVerifier(Secret(KEY), once=RememberedIds())
    verifier.verify(headers, body)
    assert [one["rule"] for one in json.loads(body)["new"]] == ["security-headers-missing"]
    with pytest.raises(StopperError):
        WebhookVerifier(Secret(KEY), once=RememberedIds()).verify(headers, body + b" ")


def test_what_the_baseline_holds_is_not_told(
    tmp_path: Path, receiver: tuple[str, Heard, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, heard, _ = receiver
    before = scan(tmp_path, "--output", "before.json", monkeypatch=monkeypatch)
    assert before.exit_code == 1, before.output
    hook = ("--webhook", f"{url}/hooks/a", "--webhook-secret", "env:HOOK_KEY", "--baseline", "before.json")
    assert scan(tmp_path, *hook, monkeypatch=monkeypatch).exit_code == 1
    assert heard == []


@pytest.mark.parametrize(
    ("answers", "asked"), [([500] * 9, TRIES), ([404], 1), ([302], 1), ([307], 1), ([503, 204], 2)]
)
def test_a_webhook_that_fails_is_told_and_changes_no_finding(
    tmp_path: Path,
    receiver: tuple[str, Heard, list[int]],
    monkeypatch: pytest.MonkeyPatch,
    answers: list[int],
    asked: int,
) -> None:
    url, heard, statuses = receiver
    statuses += answers
    hook = ("--webhook", f"{url}/hooks/path-is-a-secret", "--webhook-secret", "env:HOOK_KEY", "--output", "now.json")
    result = scan(tmp_path, *hook, monkeypatch=monkeypatch)
    assert result.exit_code == 1
    assert len(heard) == asked
    assert len({headers["Webhook-Id"] for headers, _ in heard}) == 1
    assert ("was not told" in result.output) == (answers[-1] != 204)
    assert "path-is-a-secret" not in result.output
    assert KEY not in result.output + (tmp_path / "now.json").read_text("utf-8")
    assert len(json.loads((tmp_path / "now.json").read_text("utf-8"))["findings"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--webhook", "https://hooks.example.com/x"], "give the key as env:VARIABLE or @FILE in --webhook-secret"),
        (["--webhook-secret", "env:HOOK_KEY"], "give --webhook together with"),
        (["--baseline", "a.json"], "give --webhook together with"),
        (["--webhook", "https://h.example.com/x", "--webhook-secret", KEY], "only env:VARIABLE or @FILE"),
        (["--webhook", "https://h.example.com/x", "--webhook-secret", "env:NOT_THERE_1"], "is not set"),
        (["--webhook", "http://h.example.com/x", "--webhook-secret", "env:HOOK_KEY"], "give an https:// address"),
        (
            ["--webhook", "https://u:p4ssw0rd@h.example.com/", "--webhook-secret", "env:HOOK_KEY"],
            "must not hold a user",
        ),
        (["--webhook", "ftp://h.example.com/", "--webhook-secret", "env:HOOK_KEY"], "must begin with https"),
        (
            ["--webhook", "https://h.example.com/", "--webhook-secret", "env:HOOK_KEY", "--baseline", "no.json"],
            "no.json",
        ),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    result = scan(tmp_path, *arguments, monkeypatch=monkeypatch)
    assert result.exit_code == 2
    assert said in result.output
    assert KEY not in result.output
    assert "p4ssw0rd" not in result.output


@pytest.mark.parametrize(("answer", "code"), [(204, 0), (404, 3)])
def test_news_below_the_gate_that_does_not_arrive_is_never_exit_0(
    tmp_path: Path, receiver: tuple[str, Heard, list[int]], monkeypatch: pytest.MonkeyPatch, answer: int, code: int
) -> None:
    url, heard, statuses = receiver
    statuses.append(answer)
    hook = ("--webhook", f"{url}/hooks/a", "--webhook-secret", "env:HOOK_KEY", "--fail-on", "critical")
    assert scan(tmp_path, *hook, monkeypatch=monkeypatch).exit_code == code
    assert len(heard) == 1


def test_a_weak_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = ("--webhook", "https://h.example.com/", "--webhook-secret", "env:HOOK_KEY")
    result = scan(tmp_path, *hook, monkeypatch=monkeypatch, key="hunter2weak")
    assert result.exit_code == 2
    assert "hunter2weak" not in result.output
    assert "random bytes" in result.output


def test_the_metadata_address_is_never_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = ("--webhook", "https://169.254.169.254/x", "--webhook-secret", "env:HOOK_KEY")
    result = scan(tmp_path, *hook, monkeypatch=monkeypatch)
    assert result.exit_code == 1
    assert "must not be called from here" in result.output
