"""Which part of the address of an outbound call decides about the host."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeGuard

from stopper.core.passing import given
from stopper.core.values import Call, Choice, Constant, Format, Mapping, Parameter, Unknown, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

HOSTED: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#{%]+[/?#]", re.IGNORECASE)
"""The beginning of a text that has already fixed the host."""
_OF_CLIENT: Final = re.compile(r"/(?![/\\])")
"""The beginning of a path, which a client puts behind the address that it was made with; any other refuses it."""
_BELOW: Final = re.compile(r"^(?:/[^/\\]|[?#]|[^/\\:?#{%]+[/?#])")
"""The beginning of a reference that stays below the first part of ``urljoin``: neither a scheme nor a host can follow (RFC 3986 §4.2)."""


def host_parts(facts: "SourceFacts", value: Value, steps: int = 2) -> Iterator[Value]:
    """The part of the URL that decides about the host, at each call of the function that is given the URL."""
    if steps and is_passed(value, facts):
        for one in dict.fromkeys(given(facts, value)):
            yield from host_parts(facts, one, steps - 1) if one != value else (value,)
    elif isinstance(value, Unknown) and value.parts:
        yield from host_parts(facts, value.parts[0], steps)  # beside it stand the parameters of the query
    elif isinstance(value, Choice):
        for one in options(value):  # each branch writes its own address
            yield from host_parts(facts, one, steps)
    elif isinstance(value, Call) and steps and _is_join(value) and is_passed(added := value.args[1], facts):
        for one in dict.fromkeys(given(facts, added)):
            yield from host_parts(facts, replace(value, args=(value.args[0], one)), 0 if one == added else steps - 1)
    elif steps and (written := _written(facts, value)):
        for one in written:
            yield from host_parts(facts, one, steps - 1)
    elif (steering := host_part(value)) is not None:
        yield steering


def _written(facts: "SourceFacts", value: Value) -> tuple[Value, ...]:
    """What a function of the project gives back that only writes addresses: ``return f"{self.base}/{resource}?{urlencode(query)}"``."""
    made = facts.function(value.callee) if isinstance(value, Call) and value.receiver is None else None
    written = made.returns if made is not None else ()
    return written if all(isinstance(one, (Format, Constant)) for one in written) else ()


def openings(facts: "SourceFacts", value: Value, steps: int = 2) -> Iterator[Value]:
    """What a part of a URL begins with, at each call of the function that is given it."""
    if steps and is_passed(value, facts):
        for one in dict.fromkeys(given(facts, value)):
            yield from openings(facts, one, steps - 1) if one != value else (value,)
    elif isinstance(value, Choice):
        for one in options(value):
            yield from openings(facts, one, steps)
    elif isinstance(value, Format) and value.parts:
        yield from openings(facts, value.parts[0], steps)
    else:
        yield value


def is_passed(value: Value, facts: "SourceFacts") -> TypeGuard[Parameter]:
    """That it is what the callers of a function pass, and not the part of a path that a view is given."""
    return isinstance(value, Parameter) and not facts.is_view(value.function)


def host_part(value: Value) -> Value | None:
    """The part of the URL that decides about the host; None where a literal has already fixed it."""
    if isinstance(value, Unknown) and value.parts:
        return host_part(value.parts[0])
    if isinstance(value, Mapping):
        return None
    if isinstance(value, Format):
        first = text_of(value.parts[0]) if value.parts else None
        if first is not None and (HOSTED.match(first) or _OF_CLIENT.match(first)):
            return None
        if value.parts and first is None:
            return value.parts[0] if not _is_scheme(value) else value
        return value.parts[1] if first is not None and len(value.parts) > 1 else value
    if isinstance(value, Call) and _is_join(value) and _stays_below(value.args[1]):
        return host_part(value.args[0])  # else an absolute second part takes the place of the first
    return value


def _is_join(value: Call) -> bool:
    return value.callee == "urllib.parse.urljoin" and len(value.args) == 2


def _stays_below(added: Value) -> bool:
    opening = added.parts[0] if isinstance(added, Format) and added.parts else added
    said = text_of(opening)
    return said is not None and (_BELOW.match(said) is not None or (opening is added and "//" not in said))


def _is_scheme(value: Format) -> bool:
    return len(value.parts) > 1 and (text_of(value.parts[1]) or "").startswith("://")
