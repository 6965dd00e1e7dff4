"""Ids that stand in the paths of links, and the path in which each has a name instead."""

import re
from typing import Final

ID: Final = re.compile(
    r"(?i)\d+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24}|[0-9a-f]{32}|(?-i:[A-Z]{1,6}-[A-Z0-9]*-?[0-9]{2,})|(?=(?:[.-]?\d){7})\d+(?:[.-]\d+)+"
)
"""Numbers, uuids, what a company numbers its things by (``M-301``, ``ORD-2024-0001``), and numbers in groups (``111.111.111-11``): those of people and dates."""


def templated(path: str) -> tuple[str, dict[str, str]]:
    """``/notes/7`` as ``/notes/{id}`` with the id that was seen."""
    seen: dict[str, str] = {}
    parts: list[str] = []
    for part in path.split("/"):
        if part and ID.fullmatch(part):
            name = "id" if not seen else f"id{len(seen) + 1}"
            seen[name] = part
            parts.append("{" + name + "}")
        else:
            parts.append(part)
    return "/".join(parts), seen
