"""YAML of other people: no dates, which may be impossible ones, and no text that it takes minutes to find wrong."""

import re
from typing import Any, Final

import yaml

DEEPEST: Final = 200
"""Brackets within brackets: for each of them that is open, the reader looks at each piece of the text again."""
_BRACKET: Final = re.compile(r"[\[\]{}]")
_DATE: Final = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Reads what looks like a date as the text that it is."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _DATE]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """What the text says. Raises ValueError where brackets are nested too deeply, and what else the parser raises."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        if depth > DEEPEST:
            raise ValueError("brackets are nested too deeply")
    return yaml.load(text, _Loader)
