"""The values of a row that an INSERT writes, in its text or passed beside it."""

import re
from typing import Final

INSERT: Final = re.compile(
    r"(?is)\binsert\s+(?:or\s+\w+\s+)?into\s+\W?\w*(?:user|account|people|member|admin|customer)\w*\W?\s*\(([^)]*)\)\s*values\s*(.*)"
)
"""An INSERT into a table of people: its columns, and what stands behind ``VALUES``."""


def quoted(row: str, beside: list[list[str]]) -> list[list[str]]:
    """The literal texts of a row; where a mark stands in it, what is passed beside the statement."""
    passed = iter(beside)
    nothing: list[str] = []
    return [
        [one[1:-1]] if one[:1] in ("'", '"') else next(passed, nothing) if one in ("?", "%s") else nothing
        for one in (part.strip() for part in row.split(","))
    ]
