"""What a script sends along: the members of the object that a call puts into its body."""

import re
from dataclasses import dataclass
from typing import Final

_WINDOW: Final = 600
"""Characters behind an address in which its call ends."""
_BEFORE: Final = 20_000
"""Characters before it in which the object is made that a call sends by its name."""
_NAMES_MOST: Final = 12
_OBJECT: Final = r"\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}"
_PACKED: Final = re.compile(r"JSON\.stringify\(\s*(?:" + _OBJECT + r"|([A-Za-z_$]\w{0,39})\s*[,)])")
_GIVEN: Final = re.compile(r"[^'\"`]{0,40}['\"`]\s*,\s*(?:" + _OBJECT + r"|([A-Za-z_$]\w{0,39})\s*[,)])")
"""The second argument of ``axios.post`` and ``$.post``."""
_NEXT: Final = re.compile(r"\bfetch\s*\(|\baxios\b|\$\.(?:get|post|ajax)|XMLHttpRequest")
_SENDS: Final = re.compile(r"(axios|\$|\w*(?:api|http|client))\.(post|put|patch)\s*\(\s*$", re.IGNORECASE)
_MEMBER: Final = re.compile(r"""^\s*(?:(['"]?)([A-Za-z_]\w{0,39})\1\s*(?::|$))""")


@dataclass(frozen=True, slots=True)
class Sent:
    """The names of a body's members; a form where the call sends one."""

    names: tuple[str, ...] = ()
    form: bool = False


def sent_along(text: str, start: int, end: int) -> Sent:
    """What the call sends whose address stands in *text* from *start* to *end*; nothing where it is not seen."""
    rest = text[end : end + _WINDOW]
    nearest = _NEXT.search(rest)
    rest = rest[: nearest.start()] if nearest is not None else rest
    call = _SENDS.search(text[max(0, start - 40) : start].rstrip("'\"`"))
    if call is not None and (given := _GIVEN.match(rest)) is not None:
        return Sent(_members(given.group(1), given.group(2), text[:start]), call.group(1) == "$")
    packed = _PACKED.search(rest)
    return Sent(_members(packed.group(1), packed.group(2), text[:start])) if packed is not None else Sent()


def _members(inside: str | None, variable: str | None, before: str) -> tuple[str, ...]:
    if variable:
        made = list(re.finditer(rf"\b{re.escape(variable)}\s*=\s*" + _OBJECT, before[-_BEFORE:]))
        inside = made[-1].group(1) if made else ""
    parts = re.split(r",(?![^({\[]{0,200}[)}\]])", inside or "")
    named = [found.group(2) for part in parts if (found := _MEMBER.match(part)) is not None]
    return tuple(dict.fromkeys(named))[:_NAMES_MOST]
