"""Findings whose edit would change something else as well: they are left to a person."""

from pathlib import Path

import pytest

from stopper.core.rule import Edit
from stopper.scan.catalogue import find
from stopper.scan.source.read import read_source

HEAD = "import os\n\nimport jwt\nfrom flask import Flask, request\n\napp = Flask(__name__)\nKEY = os.environ['KEY']\n"
FLAG = (
    "DEBUG = False\n\n\n@app.get('/a')\ndef a():\n"
    "    return jwt.decode(request.headers['X-T'], KEY, algorithms=['HS256'], options={'verify_signature': DEBUG})\n"
)
SHARED = (
    "OPTIONS = {'verify_signature': False}\n\n\n@app.get('/a')\ndef a():\n"
    "    issuer = jwt.decode(request.headers['X-T'], options=OPTIONS)['iss']\n"
    "    return {'by': issuer, **jwt.decode(request.headers['X-T'], KEY, algorithms=['HS256'], options=OPTIONS)}\n"
)
REFRESH = (
    "from flask_jwt_extended import create_access_token, get_jwt_identity, jwt_required\n\n\n"
    "@app.post('/refresh')\n@jwt_required(verify_type=False)\ndef refresh():\n"
    "    return {'access': create_access_token(get_jwt_identity())}\n"
)
EXPORTED = (
    "from jwcrypto import jwk\n\nkey = jwk.JWK.generate(kty='RSA', size=3072)\n\n\n"
    "@app.get('/.well-known/jwks.json')\ndef keys():\n    return {'keys': [key.export(as_dict=True)]}\n"
)


def edits(slug: str, text: str, folder: Path) -> tuple[int, list[Edit]]:
    """How many hits there are, and their edits."""
    (folder / "app.py").write_text(HEAD + text, encoding="utf-8")
    app, rule = read_source((folder,), folder).app, find(slug)
    assert rule is not None
    assert rule.detect is not None
    assert rule.fix is not None
    found = list(rule.detect(app))
    return len(found), [edit for hit in found if (edit := rule.fix(app, hit)) is not None]


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("jwt-verification-disabled-indirectly", FLAG),
        ("jwt-verification-disabled-indirectly", SHARED),
        ("jwt-wrong-type-accepted", REFRESH),
        ("jwks-handling-insecure", EXPORTED),
    ],
)
def test_an_edit_that_would_change_more_is_not_offered(slug: str, text: str, tmp_path: Path) -> None:
    found, made = edits(slug, text, tmp_path)
    assert found
    assert not made


def test_werkzeug_is_given_a_method_that_every_version_knows(tmp_path: Path) -> None:
    text = "from werkzeug.security import generate_password_hash\n\n\ndef store(user, text):\n    user.password_hash = generate_password_hash(text, method='sha256')\n"
    _, made = edits("password-fast-hash", text, tmp_path)
    assert [(one.arguments, one.safe) for one in made] == [((("method", '"pbkdf2:sha256:600000"'),), False)]
