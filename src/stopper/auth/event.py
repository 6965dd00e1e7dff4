"""Things an operator must be able to read later: who did what, and what was refused."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

_log: Final = logging.getLogger("stopper.audit")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``name`` is a stable word (``refresh-reuse``); ``details`` never hold a secret."""

    name: str
    at: float
    subject: str | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])


EventSink = Callable[[Event], None]


def log_event(event: Event) -> None:
    """The default sink: one line in the log ``stopper.audit``."""
    details = "".join(f" {key}={_one_line(value)}" for key, value in sorted(event.details.items()))
    _log.info("event=%s subject=%s%s", event.name, _one_line(event.subject or "-"), details)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() and char != " " else "?" for char in text)[:200]
