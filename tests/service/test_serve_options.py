"""`stopper serve` says what is wrong in one line, before it serves anything."""

import importlib.util
import os
import socket
from pathlib import Path

import pytest
from tests.servers import forks
from tests.servers.service import environment

from stopper.core.errors import UsageError
from stopper.service.run import serve


def _run(folder: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    done = forks.run("stopper", folder, "serve", *arguments, environ=environment(**settings))
    return done.returncode, done.stdout, done.stderr


def _one_line(stderr: str, *words: str) -> None:
    assert len(stderr.strip().splitlines()) == 1, stderr
    assert "Traceback" not in stderr
    for word in words:
        assert word in stderr, stderr


def test_check_makes_everything_and_serves_nothing(tmp_path: Path) -> None:
    code, out, err = _run(tmp_path, "--check", "--port", "0")
    assert (code, err) == (0, "")
    assert "ready to serve" in out
    assert (tmp_path / ".stopper" / "stopper.db").exists()


@pytest.mark.parametrize("check_only", [True, False])
def test_a_missing_server_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], check_only: bool
) -> None:
    _without(monkeypatch, "gunicorn")
    with pytest.raises(UsageError, match=r"pip install 'stopper\[service\]'"):
        serve(port=0, data=tmp_path / "data", check_only=check_only)
    assert (list(tmp_path.iterdir()), capsys.readouterr().out) == ([], "")


def test_a_missing_driver_of_postgresql_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "psycopg")
    with pytest.raises(UsageError, match=r"pip install 'stopper\[postgres\]'"):
        serve(port=0, data=tmp_path / "data", database="postgresql://127.0.0.1:1/x")


def _without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, package=None: None if name == missing else found(name, package)
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], ["mode dev", "0.0.0.0", "--mode prod"]),
        (["--host", "192.0.2.1"], ["mode dev"]),
        (["--host", "not a host!", "--mode", "prod", "--issuer", "https://a.example"], ["not a host!"]),
        (["--mode", "prod"], ["--issuer"]),
        (["--issuer", "nonsense"], ["--issuer"]),
        (["--issuer", "http://auth.example.com", "--mode", "prod"], ["https://"]),
        (["--issuer", "https://u:p@auth.example.com"], ["--issuer"]),
        (["--redis", "http://user:hunter2hunter2@cache"], ["redis://host:6379/0"]),
        (["--workers", "65"], ["--workers"]),
        (["--database", "mysql://me:hunter2hunter2@db/x"], ["sqlite:///"]),
        (["--database", "rubbish"], ["sqlite:///"]),
        (["--issuer", "https://["], ["--issuer"]),
        (["--issuer", "https://auth.example.com:99999"], ["--issuer"]),
        (["--issuer", "https://@auth.example.com"], ["--issuer"]),
        (["--host", "a" * 100, "--mode", "prod", "--issuer", "https://a.example"], ["--host"]),
        (["--database", "postgresql://me:hunter2hunter2@[::1/x"], ["sqlite:///"]),
        (["--database", "sqlite:///file:x.db?mode=memory&uri=true"], ["plain path"]),
        (["--database", "sqlite:////dev/null/x.db"], ["/dev/null/x.db", "STOPPER_DATABASE_URL"]),
        (["--database", "sqlite:////"], ["STOPPER_DATABASE_URL"]),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    code, out, err = _run(tmp_path, "--port", "0", "--check", *arguments)
    assert (code, out) == (2, "")
    _one_line(err, *words)
    assert "hunter2" not in err


def test_a_redis_that_does_not_answer_is_told_at_the_start(tmp_path: Path) -> None:
    hidden = f"unix://me:hunter2hunter2@{tmp_path}/nobody-listens-here"
    code, out, err = _run(tmp_path, "--port", "0", "--redis", hidden)
    assert (code, out) == (3, "")
    _one_line(err, "--redis", "does not answer")
    assert "hunter2" not in err


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, err = _run(tmp_path, "--port", port)
    assert code == 2
    _one_line(err, port, "--port")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = _run(tmp_path, "--port", "0", "--data", "file/inside")
    assert code == 2
    _one_line(err, "--data")


def test_a_data_folder_that_others_can_enter(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    code, _, err = _run(tmp_path, "--port", "0", "--data", "open")
    assert code == 2
    _one_line(err, "chmod 700")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_data_folder_of_another_user_could_be_read_by_that_user(tmp_path: Path) -> None:
    data = tmp_path / "theirs"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, -1)
    link = tmp_path / "link"
    link.symlink_to(data)
    for named in (data, link):
        code, _, err = _run(tmp_path, "--check", "--port", "0", "--data", str(named))
        assert code == 2
        _one_line(err, "another user", "chown")
    assert not list(data.iterdir())


def test_a_data_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As root every folder can be written, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="--data"):
        serve(port=0, data=tmp_path / "closed", check_only=True)


def test_a_database_that_is_none(tmp_path: Path) -> None:
    data = tmp_path / ".stopper"
    data.mkdir(mode=0o700)
    (data / "stopper.db").write_bytes(b"this is not a database" * 100)
    code, _, err = _run(tmp_path, "--port", "0")
    assert code == 3
    _one_line(err, "stopper.db")


def test_a_database_server_that_does_not_answer(tmp_path: Path) -> None:
    code, _, err = _run(tmp_path, "--port", "0", "--database", "postgresql://me:hunter2hunter2@127.0.0.1:9/x")
    assert code == 3
    _one_line(err, "--database")
    assert "hunter2" not in err


@pytest.mark.parametrize("spoil", ["mode", "short", "other"])
def test_a_key_file_that_is_not_right_stops_the_start(tmp_path: Path, spoil: str) -> None:
    assert _run(tmp_path, "--port", "0", "--check")[0] == 0
    key = tmp_path / ".stopper" / "master.key"
    if spoil == "mode":
        key.chmod(0o644)
    elif spoil == "short":
        key.write_bytes(b"half")
    else:
        key.write_bytes(os.urandom(32))
    code, _, err = _run(tmp_path, "--port", "0", "--check")
    assert code == 2
    _one_line(err, "master.key")


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    import sqlite3

    assert _run(tmp_path, "--port", "0", "--check")[0] == 0
    connection = sqlite3.connect(tmp_path / ".stopper" / "stopper.db")
    connection.execute("UPDATE stopper_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    code, _, err = _run(tmp_path, "--port", "0", "--check")
    assert code == 2
    _one_line(err, "newer")


def test_a_setting_of_the_wrong_kind(tmp_path: Path) -> None:
    code, _, err = _run(tmp_path, "--port", "0", "--check", STOPPER_ACCESS_TOKEN_LIFETIME="soon")
    assert code == 2
    _one_line(err, "STOPPER_ACCESS_TOKEN_LIFETIME")
