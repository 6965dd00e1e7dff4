"""Members that a refusal asks for, read where a probe meets it: ``'content' is a required property``."""

import re
from typing import Final

_NAME: Final = r"[\"'`]?([A-Za-z_][\w]{0,39})[\"'`]?"
_SAYS: Final = (
    re.compile(rf"(?i){_NAME}\s+(?:is|are|was)\s+(?:a\s+)?(?:required|missing|mandatory|needed)\b"),
    re.compile(rf"(?i)\b(?:missing|required|needed)(?:\s+(?:the|required|mandatory))?(?:\s+(?:field|parameter|param|property|key|member|argument|value)s?)?\s*[:=]?\s*{_NAME}"),
    re.compile(r"[\"']([A-Za-z_]\w{0,39})[\"']\s*:\s*\[?\s*[\"'](?i:missing data|this field is required|field required|is required|required|missing)"),
)  # fmt: skip
_UNDER_ITS_NAME: Final = re.compile(
    r"""["']([A-Za-z_]\w{0,39})["']\s*:\s*\[\s*["'][^"'\[\]]{0,40}\b(?:is|are) required\b"""
)
"""``{"url": ["URL is required when …"]}``."""
_NO_NAME: Final = frozenset({
    "field", "fields", "parameter", "parameters", "property", "value", "values", "body", "json", "data", "is", "are", "it", "this", "that", "the", "a", "an", "and", "or",
    "in", "for", "to", "not", "authentication", "authorization", "login", "token", "message", "error", "detail", "required", "missing", "property_name", "request", "when",
    "if", "unless", "because", "by", "with", "at",
})  # fmt: skip
_COUNTED: Final = re.compile(
    r"(?i)(^|_)(id|amount|quantity|qty|price|number|count|size|year|age|total|nights|days|hours|points|rating|stars)$|[a-z]Id$"
)


def missing_members(refusal: str, known: dict[str, object]) -> list[str]:
    """The names that a refusal says are not there, in its order."""
    found = dict.fromkeys(
        one for one in _UNDER_ITS_NAME.findall(refusal[:2000]) if one.lower() not in _NO_NAME and one not in known
    )
    for says in () if found else _SAYS:
        for one in says.finditer(refusal[:2000]):
            if one.group(1).lower() not in _NO_NAME and one.group(1) not in known:
                found.setdefault(one.group(1))
    return list(found)[:6]


def usual(name: str, text: str) -> object:
    """What a member of that name takes that nothing else is known of."""
    if re.search(r"(?i)(^|_)(url|uri|link|website)$", name):
        return f"https://example.com/{text}"
    return 1 if _COUNTED.search(name) else text
