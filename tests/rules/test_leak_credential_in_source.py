"""What the page of credential-in-source cannot say: test code is read where the rule asks for it."""

import base64
import json
from pathlib import Path

from stopper.rules.leak.credential_in_source import RULE
from stopper.scan.engine import run_detectors
from stopper.scan.source import files
from stopper.scan.source.read import read_files


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def seen(folder: Path, test: str) -> list[tuple[str, int, str | None]]:
    """What the rule says of an application with that one test file."""
    (folder / "tests").mkdir()
    (folder / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n", encoding="utf-8")
    (folder / "tests" / "test_api.py").write_text(test, encoding="utf-8")
    reading = read_files(files.find((folder,), folder, ()), folder, files.folders((folder,), folder), tests=True)
    (result,) = run_detectors(reading.app, [RULE])
    return [(hit.span.path, hit.span.line, hit.certainty) for hit in result.hits if hit.span]


TOKEN = f"{part({'alg': 'HS256'})}.{part({'sub': '42'})}.dGhpcyBpcyBub3QgYSBzaWduYXR1cmU"


def test_a_token_in_test_code_is_found(tmp_path: Path) -> None:
    """A token that was pasted into a test is as readable as one in the application."""
    test = f'import flask\n\n\ndef test_me(client):\n    token = "{TOKEN}"\n    client.get("/me", headers={{"X": token}})\n'
    assert seen(tmp_path, test) == [("tests/test_api.py", 5, "likely")]


def test_the_tokens_of_a_test_file_are_one_finding(tmp_path: Path) -> None:
    """They were made together and are replaced together; the header around a token is not a second credential."""
    other = TOKEN.replace("dGhp", "YWJj")
    test = f'import flask\n\nONE = {{"Authorization": "Bearer {TOKEN}"}}\nTWO = {{"Authorization": "Basic "\n + "{other}"}}\n'
    assert seen(tmp_path, test) == [("tests/test_api.py", 3, "likely")]


def test_a_token_of_a_test_whose_time_is_over_is_no_finding(tmp_path: Path) -> None:
    """Nobody takes it any more; one that is still good is told."""
    ended = f"{part({'alg': 'RS256'})}.{part({'sub': '42', 'exp': 1602291600})}.dGhpcyBpcyBub3QgYSBzaWduYXR1cmU"
    assert seen(tmp_path, f'import flask\n\nTOKEN = "{ended}"\n') == []


def test_a_token_in_the_readme_is_found(tmp_path: Path) -> None:
    """Docs lie in the repository like the source; the token of every tutorial and a variable are no credentials."""
    tutorial = (
        f"{part({'alg': 'HS256'})}.{part({'sub': '1234567890', 'name': 'John Doe'})}.dGhpcyBpcyBub3QgYSBzaWduYXR1cmU"
    )
    (tmp_path / "README.md").write_text(
        f"# API\n\n`curl -H 'Authorization: Bearer $TOKEN'`\n\nA token: {tutorial}\n\ncurl -H 'Authorization: Bearer {TOKEN}'\n",
        encoding="utf-8",
    )
    assert seen(tmp_path, "import flask\n") == [("README.md", 7, "likely")]
