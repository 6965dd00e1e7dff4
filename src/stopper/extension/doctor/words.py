"""What the doctor's checks speak in: the application that is judged, and what a check found out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from flask import Flask

from stopper.extension.door import Door
from stopper.extension.guard import Guard

Verdict = Literal["met", "not met", "your part", "not applicable", "open"]
VERDICTS: Final[tuple[Verdict, ...]] = ("met", "not met", "your part", "not applicable", "open")
_HERE: Final = "http://127.0.0.1"
_OWN: Final = ("stopper_accounts", "stopper_service")
"""The blueprints of the service."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found out. ``evidence``: what was looked at; it never holds a secret. ``mend``: what to do, where something is to be done."""

    verdict: Verdict
    evidence: str
    mend: str = ""


@dataclass(frozen=True)
class Deployment:
    """One guarded application as it is set up now. Its answers are asked for once, when first needed."""

    app: Flask
    guard: Guard
    level: int
    said: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """The settings as they stand in ``app.config`` and the environment, references unresolved."""

    @property
    def for_one_machine(self) -> bool:
        """Whether it runs in mode ``dev``."""
        return self.guard.mode == "dev"

    @cached_property
    def doors(self) -> tuple[tuple[str, Door], ...]:
        """Every path with its door."""
        return tuple((rule.rule, door) for rule, door in self.guard.doors.every())

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of credential that any door takes."""
        return frozenset(kind for _, door in self.doors if door.policy is not None for kind in door.policy.kinds)

    @property
    def has_accounts(self) -> bool:
        """Whether Stopper's own accounts are mounted here."""
        return "stopper_accounts" in self.app.blueprints

    @cached_property
    def stranger(self) -> Mapping[str, str]:
        """The headers, in lower case, that a stranger gets for a path that is not there."""
        return self._headers("/.stopper-doctor-asks-for-nothing")

    @cached_property
    def refused(self) -> "tuple[str, int, Mapping[str, str], str] | None":
        """A closed door that needs no arguments, asked without a credential: path, status, headers in lower case, body. None: there is no such door."""
        path = next((path for path, door in self.doors if _is_askable(path, door)), None)
        if path is None:
            return None
        answer = self.app.test_client(use_cookies=False).get(path, base_url=_HERE)
        shown = {name.lower(): value for name, value in answer.headers}
        return path, answer.status_code, shown, answer.get_data(as_text=True)

    def _headers(self, path: str) -> Mapping[str, str]:
        answer = self.app.test_client(use_cookies=False).get(path, base_url=_HERE)
        return {name.lower(): value for name, value in answer.headers}


def is_stoppers_own(door: Door) -> bool:
    """Whether *door* belongs to Stopper's service, and not to the application around it."""
    blueprint, dot, _ = door.endpoint.partition(".")
    return bool(dot) and blueprint in _OWN


def _is_askable(path: str, door: Door) -> bool:
    return door.method == "GET" and "<" not in path and door.policy is not None and bool(door.policy.kinds)


Check = Callable[[Deployment], Outcome]


def met(evidence: str) -> Outcome:
    """It holds here."""
    return Outcome("met", evidence)


def unmet(evidence: str, mend: str) -> Outcome:
    """It does not hold; *mend* says what to type."""
    return Outcome("not met", evidence, mend)


def yours(evidence: str, part: str) -> Outcome:
    """Nobody but the application itself can do *part*."""
    return Outcome("your part", evidence, part)


def not_here(evidence: str) -> Outcome:
    """There is no such thing in this application."""
    return Outcome("not applicable", evidence)


def in_dev() -> Outcome:
    """What counts on a network alone."""
    return not_here("mode dev: for one machine; judge the deployment in mode prod")
