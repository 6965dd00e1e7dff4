"""Spans of time on the command line: ``30d``, ``12h``, ``90m``."""

import re
from typing import Any, Final

import click

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60}


class Span(click.ParamType[int]):
    """Days, hours or minutes, as seconds. *least*: the shortest that is taken. *zero*: whether 0 is taken too."""

    def __init__(self, *, least: int = 60, zero: bool = False, example: str = "30d") -> None:
        self.name = example
        self._least = least
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds of *value*."""
        if isinstance(value, int):
            return value
        if self._zero and value == "0":
            return 0
        found = _SPAN.fullmatch(str(value))
        seconds = int(found[1]) * _UNITS[found[2]] if found else 0
        if seconds < self._least:
            units, least = ("days or hours", "1h") if self._least >= _UNITS["h"] else ("days, hours or minutes", "1m")
            self.fail(f"write {units}, from {least} up, such as {self.name}", param, ctx)
        return seconds
