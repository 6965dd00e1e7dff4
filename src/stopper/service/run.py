"""`stopper serve`: checks everything first, then runs the service under gunicorn until it is stopped."""

import importlib.util
import ipaddress
import logging
import os
import socket
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from stopper.core.errors import IncompleteError, KeyringError, SettingError, StoreUnavailableError, UsageError
from stopper.core.log_format import TextFormatter
from stopper.core.secret import Secret
from stopper.extension import logs
from stopper.service.accounts import Accounts
from stopper.service.application import create_app
from stopper.service.parts import open_accounts

DATA: Final = Path(".stopper")
THREADS: Final = 8
GRACE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class _Plan:
    """What will be served, once everything has been judged."""

    issuer: str
    audience: str
    mode: str
    data: Path
    database: str
    workers: int
    redis: Secret | None = None

    def open(self) -> Accounts:
        return open_accounts(
            self.issuer,
            self.audience,
            data=self.data,
            database=self.database,
            redis=self.redis,
            environ=_environment(),
            open_registration=self.mode == "dev",
            workers=self.workers,
        )


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    data: Path | str = DATA,
    database: str | None = None,
    redis: str | None = None,
    issuer: str | None = None,
    mode: str = "dev",
    workers: int = 1,
    check_only: bool = False,
) -> int:
    """Run the service; returns the exit code once it has been stopped.

    *port* 0 takes a free one; *issuer* is by default STOPPER_ISSUER, then the address that is served, which mode ``prod`` does
    not accept. With
    *check_only* everything is judged, nothing is served. Raises UsageError (exit 2) and IncompleteError (exit 3), one line each.
    """
    issuer = issuer or os.environ.get("STOPPER_ISSUER") or None
    _judge_options(host, mode, issuer, workers)
    _judge_server()
    folder = Path(data)
    _prepare_folder(folder)
    listener = _listen(host, port)
    try:
        address = f"http://{_shown(host)}:{listener.getsockname()[1]}"
        url = issuer or address
        plan = _Plan(
            url,
            os.environ.get("STOPPER_AUDIENCE") or url,
            mode,
            folder,
            database or "",
            workers,
            Secret(redis) if redis else None,
        )
        _judge(plan)
        if check_only:
            _say(f"ready to serve {url} in mode {mode}; data in {folder}")
            return 0
        # From here on the socket is the server's, in this process and in every worker.
        handle = listener.detach()
    finally:
        listener.close()
    _say(f"Stopper is at {address} in mode {mode}; data in {folder}; Ctrl-C stops it")
    if workers > 1 and redis is None and not os.environ.get("STOPPER_REDIS_URL"):
        _say(f"the throttle counts in each of {workers} processes, so each takes its part of every limit")
    return _run(plan, handle)


def _judge_options(host: str, mode: str, issuer: str | None, workers: int) -> None:
    if mode not in ("dev", "prod"):
        raise UsageError(f"--mode is dev or prod, not {mode!r}")
    if mode == "dev" and not _is_loopback(host):
        raise UsageError(f"mode dev is for this machine only, and {host} is not; use --host 127.0.0.1, or --mode prod")
    if not 1 <= workers <= 64:
        raise UsageError(f"--workers is 1 to 64, not {workers}")
    if mode == "prod" and issuer is None:
        raise UsageError("mode prod needs --issuer, the address that clients use, such as https://auth.example.com")
    if issuer is not None:
        _judge_issuer(issuer, mode)


def _judge_server() -> None:
    if importlib.util.find_spec("gunicorn") is None:
        raise UsageError("the server is not installed; type: pip install 'stopper[service]'")


def _judge_issuer(issuer: str, mode: str) -> None:
    if not _is_address(issuer, mode):
        raise UsageError(f"--issuer must be an address such as https://auth.example.com, not {issuer[:200]!r}")


def _is_address(issuer: str, mode: str) -> bool:
    try:
        parts = urlsplit(issuer)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or parts.query or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (mode == "dev" or _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _prepare_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = data.stat()
        mode = stat.S_IMODE(found.st_mode)
    except OSError as wrong:
        raise UsageError(f"{data}: {wrong.strerror}; name a folder that you can write with --data") from None
    if os.name == "posix" and mode & 0o077:
        raise UsageError(f"{data}: others can enter it (mode {mode:04o}); run: chmod 700 {data}")
    if os.name == "posix" and found.st_uid != os.geteuid():
        raise UsageError(f"{data}: belongs to another user, who can read the keys in it; run: chown $(id -u) {data}")
    if not os.access(data, os.W_OK | os.X_OK):
        raise UsageError(f"{data}: cannot be written; name another folder with --data")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as wrong:
        raise UsageError(f"{host}:{port} cannot be used: {_reason(wrong)}; use --host and --port") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(512)
    except (OSError, OverflowError) as wrong:
        listener.close()
        raise UsageError(f"{host}:{port} cannot be used: {_reason(wrong)}; choose another with --port") from None
    return listener


def _reason(wrong: Exception) -> str:
    return getattr(wrong, "strerror", None) or "not an address"


def _judge(plan: _Plan) -> None:
    """Open everything once in this process, so that what is wrong is said here and not by every worker."""
    try:
        accounts = plan.open()
        create_app(accounts, mode=plan.mode)
        accounts.store.forget()
        _judge_redis(accounts)
        accounts.store.close()
    except (SettingError, KeyringError) as wrong:
        raise UsageError(str(wrong)) from None
    except OSError as wrong:
        raise UsageError(f"{wrong.filename or plan.data}: {wrong.strerror}; name another folder with --data") from None
    except StoreUnavailableError:
        where = "the database of --database" if plan.database else f"{plan.data / 'stopper.db'}"
        raise IncompleteError(
            f"{where} does not answer, or is not a database of Stopper; look whether it runs and try again"
        ) from None


def _judge_redis(accounts: Accounts) -> None:
    if accounts.store.redis is None:
        return
    try:
        accounts.store.redis.check()
        if accounts.store.redis.evicts():
            _say(
                "this Redis throws keys away when its memory is full, and counts of log-ins with them; set maxmemory-policy noeviction"
            )
    except StoreUnavailableError:
        raise IncompleteError(
            "the Redis of --redis (STOPPER_REDIS_URL) does not answer; look whether it runs, or start without it on one node"
        ) from None


def _run(plan: _Plan, handle: int) -> int:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from gunicorn.errors import HaltServer  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    from stopper.service.worker import PunctualWorker

    class Server(BaseApplication):  # type: ignore[misc]
        """gunicorn without its command line. Each worker opens its own store and keys."""

        def load_config(self) -> None:
            for name, value in _server_settings(plan, handle).items():
                self.cfg.set(name, value)
            self.cfg.set("worker_class", PunctualWorker)

        def load(self) -> Any:
            return create_app(plan.open(), mode=plan.mode)

    if not os.environ.get(logs.TO.key):
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(TextFormatter())
        shown.addFilter(logs.Context("pseudonym"))
        logging.basicConfig(level=logging.INFO, handlers=[shown])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        Server().run()
    except HaltServer as halted:
        raise IncompleteError(f"the server did not start ({halted.reason}); the lines above say why") from None
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 0
    return 0


def _server_settings(plan: _Plan, handle: int) -> Mapping[str, object]:
    return {
        "bind": [f"fd://{handle}"],
        "workers": plan.workers,
        "threads": THREADS,
        "graceful_timeout": GRACE_SECONDS,
        "timeout": 30,
        "limit_request_fields": 64,
        "proc_name": "stopper",
        "loglevel": "warning",
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "control_socket_disable": True,
    }


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("STOPPER_")}


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
