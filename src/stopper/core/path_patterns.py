"""Patterns of paths: whether more paths fit one than it seems to name."""

import re
from collections.abc import Iterator


def is_open_pattern(said: str | None, method: str) -> bool:
    """That a path may go on behind the pattern, or with ``search`` before one of its alternatives: ``^/login$|\\.css$``."""
    if said is None:
        return False
    if not said.endswith(("$", r"\Z")):
        return True
    for one in _alternatives(said):
        begins = method != "search" or one.lstrip("(?:").startswith(("^", r"\A"))
        ends = one.rstrip(")").endswith(("$", r"\Z")) or (begins and one.endswith("/"))
        if not begins or not ends:
            return True
    return False


def _alternatives(pattern: str) -> Iterator[str]:
    """The parts of a pattern between bars that stand in no group and in no set."""
    begun, deep = 0, 0
    for found in re.finditer(r"\\.|[()\[\]|]", pattern):
        deep += {"(": 1, "[": 1, ")": -1, "]": -1}.get(found.group(), 0)
        if found.group() == "|" and deep == 0:
            yield pattern[begun : found.start()]
            begun = found.end()
    yield pattern[begun:]
