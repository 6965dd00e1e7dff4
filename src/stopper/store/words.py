"""Lists of words (scopes, roles, methods) as one column."""

import json
from typing import cast


def pack(words: tuple[str, ...]) -> str:
    """The words as text."""
    return json.dumps(list(words))


def unpack(text: str) -> tuple[str, ...]:
    """The words again."""
    return tuple(cast("list[str]", json.loads(text)))
