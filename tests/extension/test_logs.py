"""Logs go where the settings say, one event a line, with ids and without people; files have their mode and their end."""

import json
import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from stopper import Secret, SettingError, Stopper, public
from stopper.core.log_file import LogFile
from stopper.core.log_format import AccessFormatter, JsonFormatter, TextFormatter, one_line
from stopper.extension import logs


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    log = logging.getLogger()
    level, handlers = log.level, list(log.handlers)
    yield
    log.setLevel(level)
    for target in list(logs._installed):
        logs.uninstall(target)
    assert log.handlers == handlers


def served(**settings: object) -> Flask:
    app = Flask("shop")
    app.config.update(STOPPER_MODE="dev", **settings)
    Stopper(app)

    @app.get("/say/<text>")
    @public
    def say(text: str) -> str:
        logging.getLogger("shop").warning("said %s", text)
        return "ok"

    @app.get("/fail")
    @public
    def fail() -> str:
        raise RuntimeError("no\nway")

    return app


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


@pytest.mark.feature("F17")
def test_text_has_one_line_an_event_and_the_id_of_the_request(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    client = served(STOPPER_LOG_TO=str(path)).test_client()
    answer = client.get("/say/a%0A2026 CRITICAL forged%1b[31m", headers={"X-Request-Id": "from-the-proxy-1"})
    said = next(line for line in lines(path) if " shop " in line)
    assert answer.headers["X-Request-Id"] in said
    assert "upstream=from-the-proxy-1" in said
    assert said.endswith(r"said a\n2026 CRITICAL forged\x1b[31m")
    assert "client=127.0.0.0/24" in said


@pytest.mark.feature("F17")
def test_json_has_fields_and_the_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    client = served(STOPPER_LOG_TO=str(path), STOPPER_LOG_FORMAT="json").test_client()
    assert client.get("/fail").status_code == 500
    found = [json.loads(line) for line in lines(path)]
    failed = next(one for one in found if "error" in one)
    assert "RuntimeError: no\nway" in failed["error"]
    assert failed["level"] == "ERROR"
    assert len(failed["request"]) == 32


@pytest.mark.parametrize("sent", ["x", "a" * 65, "with blank 1234", "new\u2028line-1234", "=?utf-8?q?1234"])
def test_an_odd_request_id_of_a_caller_is_not_repeated(tmp_path: Path, sent: str) -> None:
    path = tmp_path / "app.log"
    environ = {"HTTP_X_REQUEST_ID": sent.encode("utf-8").decode("latin-1")}
    served(STOPPER_LOG_TO=str(path)).test_client().get("/say/a", environ_overrides=environ)
    assert "upstream=" not in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("people", "shown"), [("plain", "client=203.0.113.77"), ("pseudonym", "client=203.0.113.0/24"), ("none", "")]
)
def test_people(tmp_path: Path, people: str, shown: str) -> None:
    path = tmp_path / "app.log"
    client = served(STOPPER_LOG_TO=str(path), STOPPER_LOG_PEOPLE=people).test_client()
    client.get("/say/a", environ_overrides={"REMOTE_ADDR": "203.0.113.77"})
    text = path.read_text("utf-8")
    assert shown in text
    assert ("203.0.113.77" in text) is (people == "plain")


def test_a_pseudonym_is_steady_under_a_key_and_tells_nothing() -> None:
    assert logs.pseudonym("ann@example.com", b"k") == logs.pseudonym("ann@example.com", b"k")
    assert logs.pseudonym("ann@example.com", b"k") != logs.pseudonym("ann@example.com", b"other")
    assert "ann" not in logs.pseudonym("ann@example.com", b"k")
    assert (logs.network("2001:db8:1:2::3"), logs.network("nonsense")) == ("2001:db8:1::/48", "")


def test_two_applications_share_a_target_and_write_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    first, _ = served(STOPPER_LOG_TO=str(path)), served(STOPPER_LOG_TO=str(path))
    first.test_client().get("/say/once")
    assert sum("said once" in line for line in lines(path)) == 1


def test_syslog_over_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        served(STOPPER_LOG_TO=f"syslog:127.0.0.1:{listener.getsockname()[1]}").test_client().get("/say/a%0Ab")
        received = [listener.recv(4096).decode() for _ in range(2)]
    assert any(r"said a\nb" in text for text in received)


@pytest.mark.parametrize("target", ["syslog:nowhere", "/nonexistent-folder/app.log"])
def test_a_target_that_cannot_be_written_is_refused_with_the_mend(target: str) -> None:
    with pytest.raises(SettingError, match=r"STOPPER_LOG_TO: .*stdout"):
        served(STOPPER_LOG_TO=target)


def record(message: str = "x", **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "n", **extra})


