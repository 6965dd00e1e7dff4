"""Logs of an application: where they go, one event a line, with the id of the request and without personal data.

Nothing is touched until STOPPER_LOG_TO is set. docs/secrets-in-logs.md tells the rest.
"""

import hashlib
import hmac
import ipaddress
import logging
import logging.handlers
import re
import secrets
import sys
import threading
from pathlib import Path
from typing import Final, cast

from flask import Flask, has_request_context, request

from stopper.core.errors import SettingError
from stopper.core.log_file import LogFile
from stopper.core.log_format import JsonFormatter, TextFormatter
from stopper.core.settings import Settings, number, text
from stopper.extension.current import current_principal
from stopper.extension.proxies import client_address
from stopper.extension.response_headers import request_id

TO: Final = text(
    "LOG_TO",
    "",
    "Where logs go: `stdout`, `stderr`, `syslog`, `syslog:HOST:PORT` or a file; empty leaves logging alone.",
)
FORMAT: Final = text(
    "LOG_FORMAT", "text", "How a log line looks; both are one line an event.", choices=("text", "json")
)
LEVEL: Final = text(
    "LOG_LEVEL",
    "INFO",
    "The least serious level that is written.",
    choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
)
MEGABYTES: Final = number("LOG_MEGABYTES", 20, "A log file that is bigger begins anew; 0 never.", most=100_000)
HOURS: Final = number("LOG_HOURS", 24, "A log file that is older begins anew; 0 never.", most=100_000)
KEEP: Final = number("LOG_KEEP", 14, "How many old log files stay; 0 all of them.", most=100_000)
DAYS: Final = number("LOG_DAYS", 30, "Days after which an old log file is deleted; 0 never.", most=100_000)
PEOPLE: Final = text(
    "LOG_PEOPLE",
    "pseudonym",
    "How users and client addresses stand in log lines: `pseudonym` (a keyed hash; the address cut to its network), `plain` or `none`.",
    choices=("pseudonym", "plain", "none"),
)

_UPSTREAM: Final = re.compile(r"[A-Za-z0-9_.:/+=-]{8,64}")
_NETWORKS: Final = {4: 24, 6: 48}
_lock: Final = threading.Lock()
_installed: Final[dict[str, logging.Handler]] = {}
_random_key: Final = secrets.token_bytes(32)


class Context(logging.Filter):
    """Puts on every record of a request: ``request``, our id; ``upstream``, the id that the caller sent; ``user`` and ``client``."""

    def __init__(self, people: str, key: bytes = _random_key) -> None:
        super().__init__()
        self._people = people
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True."""
        if has_request_context():
            environ = request.environ
            record.request = request_id(environ)
            sent = environ.get("HTTP_X_REQUEST_ID", "")
            record.upstream = sent if _UPSTREAM.fullmatch(sent) else ""
            if self._people != "none":
                record.user = self._user(current_principal.subject) if current_principal else ""
                record.client = self._client(client_address(request) or "")
        return True

    def _user(self, subject: str) -> str:
        return subject if self._people == "plain" else pseudonym(subject, self._key)

    def _client(self, address: str) -> str:
        return address if self._people == "plain" else network(address)


def pseudonym(subject: str, key: bytes) -> str:
    """A name for *subject* that stays the same under one *key* and tells nothing without it."""
    return "u-" + hmac.digest(key, subject.encode("utf-8", "surrogateescape"), "sha256").hex()[:16]


def network(address: str) -> str:
    """The network that *address* is in: /24 of IPv4, /48 of IPv6; empty where it is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, _NETWORKS[found.version]), strict=False))


def install(flask: Flask, settings: Settings) -> logging.Handler | None:
    """Send the process's logs where STOPPER_LOG_TO says, once a target however many applications there are.

    Raises SettingError when that cannot be written.
    """
    target = settings.get(TO)
    if not target:
        return None
    with _lock:
        known = _installed.get(target)
        if known is not None:
            return known
        handler = _installed[target] = handler_for(target, settings)
    handler.setFormatter(JsonFormatter() if settings.get(FORMAT) == "json" else TextFormatter())
    handler.addFilter(Context(settings.get(PEOPLE), _key(flask)))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.CRITICAL, logging.getLevelNamesMapping()[settings.get(LEVEL)]))
    handler.setLevel(settings.get(LEVEL))
    return handler


def uninstall(target: str) -> None:
    """Take the handler of *target* off again and close it."""
    with _lock:
        handler = _installed.pop(target, None)
    if handler is not None:
        logging.getLogger().removeHandler(handler)
        handler.close()


def handler_for(target: str, settings: Settings) -> logging.Handler:
    """The handler of one target. Raises SettingError."""
    if target in ("stdout", "stderr"):
        return logging.StreamHandler(sys.stdout if target == "stdout" else sys.stderr)
    if target == "syslog" or target.startswith("syslog:"):
        return _syslog(target)
    try:
        return LogFile(
            Path(target),
            most_bytes=settings.get(MEGABYTES) * 1_000_000,
            hours=settings.get(HOURS),
            keep=settings.get(KEEP),
            days=settings.get(DAYS),
        )
    except OSError as wrong:
        raise SettingError(
            f"STOPPER_LOG_TO: {target} cannot be written ({wrong.strerror or wrong}); name a file in a folder of your own, or stdout"
        ) from None


def _syslog(target: str) -> logging.Handler:
    _, _, where = target.partition(":")
    host, _, port = where.rpartition(":")
    try:
        address: str | tuple[str, int] = (host.strip("[]"), int(port)) if where else "/dev/log"
        return logging.handlers.SysLogHandler(address, facility=logging.handlers.SysLogHandler.LOG_DAEMON)
    except (OSError, ValueError):
        raise SettingError(
            f"STOPPER_LOG_TO: {target} does not answer; write syslog, syslog:HOST:PORT, stdout or a file"
        ) from None


def _key(flask: Flask) -> bytes:
    # Of the session secret where there is one, so that all processes give one person one name; apart from it, so that neither tells the other.
    said = cast("dict[str, object]", flask.config).get("SECRET_KEY")
    if isinstance(said, str):
        said = said.encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"stopper log names\0" + said).digest() if isinstance(said, bytes) and said else _random_key
