"""The stages of a Dockerfile: which of them the image that is built in the end stands on."""

import re
from dataclasses import dataclass
from typing import Final

from stopper.core.fact import TextFile

_FROM: Final = re.compile(r"(?i)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?")
_STARTS: Final = re.compile(r"(?i)^\s*(?:CMD|ENTRYPOINT)\b")
_FOR_DESK: Final = re.compile(r"(?i)(?:^|[-_.])(?:dev(?:elopment|el)?|local|debug|tests?|testing)(?:$|[-_.])")
_VARIABLE: Final = re.compile(r"\\\$\\?\{[^}]*\}|\\\$\w+")


@dataclass(frozen=True, slots=True)
class _Stage:
    base: str
    name: str
    first: int
    starts: bool


def _stages(file: TextFile) -> list[_Stage]:
    begins = [(number, found) for number, line in enumerate(file.lines, 1) if (found := _FROM.match(line))]
    ends = [number for number, _ in begins[1:]] + [len(file.lines) + 1]
    return [
        _Stage(found[1], found[2] or "", number, any(map(_STARTS.match, file.lines[number : end - 1])))
        for (number, found), end in zip(begins, ends, strict=True)
    ]


def is_of_a_desk_alone(file: TextFile, line: int) -> bool:
    """That the line stands in a stage which is called after development or tests, and which the last one, that starts something of its own,
    does not stand on."""
    stages = _stages(file)
    here = next((one for one in reversed(stages) if one.first <= line), None)
    if here is None or not _FOR_DESK.search(here.name):
        return False
    shipped, wanted = list[_Stage](), stages[-1:]
    while wanted:
        shipped += wanted
        names = [re.compile(_VARIABLE.sub(".*", re.escape(one.base))) for one in wanted]
        wanted = [
            one for one in stages if one not in shipped and one.name and any(name.fullmatch(one.name) for name in names)
        ]
    return here not in shipped and any(one.starts for one in shipped)
