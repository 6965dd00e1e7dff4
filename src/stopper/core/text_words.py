"""Words of a text: what a loop over its parts goes through. Whoever takes a text apart calls each part a token, and means no credential."""

from typing import Final

from stopper.core.values import Call, Choice, Format, Item, Unknown, Value

_TAKES_APART: Final = frozenset({"split", "rsplit", "splitlines", "findall", "finditer", "tokenize", "word_tokenize"})


def is_word(value: Value, depth: int = 3) -> bool:
    """That the value is one of the words of a text, or made of one."""
    match value:
        case Item(owner=Call() as call, key=Unknown(parts=())):
            return call.method in _TAKES_APART
        case Choice(options=made) | Format(parts=made) | Unknown(parts=made):
            return depth > 0 and any(is_word(one, depth - 1) for one in made)
        case _:
            return False
