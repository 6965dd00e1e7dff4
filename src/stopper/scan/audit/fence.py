"""Keeps an audited application on this machine and within bounds."""

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import Any, Final, cast

from stopper.core.errors import UsageError

MEMORY_BYTES: Final = 4 * 1024**3
_HOME: Final = re.compile(r"localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3}|0\.0\.0\.0|::|", re.IGNORECASE)
_EVENTS: Final = frozenset(
    {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex"}
)


class Fence:
    """Refuses every connection that leaves this machine. It cannot be taken down again in this process (PEP 578)."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.at_home: set[str] = set()
        """Addresses of this machine that the application connected to."""

    def raise_up(self) -> None:
        """From now on a connection or look-up of another host fails as if there were no network."""
        sys.addaudithook(self._watch)

    def _watch(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        host = host_of(event, args)
        if host is not None and event == "socket.connect" and _HOME.fullmatch(host):
            self.at_home.add(address_of(args[1]))
        if host is not None and not _HOME.fullmatch(host):
            self.refused.add(host[:100])
            raise ConnectionRefusedError(f"an audit reaches no other host than this machine, not {host[:100]}")


def host_of(event: str, args: tuple[Any, ...]) -> str | None:
    """The host that a socket event is about; None for a socket of this machine's file system."""
    value: object = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
    if isinstance(value, tuple):
        value = next(iter(cast("tuple[object, ...]", value)), "")
    elif event in ("socket.connect", "socket.sendto"):
        return None
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value if isinstance(value, str) else ""


def address_of(address: object) -> str:
    """``127.0.0.1:5432`` of a socket's address."""
    parts = cast("tuple[object, ...]", address) if isinstance(address, tuple) else ()
    return ":".join(str(part) for part in parts[:2])


def servers_in(text: str) -> set[str]:
    """Addresses of this machine that an error speaks of, as those of database drivers do."""
    found = re.findall(r"(localhost|127(?:\.\d{1,3}){3}|::1)['\")\]]{0,3}(?:, port |:)(\d{2,5})", text)
    return {f"{host}:{port}" for host, port in found}


def limit_memory() -> None:
    """Bound the address space where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def load_environment(path: Path) -> None:
    """Set the variables of an env-file. What is set already stays, as with ``flask run``. Raises UsageError for a bad line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read as text; an env-file has lines NAME=value") from None
    for number, line in enumerate(lines, 1):
        said = line.strip().removeprefix("export ").strip()
        if not said or said.startswith("#"):
            continue
        name, equals, value = said.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            raise UsageError(f"{path}:{number} is not NAME=value")
        os.environ.setdefault(name.strip(), _unquoted(value.strip()))


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)
