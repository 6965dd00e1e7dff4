"""`stopper demo`: the auth service, the leaky and the sealed API, started on loopback and scanned side by side."""

import contextlib
import importlib.util
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from stopper.core.errors import IncompleteError, UsageError
from stopper.demo.planted import planted, untold
from stopper.scan import catalogue
from stopper.scan.audit.parent import run_audit
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report
from stopper.scan.score import scored

HOST = "127.0.0.1"
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the demo: what it is, where it answers, and the command that starts it."""

    title: str
    port: int
    command: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"


def main(port: int = 8000, stay: bool = False) -> int:
    """Start the three servers on *port* and the two above it, audit both APIs, print the grades and addresses, then ``ready``.

    Returns 0 when leaky gets F and sealed gets A, else 1. With *stay* the servers run until Ctrl-C. Raises UsageError when a
    port is taken or a part is not installed.
    """
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="stopper-demo-") as folder:
        servers = _servers(port, Path(folder))
        with _running(servers):
            console.print("scanning both APIs: source, running app and wire …")
            leaky, sealed = _audit("leaky"), _audit("sealed")
            console.print(_table(((servers[1], leaky), (servers[2], sealed))))
            missed = untold(leaky.findings)
            slugs = {slug for slug, _ in planted()}
            console.print(f"of the {len(slugs)} weaknesses planted in leaky, {len(slugs) - len(missed)} were found")
            if missed:
                console.print(f"missed: {', '.join(sorted(missed))}", style="bold red")
            _addresses(console, servers)
            console.print(f"every finding: {_again()}", soft_wrap=True)
            console.print("ready", style="bold green")
            if stay:
                _wait_for_the_end(console)
    as_promised = (leaky.grade, sealed.grade) == ("F", "A") and not sealed.findings and not missed
    return 0 if as_promised else 1


def _servers(port: int, folder: Path) -> tuple[Server, Server, Server]:
    for module, extra in (("gunicorn", "service"), ("jwt", "demo"), ("flask_cors", "demo")):
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"the demo needs {module}; type: pip install 'stopper[{extra}]'")
    for wanted in range(port, port + 3):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, wanted))
            except OSError:
                raise UsageError(
                    f"port {wanted} is taken; type: stopper demo --port {port + 100} (or make run PORT={port + 100})"
                ) from None
    python = sys.executable
    service = (
        python,
        "-m",
        "stopper.cli",
        "serve",
        "--host",
        HOST,
        "--port",
        str(port),
        "--data",
        str(folder / "service"),
    )
    return (
        Server("auth service", port, service),
        Server("leaky", port + 1, (python, "-m", "stopper.demo.serve_one", "leaky", str(port + 1))),
        Server("sealed", port + 2, (python, "-m", "stopper.demo.serve_one", "sealed", str(port + 2))),
    )


@contextlib.contextmanager
def _running(servers: Sequence[Server]) -> Generator[None]:
    """The servers, answering; each is stopped by its own pid at the end, whatever happened."""
    started: list[tuple[Server, subprocess.Popen[bytes]]] = []
    with tempfile.TemporaryFile() as log:
        try:
            for server in servers:
                child = subprocess.Popen(
                    server.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
                started.append((server, child))
            for server, child in started:
                _wait_until_it_answers(server, child)
            yield
        finally:
            for _, child in started:
                child.terminate()
            for _, child in started:
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


def _wait_until_it_answers(server: Server, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise IncompleteError(
                f"the {server.title} ended at its start (exit {child.returncode}); to see why, type: {' '.join(server.command[1:])}"
            )
        with contextlib.suppress(OSError), socket.create_connection((HOST, server.port), timeout=1):
            return
        time.sleep(0.05)
    raise IncompleteError(f"the {server.title} does not answer at {server.url} after {START_SECONDS} s")


def _again() -> str:
    """The command that shows the findings, from the folder where this runs."""
    here, folder = Path.cwd().resolve(), Path(__file__).resolve().parent
    seen = folder.is_relative_to(here) and "site-packages" not in folder.relative_to(here).parts
    return ("" if seen else f"cd {folder} && ") + "stopper audit stopper.demo.leaky:app --active"


def _audit(name: str) -> Report:
    options = ProbeOptions(rules=catalogue.load(), mode="active", root=Path(__file__).parent)
    return scored(run_audit(f"stopper.demo.{name}:app", options))


def _table(rows: Sequence[tuple[Server, Report]]) -> Table:
    table = Table("API", "grade", "score", "findings", "confirmed", "high and up", "tested", "seconds", box=None)
    for server, report in rows:
        grave = sum(finding.rule.severity in ("high", "critical") for finding in report.findings)
        confirmed = sum(finding.confidence == "confirmed" for finding in report.findings)
        style = "bold green" if report.grade == "A" else "bold red"
        table.add_row(
            server.title,
            f"[{style}]{report.grade or '-'}[/]",
            str(report.score),
            str(len(report.findings)),
            str(confirmed),
            str(grave),
            f"{report.coverage.percent:.0f} % of {report.coverage.total}",
            f"{report.seconds:.1f}",
        )
    return table


def _addresses(console: Console, servers: Sequence[Server]) -> None:
    for server, more in zip(servers, ("/openapi.json shows its routes", "", ""), strict=True):
        console.print(f"  {server.title:<13} {server.url}{more}", soft_wrap=True)


def _wait_for_the_end(console: Console) -> None:
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    console.print("Ctrl-C ends it.")
    ended.wait()
