"""Every logger of the process, whoever made it and whenever: handlers see masked records only."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from stopper.core import log_redaction
from stopper.core.secret import Secret

CANARY = "canary-7f3a9b2c1d-value"


@pytest.fixture(autouse=True)
def installed() -> Iterator[Secret]:
    before = log_redaction.is_installed()
    log_redaction.install()
    yield Secret(CANARY)
    if not before:
        log_redaction.uninstall()


class Keeping(logging.Handler):
    """A handler of somebody else: it keeps the record and all that hangs on it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def everything(self) -> str:
        return "".join(
            repr(vars(record)) + repr(getattr(record.exc_info, "__getitem__", str)(1) if record.exc_info else "")
            for record in self.records
        )


@pytest.fixture
def handler() -> Iterator[Keeping]:
    handler = Keeping()
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


class Odd:
    def __str__(self) -> str:
        return f"odd {CANARY}"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError(CANARY)

    def __repr__(self) -> str:
        return f"Broken({CANARY})"


LOGS: dict[str, Any] = {
    "message": lambda log: log.info(f"x {CANARY}"),
    "argument": lambda log: log.info("x %s", CANARY),
    "argument cut by the format": lambda log: log.info("x %.5s", CANARY),
    "argument that the format leaves out": lambda log: log.info("x %(a)s", {"a": 1, "b": CANARY}),
    "object": lambda log: log.info(Odd()),
    "object as argument": lambda log: log.info("x %s", Odd()),
    "exception as message": lambda log: log.info(ValueError(CANARY)),
    "wrong format": lambda log: log.info("x %d", CANARY),
    "too few arguments": lambda log: log.info("x %s %s", CANARY),
    "broken argument": lambda log: log.info("x %s", Broken()),
    "extra": lambda log: log.info("x", extra={"detail": f"a {CANARY}"}),
    "extra, nested": lambda log: log.info("x", extra={"detail": {"a": [CANARY]}}),
    "extra, object": lambda log: log.info("x", extra={"detail": Odd()}),
    "extra with a sensitive name": lambda log: log.info("x", extra={"api_key": "k-9"}),
    "dict": lambda log: log.info("x %s", {"password": "k-9"}),
    "stack": lambda log: log.info("x", stack_info=True, extra={"c": CANARY}),
    "bytes": lambda log: log.info("x %s", CANARY.encode()),
}


@pytest.mark.parametrize("write", LOGS.values(), ids=LOGS.keys())
def test_no_handler_sees_it(handler: Keeping, write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    write(logging.getLogger("somebody.else"))
    assert len(handler.records) == 1
    shown = handler.everything() + handler.format(handler.records[0]) + capsys.readouterr().err
    assert CANARY not in shown
    assert "k-9" not in shown


def test_exceptions_with_their_chain(handler: Keeping) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise ValueError("outer") from cause
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert CANARY not in handler.format(handler.records[0])
    assert handler.records[0].exc_info is None
    assert "ValueError: outer" in handler.format(handler.records[0])


def test_an_exception_without_a_secret_stays_whole(handler: Keeping) -> None:
    try:
        raise ValueError("harmless")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert handler.records[0].exc_info is not None
    assert handler.records[0].exc_info[0] is ValueError


def test_a_record_without_a_secret_is_not_touched(handler: Keeping) -> None:
    logging.getLogger("x").info("a %s b %d", "c", 4, extra={"n": 5})
    record = handler.records[0]
    assert (record.msg, record.args, record.n) == ("a %s b %d", ("c", 4), 5)  # type: ignore[attr-defined]


def test_a_mapping_that_answers_for_missing_keys_is_no_error(
    handler: Keeping, capsys: pytest.CaptureFixture[str]
) -> None:
    """gunicorn's access log asks for headers that were not sent; a failed format would print all the others."""

    class Atoms(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            return self.get(key, "-")

    logging.getLogger("gunicorn.access").info('%(r)s "%(missing)s"', Atoms(r="GET /", other=CANARY))
    assert handler.format(handler.records[0]) == 'GET / "-"'
    assert CANARY not in handler.everything()
    assert capsys.readouterr().err == ""


def test_a_copy_of_a_secret_is_the_secret() -> None:
    import copy

    kept = Secret(CANARY)
    assert copy.deepcopy({"k": kept})["k"].reveal() == copy.copy(kept).reveal() == CANARY


def test_loggers_made_before_and_after_and_of_other_classes(handler: Keeping) -> None:
    class Other(logging.Logger):
        pass

    made: list[logging.Logger] = [
        logging.getLogger("werkzeug"),
        logging.getLogger(f"new.{threading.get_ident()}"),
        logging.getLogger(),
    ]
    other = Other("other")
    other.addHandler(handler)
    for log in (*made, other, logging.LoggerAdapter(made[0], {"a": 1})):
        log.warning("x %s", CANARY)
    assert len(handler.records) == 5
    assert CANARY not in handler.everything()


def test_filters_see_masked_records_too(handler: Keeping) -> None:
    seen: list[str] = []
    log = logging.getLogger("filtered")
    watch = lambda record: bool(seen.append(record.getMessage()) or True)  # noqa: E731 - a filter is a function
    log.addFilter(watch)
    log.info("x %s", CANARY)
    log.removeFilter(watch)
    assert seen == ["x ***"]


def test_install_twice_is_once_and_uninstall_undoes_it() -> None:
    log_redaction.install()
    log_redaction.install()
    assert log_redaction.is_installed()
    log_redaction.uninstall()
    assert not log_redaction.is_installed()
    assert logging.Logger.handle.__module__ == "logging"
    log_redaction.uninstall()
    log_redaction.install()


SCRIPT = """
import logging, sys, threading, warnings
from stopper.core import log_redaction
from stopper.core.secret import Secret
log_redaction.install()
secret = Secret({canary!r})
{body}
"""
DEATHS = {
    "uncaught": "raise ValueError(secret.reveal())",
    "in a thread": "def run(): raise ValueError(secret.reveal())\nt = threading.Thread(target=run); t.start(); t.join()",
    "unraisable": "class D:\n    def __del__(self): raise ValueError(secret.reveal())\nd = D(); del d",
    "warning": "warnings.warn('x ' + secret.reveal())",
    "no handler at all": "logging.getLogger('x').warning('x %s', secret.reveal())",
    "basicConfig": "logging.basicConfig(); logging.getLogger('x').error('x %s', secret.reveal(), exc_info=ValueError(secret.reveal()))",
    "captured warnings": "logging.basicConfig(); logging.captureWarnings(True); warnings.warn('x ' + secret.reveal())",
}


@pytest.mark.parametrize("body", DEATHS.values(), ids=DEATHS.keys())
def test_nothing_reaches_the_terminal_of_a_real_process(body: str) -> None:
    script = SCRIPT.format(canary=CANARY, body=body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert CANARY not in done.stderr.replace(repr(CANARY), "")
    assert "***" in done.stderr
