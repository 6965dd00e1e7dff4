"""What the files beside the code give variables of the environment: ``.env``, Compose, the Dockerfile, systemd."""

import re
from collections.abc import Container, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span

_FOR_SHOW: Final = re.compile(r"(?i)example|sample|template|dist|test")
"""Names of files that only show how settings may look."""
_LEADS: Final = re.compile(
    r"^\s*(?:export\s+|ENV\s+|Environment=\s*|-\s+)?[\"']?([A-Za-z_]\w*)\s*(?:=|:\s)\s*(.*?)\s*$"
)


def set_in_files(facts: SourceFacts, variables: Container[str]) -> Iterator[tuple[str, str, Span]]:
    """Each of these variables that a file of the environment sets, with its text and place."""
    for file in facts.files_of("env", "compose", "dockerfile", "deployment", "procfile"):
        if _FOR_SHOW.search(file.path):
            continue
        for number, line in enumerate(file.lines, 1):
            name, said = _variable_set(line)
            if said and name in variables:
                yield name, said, Span(file.path, number, number, 0, len(line))


def _variable_set(line: str) -> tuple[str, str]:
    """``export KEY=…``, ``KEY: "…"`` and ``- KEY=…`` of Compose, ``ENV KEY=…`` of an image, ``Environment="KEY=…"`` of systemd."""
    found = _LEADS.match(line)
    return (found[1], found[2].partition(" #")[0].strip().strip("'\"")) if found is not None else ("", "")
