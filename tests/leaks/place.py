"""A leak path: something that a service does with a secret, and everything that it leaves behind."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from stopper.core.secret import Secret


@dataclass(frozen=True)
class Place:
    """Where a path runs: its canary, its folder, and whether the protection is there."""

    canary: str
    folder: Path
    protected: bool
    kept: Secret

    @property
    def secret(self) -> Any:
        """The canary as a service holds it: a Secret; without the protection a plain text."""
        return self.kept if self.protected else self.canary

    def through(self, protection: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """*protection*, or nothing."""
        return protection if self.protected else lambda value: value


class LeakPath(NamedTuple):
    title: str
    run: Callable[[Place], object]
    make: Callable[[], str]


class Group:
    """The paths of one file, in order."""

    def __init__(self) -> None:
        self.paths: list[LeakPath] = []

    def path(
        self, title: str, make: Callable[[], str] | None = None
    ) -> Callable[[Callable[[Place], object]], Callable[[Place], object]]:
        """Add a path. *make* gives its canary."""

        def add(run: Callable[[Place], object]) -> Callable[[Place], object]:
            self.paths.append(LeakPath(title, run, make or canary))
            return run

        return add


def canary() -> str:
    """A secret as a generator makes it."""
    return f"Canary-{secrets.token_urlsafe(18)}"


def spellings(value: str) -> list[bytes]:
    """How the canary could be seen. Made here anew and not by the code under test."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + raw)
        core = coded[4:-4] if pad else coded[:-4]
        found |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return sorted(found)


def places_with(value: str, folder: Path) -> list[str]:
    """The files under *folder* in which *value* stands in any spelling."""
    known = spellings(value)
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(one in (path.name.encode() + b"\n" + path.read_bytes()) for one in known)
    )
