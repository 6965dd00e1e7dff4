"""What the files beside the code give variables of the environment: ``.env``, Compose, the Dockerfile, systemd, Kubernetes, Terraform, scripts."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span

_FOR_SHOW: Final = re.compile(r"(?i)example|sample|template|dist|test")
"""Names of files that only show how settings may look."""
_LEADS: Final = re.compile(
    r"^\s*(?:export\s+|ENV\s+|Environment=\s*|-\s+)?[\"']?([A-Za-z_]\w*)\s*(?:=|:\s)\s*(.*?)\s*$"
)
_NAMED: Final = re.compile(r"^\s*(?:-\s*)?(?:name|key)\s*[:=]\s*[\"']?([A-Za-z_]\w*)[\"']?\s*,?\s*$")
_VALUE: Final = re.compile(r"^\s*(?:-\s*)?value\s*[:=]\s*(.*?)\s*,?\s*$")
_PAIR: Final = re.compile(
    r"[\"']?\b(?:name|key)\b[\"']?\s*[:=]\s*[\"']?([A-Za-z_]\w*)[\"']?\s*,\s*[\"']?value\b[\"']?\s*[:=]\s*[\"']?([^\"'},]+)"
)
_DRAWN: Final = re.compile(r"openssl\s+rand\s+(?:-(?:hex|base64)\s+)?(\d+)")


def set_in_files(facts: SourceFacts, variables: Container[str]) -> Iterator[tuple[str, str, Span]]:
    """Each of these variables that a file of the environment sets, with its text and place."""
    for file in facts.files_of("env", "compose", "dockerfile", "deployment", "procfile", "shell"):
        if _FOR_SHOW.search(file.path):
            continue
        for number, name, said in _variables_set(file.lines):
            if said and name in variables:
                yield name, said, Span(file.path, number, number, 0, len(file.lines[number - 1]))


def _variables_set(lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """The number of the line, the variable and what it is set to: ``export KEY=…``, ``KEY: "…"`` and ``- KEY=…`` of Compose, ``ENV KEY=…`` of an
    image, ``Environment="KEY=…"`` of systemd, ``- name: KEY`` above ``value: …`` of Kubernetes, ``{ name = "KEY", value = "…" }`` of Terraform."""
    named = ""
    for number, line in enumerate(lines, 1):
        if (pair := _PAIR.search(line)) is not None:
            yield number, pair[1], pair[2].strip()
            continue
        if named and (value := _VALUE.match(line)) is not None:
            yield number, named, _bare(value[1])
        elif (found := _LEADS.match(line)) is not None:
            yield number, found[1], _bare(found[2])
        above = _NAMED.match(line)
        named = above[1] if above is not None else ""


def bytes_of_command(said: str) -> int | None:
    """How many bytes ``$(openssl rand -hex 4)`` draws."""
    found = _DRAWN.search(said)
    return int(found[1]) if found is not None else None


def _bare(said: str) -> str:
    return said.partition(" #")[0].strip().strip("'\"")
