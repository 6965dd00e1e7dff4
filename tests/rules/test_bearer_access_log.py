"""The marks of a page say "token", and files that say it are read anyway: here a file says nothing but a log's format."""

from pathlib import Path

from stopper.rules.bearer.token_in_access_log import detect
from stopper.scan.source.read import read_source


def test_a_log_format_with_the_cookie_is_found_where_the_file_says_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    (tmp_path / "gunicorn.conf.py").write_text('access_log_format = "%(h)s %({Cookie}i)s"\n')
    hits = list(detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.span.path for hit in hits if hit.span] == ["gunicorn.conf.py"]


def test_a_log_format_of_nginx_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\n\napp = Flask(__name__)\n")
    (tmp_path / "nginx.conf").write_text(
        "log_format main '$remote_addr'\n  '$http_authorization';\nproxy_set_header Authorization $http_authorization;\n"
    )
    hits = list(detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.span.line for hit in hits if hit.span] == [2]
