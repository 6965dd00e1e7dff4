"""An OpenAPI document beside the code is joined to the routes that it speaks of, and no other is."""

from pathlib import Path

from stopper.scan.source.read import read_source

_APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/notes/<int:number>")\ndef note(number):\n    return {}\n'
_DOCUMENT = (
    'openapi: 3.0.3\ninfo: {title: x, version: "1"}\nsecurity: [{key: []}]\npaths:\n  %s:\n    get: {responses: {}}\n'
)


def test_a_document_of_this_application_is_read_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "openapi.yaml").write_text(_DOCUMENT % "/notes/{id}")
    app = read_source((tmp_path,), tmp_path).app
    assert app.spec is not None
    assert [route.spec_security for route in app.routes if route.path.startswith("/notes")] == [("key",)]


def test_a_document_of_another_api_and_a_broken_one_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "openapi.yaml").write_text(_DOCUMENT % "/forecast")
    (tmp_path / "swagger.json").write_text("{")
    reading = read_source((tmp_path,), tmp_path)
    assert reading.app.spec is None
    assert reading.errors == ()


def test_only_so_many_documents_are_read_until_one_fits(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    other = _DOCUMENT % "/forecast" + "".join(
        f"  /forecast/{one}:\n    get: {{responses: {{}}}}\n" for one in range(9_000)
    )
    for number in range(8):
        (tmp_path / "specs").mkdir(exist_ok=True)
        (tmp_path / "specs" / f"a{number}.yaml").write_text(other)
    (tmp_path / "specs" / "openapi.yaml").write_text(_DOCUMENT % "/notes/{id}")
    (tmp_path / "specs" / "broken.json").write_text('{"openapi": ' + "[" * 600_000)
    app = read_source((tmp_path,), tmp_path).app
    assert app.spec is not None
    assert app.spec.origin == "specs/openapi.yaml"
