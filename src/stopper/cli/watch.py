"""`stopper watch`: serve an app on this machine with the leak sensor on, and tell each leak once."""

import json
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

import click

from stopper.core.errors import UsageError

if TYPE_CHECKING:
    from stopper.core.leak import Leak
    from stopper.core.leak_sensor import LeakSensor


@click.command("watch", short_help="Serve an app here and tell each secret that leaks.")
@click.argument("app", metavar="MODULE:APP")
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="The port; 0 takes a free one.")  # fmt: skip
@click.option("--env-file", type=click.Path(), metavar="FILE", help="NAME=value lines that the app needs in its environment.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Each leak as one line of JSON.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(app: str, port: int, env_file: str | None, as_json: bool, traceback: bool) -> int:
    """Serve the Flask APP of MODULE on 127.0.0.1 and print every secret that reaches a log, an answer, a cookie, a URL, another
    host …, once each, until Ctrl-C. What the app itself prints goes to standard error. Ends with 1 when there were leaks."""
    from stopper.core.leak_sensor import LeakSensor

    teller = _Teller(sys.stdout, as_json)
    sensor = LeakSensor(teller.tell)
    sys.stdout = sys.stderr  # standard output is for the leaks
    try:
        with sensor:
            _serve(app, port, env_file, sensor)
    finally:
        sys.stdout = teller.out
    if sensor.unwatched:
        click.echo(f"too short or too common to be looked for: {', '.join(sensor.unwatched)}", err=True)
    click.echo(f"stopped; {_count(len(sensor.leaks))}", err=True)
    return 1 if sensor.leaks else 0


def _serve(target: str, port: int, env_file: str | None, sensor: "LeakSensor") -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Every request on a line of its own would hide the leaks."""

    app = _loaded(target, env_file)
    sensor.watch(app)
    try:
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    except (OSError, SystemExit):
        raise UsageError(f"port {port} is taken; give another one with --port, or --port 0 for a free one") from None
    click.echo(f"watching {target} at http://127.0.0.1:{server.server_port} (Ctrl-C ends)", err=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _loaded(target: str, env_file: str | None) -> Any:
    from stopper.scan.audit.fence import load_environment
    from stopper.scan.audit.importing import imported
    from stopper.scan.audit.parcel import Job
    from stopper.scan.audit.target import named
    from stopper.scan.options import ProbeOptions
    from stopper.scan.running.read import is_flask

    root = Path.cwd()
    if env_file is not None:
        load_environment(Path(env_file))
    app = imported(Job(target, named(target, root), ProbeOptions(rules=()), ""), root)
    if not is_flask(app):
        raise UsageError(
            f"{target} is of the type {type(app).__name__}, not a Flask application; name the application or its factory"
        )
    return app


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class _Teller:
    """Writes each leak as one line; leaks come from many threads."""

    def __init__(self, out: IO[str], as_json: bool) -> None:
        self.out = out
        self._as_json = as_json
        self._lock = threading.Lock()

    def tell(self, leak: "Leak") -> None:
        line = json.dumps(leak.as_dict()) if self._as_json else str(leak)
        with self._lock:
            click.echo(line, file=self.out)


def _count(leaks: int) -> str:
    return "no leak was seen" if not leaks else f"{leaks} leak{'s' if leaks > 1 else ''}"
