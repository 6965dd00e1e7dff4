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


def test_a_token_in_test_code_is_found(tmp_path: Path) -> None:
    """A token that was pasted into a test is as readable as one in the application."""
    token = f"{part({'alg': 'HS256'})}.{part({'sub': '42'})}.dGhpcyBpcyBub3QgYSBzaWduYXR1cmU"
    (tmp_path / "tests").mkdir()
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n", encoding="utf-8")
    test = f'import flask\n\n\ndef test_me(client):\n    token = "{token}"\n    client.get("/me", headers={{"X": token}})\n'
    (tmp_path / "tests" / "test_api.py").write_text(test, encoding="utf-8")
    found = files.find((tmp_path,), tmp_path, ())
    reading = read_files(found, tmp_path, files.folders((tmp_path,), tmp_path), tests=True)
    (result,) = run_detectors(reading.app, [RULE])
    assert [(hit.span.path, hit.span.line, hit.certainty) for hit in result.hits if hit.span] == [
        ("tests/test_api.py", 5, "likely")
    ]
