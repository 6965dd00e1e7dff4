"""One field of a GraphQL query by itself: what the others answer says nothing of it, and may change with every answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

_HEAD: Final = re.compile(r"query\s*(?:\(([^)]*)\))?\s*\{(.*)\}\s*\Z", re.DOTALL)
_DECLARED: Final = re.compile(r"\$(\w+)\s*:\s*([\w!\[\]]+)")
_USED: Final = re.compile(r"\$(\w+)")


def alone(body: Mapping[str, object], variable: str) -> dict[str, object]:
    """*body* (``query`` and ``variables``) with nothing but the field of the root that takes *variable*; as it is where that cannot be told."""
    query, given = body.get("query"), body.get("variables")
    head = _HEAD.fullmatch(query.strip()) if isinstance(query, str) else None
    if head is None or not isinstance(given, dict):
        return dict(body)
    variables = cast("dict[str, object]", given)
    kinds = dict(_DECLARED.findall(head.group(1) or ""))
    for field in _fields(head.group(2)):
        used = list(dict.fromkeys(_USED.findall(field)))
        if variable in used and all(name in kinds for name in used):
            declared = ", ".join(f"${name}: {kinds[name]}" for name in used)
            kept = {name: value for name, value in variables.items() if name in used}
            return {**body, "query": f"query({declared}) {{ {field.strip()} }}", "variables": kept}
    return dict(body)


def _fields(inside: str) -> Iterator[str]:
    """The fields of the root, each with its arguments and what is chosen of it."""
    depth, start = 0, 0
    for place, sign in enumerate(inside):
        depth += (sign in "({") - (sign in ")}")
        if depth == 0 and sign.isspace() and not re.match(r"\s*[({]", inside[place:]):
            if inside[start:place].strip():
                yield inside[start:place]
            start = place
    if inside[start:].strip():
        yield inside[start:]
