"""Entries of a store of keys, such as Redis, that no time ends: whoever finds one that was never used may use it years later."""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.place import Span
from stopper.core.values import Call, Format, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_STORES: Final = ("redis", "valkey", "fakeredis", "flask_redis", "cachelib", "flask_caching", "pymemcache")
_ENDS: Final = frozenset({"ex", "px", "timeout", "ttl", "expire", "time"} | {f"{unit}at" for unit in ("ex", "px")})
_EXPIRES: Final = ("*.expire", "*.expireat", "*.pexpire", "*.pexpireat")


def endless_entries(facts: "SourceFacts", functions: Collection[str], about: re.Pattern[str]) -> Iterator[Span]:
    """Where one of these functions puts an entry in whose key begins with a word of that kind, which is read elsewhere by its key."""
    if not facts.imports(*_STORES):
        return
    ended = {_beginning(call) for call in facts.calls(*_EXPIRES)}
    read = {_beginning(call) for call in facts.calls("*.get", "*.getdel")}
    for call in facts.calls("*.set"):
        word = _beginning(call)
        if call.function not in functions or call.span is None or not about.search(word):
            continue
        if word in read - ended and len(call.args) == 2 and not any(name in _ENDS for name, _ in call.keywords):
            yield call.span


def _beginning(call: Call) -> str:
    """The literal text with which the key begins: ``invite:`` of ``f"invite:{code}"``."""
    first = call.args[0] if call.args else None
    if isinstance(first, Format):
        first = first.parts[0] if first.parts else None
    return text_of(first) or ""
