"""Paths that the server in front keeps for itself: ``location /internal { internal; … }`` of nginx."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts

_LOCATION: Final = re.compile(r"^\s*location\s+(?:(?:\^~|=)\s+)?(/[\w/.-]+)\s*\{")
_INTERNAL: Final = re.compile(r"^\s*internal\s*;")


def is_kept_inside(facts: SourceFacts, path: str) -> bool:
    """That nginx answers requests from outside for *path* with 404."""
    kept = facts.once("locations kept inside", lambda: tuple(_kept(facts)))
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in kept)


def _kept(facts: SourceFacts) -> Iterator[str]:
    for file in facts.files_of("config", "deployment"):
        location = ""
        for line in file.lines:
            if found := _LOCATION.match(line):
                location = found[1]
            elif location and _INTERNAL.match(line):
                yield location
            elif "}" in line:
                location = ""
