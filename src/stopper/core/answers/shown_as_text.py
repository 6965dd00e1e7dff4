"""What of a value is seen when it is written as text: into a log, a page, a terminal."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Choice, Constant, Format, Item, Mapping, Sequence, Truth, Unknown, Value, text_of

_TELLS_NOTHING: Final = frozenset({"bool", "len", "type", "isinstance", "hash", "id", "any", "all"})
_MASKS: Final = re.compile(
    r"(?i)mask|redact|scrub|obfuscat|hash|digest|fingerprint|saniti[sz]e|censor|truncate|shorten|anonymi[sz]e"
)
"""What a function of this name gives is made for being shown."""
MASK: Final = re.compile(r"(?i)[*#•x]{3,}|redacted|hidden|masked|filtered")
"""What stands in the place of a secret."""
_VERIFIES: Final = re.compile(r"\?\.(?:verify|authenticate|check|validate)(?:_\w+)?")
"""What a method out of sight that is called so gives: who it is, or whether; not what it was shown."""
_WRITES: Final = frozenset({
    "json.dumps", "flask.json.dumps", "orjson.dumps", "ujson.dumps", "simplejson.dumps", "yaml.dump", "yaml.safe_dump", "pprint.pformat",
    "rich.pretty.pretty_repr", "urllib.parse.urlencode",
})  # fmt: skip
"""What writes the whole of its first argument as text."""


def shown_in(value: Value, depth: int = 12) -> Iterator[Value]:
    """The values inside whose text is seen: not what is only tested, counted, compared or masked."""
    return _shown_in(value, depth, {})


def _shown_in(value: Value, depth: int, met: dict[int, int]) -> Iterator[Value]:
    """Each once: *met* holds how deep it was looked into what a text says in several places."""
    if depth <= met.get(id(value), -1):
        return
    met[id(value)] = depth
    match value:
        case Truth():
            return
        case Choice(options=several) if any(MASK.search(text_of(one) or "") for one in several):
            return  # ``shown = "***" if "KEY" in name else value``
        case Item(owner=Call(method="split" | "partition"), key=Constant(value=0)):
            return  # ``header.split()[0]`` is the scheme
        case Item(owner=Item(owner=Call(method="split" | "partition"), key=Constant(value=0)), key=Unknown()):
            return  # and its beginning even less
        case Unknown(parts=inner) | Format(parts=inner) | Choice(options=inner) | Sequence(items=inner):
            for part in inner:
                yield from _shown_in(part, depth - 1, met)
        case Mapping(items=pairs):
            for _, held in pairs:
                yield from _shown_in(held, depth - 1, met)
        case Call(callee="str" | "repr" | "format", args=args):
            for part in args:
                yield from _shown_in(part, depth - 1, met)
        case Call(callee=callee, args=args) if callee in _WRITES and args:
            yield from _shown_in(args[0], depth - 1, met)
        case Call(callee=callee) if callee in _TELLS_NOTHING or _MASKS.search(value.method):
            return
        case Call(method="join", receiver=Format() as before, args=args):
            for part in (before, *args):
                yield from _shown_in(part, depth - 1, met)
        case Call(args=(Call(method=inner),)) if _MASKS.search(inner):
            return  # ``_formatted(_redact(headers))``
        case Call(callee=callee) | Item(owner=Call(callee=callee)) if _VERIFIES.fullmatch(callee):
            return
        case _:
            yield value


def mappings_in(value: Value, depth: int = 3) -> Iterator[Mapping]:
    """The mappings that are written as they are, names and values."""
    match value:
        case Mapping():
            yield value
        case (
            Unknown(parts=inner)
            | Format(parts=inner)
            | Choice(options=inner)
            | Call(callee="str" | "repr" | "dict", args=inner)
        ):
            for one in inner if depth else ():
                yield from mappings_in(one, depth - 1)
        case Call(callee=callee, args=inner) if callee in _WRITES and inner and depth:
            yield from mappings_in(inner[0], depth - 1)
        case _:
            return
