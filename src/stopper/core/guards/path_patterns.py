"""Patterns of paths: whether more paths fit one than it seems to name."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def ends_alone(facts: "SourceFacts", end: str | None) -> bool:
    """That of all rules only those end in ``/user/second_factor`` which say it word for word: no caller can choose two parts of a path."""
    words = end.split("/")[1:] if end is not None and end.startswith("/") else []
    if len(words) < 2 or not all(words):
        return False
    ends = [route.path.rstrip("/").split("/")[-len(words) :] for route in facts.routes]
    free = any("path" in kind for route in facts.routes for _, kind in route.parameters)
    return words in ends and not free and not any(_fits(one, words) for one in ends if one != words)


def _fits(rule: list[str], words: list[str]) -> bool:
    return len(rule) == len(words) and all("{" in part or part == word for part, word in zip(rule, words, strict=True))


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
