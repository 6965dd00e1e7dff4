"""Secrets of a pipeline on their way through its steps: variables that hold them under names of their own, and files that they are put into."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.deployment.ci_steps import Line, Step

_HELD: Final = re.compile(
    r"(?i)^\s*-?\s*[\"']?([a-z_]\w*)[\"']?\s*:\s*[\"']?\$\{\{\s*"
    r"(?:secrets\.\w*(?:token|secret|pass|pwd|key|cred|dsn)\w*|toJSON\(\s*secrets\s*\))\s*\}\}[\"']?\s*$"
)
"""``ALL: ${{ toJSON(secrets) }}``, ``PW: ${{ secrets.DB_PASSWORD }}``"""
_ASKS_NOTHING: Final = re.compile(
    r"\b(?:echo|printf)\b[^|]*(?:\|\s*(?:jq|cat|sort|rev|base64(?!\s+-+d)|fold|xxd)\b[^|]*)?$"
)
"""A command that prints, and what only gives on what it is given."""
_NAME: Final = re.compile(r"^\s*-\s*name\s*:\s*([A-Za-z_][\w.-]*)\s*$")
_VALUE: Final = re.compile(r"^\s*value\s*:\s*(\S.*)$")
_SAID: Final = re.compile(
    r"(?i)\$\{\{\s*(?:secrets\.\w|toJSON\(\s*secrets)|\$\{?\w*(?:TOKEN|SECRET|PASSW|API_?KEY|PRIVATE_KEY)\w*"
)
_INTO: Final = re.compile(r"(?<![&\d-])>>?\s*[\"']?(?!/dev/|\$GITHUB|\$\{?GITHUB)([\w./~-]+)[\"']?(?=\s|$)")
_HEREDOC: Final = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_SHOWN: Final = re.compile(
    r"^\s*(?:-\s+)?(?:run:\s*)?(?:sudo\s+)?(?:cat|head|tail|more|less|bat)\s+(?:-\S+\s+)*[\"']?([\w./~-]+)[\"']?\s*(?:$|&&|;)"
)


def spelled_out(step: Step) -> Step:
    """The step with the secret itself in place of a variable that holds it, where a command prints that; and ``name: X`` with ``value: y``
    below it as ``X: y``."""
    if any(_VALUE.match(line.text) for line in step.lines):
        step = replace(step, lines=tuple(_joined(step.lines)))
    held = {found[1] for line in step.lines if (found := _HELD.match(line.text)) is not None}
    if not held:
        return step
    named = re.compile(rf"\$(?:\{{({'|'.join(held)})\}}|({'|'.join(held)})\b)")
    lines = [
        replace(line, text=named.sub(r"${{ secrets.\1\2 }}", line.text)) if _ASKS_NOTHING.search(line.text) else line
        for line in step.lines
    ]
    return replace(step, lines=tuple(lines))


def _joined(lines: tuple[Line, ...]) -> Iterator[Line]:
    name = None
    for line in lines:
        value = _VALUE.match(line.text)
        yield replace(line, text=f"{name[1]}: {value[1]}") if name is not None and value is not None else line
        name = _NAME.match(line.text)


def shown_files(steps: list[Step]) -> Iterator[Line]:
    """``cat .env``, by itself, of a file that a command before put a secret into."""
    filled: set[str] = set()
    for step in steps:
        into = ends = ""
        for line in step.lines:
            shown = _SHOWN.match(line.text)
            if shown is not None and shown[1] in filled:
                yield line
            found = _INTO.search(line.text)
            if ends:
                filled |= {into} if into and _SAID.search(line.text) else set()
                into, ends = ("", "") if line.text.strip() == ends else (into, ends)
            elif (opened := _HEREDOC.search(line.text)) is not None:
                into, ends = found[1] if found is not None else "", opened[1]
            elif found is not None and _SAID.search(line.text[: found.start()]):
                filled.add(found[1])
