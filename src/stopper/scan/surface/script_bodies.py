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
_SENDS: Final = re.compile(
    r"(?:(axios|\$|\w*(?:api|http|client))\.|(?<![\w$.]))(post|put|patch)\s*\(\s*$", re.IGNORECASE
)
_METHOD: Final = re.compile(r"""\b(?:method|type)['"]?\s*:\s*['"`](GET|POST|PUT|PATCH|DELETE)['"`]""", re.IGNORECASE)
_MEMBER: Final = re.compile(r"""^\s*(?:(['"]?)([A-Za-z_]\w{0,39})\1\s*(?::|$))""")


@dataclass(frozen=True, slots=True)
class Sent:
    """The names of a body's members; a form where the call sends one."""

    names: tuple[str, ...] = ()
    form: bool = False
    method: str = ""
    """As the call says it; empty where it does not."""


def sent_along(text: str, start: int, end: int) -> Sent:
    """What the call sends whose address stands in *text* from *start* to *end*; nothing where it is not seen."""
    rest = text[end : end + _WINDOW]
    nearest = _NEXT.search(rest)
    rest = rest[: nearest.start()] if nearest is not None else rest
    call = _SENDS.search(text[max(0, start - 40) : start].rstrip("'\"`"))
    if call is not None and (given := _GIVEN.match(rest)) is not None:
        members = _members(given.group(1), given.group(2), text[:start])
        return Sent(members, call.group(1) == "$", call.group(2).upper())
    packed, said = _PACKED.search(rest), _METHOD.search(rest)
    method = said.group(1).upper() if said is not None else call.group(2).upper() if call is not None else ""
    members = _members(packed.group(1), packed.group(2), text[:start]) if packed is not None else ()
    return Sent(members, method=method)


def _members(inside: str | None, variable: str | None, before: str) -> tuple[str, ...]:
    if variable:
        made = list(re.finditer(rf"\b{re.escape(variable)}\s*=\s*" + _OBJECT, before[-_BEFORE:]))
        inside = made[-1].group(1) if made else ""
    parts = re.split(r",(?![^({\[]{0,200}[)}\]])", inside or "")
    named = [found.group(2) for part in parts if (found := _MEMBER.match(part)) is not None]
    return tuple(dict.fromkeys(named))[:_NAMES_MOST]
