"""``flask …`` and ``stopper …`` in processes that are forks of one: each is a process of its own, and what all of them import is imported once."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_one_at_a_time = threading.Lock()


def run(
    program: str, folder: Path, *words: str, environ: dict[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """What *program* does in *folder* with these words, as if somebody had typed them there."""
    with tempfile.TemporaryDirectory() as place, _one_at_a_time:
        Path(place, "in").write_text(given, encoding="utf-8")
        job = {"program": program, "folder": str(folder), "words": words, "environ": environ, "place": place}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        out, err = (Path(place, name).read_text(encoding="utf-8") for name in ("out", "err"))
    return subprocess.CompletedProcess(words, code, out, err)


@lru_cache(maxsize=1)
def _server() -> "subprocess.Popen[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("STOPPER_", "FLASK_"))}
    command = [sys.executable, "-m", "tests.servers.forks"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ)
    atexit.register(_end, server)
    return server


def _end(server: "subprocess.Popen[str]") -> None:
    server.communicate(timeout=30)


def _serve() -> None:
    import flask.cli

    import stopper.cli.flask_commands
    import stopper.cli.group
    import stopper.service.run  # for all that are forked

    mains = {"flask": flask.cli.main, "stopper": stopper.cli.main}

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            job = json.loads(line)
            _run(job, mains[job["program"]])
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201 - the answer


def _run(job: dict[str, Any], main: Any) -> None:
    """Be a new process: its folder, environment, streams and words, and at the end what every process does."""
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, (name, flags) in enumerate(
        (("in", os.O_RDONLY), ("out", os.O_WRONLY | os.O_CREAT), ("err", os.O_WRONLY | os.O_CREAT))
    ):
        os.dup2(os.open(os.path.join(job["place"], name), flags, 0o600), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - they stay until the end
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = [job["program"], *job["words"]]
    sys.path[0] = job["folder"]
    try:
        main()
        code: object = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201 - as Python does
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve()
