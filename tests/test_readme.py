"""The README's first page works when typed as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.service import PASSWORD, serving

from stopper.core.errors import UndeclaredRouteError

_BLOCK = re.compile(r"<!-- test: (?P<name>[a-z-]+) -->\n```[a-z]+\n(?P<text>.*?)```", re.DOTALL)


def _block(repository: Path, name: str) -> str:
    blocks = {found["name"]: found["text"] for found in _BLOCK.finditer((repository / "README.md").read_text("utf-8"))}
    return blocks[name]


@pytest.mark.feature("F7")
def test_a_stranger_registers_logs_in_calls_refreshes_and_logs_out(repository: Path, tmp_path: Path) -> None:
    assert shutil.which("curl"), "the README's first page needs curl"
    with serving(tmp_path) as service:
        script = _block(repository, "first-page").replace("http://127.0.0.1:8000", service.address)
        result = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.replace("}", "}\n").split()
    assert [line for line in lines if re.fullmatch(r"\d{3}", line)] == ["401", "204", "401", "401"]
    assert '"subject"' in result.stdout


def test_the_guard_example_refuses_closes_and_seals(repository: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        code = _block(repository, "guard").replace("http://127.0.0.1:8000", service.address)
        code = code.replace("sqlite:///.stopper/", f"sqlite:///{tmp_path}/.stopper/")
        with pytest.raises(UndeclaredRouteError, match="index"):
            exec(code.replace("@public\n", ""), {"__name__": "open_door"})
        scope: dict[str, object] = {"__name__": "readme"}
        exec(code, scope)
        client = scope["app"].test_client()  # type: ignore[attr-defined]
        who = {"email": "ada@example.org", "password": PASSWORD}
        service.ask("POST", "/auth/register", who)
        token = service.ask("POST", "/auth/login", who).json["access_token"]
    shown = {"Authorization": f"Bearer {token}"}
    assert client.get("/").json == {"hello": "world"}
    assert client.get("/notes").status_code == 401
    assert client.get("/notes", headers=shown).status_code == 200
    assert client.get("/reports", headers=shown).status_code == 403


def test_every_page_the_readme_names_exists(repository: Path) -> None:
    named = re.findall(r"`([\w./-]+\.(?:md|json))`", (repository / "README.md").read_text("utf-8"))
    assert named
    assert [name for name in named if not (repository / name).exists()] == []


def test_every_command_the_readme_names_exists(repository: Path) -> None:
    named = set(
        re.findall(
            r"`?stopper (check|scan|audit|rules|serve|demo|[a-z]+)\b", (repository / "README.md").read_text("utf-8")
        )
    )
    known = subprocess.run(
        [sys.executable, "-m", "stopper", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert {name for name in named if not re.search(rf"^\s+{name}\b", known, re.MULTILINE)} - {
        "import",
        "is",
        "does",
    } == set()
