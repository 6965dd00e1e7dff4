"""Fallbacks of variables in the files that start an application: ``SECRET: ${SECRET:-changeme}``."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.deployment.ci_steps import is_of_one_desk
from stopper.core.facts import SourceFacts
from stopper.core.place import Span

_FALLBACK: Final = re.compile(r"\$\{(\w+):?[-=]([^}$\s][^}$]*)\}")


def fallbacks_in_files(facts: SourceFacts, variables: Collection[str]) -> Iterator[Span]:
    """The places where one of these variables has a literal that stands in for it."""
    for file in facts.files_of("compose", "shell", "procfile", "workflow") if variables else ():
        for number, line in file.lines_with("${") if not is_of_one_desk(file) else ():
            for found in _FALLBACK.finditer(line) if not line.lstrip().startswith("#") else ():
                if found.group(1) in variables:
                    yield Span(file.path, number, number, found.start() + 1, found.end() + 1)
