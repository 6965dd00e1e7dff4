"""YAML of other people: no dates, which may be impossible ones, and no text that it takes minutes to find wrong."""

import re
from typing import Any, Final

import yaml

DEEPEST: Final = 200
"""Brackets within brackets: for each of them that is open, the reader looks at each piece of the text again."""
_BRACKET: Final = re.compile(r"[\[\]{}]")
_DATE: Final = "tag:yaml.org,2002:timestamp"


_INDENTED: Final = re.compile(r"^[ \t?:-]{1000}", re.MULTILINE)
"""What could be nested so deep without brackets that the reader in C would leave its stack."""


def _without_dates(loader: Any) -> Any:
    """The same, which reads what looks like a date as the text that it is."""
    known = loader.yaml_implicit_resolvers
    plain = {first: [(tag, like) for tag, like in several if tag != _DATE] for first, several in known.items()}
    return type("Loader", (loader,), {"yaml_implicit_resolvers": plain})


_LOADER: Final = _without_dates(yaml.SafeLoader)
_IN_C: Final = _without_dates(getattr(yaml, "CSafeLoader", yaml.SafeLoader))
"""A tenth of the time, where the library has it."""


def load_yaml(text: str) -> Any:
    """What the text says. Raises ValueError where brackets are nested too deeply, and what else the parser raises."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        if depth > DEEPEST:
            raise ValueError("brackets are nested too deeply")
    return yaml.load(text, _LOADER if _INDENTED.search(text) else _IN_C)