def test_formats_mask_records_that_no_logger_has_seen() -> None:
    kept = Secret("kept-by-nobody-else-77")
    for formatter in (TextFormatter(), JsonFormatter(), AccessFormatter("%(message)s")):
        shown = formatter.format(record(f"a {kept.reveal()} password=hunter2", detail={"api_key": "k-9"}))
        assert kept.reveal() not in shown
        assert "hunter2" not in shown
        assert "k-9" not in shown
        assert "***" in shown


@pytest.mark.parametrize("sign", ["\n", "\r", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\ud800"])
def test_no_sign_ends_or_turns_a_line(sign: str) -> None:
    for formatter in (TextFormatter(), JsonFormatter(), AccessFormatter("%(message)s")):
        shown = formatter.format(record(f"a{sign}b"))
        assert sign not in shown
        assert len(shown.splitlines()) == 1
    assert one_line("täglich 日本") == "täglich 日本"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def log_to(handler: LogFile, count: int, text: str = "line") -> None:
    for number in range(count):
        handler.handle(record(f"{text} {number}"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def old_ones(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*"))


@pytest.mark.feature("F17")
def test_a_file_turns_over_by_size_and_keeps_a_few(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    handler = LogFile(path, most_bytes=100, hours=0, keep=3, days=0)
    log_to(handler, 200)
    handler.close()
    assert len(old_ones(path)) == 3
    assert all(one.stat().st_size <= 100 for one in (path, *old_ones(path)))
    assert lines(path)[-1] == "line 199"
    assert {mode_of(one) for one in (path, *old_ones(path))} == {0o600}


def test_a_file_turns_over_by_time_and_old_ones_go(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "a.log"
    handler = LogFile(path, most_bytes=0, hours=1, keep=0, days=2, clock=clock)
    log_to(handler, 1)
    clock.now += 1800
    log_to(handler, 1)
    assert not old_ones(path)
    clock.now += 3600
    log_to(handler, 1)
    assert len(old_ones(path)) == 1
    os.utime(old_ones(path)[0], (clock.now - 3 * 86400,) * 2)
    clock.now += 3700
    log_to(handler, 1)
    handler.close()
    assert len(old_ones(path)) == 1


def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n")
    path.chmod(0o666)
    handler = LogFile(path)
    log_to(handler, 1)
    handler.close()
    assert mode_of(path) == 0o600
    assert lines(path) == ["before", "line 0"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("")
    (tmp_path / "a.log").symlink_to(target)
    with pytest.raises(OSError, match=r"symbolic|Too many|loop"):
        LogFile(tmp_path / "a.log")


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="others can write"):
        LogFile(tmp_path / "a.log")


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    handler = LogFile(path)
    log_to(handler, 1)
    path.rename(tmp_path / "moved")
    log_to(handler, 1, "later")
    handler.close()
    assert lines(path) == ["later 0"]


def test_two_writers_of_one_file_lose_and_tear_nothing(tmp_path: Path) -> None:
    """Two handlers stand for two processes: each has its own descriptor, and both turn the file over."""
    path = tmp_path / "a.log"
    handlers: list[Any] = [LogFile(path, most_bytes=2000, keep=0, days=0) for _ in range(2)]
    threads = [
        threading.Thread(target=log_to, args=(handler, 300, name)) for handler, name in zip(handlers, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for handler in handlers:
        handler.close()
    found = [line for one in (path, *old_ones(path)) for line in lines(one)]
    assert sorted(found) == sorted(f"{name} {number}" for name in "ab" for number in range(300))


def test_a_subject_that_turns_out_to_be_a_secret_is_masked_in_the_next_line(caplog: pytest.LogCaptureFixture) -> None:
    """Words of audit lines are remembered masked; a secret that becomes known must not stay readable in them."""
    from stopper.core.principal import Principal
    from stopper.core.secret import Secret
    from stopper.extension import decision_log

    caplog.set_level(logging.INFO, "stopper.audit")
    person = Principal("kE7-pQ2vX9mZ4rT8wL1n", "bearer", credential_id="c1")
    decision_log.passed({}, "GET", "home", person)
    assert "subject=kE7-pQ2vX9mZ4rT8wL1n credential_id=c1" in caplog.messages[-1]
    kept = Secret(person.subject)
    decision_log.passed({}, "GET", "home", person)
    assert kept.reveal() not in caplog.messages[-1]
    decision_log.refused({}, "GET", "home", 403, "scope", person)
    assert kept.reveal() not in caplog.messages[-1]


def test_an_audit_line_is_one_line_whatever_stands_in_it(caplog: pytest.LogCaptureFixture) -> None:
    from stopper.core.principal import Principal
    from stopper.extension import decision_log

    caplog.set_level(logging.INFO, "stopper.audit")
    decision_log.passed({}, "G T\n", "a%s\x1b[31m", Principal("ann\ndecision=pass %d", "bearer", credential_id="\r\n"))
    (said,) = caplog.messages
    assert said.isprintable()
    assert said.count("decision=pass ") == 1
    assert said.count(" ") == 6
