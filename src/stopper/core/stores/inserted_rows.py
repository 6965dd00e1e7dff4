"""The values of a row that an INSERT writes, in its text or passed beside it."""

import re
from typing import Final

INSERT: Final = re.compile(
    r"(?is)\binsert\s+(?:or\s+\w+\s+)?into\s+\W?(?P<table>\w*(?:user|account|people|person|member|admin|customer|client|staff|owner|employee|operator|login|credential"
    r"|author|teacher|student|patient|doctor|player|subscriber)\w*)\W?\s*(?:\((?P<columns>[^)]*)\)\s*)?values\s*(?P<rows>.*)"
)
"""An INSERT into a table of people: its columns where it names them, and what stands behind ``VALUES``."""


def columns_of(match: re.Match[str], made: dict[str, tuple[str, ...]]) -> list[str]:
    """The columns that an INSERT fills, in their order; where it names none, those that the table was made with."""
    if match["columns"] is None:
        return list(made.get(match["table"].lower(), ()))
    return [one.strip(" \t\n\"'`[]") for one in match["columns"].split(",")]


def quoted(row: str, beside: list[list[str]]) -> list[list[str]]:
    """The literal texts of a row; where a mark stands in it, what is passed beside the statement or put into it."""
    passed = iter(beside)
    nothing: list[str] = []
    return [
        next(passed, nothing) if one.strip("'\"") in ("?", "%s") else [one[1:-1]] if one[:1] in ("'", '"') else nothing
        for one in (part.strip() for part in row.split(","))
    ]
