"""What a user may ask of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stopper.core.rule import Rule

if TYPE_CHECKING:
    from stopper.core.probe import Depth, Identity, Mode

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


def silent(what: str, done: int, total: int) -> None:
    """The progress of a run that nobody watches."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """For `stopper check`. ``paths`` exist; places in the report are relative to ``root``. ``jobs`` 0 means one per core."""

    paths: tuple[Path, ...]
    root: Path
    rules: tuple[Rule, ...]
    jobs: int = 0
    changed_since: str | None = None
    exclude: tuple[str, ...] = ()
    progress: Progress = silent
    cache: bool = False
    """Take what an earlier run of the same files and rules came to (:mod:`stopper.scan.cache`)."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """For `stopper scan` and `stopper audit`.

    ``rate`` is requests a second (0: no pace of our own); ``max_requests`` is the budget of the whole run; ``timeout`` is in
    seconds for one request, ``time_limit`` for all of them. ``spec`` is a path or URL of an OpenAPI document.
    """

    rules: tuple[Rule, ...]
    mode: "Mode" = "default"
    depth: "Depth" = "standard"
    identities: "tuple[Identity, ...]" = ()
    spec: str | None = None
    rate: float = 0.0
    max_requests: int = 1000
    timeout: float = 5.0
    time_limit: float | None = None
    env_file: Path | None = None
    disposable_database: str | None = None
    root: Path = Path()
    progress: Progress = silent
