"""The edit that takes a literal out of a file beside the code, where a variable or a kept secret of the same name can stand."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stopper.core.fact import TextFile
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.rule import Edit

_PAIR: Final = re.compile(
    r"^\s*(?:-\s+)?(?:[\"']?(?P<name>[A-Za-z]\w*)[\"']?(?:\s*:\s+|=)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'#]+)|"
    r"(?P<quote>[\"'])(?P<inner>[A-Za-z]\w*)=(?P<said>[^\s\"'#\\]+)(?P=quote))(?:\s+#.*)?\s*$"
)
"""``NAME: value``, ``- NAME=value``, ``- "NAME=value"`` on a line of its own."""
_ADDRESS: Final = re.compile(r"://[^:/@\s]*:([^@/\s]+)@")


def from_variable(file: TextFile, line: int, pattern: str, others: Iterable[TextFile] = ()) -> Edit | None:
    """*pattern* (with ``{}`` for the name) in place of the literal of that line, and wherever the file says the same literal: under the name of a
    secret, or as the password of an address. Who is called like his password keeps the name.

    To be looked at: whoever starts it has to set the variable first, and the literal that was in the repository is known. None where one
    of *others* has the literal too: it would be another one there.
    """
    found = _PAIR.match(file.lines[line - 1])
    if found is None:
        return None
    name, literal = _pair(found)
    if (address := _ADDRESS.search(literal)) is not None and (known := _called(file, address[1])):
        name, literal = known, address[1]
    text = pattern.format(name)
    if any(literal in written for one in others if one.path != file.path for written in one.lines):
        return None
    edits = [
        Edit(Span(file.path, number, number, begin + 1, end + 1), text, safe=False)
        for number, written in enumerate(file.lines, 1)
        for begin, end in _said_at(written, literal, here=number == line)
    ]
    first = next(one for one in edits if one.span.line == line)
    return replace(first, also=tuple(one for one in edits if one is not first))


def _pair(found: re.Match[str]) -> tuple[str, str]:
    return found["name"] or found["inner"], (found["value"] or found["said"]).strip("\"'")


def _said_at(written: str, literal: str, *, here: bool) -> list[tuple[int, int]]:
    found = _PAIR.match(written)
    if found is not None and _pair(found)[1] == literal:
        kept = not here and sensitive(_pair(found)[0]) is None
        return [] if kept else [found.span("value" if found["value"] else "said")]
    return [one.span(1) for one in _ADDRESS.finditer(written) if one[1] == literal]


def _called(file: TextFile, literal: str) -> str:
    """Under what name the file says the literal by itself."""
    pairs = map(_pair, filter(None, map(_PAIR.match, file.lines)))
    return next((name for name, said in pairs if said == literal and sensitive(name) is not None), "")
