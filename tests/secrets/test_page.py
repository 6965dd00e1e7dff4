"""The examples and tables of docs/secrets.md and docs/secrets/vault.md hold."""

import re
from pathlib import Path
from typing import Any

import pytest

from stopper.cli.secrets import check
from stopper.core.errors import InvalidCredentialError
from stopper.core.settings import Setting
from stopper.secrets import declaration, parse

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "secrets.md").read_text("utf-8")
VAULT = (DOCS / "secrets" / "vault.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z ]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def run(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLES[name], f"docs/secrets.md: {name}", "exec"), names)
    return names


@pytest.mark.feature("F19")
def test_the_quick_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PAYMENTS_KEY", "of-the-quick-start")
    assert run("quick start")["key"] == "of-the-quick-start"
    assert capsys.readouterr().out.splitlines() == ["Secrets(payments)", "***"]


def test_the_flask_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYMENTS_KEY", "of-the-flask-example")
    monkeypatch.setenv("PEPPER", "0f9a" + "c7d1e5b8" * 8)
    monkeypatch.setenv("STOPPER_DATABASE_URL", f"sqlite:///{tmp_path}/stopper.db")
    app = run("flask")["app"]
    answer = app.test_client().get("/health")
    assert answer.get_json() == {"ready": True}
    assert "of-the-flask-example" not in repr(app.config)


@pytest.mark.feature("F19")
def test_the_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_KEY", "the-key-of-now")
    monkeypatch.setenv("WEBHOOK_KEY_BEFORE", "the-key-before")
    accepts = run("rotation")["accepts"]
    assert accepts("the-key-of-now") == "current"
    assert accepts("the-key-before") == "previous"
    with pytest.raises(InvalidCredentialError):
        accepts("another")


def test_every_reference_of_the_pages_can_be_read() -> None:
    shown = re.findall(r"[`\"]((?:env|file|vault|aws|azure|gcp):[A-Za-z/][^`\"…]*)[`\"]", PAGE + VAULT)
    assert len(shown) >= 12
    for text in shown:
        if text != "vault:MOUNT/PATH#MEMBER":
            assert str(parse(text)) == text


def test_the_pages_name_every_setting_of_this_part() -> None:
    ours = {value.key for value in vars(declaration).values() if isinstance(value, Setting)}
    named = set(re.findall(r"STOPPER_[A-Z0-9_]+", PAGE + VAULT))
    assert ours <= named
    assert named <= ours | {"STOPPER_API_KEY_PEPPER", "STOPPER_DATABASE_URL"}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (declaration.REFRESH, "300 s"),
        (declaration.TIMEOUT, "5 s"),
        (declaration.KEEP, "a day"),
        (declaration.OVERLAP, "a day"),
    ],
)
def test_the_defaults_are_those_of_the_code(setting: Setting[int], said: str) -> None:
    assert f"`{setting.key}` ({said})" in PAGE
    assert setting.default == {"300 s": 300, "5 s": 5, "a day": 86_400}[said]


def test_the_options_of_the_command_are_those_of_the_page() -> None:
    options = {option for one in check.params for option in one.opts if option.startswith("--")}
    named = set(re.findall(r"`(--[a-z-]+)", PAGE))
    assert named == options - {"--traceback"}
    defaults = {one.opts[0]: one.default for one in check.params}
    assert defaults["--max-age"] == 90
    assert defaults["--history"] == 1000
