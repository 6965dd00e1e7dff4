"""Any header from anywhere weighs as much as what comes with it: the visitor's cookies, or nothing that a program could not send."""

from pathlib import Path

import pytest

from stopper.rules.cors import cors_sensitive_headers_exposed
from stopper.scan.source.read import read_source

HEAD = "from flask import Flask\nfrom flask_cors import CORS\n\napp = Flask(__name__)\n"
BY_HAND = """
@app.after_request
def shown(answer):
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Allow-Headers"] = "*"
    {more}
    return answer
"""
NAMED = 'CORS(app, origins=["https://a.example"], allow_headers="*"{})\n'
WITH_COOKIES = 'answer.headers["Access-Control-Allow-Credentials"] = "true"'


@pytest.mark.parametrize(
    ("text", "weighs"),
    [
        (BY_HAND.format(more="pass"), "low"),
        (BY_HAND.format(more=WITH_COOKIES), None),
        (NAMED.format(""), "low"),
        (NAMED.format(", supports_credentials=True"), None),
    ],
)
def test_what_any_header_weighs(text: str, weighs: str | None, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HEAD + text)
    told = list(cors_sensitive_headers_exposed.detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.severity for hit in told] == [weighs]
