"""Workflows, build files and their steps, line by line: enough of YAML, Make and Jenkins to tell which command belongs to which step.

A step is a run of lines that stand together: an item of ``steps:``, a job of GitLab, a target of Make, a section of tox, a whole script of
the shell. Comments are gone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.fact import TextFile
from stopper.core.place import Span

OF_A_PIPELINE: Final = re.compile(
    r"(?i)(?:^|/)\.?(?:ci|github|gitlab|circleci|devcontainer|tests?|e2e|cypress)(?:[-_][\w-]+)?/|(?:^|/)[\w.-]*[._-](?:ci|(?:e2e|integration|functional|unit|smoke|load)?_?tests?|testing|e2e|cypress|load|bench(?:mark)?s?)(?:[._-][\w.-]*)?$"
)
"""Files that only a pipeline starts: what they hold is thrown away with it, or is the matter of ``credential-in-ci-config``."""
OF_ONE_DESK: Final = re.compile(r"(?i)(?:^|[/._-])(?:dev|devel|development|devcontainer|local)(?:[/._-]|$)")
"""Files that start the application on one desk."""
_SAYS_DESK: Final = re.compile(
    r"^\s*-?\s*[\"']?(?:\w+_)?ENV(?:IRONMENT)?[\"']?\s*[:=]\s*[\"']?(?:dev(?:elopment)?|local)[\"']?\s*$"
)
"""An environment that says so itself: ``FLASK_ENV: development``."""
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")
_STEPS: Final = re.compile(r"^(\s*)steps\s*:\s*$")
_ITEM: Final = re.compile(r"^(\s*)-\s")
_HEAD: Final = re.compile(r"^[^\s#-][^:]*:|^\[[^\]]+\]|^\s*stage\s*\(")

LONGEST: Final = 2_000
"""Letters of a command that are looked at: nobody writes a longer one by hand."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its comment, and where it stands."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """Lines that belong together. ``is_item`` says that they are an item of ``steps:``."""

    lines: tuple[Line, ...]
    is_item: bool = False

    @property
    def text(self) -> str:
        """All lines as one text."""
        return "\n".join(line.text for line in self.lines)

    @property
    def commands(self) -> tuple[Line, ...]:
        """Its lines, with what a backslash at the end adds as part of the line; each at the place where it begins."""
        found: list[Line] = []
        for line in self.lines:
            if found and found[-1].text.endswith("\\") and len(found[-1].text) < LONGEST:
                found[-1] = Line(f"{found[-1].text[:-1]} {line.text.strip()}", found[-1].span)
            else:
                found.append(line)
        return tuple(found)

    def find(self, pattern: re.Pattern[str]) -> Line | None:
        """The first line in which that is found."""
        return next((line for line in self.lines if pattern.search(line.text)), None)


def is_of_one_desk(file: TextFile) -> bool:
    """That a file starts the application on one desk, by its name or because it gives the application an environment for development."""
    return OF_ONE_DESK.search(file.path) is not None or (
        file.kind == "compose" and any(_SAYS_DESK.match(line) for _, line in file.lines_with("env"))
    )


def lines_of(file: TextFile) -> Iterator[Line]:
    """Every line that says something."""
    for number, text in enumerate(file.lines, 1):
        said = text[:LONGEST]
        bare = (_COMMENT.sub("", said) if "#" in said else said).rstrip()
        if bare:
            yield Line(bare, Span(file.path, number, number, 1, len(text) + 1))


def steps_of(file: TextFile) -> Iterator[Step]:
    """The steps of the file in order; lines before the first one make a step of their own."""
    if file.kind == "shell":
        lines = tuple(lines_of(file))
        yield from (Step(lines),) if lines else ()
        return
    current: list[Line] = []
    depth: int | None = None
    inside = False
    for line in lines_of(file):
        indent = len(line.text) - len(line.text.lstrip())
        opened = _STEPS.match(line.text)
        item = _ITEM.match(line.text)
        if inside and depth is not None and indent < depth:
            inside, depth, starts = False, None, True
        else:
            starts = bool(_HEAD.match(line.text)) if not inside else False
        if opened:
            inside, starts, depth = True, True, None
        elif inside and item and (depth is None or len(item[1]) == depth):
            depth, starts = len(item[1]), True
        if starts and current:
            yield Step(tuple(current), bool(_ITEM.match(current[0].text)))
            current = []
        current.append(line)
    if current:
        yield Step(tuple(current), bool(_ITEM.match(current[0].text)))
