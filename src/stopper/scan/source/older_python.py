"""Source from before Python 3.7, in which ``async`` and ``await`` are names: ``task(async=True)``."""

import io
import tokenize
from itertools import pairwise
from typing import Final

_NOW_KEYWORDS: Final = frozenset({"async", "await"})
_FOLLOW: Final = frozenset({"def", "for", "with"})


def with_other_names(text: str) -> str | None:
    """The same source with names of the same length in their place, so that every line and column stays; None where there are no such names."""
    if "async" not in text and "await" not in text:
        return None
    lines = text.splitlines(keepends=True)
    try:
        read = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    found = [
        one.start
        for one, after in pairwise(read)
        if one.type == tokenize.NAME and one.string in _NOW_KEYWORDS and _is_name(one.string, after)
    ]
    for line, column in found:
        said = lines[line - 1]
        lines[line - 1] = f"{said[:column]}{said[column].upper()}{said[column + 1 :]}"
    return "".join(lines) if found else None


def _is_name(word: str, after: tokenize.TokenInfo) -> bool:
    """What follows is no statement that begins with the keyword, and no value that is waited for."""
    if word == "async":
        return after.string not in _FOLLOW
    return after.type == tokenize.OP and after.string in ("=", ")", ",", ".", ":")
