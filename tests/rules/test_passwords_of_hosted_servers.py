"""The password of a server that everybody reaches weighs as the rule says; that of one in the same network has to be looked at."""

from pathlib import Path

import pytest

from stopper.rules.crypto import secret_in_deployment_file
from stopper.scan.source.read import read_source


@pytest.mark.parametrize(
    ("host", "weighs"),
    [
        ("huts.8fxk7vz.mongodb.net", None),
        ("huts.c1x2.eu-west-1.rds.amazonaws.com:5432", None),
        ("db", "low"),
        ("mongodb.net.huts.internal", "low"),
    ],
)
def test_what_the_password_of_a_server_weighs(host: str, weighs: str | None, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        f'from flask import Flask\n\napp = Flask(__name__)\nWHERE = "postgres://ann:Ann2041x@{host}/huts"\n'
    )
    told = list(secret_in_deployment_file.detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.severity for hit in told] == [weighs]


def test_one_password_of_several_files_is_told_where_it_stands_first(tmp_path: Path) -> None:
    text = 'from flask import Flask\n\nWHERE = "mongodb+srv://ann:Ann2041x@huts.8fxk7vz.mongodb.net/"\n'
    for name in ("app.py", "fill.py", "show.py"):
        (tmp_path / name).write_text(text)
    told = list(secret_in_deployment_file.detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.span.path for hit in told if hit.span is not None] == ["app.py"]
