"""Plants secrets, watches where they go, and says at the end of a test which of them leaked."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import pytest
from _pytest import capture  # the streams of a captured test have no other home

from stopper.core.leak import Leak
from stopper.core.leak_process import writing
from stopper.core.leak_sensor import LeakSensor
from stopper.core.patches import Patches

Planted = Literal["token", "api-key", "password", "key"]
SETTING: Final = "LEAK_CANARY_SECRET_KEY"
"""The planted setting and environment variable: whoever dumps all of them shows it."""
COOKIE: Final = "leak_canary"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A leak that is meant. *pattern*: what the leak's line must hold, with ``*`` for anything."""

    pattern: str
    reason: str

    def covers(self, leak: Leak) -> bool:
        """Whether it speaks of *leak*."""
        return re.search(_as_expression(self.pattern), str(leak)) is not None


class LeakGuard:
    """The guard of one test. ``leaks`` are those that nobody allowed."""

    def __init__(self, allowed: Iterable[Allowed] = ()) -> None:
        self._allowed = list(allowed)
        self._patches = Patches()
        self._apps: list[Any] = []
        self._told = 0
        cookie = self._new()
        self._sensor = LeakSensor(lambda _: None, planted=(COOKIE, cookie), meet=self._plant_setting)
        self._sensor.add(cookie, "the planted cookie")
        self._secret = self._new()
        self._sensor.add(self._secret, "the planted setting and environment variable")

    def start(self) -> None:
        """Plant and watch."""
        self._patches.put(capture.CaptureIO, "write", self._writing)
        self._patches.put(capture.EncodedFile, "write", self._writing)
        os.environ[SETTING] = self._secret
        flask = _flask_class()
        if flask is None:
            self._sensor.start()
        else:
            self._sensor.watch_class(flask)

    def stop(self) -> None:
        """Leave everything as it was."""
        self._sensor.stop()
        self._patches.undo()
        os.environ.pop(SETTING, None)
        for app in self._apps:
            app.config.pop(SETTING, None)
        self._apps.clear()

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What leaked until now and is not allowed."""
        return tuple(leak for leak in self._sensor.leaks if not any(one.covers(leak) for one in self._allowed))

    def canary(self, kind: Planted = "token", label: str = "") -> str:
        """A new secret to hand to the application: as a password, a token, a key. Wherever it turns up, it leaked."""
        value = self._new()
        self._sensor.add(value, label or f"the canary {kind}")
        return value

    def watch(self, value: str, label: str) -> None:
        """Watch a secret that the test knows. *label* is shown, *value* never."""
        self._sensor.add(value, label)

    def allow(self, pattern: str, *, reason: str) -> None:
        """Let leaks pass whose line holds *pattern* (``*`` is anything): ``allow("GET /echo*[response]", reason="it is an echo")``."""
        self._allowed.append(_allowed(pattern, reason))

    def check(self) -> None:
        """Fail now instead of at the end of the test."""
        if self.leaks:
            pytest.fail(self.report(), pytrace=False)

    def tell(self) -> bool:
        """Whether there are leaks that were not told before."""
        before, self._told = self._told, len(self.leaks)
        return self._told > before

    def report(self) -> str:
        """The leaks as text, one a line, without a value."""
        leaks = self.leaks
        many = "a secret leaked" if len(leaks) == 1 else f"{len(leaks)} leaks"
        lines = "\n".join(f"  {leak}" for leak in leaks)
        return f'{many}:\n{lines}\nIf it is meant: @pytest.mark.leak_allowed("part of the line", reason="…")'

    @staticmethod
    def _new() -> str:
        # 192 bits; letters and digits on both ends, so that every spelling keeps them.
        return f"Canary7{secrets.token_hex(24)}"

    def _writing(self, original: Any) -> Any:
        return writing(self._sensor.journal, original)

    def _plant_setting(self, app: Any) -> None:
        if SETTING not in app.config:
            app.config[SETTING] = self._secret
            self._apps.append(app)


def allowed_by(lines: Iterable[str], marks: Iterable[pytest.Mark]) -> Iterator[Allowed]:
    """What the configuration and a test's marks allow. Raises UsageError where a reason is missing."""
    for line in lines:
        pattern, _, reason = line.partition("#")
        yield _allowed(pattern.strip(), reason.strip())
    for mark in marks:
        yield _allowed(str(mark.args[0]) if mark.args else "", str(mark.kwargs.get("reason", "")))


def _allowed(pattern: str, reason: str) -> Allowed:
    if not pattern or not reason:
        raise pytest.UsageError(
            f"a leak is allowed by a part of its line and a reason; write: {pattern or 'GET /echo*[response]'} # the reason"
            " (stopper_leak_allow), or leak_allowed(pattern, reason=…)"
        )
    return Allowed(pattern, reason)


def _as_expression(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))


def _flask_class() -> type | None:
    try:
        from flask import Flask
    except ImportError:
        return None
    return Flask
