"""Keys that a statement has the database hash: ``WHERE api_key = MD5(%s)``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Value, literals

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HASHES: Final = re.compile(
    r"(?i)\b\w*(?:api_?key|key_?(?:hash|digest)|api_?(?:token|secret))\w*\s*=\s*(?:func\.)?(md5|sha1?)\s*\(\s*(?:concat\s*\(\s*)?(?:%s|%\(|\?|:\w|\$\d)"
)
"""The word before the sign is the column; ``sha`` of MySQL is SHA-1."""
_ASKS: Final = (
    "*.execute",
    "*.query",
    "*.query_one",
    "*.fetch",
    "*.fetchone",
    "*.fetch_one",
    "*.fetch_all",
    "*.fetchrow",
    "*.text",
)


def hashed_by_database(facts: "SourceFacts") -> Iterator[tuple[Call, str]]:
    """The calls with such a statement, and the name of the hash."""
    for call in facts.calls(*_ASKS):
        found = next((found for text in _texts(call) if (found := _HASHES.search(text))), None)
        if found is not None and call.span is not None:
            yield call, "MD5" if found[1].lower() == "md5" else "SHA1"


def _texts(call: Call) -> Iterator[str]:
    first: Value | None = call.args[0] if call.args else None
    for one in literals(first):
        if isinstance(one.value, str):
            yield one.value
