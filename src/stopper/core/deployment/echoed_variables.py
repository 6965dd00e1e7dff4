"""Variables with credentials that a script of the shell prints when it runs: ``echo "starting with $API_KEY"``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.deployment.ci_steps import OF_A_PIPELINE
from stopper.core.naming import NameKind, sensitive
from stopper.core.place import Span

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_PRINTS: Final = re.compile(r"^\s*(?:[\w\[\]!$\"'= -]{0,80}(?:&&|;|then)\s*)?(?:echo|printf)\s(?P<said>.*)$")
_ELSEWHERE: Final = re.compile(r"[|>`]|\$\(|::add-mask::|\$\{\w+:\+")
"""What is printed goes into a file or another command, or a command gives it."""
_SHOWN: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
"""The whole of a variable; ``${KEY:0:4}`` and ``${#KEY}`` are a part and a length."""
_LONGEST: Final = 1_000


def echoed_variables(facts: "SourceFacts") -> Iterator[tuple[NameKind, Span]]:
    """What kind of credential each such line prints, and where it stands. Scripts of a pipeline, which masks them, are left out."""
    for file in facts.files_of("shell"):
        if OF_A_PIPELINE.search(file.path):
            continue
        for number, line in file.lines_with("echo", "printf"):
            printed = _PRINTS.match(line) if len(line) < _LONGEST else None
            if printed is None or _ELSEWHERE.search(printed["said"].replace(">&2", "")):
                continue
            plain = re.sub(r"'[^']*'", "", printed["said"])  # single quotes keep the dollar as it is
            for one, other in _SHOWN.findall(plain):
                kind = sensitive(one or other)
                if kind is not None:
                    yield kind, Span(file.path, number, number, 0, len(line))
                    break
