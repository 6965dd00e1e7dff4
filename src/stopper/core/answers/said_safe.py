"""Names that a template takes for markup: ``{{ text | safe }}``, ``{{ ("<b>" ~ text ~ "</b>") | safe }}``, ``{% set line = "<b>" + text %}``."""

import re
from collections.abc import Iterator
from typing import Final

_SAID: Final = re.compile(r"\{\{-?((?:[^{}]|\{[^{}]*\})*?)-?\}\}")
_SET: Final = re.compile(r"\{%-?\s*set\s+([A-Za-z_]\w*)\s*=((?:[^%]|%(?!\}))*?)-?%\}")
_IMPORTED: Final = re.compile(r"\{%-?\s*(?:import\s[^%]*?\sas|from\s[^%]*?\simport)\s+([^%]*?)-?%\}")
"""What a template brings from another one, and no view gives it."""
_SIGNS: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[A-Za-z_]\w*|\d+|\S")
_ESCAPES: Final = frozenset(
    {"e", "escape", "forceescape", "tojson", "urlencode", "int", "float", "length", "count", "striptags", "round", "xmlattr"}
)  # fmt: skip
"""Filters after which no sign of what went in begins a tag."""
_WORDS: Final = frozenset({
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None", "loop", "defined", "super", "caller",
})  # fmt: skip
_MOST: Final = 4000
"""Signs of one expression that are looked at."""


def said_safe(text: str) -> frozenset[str]:
    """The names of which the signs come into the page as they are, because of ``|safe`` behind them or behind what they are put into."""
    if "safe" not in text:
        return frozenset()
    made: dict[str, set[str]] = {}
    for one in _SET.finditer(text):
        made.setdefault(one[1], set()).update(_bare(_SIGNS.findall(one[2])[:_MOST]))
    found = {name for one in _SAID.finditer(text) if "safe" in one[1] for name in _safe(_SIGNS.findall(one[1])[:_MOST])}
    found |= {name for one in _SET.finditer(text) if "safe" in one[2] for name in _safe(_SIGNS.findall(one[2])[:_MOST])}
    own = {word for one in _IMPORTED.finditer(text) for word in re.findall(r"\w+", one[1])}
    return frozenset(found.union(*(made[name] for name in found if name in made)) - own)


def _safe(signs: list[str]) -> Iterator[str]:
    """The names under a ``|safe`` of this expression."""
    for part in _parts(signs):
        first, filters = _filtered(part)
        if "safe" in filters:
            yield from _bare(_before_safe(part))
        elif first[:1] == ["("] and first[-1:] == [")"]:
            yield from _safe(first[1:-1])


def _before_safe(part: list[str]) -> list[str]:
    """What the first ``|safe`` outside of brackets is said of: what stands behind it is escaped."""
    depth = 0
    for place, sign in enumerate(part):
        depth += (sign in "([{") - (sign in ")]}")
        if not depth and sign == "|" and part[place + 1 : place + 2] == ["safe"]:
            return part[:place]
    return part


def _bare(signs: list[str]) -> Iterator[str]:
    """The names that an expression is made of, but for those that are escaped in it."""
    for part in _parts(signs):
        first, filters = _filtered(part)
        if not _ESCAPES.isdisjoint(filters):
            continue
        if first[:1] == ["("] and first[-1:] == [")"]:
            yield from _bare(first[1:-1])
            continue
        yield from _names(first)
        for arguments in _arguments(part):
            yield from _bare(arguments)


def _names(signs: list[str]) -> Iterator[str]:
    """The names that stand there, without what functions are called with (what those make of it is not seen) and what something is picked by."""
    depth = 0
    for before, word, after in zip(["", *signs], signs, [*signs[1:], ""], strict=False):
        opens = (word in "([" and _is_word(before)) or (word == "[" and before in (")", "]", "}"))
        depth += opens or (depth > 0 and word in "([{")
        depth -= depth > 0 and word in ")]}"
        if not depth and before != "." and _is_word(word) and word not in _WORDS and after != "=":
            yield word


def _is_word(sign: str) -> bool:
    return sign[:1].isalpha() or sign[:1] == "_"


def _arguments(part: list[str]) -> Iterator[list[str]]:
    """What a filter or method ``format`` is given: it comes in as well."""
    for place, word in enumerate(part):
        if word == "format" and part[place - 1] in ("|", ".") and part[place + 1 : place + 2] == ["("]:
            depth = 0
            for end in range(place + 1, len(part)):
                depth += (part[end] == "(") - (part[end] == ")")
                if not depth:
                    yield part[place + 2 : end]
                    break


def _parts(signs: list[str]) -> Iterator[list[str]]:
    """An expression between its ``~``, ``+`` and commas outside of brackets, without what an ``if`` asks."""
    depth, part, asked = 0, list[str](), False
    for sign in signs:
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and (sign in ("if", "else") or (sign in ("~", "+", ",", "or", "and") and not asked)):
            if not asked:
                yield part
            part, asked = [], sign == "if"
        else:
            part.append(sign)
    if not asked:
        yield part


def _filtered(part: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the first filter outside of brackets, and the names of the filters."""
    depth, first, filters = 0, list[str](), list[str]()
    for place, sign in enumerate(part):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign == "|" and place + 1 < len(part):
            filters.append(part[place + 1])
            if part[place + 1 : place + 3] == ["map", "("]:  # ``lines | map("e") | join``
                filters += (word.strip("'\"") for word in part[place + 3 : place + 4])
        elif not filters:
            first.append(sign)
    return first, filters
