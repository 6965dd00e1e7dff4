"""In a guarded app, a secret that has ended is a 503 that says nothing."""

from pathlib import Path

import pytest
from flask import Flask

from stopper import Stopper, public


@pytest.mark.feature("F19")
@pytest.mark.parametrize("debug", [False, True])
def test_a_secret_that_has_ended_is_answered_with_503(tmp_path: Path, debug: bool) -> None:
    file = tmp_path / "secret"
    file.write_text("canary-of-the-end")
    file.chmod(0o600)
    app = Flask(__name__)
    app.debug = app.testing = debug
    app.config.update(
        STOPPER_SECRETS={"payments": f"file:{file}"},
        STOPPER_SECRETS_KEEP=1,
        STOPPER_SECRETS_REFRESH=1,
        STOPPER_MODE="dev",
    )
    stopper = Stopper(app)

    @app.get("/pay")
    @public
    def pay() -> str:
        return str(len(stopper.secrets["payments"]))

    client = app.test_client()
    assert client.get("/pay").status_code == 200
    file.unlink()
    held = stopper.secrets._held["file", str(file)]
    held._due = held._ends = 0.0  # long ago
    answer = client.get("/pay")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "secret" not in answer.get_data(as_text=True)
    assert str(file) not in answer.get_data(as_text=True)
    file.write_text("canary-of-the-end")
    file.chmod(0o600)
    held._due = 0.0
    assert client.get("/pay").status_code == 200
