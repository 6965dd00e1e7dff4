"""Audits an application of this machine: a child process imports, reads and probes it and sends the report back."""

import contextlib
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from stopper.core.errors import IncompleteError, UsageError
from stopper.core.redactor import mask
from stopper.scan.access.row import Row
from stopper.scan.audit.database import is_on_a_server
from stopper.scan.audit.parcel import Answer, Job, dump_job, load_answer
from stopper.scan.audit.target import named
from stopper.scan.options import ProbeOptions, silent
from stopper.scan.report import Report

IMPORT_SECONDS: Final = 60.0
"""How long an application may take to import."""
WALL_SECONDS: Final = 900.0
"""How long a whole audit may take."""
KEPT: Final = 16 * 1024
"""Bytes of what the application printed last that are kept for the one line of an error."""


def run_audit(
    target: str, options: ProbeOptions, *, import_seconds: float = IMPORT_SECONDS, wall_seconds: float = WALL_SECONDS
) -> Report:
    """Import an application in a process of its own, read its source, probe it in process, correlate.

    *target* is ``module:app``, ``module:create_app('test')``, ``path/to/app.py`` or another form of FLASK_APP.
    Raises UsageError when module, attribute or environment file is not there; IncompleteError when the application dies, exits
    or hangs.
    """
    return _run(target, options, False, import_seconds, wall_seconds)


def read_access(target: str, options: ProbeOptions, *, import_seconds: float = IMPORT_SECONDS) -> tuple[Row, ...]:
    """The access table of an application: what is declared and traced, without probing. Raises as :func:`run_audit`."""
    return _run(target, options, True, import_seconds, WALL_SECONDS).access


def _run(target: str, options: ProbeOptions, only_access: bool, import_seconds: float, wall_seconds: float) -> Report:
    parts = named(target, options.root)
    if options.env_file is not None and not options.env_file.is_file():
        raise UsageError(f"{options.env_file} is not a file; give --env-file an existing one")
    job = Job(
        target,
        parts,
        replace(options, progress=silent),
        "",
        not is_on_a_server(options.disposable_database),
        only_access=only_access,
    )
    answer = _asked(job, options, import_seconds, wall_seconds)
    if answer.wants:  # a network of its own hides them: where one answers the application gets it, else it goes without
        job = replace(job, alone=not any(answers(address) for address in answer.wants), content=True)
        answer = _asked(job, options, import_seconds, wall_seconds)
    if answer.usage is not None:
        raise UsageError(answer.usage)
    if answer.report is None:
        raise IncompleteError(answer.incomplete or f"{target} sent no report")
    return answer.report


def _asked(job: Job, options: ProbeOptions, import_seconds: float, wall_seconds: float) -> Answer:
    folder = Path(tempfile.mkdtemp(prefix="stopper-audit-"))
    try:
        return _ask(replace(job, folder=str(folder)), options, folder, import_seconds, wall_seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(address: str) -> bool:
    """Whether something listens at ``host:port`` of this machine."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _ask(job: Job, options: ProbeOptions, folder: Path, import_seconds: float, wall_seconds: float) -> Answer:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "stopper.scan.audit.start"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=child_environment(),
    )
    said = _Tail(child.stdout)
    try:
        _give(child.stdin, dump_job(job))
        late = _wait(child, options, folder, import_seconds, wall_seconds)
    except BaseException:
        _end(child, gently=True)
        raise
    finally:
        _end(child)
        said.close()
    if late:
        return Answer(incomplete=f"{job.target} {late}")
    try:
        return load_answer((folder / "answer").read_bytes(), options.rules)
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError):
        return Answer(
            incomplete=f"{job.target} ended the process while it was imported or asked{_last_words(child, said.text)}"
        )


def child_environment() -> dict[str, str]:
    """The environment of the child: the import path of this process, nothing written beside the target's source, and
    ``app.run()`` at import does nothing."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "FLASK_RUN_FROM_CLI": "true",
    }


def _wait(
    child: "subprocess.Popen[bytes]", options: ProbeOptions, folder: Path, import_seconds: float, wall_seconds: float
) -> str:
    """Wait for the child, showing its progress; what to say when it took too long, else an empty text."""
    began, seen = time.monotonic(), ""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
            return ""
        phase = _phase(folder)
        if phase and phase != seen:
            seen = phase
            what, done, total = (*phase.split("\t"), "0", "0")[:3]
            options.progress(what, int(done), int(total))
        took = time.monotonic() - began
        if not phase and took > import_seconds:
            return f"hangs on import (over {import_seconds:g} s); does it start a server or wait for a database?"
        if took > wall_seconds:
            return f"was not done within {wall_seconds:g} s; use --depth quick or a smaller --max-requests"


def _phase(folder: Path) -> str:
    try:
        return (folder / "phase").read_text(encoding="utf-8")
    except OSError:
        return ""


def _give(stdin: "IO[bytes] | None", data: bytes) -> None:
    if stdin is not None:
        with contextlib.suppress(BrokenPipeError), stdin:
            stdin.write(data)


def _end(child: "subprocess.Popen[bytes]", *, gently: bool = False) -> None:
    """End the child and everything it started."""
    if gently and child.poll() is None:
        child.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(3)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def _last_words(child: "subprocess.Popen[bytes]", said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    code = f" (exit {child.returncode})" if child.returncode else ""
    return f"{code}: {mask(lines[-1])[:200]}" if lines else code


class _Tail:
    """Reads what a process prints and keeps its end."""

    def __init__(self, stream: "IO[bytes] | None") -> None:
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """The last words."""
        return self._kept.decode("utf-8", "replace")

    def close(self) -> None:
        """Stop reading."""
        self._thread.join(2)
        if self._stream is not None:
            self._stream.close()

    def _read(self) -> None:
        if self._stream is None:
            return
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(self._stream.fileno(), 65536):
                self._kept = (self._kept + part)[-KEPT:]
