"""The examples of docs/api-keys.md hold."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "api-keys.md").read_text("utf-8")
EXAMPLES = re.findall(r"<!-- example: [a-z ]+ -->\n```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTES_PEPPER", "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG")
    names: dict[str, Any] = {"__name__": "example"}
    for example in EXAMPLES:
        exec(compile(example, "docs/api-keys.md", "exec"), names)
    client = names["app"].test_client()

    def status(address: str) -> int:
        shown = {"X-API-Key": names["hand_over"]}
        return int(client.get("/notes", headers=shown, environ_base={"REMOTE_ADDR": address}).status_code)

    assert [status("10.1.2.3"), status("192.0.2.1")] == [200, 401]
    assert names["stopper"].api_keys.revoke_all("ann") == 1
    assert status("10.1.2.3") == 401


def test_every_command_of_the_page_is_there() -> None:
    from stopper.cli.flask_api_keys import api_keys

    named = set(re.findall(r"flask stopper apikeys ([a-z]+)", PAGE))
    assert named == set(api_keys.commands)
