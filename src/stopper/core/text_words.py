"""Words: those of a text that is taken apart, and those that stand in a value."""

import re
from typing import Final

from stopper.core.values import Call, Choice, Constant, Format, Item, Member, Name, Parameter, Unknown, Value, walk

_TAKES_APART: Final = frozenset({"split", "rsplit", "splitlines", "findall", "finditer", "tokenize", "word_tokenize"})


def is_word(value: Value, depth: int = 3) -> bool:
    """That the value is one of the words of a text, or made of one. Whoever takes a text apart calls each part a token, and means no
    credential."""
    match value:
        case Item(owner=Call() as call, key=Unknown(parts=())):
            return call.method in _TAKES_APART
        case Choice(options=made) | Format(parts=made) | Unknown(parts=made):
            return depth > 0 and any(is_word(one, depth - 1) for one in made)
        case _:
            return False


def mentions(value: Value, word: str | re.Pattern[str], depth: int = 6) -> bool:
    """That *word* stands in a text, a name or a keyword of what the value is made of. To print a value and search the text would be the
    same question, and would never end where parts are shared by many."""
    if isinstance(word, str):
        return any(word in _said(part) for part in walk(value, depth))
    return any(word.search(_said(part)) is not None for part in walk(value, depth))


def _said(value: Value) -> str:
    match value:
        case Constant(value=str() as text):
            return f"{text} {value.name}"
        case Call():
            return " ".join((value.callee, *(name for name, _ in value.keywords), value.name))
        case Name(dotted=text) | Member(attribute=text) | Parameter(parameter=text):
            return f"{text} {value.name}"
        case _:
            return value.name
