"""Ten thousand lines that public packages really write are left as they are, but for one in a thousand.

The lines are made when the test runs, so they are those of the versions that are installed. STOPPER_SHOW_MASKED=1 prints what was masked.
"""

import base64
import io
import logging
import os
import random
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.test import Client

from stopper.core import log_redaction
from stopper.core.redactor import mask
from stopper.core.secret import Secret
from stopper.store import open_store

PACKAGES = (
    "flask",
    "werkzeug",
    "sqlalchemy",
    "alembic",
    "click",
    "jinja2",
    "cryptography",
    "gunicorn",
    "rich",
    "pytest",
    "hypothesis",
)
PROSE = (
    "logging",
    "http.client",
    "argparse",
    "subprocess",
    "ssl",
    "email",
    "smtplib",
    "secrets",
    "hashlib",
    "getpass",
    "urllib.parse",
    "flask",
    "click",
)


def said_by(*command: str, **environ: str) -> list[str]:
    """Both streams of a command."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environ},
        errors="replace",
    )
    return (done.stdout + done.stderr).splitlines()


def pip_lines() -> Iterator[str]:
    yield from said_by("-m", "pip", "list", "-v")
    yield from said_by("-m", "pip", "debug", "--verbose")
    yield from said_by("-m", "pip", "show", "-f", *PACKAGES)


def hash_lines() -> Iterator[str]:
    """RECORD files: a path, a hash in base64 and a size a line."""
    for name in PACKAGES:
        text = metadata.distribution(name).read_text("RECORD") or ""
        yield from text.splitlines()[:200]


def interpreter_lines() -> Iterator[str]:
    yield from said_by("-X", "importtime", "-c", "import flask, sqlalchemy, alembic")
    yield from said_by("-v", "-c", "import json, logging, email")


def help_lines() -> Iterator[str]:
    for command in ("gunicorn", "pytest", "flask", "pip install", "venv"):
        yield from said_by("-m", *command.split(), "--help", COLUMNS="100")


def prose_lines() -> Iterator[str]:
    for name in PROSE:
        yield from said_by("-m", "pydoc", name)[:400]


def web_lines() -> Iterator[str]:
    """Access lines as werkzeug writes them, and the tracebacks of a view."""
    from flask import Flask

    app = Flask("web")
    stream = io.StringIO()
    app.logger.handlers[:] = [logging.StreamHandler(stream)]
    rng = random.Random(3)

    @app.get("/fail/<number>")
    def fail(number: str) -> str:
        raise RuntimeError(f"no item {int(number)} in {sorted(range(5))} of {uuid.UUID(int=rng.getrandbits(128))}")

    client = Client(app)
    for number in range(30):
        client.get(f"/fail/{number}")
    yield from stream.getvalue().splitlines()
    for number in range(800):
        path = rng.choice(
            (
                "/",
                f"/api/v1/users/{number}",
                f"/notes?page={number}&sort=-date",
                f"/files/{uuid.UUID(int=rng.getrandbits(128))}",
                "/static/app.js?v=3f2a",
            )
        )
        yield f'127.0.0.{number % 255} - - [25/Nov/2026 07:58:{number % 60:02}] "GET {path} HTTP/1.1" {rng.choice((200, 304, 404))} {number * 7}'


def database_lines(folder: Path) -> Iterator[str]:
    """SQLAlchemy with echo and Alembic, while our own schema is made."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logs = [logging.getLogger("sqlalchemy.engine"), logging.getLogger("alembic")]
    for log in logs:
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
    store = open_store(f"sqlite:///{folder / 'a.db'}", lambda: 1.0)
    store.migrate()
    store.close()
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sa.text("create table notes (id integer, owner text, body text)"))
        for number in range(100):
            connection.execute(
                sa.text("insert into notes values (:id, :owner, :body)"),
                {"id": number, "owner": f"user-{number}", "body": "text"},
            )
            connection.execute(sa.text("select * from notes where id = :id"), {"id": number}).all()
    engine.dispose()
    for log in logs:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    yield from stream.getvalue().splitlines()


def image_lines() -> Iterator[str]:
    rng = random.Random(4)
    for number in range(300):
        coded = base64.b64encode(b"\x89PNG\r\n\x1a\n" + rng.randbytes(rng.randint(60, 900))).decode()
        yield f'<img alt="{number}" src="data:image/png;base64,{coded}">'


def id_lines() -> Iterator[str]:
    rng = random.Random(5)
    for number in range(1000):
        some = uuid.UUID(int=rng.getrandbits(128), version=4)
        yield rng.choice(
            (
                f"job {some} took {number} ms",
                f"commit {rng.randbytes(20).hex()} by bot",
                f'etag W/"{rng.randbytes(16).hex()}"',
                f"trace={rng.randbytes(16).hex()} span={rng.randbytes(8).hex()}",
                f"sha256:{rng.randbytes(32).hex()} pulled",
            )
        )


def traceback_lines() -> Iterator[str]:
    for work in (
        lambda: int("x"),
        lambda: {}["a"],
        lambda: Path("/nonexistent").read_text(),
        lambda: sa.create_engine("nothing://"),
        lambda: __import__("nowhere"),
    ):
        try:
            work()
        except Exception:
            yield from traceback.format_exc().splitlines()


def test_one_line_in_a_thousand_at_most_is_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed = log_redaction.is_installed()
    log_redaction.uninstall()  # the lines are wanted as they were written
    kinds: dict[str, Callable[[], Iterator[str]]] = {
        "pip": pip_lines, "hashes": hash_lines, "interpreter": interpreter_lines, "help": help_lines, "prose": prose_lines,
        "web": web_lines, "database": lambda: database_lines(tmp_path), "images": image_lines, "ids": id_lines, "tracebacks": traceback_lines,
    }  # fmt: skip
    kept = [Secret(f"a-secret-of-this-process-{number}-{uuid.UUID(int=number)}") for number in range(20)]
    lines = {kind: list(made()) for kind, made in kinds.items()}
    masked = [(kind, line, shown) for kind, some in lines.items() for line in some if (shown := mask(line)) != line]
    if installed:
        log_redaction.install()
    count = sum(map(len, lines.values()))
    if os.environ.get("STOPPER_SHOW_MASKED"):
        with capsys.disabled():
            sys.stdout.write(
                f"{count} lines { {kind: len(some) for kind, some in lines.items()} }, {len(masked)} masked\n"
            )
            for kind, line, shown in masked:
                sys.stdout.write(f"{kind}: {line[:150]!r}\n   -> {shown[:150]!r}\n")
    assert kept
    assert count >= 10_000
    assert len(masked) <= count / 1000, masked[:20]
