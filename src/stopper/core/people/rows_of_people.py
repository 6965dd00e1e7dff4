"""Roles that are written into rows and documents of people: by INSERT, by a document store, into a dictionary."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.owner_names import ROLE
from stopper.core.place import Span
from stopper.core.values import Constant, Mapping, Value, walk

_WRITES: Final = re.compile(
    r"(?is)\b(?:insert\s+(?:or\s+\w+\s+)?into|update)\s+\W?\w*(?:user|account|people|person|member|customer)\w*\b.*\b(?:role|is_admin|is_staff|is_superuser|user_type)\b"
)
_KEEPS: Final = (
    "*.insert_one", "*.insert", "*.put_item", "*.append", "*.hset", "*.save", "*.set", "*.add", "*.create", "*.update_one",
)  # fmt: skip
_PERSON: Final = re.compile(r"(?i)^e?mail(?:_address)?$|^user_?name$|^login$|passw(?:or)?d|^pwd?(?:_hash)?$")
"""What a document of somebody has beside the role."""


def roles_of_rows(facts: SourceFacts) -> Iterator[tuple[Value, Span, str]]:
    """Each value that is written as a role of somebody, where it is written, and in which function."""
    for call in facts.calls("*.execute"):
        said = next((one.value for one in walk(call.argument(0), 3) if isinstance(one, Constant)), None)
        if call.span is not None and isinstance(said, str) and _WRITES.search(said):
            for part in (part for one in call.args[1:] for part in walk(one, 1)):
                yield part, call.span, call.function
    for call in facts.calls(*_KEEPS):
        given = (*call.args, *(value for _, value in call.keywords))
        for one in (part for value in given for part in walk(value, 1)):
            if isinstance(one, Mapping) and call.span is not None:
                yield from ((value, call.span, call.function) for value in _roles(one))
    for assigned in facts.assignments():
        if isinstance(assigned.value, Mapping) and assigned.target.endswith("]"):
            yield from ((value, assigned.span, assigned.function) for value in _roles(assigned.value))


def _roles(row: Mapping) -> list[Value]:
    names = row.keys()
    if not any(_PERSON.search(name) for name in names):
        return []
    return [value for name in names if ROLE.search(name) and (value := row.get(name)) is not None]
